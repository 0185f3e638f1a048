"""Tables that programs write into pages that people write: each between two comments that name it."""

from collections.abc import Mapping
from pathlib import Path

from pyengine.errors import InvalidInputError

__all__ = ["renew", "renew_file"]


def renew(page: str, text: str, blocks: Mapping[str, str]) -> str:
    """Return a page with its generated blocks renewed.

    Parameters
    ----------
    page : str
        The page's name, for errors.
    text : str
        The page as it is.
    blocks : mapping of str to str
        Name to content, which stands between ``<!-- name:start -->`` and ``<!-- name:end -->``.

    Raises
    ------
    InvalidInputError
        A marker is missing.
    """
    for name, content in blocks.items():
        start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
        head, found, rest = text.partition(start)
        _, closed, tail = rest.partition(end)
        if not found or not closed:
            raise InvalidInputError(f"{page}: expected the markers {start} and {end}")
        text = f"{head}{start}\n{content}{end}{tail}"
    return text


def renew_file(root: Path, page: str, blocks: Mapping[str, str]) -> bool:
    """Renew the blocks of a page of the repository; return whether that changed it.

    Raises
    ------
    InvalidInputError
        A marker is missing.
    """
    path = root / page
    old = path.read_text(encoding="utf-8")
    new = renew(page, old, blocks)
    if new != old:
        path.write_text(new, encoding="utf-8")
    return new != old
