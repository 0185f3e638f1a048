"""How long reciprocal rank fusion takes: 2,000 queries in one call, two lists of 100 hits each.

The share of rows that both lists hold matters, since only those need sorting: none, 30 %, all. Rows are
drawn from 100,000, seed 0. Divide by 2,000 for the time of a query; the target is 2 microseconds at
depth 10.
"""

from typing import Any

import numpy as np
import pytest
from oracles.fuse import slow_rrf

import pyengine as pe

N_QUERIES, DEPTH = 2_000, 100


def lists(share: float) -> tuple[pe.Hits, pe.Hits]:
    random = np.random.default_rng(0)
    a = np.stack([random.choice(50_000, DEPTH, replace=False) for _ in range(N_QUERIES)]).astype(np.uint32)
    b = a + np.uint32(50_000)
    for i in range(N_QUERIES):
        places, sources = (random.permutation(DEPTH)[: int(share * DEPTH)] for _ in range(2))
        b[i, places] = a[i, sources]
    scores = np.zeros((N_QUERIES, DEPTH), np.float32)
    counts = np.full(N_QUERIES, DEPTH, np.uint32)
    return pe.Hits(a, scores, counts), pe.Hits(b, scores, counts)


@pytest.mark.parametrize("depth", [10, 100])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_two_lists_of_100(benchmark: Any, share: float, depth: int) -> None:
    branches = lists(share)
    fused = benchmark(pe.rrf, branches, depth=depth)
    for i in (0, N_QUERIES - 1):
        expected = slow_rrf([hits.rows[i].tolist() for hits in branches], depth=depth)
        assert list(zip(*(x.tolist() for x in fused.query(i)), strict=True)) == expected
