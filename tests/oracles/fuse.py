"""Fusion by the book: one dictionary a query."""

import math
from collections.abc import Callable, Sequence

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


def slow_convex(
    lists: Sequence[Sequence[tuple[int, float]]],
    *,
    weights: Sequence[float],
    normalisations: Sequence[str],
    minimum: Sequence[float],
    truth: Callable[[int, int], float] | None = None,
    window: int | None = None,
    depth: int | None = None,
) -> list[tuple[int, np.float32]]:
    """Fuse one query's ranked (row, score) pairs; ``truth(list, row)`` may be nan: missing."""
    cut = [list(pairs[:window]) if weight > 0 else [] for pairs, weight in zip(lists, weights, strict=True)]
    ranges = []
    for pairs in cut:
        finite = [score for _, score in pairs if math.isfinite(score)]
        ranges.append((min(finite), max(finite)) if finite else (0.0, 0.0))

    def worth(i: int, score: float) -> float:
        least, greatest = ranges[i]
        if not math.isfinite(score):
            score = greatest if score > 0 else least
        if normalisations[i] == "none":
            return weights[i] * score
        low = minimum[i] if normalisations[i] == "theoretical" else least
        return weights[i] / (greatest - low) * (score - low) if greatest > low else weights[i]

    sums: dict[int, float] = {}
    for i, pairs in enumerate(cut):
        for row, score in pairs:
            if truth is None:
                sums[row] = sums.get(row, 0.0) + worth(i, score)
            elif row not in sums:
                total = 0.0
                for by in range(len(lists)):
                    if by == i:
                        total += worth(i, score)
                    elif math.isfinite(true := truth(by, row)):
                        total += worth(by, true)
                sums[row] = total
    fused = [(row, np.float32(total)) for row, total in sums.items()]
    return sorted(fused, key=lambda p: (-p[1], p[0]))[:depth]
