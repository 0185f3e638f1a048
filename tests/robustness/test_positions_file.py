"""A damaged ``positions.seg``, and a builder that is given other documents: refused, never a crash."""

import struct
from pathlib import Path

import pytest
from robustness.test_lexical_file import sealed, sections

from pyengine import Analyzer, Bm25Index
from pyengine.corpus import SEAM
from pyengine.errors import (
    CorruptIndexError,
    IncompatibleIndexError,
    InvalidInputError,
    NotFoundError,
    StorageError,
)
from pyengine.sparse import PositionsBuilder

TITLES = ["red", "", "getUser", ""]
TEXTS = ["fox red fox " * 40, "red hen", "user F33.1", "fox and hen"]


@pytest.fixture(scope="module")
def index() -> Bm25Index:
    texts = [f"{title}{SEAM}{text}" if title else text for title, text in zip(TITLES, TEXTS, strict=True)]
    return Bm25Index.build(texts * 12)


@pytest.fixture(scope="module")
def sound(index: Bm25Index, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("sound") / "positions.seg"
    builder = PositionsBuilder(index, SEAM)
    builder.add(TITLES * 12, TEXTS * 12)
    builder.save(file)
    return file.read_bytes()


def ask(index: Bm25Index) -> None:
    for phrase in (["fox", "red"], ["red", "fox", "red"], ["user"], ["f33.1"]):
        index.rows_with_phrase(phrase)
    for term in ("red", "user", "f33"):
        index.rows_with(term, field="title")


@pytest.mark.parametrize("seal", [False, True], ids=["as it is", "with new checksums"])
def test_every_byte_damaged(index: Bm25Index, sound: bytes, tmp_path: Path, seal: bool) -> None:
    """Found by its checksum; and where the checksum says all is well, still nothing is read outside."""
    file = tmp_path / "positions.seg"
    said: list[Exception] = []
    for place in range(64 if seal else 0, len(sound)):
        damaged = bytearray(sound)
        damaged[place] ^= 0x80 if place % 2 else 0x01
        try:
            file.write_bytes(sealed(bytes(damaged)) if seal else damaged)
        except struct.error:  # the table names places outside the file: it cannot be sealed any more
            continue
        try:
            opened = index.with_positions(file)
            ask(opened)
            opened.verify()
        except (CorruptIndexError, IncompatibleIndexError) as error:
            said.append(error)
            continue
        assert seal, f"byte {place} was changed and nobody noticed"
    assert all(str(error).startswith(str(file)) for error in said)
    assert all("offset" in str(error) for error in said if isinstance(error, CorruptIndexError))


def test_every_length(index: Bm25Index, sound: bytes, tmp_path: Path) -> None:
    file = tmp_path / "positions.seg"
    for length in range(0, len(sound), 3):
        file.write_bytes(sound[:length])
        with pytest.raises(CorruptIndexError):
            index.with_positions(file)


def test_another_index(index: Bm25Index, sound: bytes, tmp_path: Path) -> None:
    file = tmp_path / "positions.seg"
    file.write_bytes(sound)
    with pytest.raises(CorruptIndexError, match="it belongs to another segment"):
        Bm25Index.build(["red fox"]).with_positions(file)
    with pytest.raises(NotFoundError, match=r"nothing\.seg"):
        index.with_positions(tmp_path / "nothing.seg")
    with pytest.raises(InvalidInputError, match="expected an index of one segment"):
        Bm25Index.union([index, index]).with_positions(file)
    mixed = Bm25Index.union([index.with_positions(file), index])
    for asked in (lambda: mixed.rows_with_phrase(["red"]), lambda: mixed.rows_with("red", field="text")):
        with pytest.raises(InvalidInputError, match="expected positions, this one was made without"):
            asked()
    assert mixed.rows_with("red").sum() == 2 * index.rows_with("red").sum()
    with pytest.raises(InvalidInputError, match="field: expected 'title', 'text' or None, got 'body'"):
        index.rows_with("red", field="body")
    with pytest.raises(InvalidInputError, match="terms: expected one or more"):
        index.rows_with_phrase([])


def test_other_documents(index: Bm25Index, tmp_path: Path) -> None:
    said = "expected the documents of the index, analysed as they were, got others"
    file = tmp_path / "positions.seg"
    missing = PositionsBuilder(index, SEAM)
    missing.add(TITLES, TEXTS)
    with pytest.raises(InvalidInputError, match=said):
        missing.save(file)
    more = PositionsBuilder(index, SEAM)
    with pytest.raises(InvalidInputError, match=said):
        more.add(TITLES * 13, TEXTS * 13)
    unknown = PositionsBuilder(index, SEAM)
    with pytest.raises(InvalidInputError, match=said):
        unknown.add(["other"] * 48, TEXTS * 12)
    moved = PositionsBuilder(index, SEAM)
    moved.add(TITLES * 12, [*(TEXTS * 12)[:-1], "red"])
    with pytest.raises(InvalidInputError, match=said):
        moved.save(file)
    assert not file.exists()
    with pytest.raises(InvalidInputError, match="titles: expected one for each text"):
        PositionsBuilder(index, SEAM).add(TITLES, TEXTS[:2])
    with pytest.raises(InvalidInputError, match="expected one of texts, got one of token lists"):
        PositionsBuilder(Bm25Index.build([["a"]]), SEAM)
    with pytest.raises(InvalidInputError, match="without deletions"):
        PositionsBuilder(index.without([0]), SEAM)
    with pytest.raises(StorageError, match="cannot create"):
        PositionsBuilder(index, SEAM, memory_mb=64, scratch=tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="memory_mb: expected at least 64"):
        PositionsBuilder(index, SEAM, memory_mb=1)
    assert Analyzer("domain") == index.analyzer


def test_the_sections_are_those_of_the_page(sound: bytes) -> None:
    assert sound[:8] == b"PYEPLACE"
    assert [number for _, number, _, _ in sections(sound)] == [1, 2, 3, 4]
