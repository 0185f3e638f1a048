"""Literals by hand: the golden table, the table of the documentation, and prose that holds none."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pyengine import Analyzer, Token

HERE = Path(__file__)
GOLDEN = HERE.parents[1] / "golden" / "literals.tsv"
DOC = HERE.parents[2] / "docs" / "analyzer.md"
DOMAIN = Analyzer("domain")
FAMILIES = {
    "cve", "email", "error_code", "hex", "host", "icd", "identifier", "number", "path", "quantity", "sku",
    "statute", "ticker", "version",
}  # fmt: skip


CONTEXTS = [
    ("", ""), ("the code ", ". "), ("(", "), "), ("“", "”"), ("see:\n", "\n"), ("is it ", "? "), ("a, ",
    "; "),
]  # fmt: skip


class Row(NamedTuple):
    field: str
    text: str
    kind: str
    whole: str
    parts: tuple[str, ...]


def golden() -> Iterator[Row]:
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            field, text, kind, whole, parts = line.split("\t")
            yield Row(field, text, kind, whole, tuple(parts.split(" ; ")) if parts else ())


def documented() -> Iterator[Row]:
    for line in DOC.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in FAMILIES:
            kind, _, example, whole, parts = cells
            yield Row(
                "doc", example.strip("`"), kind, whole.strip("`"), tuple(re.findall("`([^`]+)`", parts))
            )


GOLDEN_ROWS = list(golden())
DOC_ROWS = list(documented())


def read(text: str, offset: int = 0) -> list[tuple[str, str, bool]]:
    return [(t.kind, t.term, t.part) for t in DOMAIN.tokens(text) if t.start >= offset]


def expected(row: Row) -> list[tuple[str, str, bool]]:
    return [(row.kind, row.whole, False), *((row.kind, part, True) for part in row.parts)]


def test_the_golden_table_covers_every_family_and_field() -> None:
    assert len(GOLDEN_ROWS) >= 120
    assert {row.kind for row in GOLDEN_ROWS} == FAMILIES | {"word"}
    assert {row.field for row in GOLDEN_ROWS} == {
        "code", "commerce", "finance", "law", "medicine", "operations",
    }  # fmt: skip
    assert {row.kind for row in DOC_ROWS} == FAMILIES


@pytest.mark.parametrize("row", [*GOLDEN_ROWS, *DOC_ROWS], ids=lambda row: f"{row.field}:{row.text}")
def test_a_literal_is_the_same_alone_and_in_a_sentence(row: Row) -> None:
    for before, after in CONTEXTS:
        assert read(before + row.text + after, len(before)) == expected(row), before + row.text + after


@pytest.mark.parametrize("row", GOLDEN_ROWS, ids=lambda row: row.text)
def test_the_span_is_the_literal_without_the_punctuation_around_it(row: Row) -> None:
    whole = next(t for t in DOMAIN.tokens(f"({row.text}).") if not t.part)
    assert row.text.startswith(f"({row.text})."[whole.start : whole.end])
    # What the span leaves of the literal as written: the brackets of a call, the slash of a folder.
    assert f"({row.text})."[whole.end :].removesuffix(").") in ("", "()", "/")


@pytest.mark.parametrize("row", GOLDEN_ROWS, ids=lambda row: row.text)
def test_a_part_alone_finds_the_literal(row: Row) -> None:
    """What a user types of a literal, a part of it, shares a term with the whole."""
    terms = set(DOMAIN.terms(f"… {row.text}, …"))
    for token in DOMAIN.tokens(row.text):
        if token.part and token.kind != "statute":
            assert terms & set(DOMAIN.terms(row.text[token.start : token.end]))


# Where the case carries the meaning: grams, megagrams; a colour in capitals, a word; a file, a method.
CASED = {"50 µg", "250 g", "TS-12-XL-RED", ".gitignore"}


@pytest.mark.parametrize("row", [r for r in GOLDEN_ROWS if r.text not in CASED], ids=lambda row: row.text)
def test_a_query_in_another_case_has_the_whole_term(row: Row) -> None:
    assert row.whole in DOMAIN.terms(row.text.lower())
    assert row.whole in DOMAIN.terms(row.text.upper())


PROSE = """
It's a well-known fact (and/or a rumour) that 3-year-old children don't read U.S. law, e.g. contracts, i.e.
not
before 5 p.m. on weekdays. In the mid-1990s, 5-10 percent of non-English readers, aged 18-24, said "no";
the 2nd
and 3rd groups, 1,000 or 3.14 times as large, did not. He/she was born in St. Petersburg at 12:30, lived
24/7 on
input/output, TCP/IP and I/O, and asked: why? DNA, mRNA, RNAs, PhD students, iPhone owners; Fig.3 -- see
above...
The state-of-the-art, once-in-a-lifetime follow-up; $5 million, $3.50, 50% (p<0.05), No. 7, 1/2, ±2, x=3.
"""


def test_plain_prose_has_no_literals() -> None:
    assert [t for t in DOMAIN.tokens(PROSE) if t.kind != "word"] == []
    assert DOMAIN.tokens(PROSE) == Analyzer("words").tokens(PROSE)


@pytest.mark.parametrize(
    "text",
    [
        "U.S.-based", "and/or", "w/o", "a.m.", "D.C.", "no.5", "word--another", "rock'n'roll", "AT&T",
        "x-ray",
        "II.A", "3.11.a", "2.Chapter", "min/1.73", "3-fold", "12-year", "aspect-ratio-2", "1980s-1990s", "v2",
        "$HOME", "12:30:45", "100%", "H2O", "p53", "MSFT", "F33", "10:1", "#1", "@home", "a/b/c", "1,5-10",
        "abc2009", "e.g.:", "...", "--", "§", "§ x", "://", "x@", "@x", "C:", "/s", "_", "0x",
    ],
)  # fmt: skip
def test_what_looks_like_a_literal_and_is_none(text: str) -> None:
    assert {t.kind for t in DOMAIN.tokens(text)} <= {"word"}


def test_spellings_of_one_citation_share_its_term() -> None:
    spellings = [
        "28 USC § 1331", "28 U.S.C. § 1331", "28 U.S.C. §1331", "28 usc 1331", "28\u00a0U.S.C.\n§\u00a01331",
        "28 U. S. C. §§ 1331", "28 U.S.C.A. § 1331", "28 USC section 1331", "28 u.s.c. sec. 1331",
    ]  # fmt: skip
    assert {DOMAIN.terms(s)[0] for s in spellings} == {"28 usc 1331"}


def test_a_possessive_belongs_to_the_literal_before_it() -> None:
    assert read("NYSE:IBM's and COVID-19’s") == [
        ("ticker", "nyse:ibm", False),
        ("ticker", "nyse", True),
        ("ticker", "ibm", True),
        ("word", "and", False),
        ("sku", "covid-19", False),
        ("sku", "covid", True),
        ("sku", "19", True),
    ]


def test_offsets_of_whole_and_parts() -> None:
    text = "“Größe”: §\u00a01331(a)"
    assert DOMAIN.tokens(text)[1:] == [
        Token("§1331(a)", 9, 18, "statute", False),
        Token("§1331", 9, 15, "statute", True),
        Token("1331", 11, 15, "statute", True),
        Token("a", 16, 17, "statute", True),
    ]


def test_stop_words_leave_literals_and_their_parts_alone() -> None:
    analyzer = Analyzer("domain", stopwords="english")
    assert analyzer.terms("the is_in of a to_be.it()") == [
        "is_in", "is", "in", "to_be.it", "to_be", "to", "be", "it",
    ]  # fmt: skip


def test_stemming_leaves_literals_with_marks_alone() -> None:
    analyzer = Analyzer("domain", stemmer="english")
    assert analyzer.terms("running_tests COVID-19 policies") == [
        "running_tests", "run", "test", "covid-19", "covid", "19", "polici",
    ]  # fmt: skip
