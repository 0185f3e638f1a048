"""Positions against a slow twin that reads every document with the analyzer's own slow twin."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.analyzer import Token, analyze
from oracles.texts import texts

from pyengine import Analyzer, Bm25Index, _core
from pyengine.corpus import SEAM
from pyengine.sparse import PositionsBuilder

WORDS = st.lists(
    st.sampled_from(["a", "b", "F33.1", "f33", "getUser", "user", "the", "Art", "28", "USC"]), max_size=7
).map(" ".join)
# Real literals, torn ones, every script; no lone surrogate, which no document can hold.
FIELD = st.one_of(WORDS, WORDS, texts.map(lambda text: text.replace("\ud800", "")))
DOCUMENTS = st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=12)
ANALYZER = Analyzer("domain")


def joined(title: str, text: str) -> str:
    return f"{title}{SEAM}{text}" if title else text


def built(documents: list[tuple[str, str]], folder: Path, *, batch: int = 3, n_threads: int = 1) -> Bm25Index:
    index = Bm25Index.build([joined(*document) for document in documents], analyzer=ANALYZER)
    builder = PositionsBuilder(index, SEAM, n_threads=n_threads)
    for start in range(0, len(documents), batch):
        titles, bodies = zip(*documents[start : start + batch], strict=True)
        builder.add(titles, bodies)
    builder.save(folder / "positions.seg")
    return index.with_positions(folder / "positions.seg")


def rows_of(mask: np.ndarray) -> list[int]:
    return np.flatnonzero(mask).tolist()


@given(documents=DOCUMENTS, split=st.integers(0, 12), deleted=st.sets(st.integers(0, 11), max_size=3))
@settings(max_examples=60)
def test_phrases_and_fields_against_reading_every_document(
    tmp_path_factory: pytest.TempPathFactory,
    documents: list[tuple[str, str]],
    split: int,
    deleted: set[int],
) -> None:
    folder = tmp_path_factory.mktemp("positions")
    parts = []
    for number, part in enumerate((documents[:split], documents[split:])):
        if part:
            (folder / str(number)).mkdir()
            parts.append(built(part, folder / str(number)))
            parts[-1].verify()
    gone = sorted(row for row in deleted if row < len(documents))
    index = Bm25Index.union([Bm25Index.union(parts).without(gone)], close_up=True)
    live = [document for row, document in enumerate(documents) if row not in gone]
    fields: dict[str, list[list[Token]]] = {
        "title": [analyze(title) for title, _ in live],
        "text": [analyze(text) for _, text in live],
    }
    every = sorted({t.term for found in fields.values() for tokens in found for t in tokens})
    for term in [*every[:40], "nowhere"]:
        for field, found in fields.items():
            expected = [row for row, tokens in enumerate(found) if any(t.term == term for t in tokens)]
            assert rows_of(index.rows_with(term, field=field)) == expected
    wholes = {f: [[t.term for t in ts if not t.part] for ts in found] for f, found in fields.items()}
    phrases = {pair for found in wholes.values() for words in found for pair in pairwise(words)}
    phrases |= {tuple(words[:4]) for found in wholes.values() for words in found if words}
    phrases |= {(b, a) for a, b in [p for p in phrases if len(p) == 2][:5]} | {("a", "a", "b"), ("f33",)}
    for phrase in sorted(phrases)[:60]:
        has = {
            field: {
                row
                for row, words in enumerate(found)
                if any(tuple(words[i : i + len(phrase)]) == phrase for i in range(len(words)))
            }
            for field, found in wholes.items()
        }
        assert rows_of(index.rows_with_phrase(phrase)) == sorted(has["title"] | has["text"])
        for field, rows in has.items():
            assert rows_of(index.rows_with_phrase(phrase, field=field)) == sorted(rows)


@given(documents=DOCUMENTS, budget=st.sampled_from([0, 4, 16, 1 << 20]), n_threads=st.integers(1, 3))
@settings(max_examples=40)
def test_the_same_bytes_for_any_threads_batches_and_budget(
    tmp_path_factory: pytest.TempPathFactory, documents: list[tuple[str, str]], budget: int, n_threads: int
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    documents = documents * 20  # several pieces for several threads
    built(documents, folder)
    expected = (folder / "positions.seg").read_bytes()
    index = Bm25Index.build([joined(*document) for document in documents], analyzer=ANALYZER)
    core = _core.PositionsBuilder(index._core, SEAM, n_threads, budget, bytes(folder))
    for half in (documents[: len(documents) // 2], documents[len(documents) // 2 :]):
        core.add(ANALYZER._core, [title for title, _ in half], [text for _, text in half])
        core.resolve(None)
    core.save(index._core, bytes(folder / "again.seg"))
    assert (folder / "again.seg").read_bytes() == expected


def test_long_lists_are_entered_in_the_middle(tmp_path: Path) -> None:
    """Postings are found by the offsets of every 32nd: rows of a rare word far apart in a frequent one."""
    documents = [("", "x " * (row % 7) + "a b " + "y " * (row % 5)) for row in range(3000)]
    documents[::131] = [("rare", "a b rare a") for _ in documents[::131]]
    index = built(documents, tmp_path, batch=500)
    index.verify()
    expected = list(range(0, 3000, 131))
    assert rows_of(index.rows_with_phrase(["b", "rare", "a"])) == expected
    assert rows_of(index.rows_with("rare", field="title")) == expected
    assert index.rows_with_phrase(["a", "b"]).all()
    assert rows_of(index.rows_with_phrase(["b", "y", "y", "y", "y"])) == [
        row for row in range(3000) if row % 5 == 4 and row % 131
    ]


def test_stems_share_the_places_of_their_words(tmp_path: Path) -> None:
    analyzer = Analyzer("domain", stemmer="english", stopwords="english")
    documents = ["searching the engines", "an engine searched", "fooS foo"]
    index = Bm25Index.build(documents, analyzer=analyzer)
    builder = PositionsBuilder(index, SEAM)
    builder.add([""] * 3, documents)
    builder.save(tmp_path / "positions.seg")
    found = index.with_positions(tmp_path / "positions.seg")
    found.verify()
    assert rows_of(found.rows_with_phrase(["search", "engin"])) == [0]
    assert rows_of(found.rows_with_phrase(["engin", "search"])) == [1]
