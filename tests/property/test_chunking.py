"""Chunks: equal to the slow twin, and lawful over any text."""

from itertools import product
from random import Random

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles import chunking as slow

from pyengine import Analyzer, Chunker


def encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


PIECES = st.sampled_from(
    [
        *"aZé1 \n\t.!?…:;,'\"()[]“”»。！？़。",
        *["\u2028", "\u2029", "\x85", "\u00a0", "\u0301", "\u200d", "𝒳", "😀", "漢字", "ไทย", "।", "؟"],
        *[" ", " ", " ", ". ", ". ", "? ", "\n\n", "...", " \n \n", "1. ", "\n2. "],
        *["word ", "Word ", "Next", "no", "No", "Dr", "fig", "IV", "e.g", "U.S", "J", "F33.1", "v2.0.1"],
        *["28 U.S.C. § 1331", "https://example.com/a?b=c.d", "AB-1234/X", "3.5 mg", "snake_case", "Vol"],
    ]
)
LASTS = [
    "Dr",
    "viz",
    "no",
    "FIG",
    "Vol",
    "J",
    "x",
    "U.S",
    "e.g",
    "1",
    "123",
    "1234",
    "end",
    "§ 12",
    "F33.1",
    "Ⅳ",
    "是",
]
NEXTS = ["He", "he", "5", "IV", "MIX", "ßa", "Éa", "是", "F33.1", "v2.0.1"]
GAPS = [
    "".join(parts)
    for parts in product(
        ["", ") ", ")", " "],
        [".", "..", "!", "?", "…", "。", ".。", ""],
        ["", ")", '"', "”’", "*"],
        [" ", "", "\n", "\n\n", "\u2029", " \n\t\n "],
        ["", "“", "- "],
    )
]
TEXTS = st.one_of(
    st.lists(PIECES, max_size=40).map("".join),
    st.text(max_size=60).filter(encodable),
)
SIZES = st.integers(1, 12).flatmap(lambda tokens: st.tuples(st.just(tokens), st.integers(0, tokens - 1)))


@settings(max_examples=1000)
@given(text=TEXTS, size=SIZES, sentences=st.booleans())
@example(text="", size=(1, 0), sentences=True)
@example(text=" \u2003\n", size=(1, 0), sentences=True)
@example(text="?!…", size=(1, 0), sentences=True)
def test_spans_equal_those_of_the_slow_twin(text: str, size: tuple[int, int], sentences: bool) -> None:
    chunker = Chunker(*size, sentences=sentences)
    assert chunker.spans(text) == slow.spans(text, *size, sentences)


def test_sentences_end_where_the_slow_twin_says() -> None:
    random = Random(0)
    for last, following in product(LASTS, NEXTS):
        # A full stop before a space stands before most sentences, and abbreviations; the rest is drawn.
        for gap in [". ", ".. ", '." ', *random.sample(GAPS, 30)]:
            text = f"{last}{gap}{following} goes on"
            assert Chunker(2, 0).spans(text) == slow.spans(text, 2, 0, True), text
            text = f"a\n {text}"
            assert Chunker(3, 0).spans(text) == slow.spans(text, 3, 0, True), text


@settings(max_examples=600)
@given(text=TEXTS, size=SIZES, sentences=st.booleans())
def test_spans_keep_the_laws(text: str, size: tuple[int, int], sentences: bool) -> None:
    tokens, overlap = size
    spans = Chunker(tokens, overlap, sentences=sentences).spans(text)
    assert spans
    units = [token for token in Analyzer("domain").tokens(text) if not token.part]
    covered = [False] * len(text)
    before: list[int] = []
    for i, (start, end) in enumerate(spans):
        assert 0 <= start <= end <= len(text)
        assert i == 0 or (start > spans[i - 1][0] and end > spans[i - 1][1])
        covered[start:end] = [True] * (end - start)
        inside = [j for j, unit in enumerate(units) if start <= unit.start and unit.end <= end]
        # No token, so no literal, is cut.
        assert all(unit.end <= start or unit.start >= end or j in inside for j, unit in enumerate(units))
        assert len(inside) <= tokens
        repeated = len(set(before) & set(inside))
        assert repeated <= overlap
        if i and not sentences:
            assert repeated == min(overlap, len(before) - 1)
        before = inside
        if end > start:
            assert not slow.SPACES.match(text[start])
            assert not slow.SPACES.match(text[end - 1])
    left = "".join(character for character, there in zip(text, covered, strict=True) if not there)
    assert slow.SPACES.fullmatch(left) or not left


@settings(max_examples=100)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=5),
    offset=st.integers(0, 2),
)
def test_batches_hold_the_spans_of_each_text(texts: list[str], offset: int) -> None:
    chunker = Chunker(5, 2)
    table = pa.record_batch(
        {"id": [str(i) for i in range(len(texts))], "title": ["t"] * len(texts), "text": texts, "n": texts}
    ).slice(offset)
    rows = [row for batch in chunker.batches([table]) for row in batch.to_pylist()]
    expected = []
    for i, text in list(enumerate(texts))[offset:]:
        spans = chunker.spans(text)
        for number, (start, end) in enumerate(spans):
            place = {"chunk": number, "chunks": len(spans), "start": start, "end": end}
            expected.append({"id": str(i), "title": "t", "text": text[start:end], **place, "n": text})
    assert rows == expected
