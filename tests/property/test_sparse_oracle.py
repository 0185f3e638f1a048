"""`Bm25Index` equals the slow twin bit for bit: rows, scores and order."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles.bm25 import SlowBm25

from pyengine import NO_ROW, Bm25Index, Hits, _core

# Few terms, so that documents share them and scores tie.
TERM = st.sampled_from(["a", "b", "c", "d", "e", "ü", "long term"])
DOC = st.lists(TERM, max_size=8)
DOCS = st.lists(DOC, max_size=30)
QUERY = st.lists(st.one_of(TERM, st.just("unknown")), max_size=7)
K1 = st.one_of(st.sampled_from([0.0, 0.9, 1.2, 1.5]), st.floats(0, 100))
B = st.one_of(st.sampled_from([0.0, 0.4, 0.75, 1.0]), st.floats(0, 1))


def search(index: Bm25Index, queries: Sequence[Sequence[str]], k: int, threads: int, window: int) -> Hits:
    """As `Bm25Index.search`, but with windows small enough that tiny collections have many."""
    return Hits(
        *index._core.search(_core.Queries.from_tokens(list(queries)), k, threads, exact=True, window=window)
    )


@settings(max_examples=300, deadline=None)
@given(
    docs=DOCS,
    queries=st.lists(QUERY, min_size=1, max_size=5),
    k=st.integers(1, 40),
    k1=K1,
    b=B,
    threads=st.integers(1, 4),
    window=st.sampled_from([1, 2, 3, 7, 64, 65, 8192]),
)
@example(docs=[["a"]] * 5, queries=[["a"]], k=3, k1=1.5, b=0.75, threads=1, window=2)
@example(docs=[[], ["a", "a"], []], queries=[["a", "a", "b", "a"]], k=1, k1=0.0, b=1.0, threads=2, window=1)
def test_search_equals_the_slow_twin(
    *, docs: list[list[str]], queries: list[list[str]], k: int, k1: float, b: float, threads: int, window: int
) -> None:
    index = Bm25Index.build(docs, k1=k1, b=b)
    slow = SlowBm25(docs, k1, b)
    expected = Hits.from_lists([slow.search(query, k) for query in queries], k)
    assert search(index, queries, k, threads, window).equals(expected)


@settings(max_examples=100, deadline=None)
@given(
    docs=st.lists(DOC, min_size=1, max_size=30), queries=st.lists(QUERY, min_size=1, max_size=3), k1=K1, b=B
)
def test_score_and_explain_equal_the_slow_twin(
    docs: list[list[str]], queries: list[list[str]], k1: float, b: float
) -> None:
    index = Bm25Index.build(docs, k1=k1, b=b)
    slow = SlowBm25(docs, k1, b)
    rows = np.tile(np.append(np.arange(len(docs), dtype=np.uint32), np.uint32(NO_ROW)), (len(queries), 1))
    scores = index.score(queries, rows)
    for i, query in enumerate(queries):
        assert scores[i, :-1].tolist() == [slow.score(query, row) for row in range(len(docs))]
        assert scores[i, -1] == -np.inf
        for row in range(len(docs)):
            shares = index.explain(query, row)
            assert [(s.term, s.contribution) for s in shares] == slow.contributions(query, row)
            assert [s.tf for s in shares] == [docs[row].count(s.term) for s in shares]


@settings(max_examples=60, deadline=None)
@given(
    pattern=st.lists(st.sampled_from([["x"], ["x", "y"], ["y", "y"], []]), min_size=1, max_size=5),
    gap=st.integers(0, 700),
    window=st.sampled_from([3, 64, 100, 8192]),
)
def test_rare_terms_in_a_large_collection(pattern: list[list[str]], gap: int, window: int) -> None:
    """Few postings in many rows take the path that marks the touched rows of a window."""
    docs: list[list[str]] = []
    for doc in pattern:
        docs += [["filler"]] * gap + [doc]
    index = Bm25Index.build(docs)
    slow = SlowBm25(docs)
    queries = [["x"], ["y", "x"], ["x", "y", "x"]]
    expected = Hits.from_lists([slow.search(query, 10) for query in queries], 10)
    assert search(index, queries, 10, 1, window).equals(expected)


@settings(max_examples=60, deadline=None)
@given(docs=DOCS, query=QUERY)
def test_a_document_that_shares_no_term_changes_no_order(docs: list[list[str]], query: list[str]) -> None:
    before = Bm25Index.build(docs, b=0.0).search([query], k=50)
    after = Bm25Index.build([*docs, ["other"]], b=0.0).search([query], k=50)
    assert set(before.query(0)[0].tolist()) == set(after.query(0)[0].tolist())


@settings(max_examples=60, deadline=None)
@given(docs=DOCS, queries=st.lists(QUERY, max_size=4), data=st.data())
def test_saving_and_loading_changes_nothing(
    tmp_path_factory: Any, docs: list[list[str]], queries: list[list[str]], data: st.DataObject
) -> None:
    index = Bm25Index.build(docs)
    folder = tmp_path_factory.mktemp("index")
    index.save(folder)
    loaded = Bm25Index.load(folder)
    loaded.verify()
    k = data.draw(st.integers(1, 10))
    assert loaded.search(queries, k).equals(index.search(queries, k))
