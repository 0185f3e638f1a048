"""Cut or flipped bytes in a stored corpus: an error that names the file, or sound answers; never a crash."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pyengine import Corpus
from pyengine.corpus import StoredCorpus, write_ipc
from pyengine.errors import CorruptIndexError, PyEngineError

ROWS = [
    {"id": f"é{i}", "title": "T" * i, "text": "text " * i, "n": i, "s": "x" * i, "tags": ["a", "b" * i]}
    for i in range(25)
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "c.arrow"
    write_ipc(Corpus.from_rows(ROWS), file)
    return file


def use(path: Path) -> None:
    """Open and touch everything a reader can touch."""
    stored = StoredCorpus.open(path)
    stored.rows_of([str(row["id"]) for row in ROWS] + ["unknown"])
    for row in range(len(stored)):
        stored.id(row), stored.title(row), stored.text(row), stored.metadata(row)


def outcomes(file: Path, use_it: Callable[[], None], changed: list[bytes]) -> tuple[int, int]:
    """Return how many damaged contents were refused, and how many were answered from."""
    refused = 0
    for content in changed:
        # A new file and not the old one overwritten: that one may still be mapped.
        file.unlink()
        file.write_bytes(content)
        try:
            use_it()
        except PyEngineError as error:
            if isinstance(error, CorruptIndexError) and file.stem not in str(error):
                raise
            refused += 1
    return refused, len(changed) - refused


@pytest.mark.parametrize("suffix", [".arrow", ".ids"])
def test_cut_anywhere(suffix: str, path: Path) -> None:
    file = path.with_suffix(suffix)
    whole = file.read_bytes()
    step = max(1, len(whole) // 400)
    refused, answered = outcomes(file, lambda: use(path), [whole[:n] for n in range(0, len(whole), step)])
    assert refused > 100
    assert answered == 0


@pytest.mark.parametrize("suffix", [".arrow", ".ids"])
def test_flipped_anywhere(suffix: str, path: Path) -> None:
    file = path.with_suffix(suffix)
    whole = file.read_bytes()
    changed = []
    for i in range(0, len(whole), max(1, len(whole) // 800)):
        for mask in (0x01, 0x80, 0xFF):
            flipped = bytearray(whole)
            flipped[i] ^= mask
            changed.append(bytes(flipped))
    refused, answered = outcomes(file, lambda: use(path), changed)
    # Flips inside texts cannot be told from other texts here; the checksums of the store tell them.
    assert refused > 100
    assert answered > 0


def test_an_id_file_that_names_rows_that_are_not_there(path: Path) -> None:
    file = path.with_suffix(".ids")
    content = bytearray(file.read_bytes())
    content[-4 * len(ROWS) :] = b"\xff\xff\xff\x00" * len(ROWS)
    file.unlink()
    file.write_bytes(content)
    with pytest.raises(CorruptIndexError, match=r"c\.ids: names row 16777215 of 25; restore"):
        StoredCorpus.open(path).row_of("é1")
