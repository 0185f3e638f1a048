"""How long fusion takes, in milliseconds for 1,000 queries: two lists of 100 hits each.

Model: rows drawn without replacement from 1,000, so that the lists share about ten, seed 0. One thread.
The target is two microseconds a query, that is two milliseconds here. `test_dictionaries` is the loop over
dictionaries that peers run.
"""

from typing import Any

import numpy as np
import pytest

import pyengine as pe

N_QUERIES, DEPTH, N_ROWS = 1_000, 100, 1_000


def ranking(seed: int) -> pe.Hits:
    random = np.random.default_rng(seed)
    rows = np.argsort(random.random((N_QUERIES, N_ROWS)), axis=1)[:, :DEPTH].astype(np.uint32)
    scores = -np.sort(-random.random((N_QUERIES, DEPTH), dtype=np.float32), axis=1)
    return pe.Hits(rows, scores, np.full(N_QUERIES, DEPTH, dtype=np.uint32))


def by_hand(lists: list[pe.Hits], query: int) -> list[int]:
    sums: dict[int, float] = {}
    for hits in lists:
        for rank, row in enumerate(hits.rows[query].tolist(), 1):
            sums[row] = sums.get(row, 0.0) + 1 / (60 + rank)
    return sorted(sums, key=lambda row: (-np.float32(sums[row]), row))[:DEPTH]


def minmax_by_hand(lists: list[pe.Hits], query: int) -> list[int]:
    sums: dict[int, float] = {}
    for hits in lists:
        scores = hits.scores[query].astype(float)
        for row, score in zip(hits.rows[query].tolist(), scores.tolist(), strict=True):
            share = 0.5 * ((score - scores.min()) / (scores.max() - scores.min()))
            sums[row] = sums.get(row, 0.0) + share
    return sorted(sums, key=lambda row: (-np.float32(sums[row]), row))[:DEPTH]


def test_rrf(benchmark: Any) -> None:
    lists = [ranking(0), ranking(1)]
    fused = benchmark(pe.rrf, lists, depth=DEPTH)
    assert fused.rows[0].tolist() == by_hand(lists, 0)


def test_rrf_weights_of_each_query(benchmark: Any) -> None:
    lists = [ranking(0), ranking(1)]
    fused = benchmark(pe.rrf, lists, weights=[np.ones(N_QUERIES)] * 2, depth=DEPTH)
    assert fused.rows[0].tolist() == by_hand(lists, 0)


@pytest.mark.parametrize("depth", [10, DEPTH])
def test_convex(benchmark: Any, depth: int) -> None:
    lists = [ranking(0), ranking(1)]
    fused = benchmark(pe.convex, lists, depth=depth)
    assert fused.rows[0].tolist() == minmax_by_hand(lists, 0)[:depth]


@pytest.mark.parametrize("depth", [10, DEPTH])
def test_convex_with_true_scores(benchmark: Any, depth: int) -> None:
    lists = [ranking(0), ranking(1)]
    # One list's rows, with scores that the other knows as well: the sum of both, in the order of either.
    other = pe.Hits(lists[0].rows, lists[1].scores, lists[0].counts)
    known = pe.convex([lists[0], other], normalisation="none", depth=depth)
    true = [[None, lists[0].scores], [other.scores, None]]
    assert pe.convex([lists[0], other], truth=true, normalisation="none", depth=depth).equals(known)
    random = np.random.default_rng(2).random((N_QUERIES, DEPTH), dtype=np.float32)
    fused = benchmark(pe.convex, lists, truth=[[None, random], [random, None]], depth=depth)
    assert fused.counts.tolist() == [depth] * N_QUERIES


def test_convex_where_a_few_lead(benchmark: Any) -> None:
    # Three hits of each query a thousand points above the others, as rare literals put them with "auto".
    lists = [ranking(0), ranking(1)]
    lead = np.zeros(DEPTH, dtype=np.float32)
    lead[:3] = 1000
    lists[0] = pe.Hits(lists[0].rows, lists[0].scores + lead, lists[0].counts)
    random = np.random.default_rng(2).random((N_QUERIES, DEPTH), dtype=np.float32)
    truth = [[None, random], [random, None]]
    fused = benchmark(pe.convex, lists, truth=truth, normalisation="none", depth=DEPTH)
    assert np.array_equal(np.sort(fused.rows[:, :3]), np.sort(lists[0].rows[:, :3]))


def test_dictionaries(benchmark: Any) -> None:
    lists = [ranking(0), ranking(1)]
    answers = benchmark.pedantic(
        lambda: [by_hand(lists, query) for query in range(N_QUERIES)], rounds=3, iterations=1
    )
    assert answers[0] == pe.rrf(lists, depth=DEPTH).rows[0].tolist()
