"""How long fusion takes, in milliseconds for 1,000 queries: two lists of 100 hits each, 100 back.

Model: rows drawn without replacement from 1,000, so that the lists share about ten, seed 0. One thread.
The target is two microseconds a query, that is two milliseconds here.
"""

from typing import Any

import numpy as np

import pyengine as pe

N_QUERIES, DEPTH, N_ROWS = 1_000, 100, 1_000


def ranking(seed: int) -> pe.Hits:
    random = np.random.default_rng(seed)
    rows = np.argsort(random.random((N_QUERIES, N_ROWS)), axis=1)[:, :DEPTH].astype(np.uint32)
    scores = -np.sort(-random.random((N_QUERIES, DEPTH), dtype=np.float32), axis=1)
    return pe.Hits(rows, scores, np.full(N_QUERIES, DEPTH, dtype=np.uint32))


def test_rrf(benchmark: Any) -> None:
    lists = [ranking(0), ranking(1)]
    fused = benchmark(pe.rrf, lists, depth=DEPTH)
    by_hand: dict[int, float] = {}
    for hits in lists:
        for rank, row in enumerate(hits.rows[0].tolist(), 1):
            by_hand[row] = by_hand.get(row, 0.0) + 1 / (60 + rank)
    expected = sorted(by_hand, key=lambda row: (-np.float32(by_hand[row]), row))[:DEPTH]
    assert fused.rows[0].tolist() == expected
