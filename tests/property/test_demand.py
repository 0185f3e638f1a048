"""`demands` equals the slow twin bit for bit, over stems, deletions and several segments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.demand import slow_demand

from pyengine import Analyzer, Bm25Config, Bm25Index
from pyengine.errors import InvalidInputError
from pyengine.sparse.demand import demands

PIECES = st.sampled_from(
    [
        *("kader", "kaders", "running", "runs", "section", "error", "don't", "café", "usc", "§"),
        *("F33.1", "f33", "3.3.1", "9.8.4", "28", "1331", "v1.2.3", "20mg", "404", "x1", "2024", "ISO-9001"),
        *("src/main.py", "CVE-2021-44228", "getUserName", "foo_bar", "hello@example.org"),
    ]
)
TEXTS = st.lists(PIECES, max_size=8).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(
    documents=st.lists(TEXTS, min_size=1, max_size=25),
    cut=st.integers(0, 25),
    dead=st.sets(st.integers(0, 24)),
    queries=st.lists(TEXTS, min_size=1, max_size=4),
    stemmer=st.sampled_from([None, "english"]),
    variant=st.sampled_from(["lucene", "robertson", "bm25+"]),
)
def test_demands_equal_the_slow_twin(
    *,
    documents: list[str],
    cut: int,
    dead: set[int],
    queries: list[str],
    stemmer: str | None,
    variant: str,
) -> None:
    analyzer = Analyzer(stemmer=stemmer)
    config = Bm25Config(variant=variant)
    parts = [part for part in (documents[:cut], documents[cut:]) if part]
    index = Bm25Index.union([Bm25Index.build(part, analyzer=analyzer, config=config) for part in parts])
    rows = sorted(row for row in dead if row < len(documents))
    if rows:
        index = index.without(np.array(rows, dtype=np.uint32))
    found = demands(index, queries)
    for i, query in enumerate(queries):
        idf, share, literals = slow_demand(index, query)
        assert found.idf[i] == idf
        assert found.literal_share[i] == share
        assert found.literals[i] == literals


@pytest.mark.parametrize("queries", [[], [""], ["", "§"]])
def test_nothing_asked(queries: list[str]) -> None:
    index = Bm25Index.build(["kader F33.1"], analyzer=Analyzer())
    found = demands(index, queries)
    assert found.idf.tolist() == [0.0] * len(queries)
    assert found.literal_share.tolist() == [0.0] * len(queries)
    assert found.literals == [[] for _ in queries]


def test_an_index_of_token_lists_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="index: expected one with an analyzer"):
        demands(Bm25Index.build([["kader"]]), ["kader"])
