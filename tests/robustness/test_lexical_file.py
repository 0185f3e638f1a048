"""A damaged index file: reported by load or verify, and never a crash, whatever was damaged."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pyengine import Analyzer, Bm25Index, _core
from pyengine.errors import (
    CorruptIndexError,
    IncompatibleIndexError,
    NotFoundError,
    PyEngineError,
    StorageError,
)
from pyengine.sparse.saved import dump_analyzer

TEXTS = ["red fox", "red red hen " + "cluck " * 300, "", "fox and hen and fox"]
QUERIES = ["red", "fox hen", "cluck and", "nothing"]
HEADER, ENTRY = 64, 32


@pytest.fixture(scope="module", params=["tail", "body", "dense"])
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a small file whose lists are of one class, as those of a large one would be."""
    folder = tmp_path_factory.mktemp("sound")
    analyzer = Analyzer("whitespace")
    limits = {"tail": (0, 16), "body": (1, 1), "dense": (1, 1000)}[request.param]
    builder = _core.LexicalBuilder(1.5, 0.75, tail_limit=limits[0], dense_divisor=limits[1], range_postings=1)
    builder.add_texts(analyzer._core, TEXTS)
    Bm25Index(builder.finish(dump_analyzer(analyzer)), analyzer).save(folder)
    return (folder / "lexical.seg").read_bytes()


def crc32c(data: bytes) -> int:
    """CRC-32C bit by bit, from its definition."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sections(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield (place in the table, id, offset, length) of every section."""
    for i in range(struct.unpack_from("<I", data, 24)[0]):
        place = HEADER + i * ENTRY
        number, _, offset, length, _ = struct.unpack_from("<IIQQQ", data, place)
        yield place, number, offset, length


def sealed(data: bytes) -> bytes:
    """Recompute every checksum, so that only what the bytes say is wrong with the file."""
    out = bytearray(data)
    count = struct.unpack_from("<I", data, 24)[0]
    for place, _, offset, length in sections(data):
        struct.pack_into("<I", out, place + 4, crc32c(bytes(out[offset : offset + length])))
    struct.pack_into("<I", out, 28, 0)
    struct.pack_into("<I", out, 28, crc32c(bytes(out[: HEADER + count * ENTRY])))
    return bytes(out)


def write(folder: Path, data: bytes) -> Path:
    # A new file every time: an earlier one may still be mapped.
    file = folder / "lexical.seg"
    file.unlink(missing_ok=True)
    file.write_bytes(data)
    return folder


def use(folder: Path) -> None:
    """Load without verifying and ask everything. Errors of the tree are fine; a crash would end pytest."""
    try:
        index = Bm25Index.load(folder)
        for exact in (False, True):
            for rows, _ in index.search(QUERIES, k=3, exact=exact):
                assert (rows < max(len(index), 1)).all()
        index.search(QUERIES, k=40, filter=range(len(index)))
        index.score(QUERIES, np.zeros((len(QUERIES), 1), np.uint32))
        index.postings_count(QUERIES)
        for row in range(min(len(index), 4)):
            index.explain("red fox cluck", row)
        assert index.stats.total_bytes >= 0
    except PyEngineError:
        pass


def load_and_verify(folder: Path) -> None:
    Bm25Index.load(folder).verify()


def test_the_checksum_is_the_published_one() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert zlib.crc32(b"123456789") != 0xE3069283


def test_the_sound_file_loads(tmp_path: Path, sound: bytes) -> None:
    load_and_verify(write(tmp_path, sound))
    assert sealed(sound) == sound


def test_every_flipped_byte_is_reported_and_none_crashes(tmp_path: Path, sound: bytes) -> None:
    for i in range(len(sound)):
        for bits in (0x01, 0xFF):
            damaged = bytearray(sound)
            damaged[i] ^= bits
            folder = write(tmp_path, bytes(damaged))
            with pytest.raises((CorruptIndexError, IncompatibleIndexError), match=r"lexical\.seg"):
                load_and_verify(folder)
            use(folder)


def test_every_truncation_is_reported(tmp_path: Path, sound: bytes) -> None:
    for length in range(len(sound)):
        folder = write(tmp_path, sound[:length])
        with pytest.raises(CorruptIndexError, match=r"lexical\.seg, offset \d+: "):
            Bm25Index.load(folder)


def test_appended_bytes_are_reported(tmp_path: Path, sound: bytes) -> None:
    with pytest.raises(CorruptIndexError, match="the header says"):
        Bm25Index.load(write(tmp_path, sound + b"\0"))


@pytest.mark.parametrize("value", [0, 1, 0x7F, 0xFF])
def test_hostile_bytes_with_good_checksums_do_not_crash(tmp_path: Path, sound: bytes, value: int) -> None:
    """Whoever writes the file can write the checksums too: memory safety cannot rest on them."""
    for _, _, offset, length in sections(sound):
        for start in range(offset, offset + length, 4):
            damaged = bytearray(sound)
            end = min(start + 4, offset + length)
            damaged[start:end] = bytes([value]) * (end - start)
            folder = write(tmp_path, sealed(bytes(damaged)))
            use(folder)


def test_hostile_table_with_good_checksums_does_not_crash(tmp_path: Path, sound: bytes) -> None:
    for place, _, _, _ in sections(sound):
        for field in range(0, ENTRY, 8):
            for value in (0, 1, 64, 2**32, 2**63, 2**64 - 1):
                damaged = bytearray(sound)
                struct.pack_into("<Q", damaged, place + field, value)
                struct.pack_into("<I", damaged, 28, 0)
                end = HEADER + ENTRY * struct.unpack_from("<I", sound, 24)[0]
                struct.pack_into("<I", damaged, 28, crc32c(bytes(damaged[:end])))
                use(write(tmp_path, bytes(damaged)))


def test_verify_finds_what_checksums_cannot(tmp_path: Path, sound: bytes) -> None:
    """Sections that contradict each other although each is sealed."""
    # Bytes that may be in any order: the settings, and code ranges of one another.
    names = set(range(1, 24)) - {2, 23}
    for _, number, offset, length in sections(sound):
        if number not in names:
            continue
        damaged = bytearray(sound)
        damaged[offset : offset + length] = damaged[offset : offset + length][::-1]
        if damaged == sound:
            continue
        with pytest.raises(CorruptIndexError, match=r"section \d+ \(\w+\)"):
            load_and_verify(write(tmp_path, sealed(bytes(damaged))))


def test_a_message_names_file_section_and_offset(tmp_path: Path, sound: bytes) -> None:
    number, offset = next((n, at) for _, n, at, length in sections(sound) if n in (14, 17) and length)
    name = {14: "tail_rows", 17: "body_rows"}[number]
    damaged = bytearray(sound)
    damaged[offset] ^= 1
    index = Bm25Index.load(write(tmp_path, bytes(damaged)))
    with pytest.raises(
        CorruptIndexError, match=rf"lexical.seg, offset {offset}: section {number} \({name}\): "
    ):
        index.verify()


@pytest.mark.parametrize(
    ("version", "error"), [(3, "format version 3, this build reads 1 to 2"), (0, "version 0")]
)
def test_a_newer_version_is_incompatible(tmp_path: Path, sound: bytes, version: int, error: str) -> None:
    damaged = bytearray(sound)
    struct.pack_into("<I", damaged, 8, version)
    with pytest.raises(IncompatibleIndexError, match=error):
        Bm25Index.load(write(tmp_path, bytes(damaged)))


def test_another_byte_order_is_incompatible(tmp_path: Path, sound: bytes) -> None:
    damaged = bytearray(sound)
    damaged[12:16] = damaged[12:16][::-1]
    with pytest.raises(IncompatibleIndexError, match="byte order"):
        Bm25Index.load(write(tmp_path, bytes(damaged)))


def with_analyzer(sound: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    assert sound.count(old) == 1
    return sealed(sound.replace(old, new))


def test_an_analyzer_of_another_version_is_incompatible(tmp_path: Path, sound: bytes) -> None:
    fingerprint = Analyzer("whitespace").fingerprint.encode()
    other = with_analyzer(sound, fingerprint, b"0" * len(fingerprint))
    with pytest.raises(IncompatibleIndexError, match="build the index anew"):
        Bm25Index.load(write(tmp_path, other))
    unknown = with_analyzer(sound, b'"whitespace"', b'"blackspace"')
    with pytest.raises(IncompatibleIndexError, match="not known to this version"):
        Bm25Index.load(write(tmp_path, unknown))
    garbled = with_analyzer(sound, b'"config":', b'"gonfig":')
    with pytest.raises(CorruptIndexError, match="section analyzer"):
        Bm25Index.load(write(tmp_path, garbled))


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "lexical.seg").mkdir()
    with pytest.raises(StorageError, match=r"lexical\.seg"):
        Bm25Index.load(tmp_path)
    with pytest.raises(NotFoundError, match=r"lexical\.seg"):
        Bm25Index.load(tmp_path / "absent")
