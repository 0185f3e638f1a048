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
        assert version == 2
        documents, terms, postings, tokens, k1, b, _, _, longest = struct.unpack("<QQQQdddII", sections[1])
        assert len(sections[4]) == 8 * (terms + 1)
        assert len(sections[14]) // 4 + len(sections[17]) // 2 == postings
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
        begin, count, body = struct.unpack_from("<QII", self.sections[12], 16 * number)
        large = dict(zip(self.numbers(9, "Q"), self.numbers(10, "I"), strict=True))
        if body >> 31:
            rows, small, key = self.numbers(14, "I")[begin : begin + count], self.numbers(16, "B"), 0
        else:
            rows, small, key = self.body_rows(begin, count, body), self.numbers(19, "B"), 2**63
        return [(row, large.get(key + begin + i, small[begin + i])) for i, row in enumerate(rows)]

    def body_rows(self, begin: int, count: int, body: int) -> tuple[int, ...]:
        """Put the low halves and the directory of a body list together."""
        at, _, _, shift = struct.unpack_from("<QQQB", self.sections[13], 32 * body)
        ranges = ((self.documents - 1) >> shift) + 1
        directory = self.numbers(20, "I")[at : at + ranges + 1]
        low = self.numbers(17, "H")[begin : begin + count]
        rows = []
        for i in range(ranges):
            for place in range(directory[i], directory[i + 1]):
                row = ((i << shift) & ~0xFFFF) | low[place]
                assert row >> shift == i
                rows.append(row)
        assert len(rows) == count
        return tuple(rows)

    def codes(self, term: str) -> list[int]:
        """Return the code of every posting of a term."""
        number = self.find(term)
        assert number is not None
        begin, count, body = struct.unpack_from("<QII", self.sections[12], 16 * number)
        return list(self.numbers(15 if body >> 31 else 18, "B")[begin : begin + count])
