"""The Unicode tables against Unicode's own test file and against Python's unicodedata."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
import regex

from pyengine import _core

WORD_BREAK_TEST = Path(__file__).parents[1] / "golden" / "unicode" / "WordBreakTest.txt"
IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")
# The first version of unicodedata that assigns characters whose normalisation our tables do not know.
NEWER = (16, 0, 0)


def word_break_lines() -> Iterator[tuple[str, list[int]]]:
    for raw in WORD_BREAK_TEST.read_text(encoding="utf-8").splitlines():
        text, boundaries = "", []
        for part in raw.split("#")[0].split():
            if part == "÷":
                boundaries.append(len(text))
            elif part != "×":
                text += chr(int(part, 16))
        if text:
            yield text, boundaries[1:]


def test_every_line_of_the_official_word_break_test() -> None:
    lines = list(word_break_lines())
    assert len(lines) == 1823
    for text, boundaries in lines:
        assert _core.word_boundaries(text) == boundaries, ascii(text)


def test_the_test_file_is_of_the_version_of_the_tables() -> None:
    assert f"WordBreakTest-{_core.unicode_version()}.txt" in WORD_BREAK_TEST.read_text(encoding="utf-8")


def expected_term(text: str) -> str:
    def nfkc(s: str) -> str:
        return unicodedata.normalize("NFKC", s)

    return nfkc(nfkc(IGNORABLE.sub("", text)).casefold())


@pytest.mark.skipif(
    tuple(map(int, unicodedata.unidata_version.split("."))) >= NEWER,
    reason=f"unicodedata {unicodedata.unidata_version} assigns characters that the tables do not have",
)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("a", ""), ("", "\u0301"), ("\u1100", "\u11a8")])
def test_every_assigned_code_point_normalises_as_in_python(before: str, after: str) -> None:
    wrong = []
    for code_point in range(0x110000):
        char = chr(code_point)
        if unicodedata.category(char) in {"Cn", "Cs"}:
            continue
        text = before + char + after
        if _core.normalize(text) != expected_term(text):
            wrong.append(hex(code_point))
    assert not wrong
