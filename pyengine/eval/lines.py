"""Lines of judgement, run and query files with their numbers, and errors that name them."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pyengine.errors import InvalidInputError, NotFoundError, StorageError

__all__ = ["fields_of", "numbered_lines", "read_text", "word", "write_lines"]

# What trec_eval takes for white space; an id may hold any other character, no-break space included.
_SPACE = " \t\r\f\v"
_GAP = re.compile(f"[{_SPACE}]+")
_NOT_A_WORD = re.compile(f"[{_SPACE}\n]")


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a UTF-8 file (a leading byte order mark is dropped).

    Raises
    ------
    NotFoundError
        No such file.
    InvalidInputError
        A folder, or bytes that are not UTF-8: the message names the line.
    StorageError
        The system refused.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InvalidInputError(f"{path}: expected a file, got a folder") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidInputError(
            f"{path}:{line}: expected UTF-8, got byte 0x{data[error.start]:02x}; convert the file to UTF-8"
        ) from None


def numbered_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """Yield ``(number from 1, line)``; blank lines at the end of the file are dropped.

    Raises
    ------
    InvalidInputError
        A blank line before the last one: half of the file may be missing.
    """
    blank = 0
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip(_SPACE):
            blank = blank or number
            continue
        if blank:
            raise InvalidInputError(f"{path}:{blank}: blank line; remove it")
        yield number, line.removesuffix("\r")


def write_lines(path: str | os.PathLike[str], lines: Iterator[str]) -> None:
    """Write lines as UTF-8 with Unix line ends.

    Raises
    ------
    StorageError
        The system refused.
    """
    try:
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error


def fields_of(line: str) -> list[str]:
    """Return the fields of a line separated by ASCII white space."""
    return _GAP.split(line.strip(_SPACE))


def word(value: object, what: str) -> str:
    """Return ``str(value)`` if a field separated by white space can hold it.

    Raises
    ------
    InvalidInputError
        It is empty or holds white space.
    """
    text = str(value)
    if not text or _NOT_A_WORD.search(text):
        raise InvalidInputError(f"{what}: {text!r} is empty or holds white space; TREC files cannot carry it")
    return text
