"""Generate csrc/core/analyzer/unicode_tables.inc from the Unicode Character Database.

Input: the folder of UCD text files of one Unicode version (UnicodeData.txt, CaseFolding.txt,
CompositionExclusions.txt, PropList.txt, DerivedCoreProperties.txt, DerivedAge.txt,
auxiliary/WordBreakProperty.txt, emoji/emoji-data.txt), as published by Unicode, Inc. and as shipped
by Debian's package ``unicode-data`` (``/usr/share/unicode``). Output: two-stage tables.

Usage::

    python csrc/tools/make_unicode_tables.py /usr/share/unicode csrc/core/analyzer/unicode_tables.inc

The script computes normalisation itself, from UnicodeData.txt, so that the tables do not depend on
the Unicode version of the Python that runs it.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

LIMIT = 0x110000
BLOCK_BITS = 7
S_BASE, L_BASE, V_BASE, T_BASE = 0xAC00, 0x1100, 0x1161, 0x11A7
L_COUNT, V_COUNT, T_COUNT = 19, 21, 28
S_COUNT = L_COUNT * V_COUNT * T_COUNT

# The order is the enum WordBreak in unicode.hpp.
WORD_BREAK = [
    "Other",
    "CR",
    "LF",
    "Newline",
    "Extend",
    "ZWJ",
    "Format",
    "Regional_Indicator",
    "Katakana",
    "Hebrew_Letter",
    "ALetter",
    "Single_Quote",
    "Double_Quote",
    "MidNumLet",
    "MidLetter",
    "MidNum",
    "Numeric",
    "ExtendNumLet",
    "WSegSpace",
]
# The bits above the five of the word-break class; the order is that of the constants in unicode.hpp.
LETTER_OR_NUMBER, WORD_CHAR, UPPER, LOWER, WHITE_SPACE, PICTOGRAPHIC, SLOW, ASSIGNED = (
    1 << bit for bit in range(5, 13)
)


class Database:
    """The parts of one UCD version that the analyzer needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.category = ["Cn"] * LIMIT
        self.ccc = [0] * LIMIT
        self.decomposition: dict[int, tuple[bool, list[int]]] = {}
        self._read_unicode_data()
        self.fold = {
            int(cp, 16): [int(c, 16) for c in mapping.split()]
            for cp, status, mapping, *_ in self._rows("CaseFolding.txt")
            if status in "CF"
        }
        self.version = re.search(r"-(\d+\.\d+\.\d+)\.txt", (folder / "PropList.txt").read_text("utf-8"))[1]
        excluded = {int(row[0], 16) for row in self._rows("CompositionExclusions.txt")}
        self.compose = {
            (to[0], to[1]): cp
            for cp, (compat, to) in self.decomposition.items()
            if not compat
            and len(to) == 2
            and cp not in excluded
            and self.ccc[cp] == 0
            and self.ccc[to[0]] == 0
        }
        self.second = {pair[1] for pair in self.compose}
        self.second.update(range(V_BASE, V_BASE + V_COUNT), range(T_BASE + 1, T_BASE + T_COUNT))
        self.ignorable = self.members("DerivedCoreProperties.txt", "Default_Ignorable_Code_Point")

    def _rows(self, name: str) -> Iterator[list[str]]:
        for raw in (self.folder / name).read_text("utf-8").splitlines():
            line = raw.split("#")[0].strip()
            if line:
                yield [field.strip() for field in line.split(";")]

    def ranges(self, name: str) -> Iterator[tuple[range, str]]:
        for span, value, *_ in self._rows(name):
            first, _, last = span.partition("..")
            yield range(int(first, 16), int(last or first, 16) + 1), value

    def members(self, name: str, value: str) -> set[int]:
        return {cp for span, found in self.ranges(name) if found == value for cp in span}

    def _read_unicode_data(self) -> None:
        first = 0
        for code, name, category, ccc, _, decomposition, *_ in self._rows("UnicodeData.txt"):
            cp = int(code, 16)
            if name.endswith(", First>"):
                first = cp
                continue
            for member in range(first if name.endswith(", Last>") else cp, cp + 1):
                self.category[member] = category
                self.ccc[member] = int(ccc)
            if decomposition:
                parts = decomposition.split()
                compat = parts[0].startswith("<")
                self.decomposition[cp] = (compat, [int(c, 16) for c in parts[compat:]])

    def full_decomposition(self, cp: int) -> list[int]:
        if S_BASE <= cp < S_BASE + S_COUNT:
            index = cp - S_BASE
            tail = index % T_COUNT
            syllable = [L_BASE + index // (V_COUNT * T_COUNT), V_BASE + index // T_COUNT % V_COUNT]
            return syllable + ([T_BASE + tail] if tail else [])
        if cp not in self.decomposition:
            return [cp]
        return [c for part in self.decomposition[cp][1] for c in self.full_decomposition(part)]

    def nfkd(self, text: Sequence[int]) -> list[int]:
        out: list[int] = []
        for cp in text:
            for c in self.full_decomposition(cp):
                at = len(out)
                while self.ccc[c] and at and self.ccc[out[at - 1]] > self.ccc[c]:
                    at -= 1
                out.insert(at, c)
        return out

    def pair(self, a: int, b: int) -> int | None:
        if L_BASE <= a < L_BASE + L_COUNT and V_BASE <= b < V_BASE + V_COUNT:
            return S_BASE + ((a - L_BASE) * V_COUNT + b - V_BASE) * T_COUNT
        if S_BASE <= a < S_BASE + S_COUNT and (a - S_BASE) % T_COUNT == 0 and T_BASE < b < T_BASE + T_COUNT:
            return a + b - T_BASE
        return self.compose.get((a, b))

    def nfkc(self, text: Sequence[int]) -> list[int]:
        out: list[int] = []
        starter, last_ccc = -1, 0
        for c in self.nfkd(text):
            ccc = self.ccc[c]
            if starter >= 0 and (last_ccc < ccc or len(out) == starter + 1):
                composed = self.pair(out[starter], c)
                if composed is not None:
                    out[starter] = composed
                    continue
            if ccc == 0:
                starter = len(out)
            last_ccc = ccc
            out.append(c)
        return out

    def casefold(self, text: Sequence[int]) -> list[int]:
        return [c for cp in text for c in self.fold.get(cp, [cp])]

    def has_boundary_before(self, text: Sequence[int]) -> bool:
        first = self.full_decomposition(text[0])[0]
        return not self.ccc[first] and first not in self.second and text[0] not in self.second

    @cache  # noqa: B019 - one database per run of a script
    def term(self, cp: int) -> tuple[int, ...] | None:
        """What one code point becomes in a term, or None where its neighbours have a say."""
        if cp in self.ignorable:
            return ()
        steps = [[cp]]
        for step in (self.nfkc, self.casefold, self.nfkc):
            steps.append(step(steps[-1]))
        return tuple(steps[-1]) if all(map(self.has_boundary_before, steps)) else None


def properties(db: Database) -> list[int]:
    out = [0] * LIMIT
    for span, value in db.ranges("auxiliary/WordBreakProperty.txt"):
        for cp in span:
            out[cp] = WORD_BREAK.index(value)
    for cp, category in enumerate(db.category):
        if category[0] in "LN":
            out[cp] |= LETTER_OR_NUMBER
        if category[0] in "LMN":
            out[cp] |= WORD_CHAR
        if category in {"Lu", "Lt"}:
            out[cp] |= UPPER
        if category == "Ll":
            out[cp] |= LOWER
        if category != "Cn":
            out[cp] |= ASSIGNED
        if db.term(cp) is None:
            out[cp] |= SLOW
    for cp in db.members("PropList.txt", "White_Space"):
        out[cp] |= WHITE_SPACE
    for cp in db.members("emoji/emoji-data.txt", "Extended_Pictographic"):
        out[cp] |= PICTOGRAPHIC
    return out


def array(kind: str, name: str, values: Sequence[int]) -> str:
    lines, line = [], " "
    for value in values:
        cell = f" {value},"
        if len(line) + len(cell) > 108:
            lines.append(line)
            line = " "
        line += cell
    body = "\n".join([*lines, line])
    return f"inline constexpr {kind} {name}[{len(values)}] = {{\n{body}\n}};\n"


def two_stage(kind: str, name: str, values: Sequence[int]) -> str:
    size = 1 << BLOCK_BITS
    blocks: dict[tuple[int, ...], int] = {}
    stage1 = [
        blocks.setdefault(tuple(values[at : at + size]), len(blocks)) for at in range(0, len(values), size)
    ]
    stage2 = [value for block in blocks for value in block]
    assert len(blocks) < 2**16
    return array("std::uint16_t", f"k{name}Block", stage1) + array(kind, f"k{name}", stage2)


def mapping(kind: str, name: str, images: dict[int, list[int]]) -> str:
    """A table from code point to a run of units: index 0 says that a code point maps to itself."""
    index, offsets, pool = [0] * LIMIT, [0, 0], []
    known: dict[tuple[int, ...], int] = {}
    for cp, image in images.items():
        key = tuple(image)
        if key not in known:
            known[key] = len(offsets) - 1
            pool.extend(image)
            offsets.append(len(pool))
        index[cp] = known[key]
    return (
        two_stage("std::uint16_t", f"{name}Index", index)
        + array("std::uint32_t" if len(pool) > 65535 else "std::uint16_t", f"k{name}Offset", offsets)
        + array(kind, f"k{name}Pool", pool)
    )


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    db = Database(source)
    simple = {cp: image for cp in range(LIMIT) if (image := db.term(cp)) is not None and image != (cp,)}
    utf8 = {cp: list("".join(map(chr, image)).encode()) for cp, image in simple.items()}
    decomposed = {
        cp: db.full_decomposition(cp) for cp in db.decomposition if not S_BASE <= cp < S_BASE + S_COUNT
    }
    pairs = sorted((a << 32 | b, c) for (a, b), c in db.compose.items())
    version = ", ".join(f"{part}" for part in db.version.split("."))
    target.write_text(
        f"// Unicode {db.version}: word-break classes, categories, case folding and normalisation.\n"
        "// Generated by csrc/tools/make_unicode_tables.py from Unicode's database: never edit.\n"
        "// Copyright (c) 1991-2022 Unicode, Inc. Distributed under the Terms of Use in\n"
        "// https://www.unicode.org/copyright.html; the data are modified into tables. See NOTICE.\n"
        "// A table T is read as kT[kTBlock[cp >> 7] << 7 | (cp & 127)].\n"
        "// clang-format off\n"
        f"inline constexpr std::uint8_t kUnicodeVersion[3] = {{{version}}};\n"
        + two_stage("std::uint16_t", "Properties", properties(db))
        + two_stage("std::uint8_t", "CombiningClass", db.ccc)
        + mapping("std::uint8_t", "Term", utf8)
        + mapping("std::uint32_t", "Decomposition", decomposed)
        + mapping("std::uint32_t", "CaseFolding", db.fold)
        + array("std::uint64_t", "kComposePair", [pair for pair, _ in pairs])
        + array("std::uint32_t", "kComposed", [composed for _, composed in pairs]),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
