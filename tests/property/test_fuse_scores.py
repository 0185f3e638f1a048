"""`convex` equals the slow twin bit for bit, whatever the scores are."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.fuse import slow_convex, slow_rrf

from pyengine import Hits, convex, rrf

SCORES = st.one_of(
    st.floats(-50, 50, width=32),
    st.sampled_from([0.0, -0.0, 1.0, math.inf, -math.inf, math.nan]),
)
PAIRS = st.lists(st.tuples(st.integers(0, 25), SCORES), max_size=12, unique_by=lambda p: p[0])
NAMES = st.sampled_from(["none", "minmax", "theoretical"])


def as_given(queries: list[list[tuple[int, float]]]) -> Hits:
    """Hits in the order given, as a retriever that keeps no law might return them."""
    hits = Hits.empty(len(queries), max(map(len, queries), default=0))
    for i, pairs in enumerate(queries):
        hits.counts[i] = len(pairs)
        for j, (row, score) in enumerate(pairs):
            hits.rows[i, j] = row
            hits.scores[i, j] = score
    return hits


@settings(max_examples=400, deadline=None)
@given(data=st.data(), n=st.integers(1, 3), branches=st.integers(1, 3), complete=st.booleans())
def test_convex_equals_the_slow_twin(data: st.DataObject, n: int, branches: int, complete: bool) -> None:
    one = st.lists(PAIRS, min_size=n, max_size=n)
    lists = data.draw(st.lists(one, min_size=branches, max_size=branches))
    weight = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 10)), min_size=n, max_size=n)
    weights = data.draw(st.lists(weight, min_size=branches, max_size=branches))
    names = data.draw(st.lists(NAMES, min_size=branches, max_size=branches))
    minimum = data.draw(st.lists(st.sampled_from([-1.0, 0.0, 3.0]), min_size=branches, max_size=branches))
    window = data.draw(st.one_of(st.none(), st.integers(1, 15)))
    depth = data.draw(st.integers(1, 40))
    # A row's true score, the same wherever it is asked for, and sometimes missing.
    known = data.draw(
        st.dictionaries(st.tuples(st.integers(0, 2), st.integers(0, 25)), st.floats(-50, 50, width=32))
    )
    hits = [as_given(queries) for queries in lists]
    truth = None
    if complete:
        truth = [
            [
                None
                if i == j
                else np.array(
                    [[known.get((i, int(row)), math.nan) for row in line] for line in other.rows],
                    dtype=np.float32,
                ).reshape(other.rows.shape)
                for j, other in enumerate(hits)
            ]
            for i in range(branches)
        ]
    fused = convex(
        hits,
        weights=[np.array(w) for w in weights],
        normalisation=names,
        minimum=minimum,
        truth=truth,
        window=window,
        depth=depth,
    )
    expected = [
        slow_convex(
            [queries[i] for queries in lists],
            weights=[w[i] for w in weights],
            normalisations=names,
            minimum=minimum,
            truth=(lambda by, row: known.get((by, row), math.nan)) if complete else None,
            window=window,
            depth=depth,
        )
        for i in range(n)
    ]
    assert not np.isnan(fused.scores).any()
    for i, pairs in enumerate(expected):
        rows, scores = fused.query(i)
        assert rows.tolist() == [row for row, _ in pairs]
        assert scores.tolist() == [score for _, score in pairs]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    distinct=st.sampled_from([1, 3, 50, 10**6]),
    complete=st.booleans(),
    depth=st.integers(1, 400),
)
def test_long_lists_with_and_without_ties(
    seed: int, sizes: tuple[int, int], distinct: int, complete: bool, depth: int
) -> None:
    random = np.random.default_rng(seed)
    known = (random.integers(-distinct, distinct + 1, (2, 300)) * random.choice([1e-3, 1.0])).astype(
        np.float32
    )
    rows = [random.permutation(300)[:size] for size in sizes]
    lists = [[(int(row), float(known[i, row])) for row in rows[i]] for i in range(2)]
    truth: list[list[Any]] = [[None, known[0, rows[1]][None]], [known[1, rows[0]][None], None]]
    fused = convex(
        [as_given([pairs]) for pairs in lists],
        weights=[0.25, 0.75],
        normalisation="none",
        truth=truth if complete else None,
        depth=depth,
    )
    expected = slow_convex(
        lists,
        weights=[0.25, 0.75],
        normalisations=["none", "none"],
        minimum=[0.0, 0.0],
        truth=(lambda by, row: float(known[by, row])) if complete else None,
        depth=depth,
    )
    found, scores = fused.query(0)
    assert list(zip(found.tolist(), scores.tolist(), strict=True)) == expected


SHAPES = {
    "a few far above": lambda random, n: np.where(random.random(n) < 0.03, 1e3, 0.0) + random.random(n),
    "heavy tails": lambda random, n: random.standard_cauchy(n),
    "over all magnitudes": lambda random, n: np.exp(random.uniform(-85, 85, n)) * random.choice([-1, 1], n),
    "clusters": lambda random, n: random.integers(0, 3, n) * 1e4 + random.integers(0, 9, n) * 1e-3,
    "neighbours": lambda random, n: 1 + random.integers(0, 40, n) * 2.0**-23,
    "the least there are": lambda random, n: random.integers(0, 40, n) * 2.0**-149,
    "the greatest there are": lambda random, n: (
        random.choice([-1, 1], n) * (3.4e38 - random.random(n) * 1e33)
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [17, 100, 1000, 40_000])
def test_scores_of_any_shape_come_in_order(shape: str, n: int) -> None:
    random = np.random.default_rng(n)
    for depth in (1, 10, n):
        rows = [random.permutation(2 * n)[:n] for _ in range(2)]
        scores = [SHAPES[shape](random, n).astype(np.float32) for _ in range(2)]
        hits = [
            Hits(r[None].astype(np.uint32), s[None], np.array([n], np.uint32))
            for r, s in zip(rows, scores, strict=True)
        ]
        sums = np.zeros(2 * n)
        for r, s in zip(rows, scores, strict=True):
            sums[r] += 0.75 * s.astype(np.float64)
        named = np.union1d(*rows)
        with np.errstate(over="ignore"):
            order = np.lexsort((named, -sums[named].astype(np.float32)))[:depth]
        found, fused = convex(hits, weights=[0.75, 0.75], normalisation="none", depth=depth).query(0)
        assert found.tolist() == named[order].tolist()
        with np.errstate(over="ignore"):
            assert fused.tolist() == sums[named[order]].astype(np.float32).tolist()


@settings(max_examples=100, deadline=None)
@given(data=st.data(), n=st.integers(1, 4))
def test_rrf_with_weights_of_each_query_is_rrf_of_each_query(data: st.DataObject, n: int) -> None:
    rows = st.lists(st.integers(0, 25), max_size=12, unique=True)
    lists = [data.draw(st.lists(rows, min_size=n, max_size=n)) for _ in range(2)]
    weight = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 10)), min_size=n, max_size=n)
    weights = [data.draw(weight) for _ in range(2)]
    hits = [as_given([[(row, 0.0) for row in line] for line in queries]) for queries in lists]
    fused = rrf(hits, weights=[np.array(w) for w in weights], depth=30)
    for i in range(n):
        expected = slow_rrf([lists[0][i], lists[1][i]], weights=[weights[0][i], weights[1][i]])
        rows_found, scores = fused.query(i)
        assert list(zip(rows_found.tolist(), scores.tolist(), strict=True)) == expected


@settings(max_examples=100, deadline=None)
@given(pairs=PAIRS)
def test_identical_branches_keep_their_order(pairs: list[tuple[int, float]]) -> None:
    finite = [(row, score) for row, score in pairs if math.isfinite(score)]
    alone = Hits.from_lists([finite])
    fused = convex([alone, alone], normalisation="none", weights=[0.5, 0.5])
    assert fused.query(0)[0].tolist() == alone.query(0)[0].tolist()
