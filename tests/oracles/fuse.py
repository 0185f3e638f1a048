"""Reciprocal rank fusion by the book: one dictionary a query."""

from collections.abc import Sequence

import numpy as np


def slow_rrf(
    lists: Sequence[Sequence[int]],
    *,
    k: float = 60,
    weights: Sequence[float] | None = None,
    window: int | None = None,
    depth: int | None = None,
    first_rank: int = 1,
) -> list[tuple[int, np.float32]]:
    """Fuse one query's ranked rows; return (row, score) by the order law."""
    sums: dict[int, float] = {}
    for i, rows in enumerate(lists):
        weight = 1.0 if weights is None else weights[i]
        if weight == 0:
            continue
        for rank, row in enumerate(rows[:window], start=first_rank):
            sums[row] = sums.get(row, 0.0) + weight / (k + rank)
    fused = [(row, np.float32(total)) for row, total in sums.items()]
    return sorted(fused, key=lambda p: (-p[1], p[0]))[:depth]
