"""Reads `lexical.seg` as docs/lexical.md describes it, with nothing of the engine."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

_MASK = 2**64 - 1
_EMPTY = 2**32 - 1


def _mix(h: int) -> int:
    h ^= h >> 32
    h = h * 0xE9846AF9B1A615D & _MASK
    h ^= h >> 32
    h = h * 0x9E3779B97F4A7C15 & _MASK
    return h ^ h >> 28


def term_hash(term: bytes) -> int:
    """Hash a term as the slots of the vocabulary do."""
    h = 0x2545F4914F6CDD1D ^ len(term)
    while len(term) >= 8:
        h = _mix(h ^ int.from_bytes(term[:8], "little"))
        term = term[8:]
    return _mix(h ^ int.from_bytes(term, "little"))


@dataclass(frozen=True)
class SegmentFile:
    """The parts of one file."""

    version: int
    sections: dict[int, bytes]
    documents: int
    tokens: int
    k1: float
    b: float
    parsed: dict[int, tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "SegmentFile":
        """Cut the file into its sections."""
        data = path.read_bytes()
        magic, version, endian, size, count, _ = struct.unpack_from("<8sIIQII", data)
        assert (magic, endian, size) == (b"PYELEXIC", 0x01020304, len(data))
        sections = {}
        for i in range(count):
            number, _, offset, length, _ = struct.unpack_from("<IIQQQ", data, 64 + 32 * i)
            assert offset % 64 == 0
            sections[number] = data[offset : offset + length]
        documents, terms, postings, tokens, k1, b, longest, _ = struct.unpack("<QQQQddII", sections[1])
        assert len(sections[4]) == 8 * (terms + 1)
        assert len(sections[7]) == 4 * postings
        assert longest == max(struct.unpack(f"<{documents}I", sections[11]), default=0)
        return cls(version, sections, documents, tokens, k1, b)

    def numbers(self, section: int, code: str) -> tuple[int, ...]:
        """Return a section as numbers of one `struct` code."""
        if section not in self.parsed:
            data = self.sections[section]
            self.parsed[section] = struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data)
        return self.parsed[section]

    def term(self, number: int) -> bytes:
        """Return the bytes of a term."""
        offsets = self.numbers(4, "Q")
        return self.sections[3][offsets[number] : offsets[number + 1]]

    def find(self, term: str) -> int | None:
        """Look a term up in the slots."""
        slots = self.numbers(5, "I")
        wanted = term.encode()
        at = (term_hash(wanted) & 0xFFFFFFFF) % len(slots)
        while slots[at] != _EMPTY:
            if self.term(slots[at]) == wanted:
                return slots[at]
            at = (at + 1) % len(slots)
        return None

    def postings(self, term: str) -> list[tuple[int, int]]:
        """Return (row, frequency) of every document that has the term."""
        number = self.find(term)
        if number is None:
            return []
        offsets, rows, small = self.numbers(6, "Q"), self.numbers(7, "I"), self.numbers(8, "B")
        large = dict(zip(self.numbers(9, "Q"), self.numbers(10, "I"), strict=True))
        return [(rows[i], large.get(i, small[i])) for i in range(offsets[number], offsets[number + 1])]
