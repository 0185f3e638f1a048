"""Pruned search equals exhaustive search equals the slow twin, bit for bit, in every setting there is.

The collections are tiny, so the layout is made tiny with them: directory ranges of one to three postings,
lists of two postings with a directory, columns from half of the documents on, chunks of one code.
"""

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.bm25 import SlowBm25

from pyengine import NO_ROW, Bm25Config, Bm25Index, Hits, RowFilter, _core

VARIANTS = ["lucene", "robertson", "atire", "bm25l", "bm25+"]
Docs = list[list[str]]


def tiny(docs: Docs, config: Bm25Config, draw: random.Random) -> Bm25Index:
    """Build an index whose layout has every class of lists in however few documents."""
    variant, k1, b, delta = config._core
    builder = _core.LexicalBuilder(
        k1,
        b,
        variant,
        delta,
        tail_limit=draw.choice([1, 2, 4, 1000]),
        dense_divisor=draw.choice([1, 2, 5]),
        range_postings=draw.choice([1, 2, 3]),
    )
    builder.add_token_lists(docs)
    index = Bm25Index(builder.finish(""), None)
    index.verify()
    return index


def random_docs(draw: random.Random, n: int) -> Docs:
    """Return documents with a skewed vocabulary, many of them equal, so that scores tie across every rank."""
    words = draw.choice([2, 6, 40])
    longest = draw.choice([3, 12, 60])
    docs = [
        [f"w{min(int(draw.paretovariate(0.6)), words)}" for _ in range(draw.randrange(longest))]
        for _ in range(n)
    ]
    return [draw.choice(docs) if draw.random() < 0.3 else doc for doc in docs]


def random_query(draw: random.Random) -> list[str]:
    return [f"w{min(int(draw.paretovariate(0.4)), 45)}" for _ in range(draw.choice([1, 1, 2, 3, 5, 9, 70]))]


def pruned(index: Bm25Index, queries: Sequence[list[str]], k: int, chunk: int, **options: Any) -> Hits:
    """As `Bm25Index.search`, in chunks of any size."""
    encoded = _core.Queries.from_tokens(list(queries))
    return Hits(*index._core.search(encoded, k, 1, chunk=chunk, **options))


def renumbered(hits: Hits, rows: np.ndarray) -> Hits:
    """Row i of the answer becomes rows[i]."""
    used = hits.rows != NO_ROW
    out = hits.rows.copy()
    out[used] = rows[hits.rows[used]]
    return Hits(out, hits.scores, hits.counts)


@pytest.mark.parametrize("seed", range(40))
def test_pruned_equals_exhaustive_equals_the_slow_twin(seed: int) -> None:
    draw = random.Random(seed)
    config = Bm25Config(
        variant=draw.choice(VARIANTS),
        k1=draw.choice([0.0, 0.5, 1.2, 1.5, 100.0]),
        b=draw.choice([0.0, 0.3, 0.75, 1.0]),
    )
    docs = random_docs(draw, draw.choice([1, 2, 30, 150]))
    index = tiny(docs, config, draw)
    other = Bm25Config(variant=draw.choice(VARIANTS), k1=draw.uniform(0, 3), b=draw.random())
    asked = draw.choice([None, other])
    used = asked or config
    slow = SlowBm25(docs, used.k1, used.b, used.variant, used.delta or 0.0)
    queries = [random_query(draw) for _ in range(12)]  # enough to be answered out of their order
    for k in (1, 2, 10, 31, 32, 33, 1000):
        expected = Hits.from_lists([slow.search(query, k) for query in queries], k)
        assert index.search(queries, k, exact=True, config=asked).equals(expected)
        assert index.search(queries, k, config=asked, n_threads=3).equals(expected)
        for chunk in (1, 2, 7):
            params = None if asked is None else asked._core
            assert pruned(index, queries, k, chunk, params=params).equals(expected)


@pytest.mark.parametrize("seed", range(30))
def test_filters(seed: int) -> None:
    draw = random.Random(seed)
    docs = random_docs(draw, draw.choice([1, 30, 70, 300]))
    config = Bm25Config(variant=draw.choice(VARIANTS))
    index = tiny(docs, config, draw)
    slow = SlowBm25(docs, config.k1, config.b, config.variant, config.delta or 0.0)
    queries = [random_query(draw) for _ in range(4)]
    for density in (0.0, 0.02, 0.3, 0.9, 1.0):
        mask = np.array([draw.random() < density for _ in docs], dtype=bool)
        rows = np.flatnonzero(mask)
        for k in (1, 5, 40, 500):
            expected = Hits.from_lists([slow.search(query, k, rows.tolist()) for query in queries], k)
            assert index.search(queries, k, filter=mask).equals(expected)
            assert index.search(queries, k, filter=rows).equals(expected)
            assert index.search(queries, k, filter=RowFilter(mask, len(index)), exact=True).equals(expected)


@pytest.mark.parametrize("seed", range(30))
def test_unions_and_deletions(seed: int) -> None:
    """Any split into indexes answers like one index, and deleting like building without."""
    draw = random.Random(seed)
    docs = random_docs(draw, draw.choice([2, 30, 200]))
    config = Bm25Config(variant=draw.choice(VARIANTS))
    cuts = sorted(draw.choices(range(len(docs) + 1), k=draw.randrange(4)))
    pieces = [docs[a:b] for a, b in zip([0, *cuts], [*cuts, len(docs)], strict=True)]
    whole = tiny(docs, config, draw)
    union = Bm25Index.union([tiny(piece, config, draw) for piece in pieces])
    assert len(union) == len(docs)
    queries = [random_query(draw) for _ in range(5)]
    dead = np.array([row for row in range(len(docs)) if draw.random() < 0.3], dtype=np.int64)
    left = np.setdiff1d(np.arange(len(docs)), dead)
    rebuilt = tiny([docs[row] for row in left], config, draw)
    mask = np.array([draw.random() < 0.5 for _ in docs], dtype=bool)
    for k in (1, 3, 40, 300):
        assert union.search(queries, k).equals(whole.search(queries, k, exact=True))
        assert union.search(queries, k, filter=mask).equals(whole.search(queries, k, exact=True, filter=mask))
        expected = rebuilt.search(queries, k, exact=True)
        numbered = renumbered(expected, left)
        for index in (union, whole):
            for exact in (False, True):
                assert index.without(dead).search(queries, k, exact=exact).equals(numbered)
    again = whole.without(dead[:1]).without(dead)
    assert again.search(queries, 40).equals(whole.without(dead).search(queries, 40))
    assert again.stats.documents == len(left)
    assert again.stats.postings == sum(len(set(docs[row])) for row in left)


@settings(max_examples=100, deadline=None)
@given(
    docs=st.lists(st.lists(st.sampled_from("abcde"), max_size=9), min_size=1, max_size=20),
    query=st.lists(st.sampled_from("abcdex"), max_size=12),
    variant=st.sampled_from(VARIANTS),
    k1=st.floats(0, 50),
    b=st.floats(0, 1),
    delta=st.floats(0, 5),
)
def test_scores_are_the_rational_ones_within_the_stated_error(
    *, docs: Docs, query: list[str], variant: Any, k1: float, b: float, delta: float
) -> None:
    """Half a unit a term and the rounding of the sum to float32; both are stated in docs/lexical.md."""
    index = Bm25Index.build(docs, config=Bm25Config(variant=variant, k1=k1, b=b, delta=delta))
    slow = SlowBm25(docs, k1, b, variant, delta)
    found = index.score([query], [list(range(len(docs)))])[0]
    unit = Fraction(1) / Fraction(slow.scale(query))
    for row, score in enumerate(found):
        exact = slow.rational(query, row)
        # Evaluating a contribution in float64 costs a few units in its last place, seven operations.
        slack = len(set(query)) * unit + abs(exact) * Fraction(1, 2**24) + Fraction(2) ** -149
        slack += sum(abs(Fraction(c)) for _, c in slow.contributions(query, row)) * Fraction(8, 2**52)
        assert abs(Fraction(float(score)) - exact) <= slack


def test_term_ids_are_the_tokens() -> None:
    docs = [["a", "b", "b"], ["b", "c"], ["c", "c", "d"]]
    index = Bm25Index.build(docs)
    queries = [["c", "b", "c", "nowhere"], ["d"], []]
    ids = [index.term_ids(query) for query in queries]
    assert ids[0].tolist() == [2, 1, 2, 2**32 - 1]
    assert index.search(ids, 3).equals(index.search(queries, 3))
    assert index.search([i.astype(np.int64) for i in ids], 3).equals(index.search(queries, 3))


def test_profile_says_what_was_done() -> None:
    docs = random_docs(random.Random(5), 300)
    index = Bm25Index.build(docs)
    queries = [["w1", "w2"], ["nowhere"], ["w1"] * 3]
    hits, costs = index.profile(queries, k=3)
    assert hits.equals(index.search(queries, k=3))
    assert [cost.algorithm for cost in costs] == ["maxscore", "none", "maxscore"]
    assert [cost.postings for cost in costs] == index.postings_count(queries).tolist()
    assert index.profile(queries, exact=True)[1][0].algorithm == "exhaustive"
    assert index.profile(queries, filter=[7])[1][0].algorithm == "rows"
    assert index.profile(queries, filter=range(200))[1][0].algorithm == "maxscore"
    for cost in costs:
        phases = (cost.prepare_ns, cost.scan_ns, cost.lookup_ns, cost.rescore_ns)
        assert 0 < sum(phases) <= cost.nanoseconds
        assert (cost.scan_ns > 0) == (cost.algorithm != "none")


def test_terms_of_negative_weight_are_scored_exhaustively() -> None:
    """The idf of "robertson" is below 0 for a term in most documents; pruning could not bound it."""
    docs = [["the", "cat"], ["the", "dog"], ["the"], ["fish"]]
    index = Bm25Index.build(docs, config=Bm25Config(variant="robertson"))
    hits, (cost,) = index.profile([["the", "cat"]])
    assert cost.algorithm == "exhaustive"
    assert index.explain(["the", "cat"], 0)[0].contribution < 0
    slow = SlowBm25(docs, variant="robertson")
    assert hits.equals(Hits.from_lists([slow.search(["the", "cat"], 10)], 10))
