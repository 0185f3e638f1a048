"""Metrics written from their definitions, one query at a time, on lists and dicts. Slow and readable."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np


def trec_order(scores: Mapping[str, float]) -> list[str]:
    """Documents as trec_eval ranks them: score as a C float descending, then id descending."""
    by_id = sorted(scores, reverse=True)
    with np.errstate(over="ignore"):
        return sorted(by_id, key=lambda document: -np.float32(scores[document]))


def dcg(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def ndcg(
    ranking: Sequence[str], judged: Mapping[str, int], k: int, gain: Callable[[int], float] = float
) -> float:
    def worth(grade: int) -> float:
        return gain(grade) if grade > 0 else 0.0

    best = dcg(sorted(map(worth, judged.values()), reverse=True)[:k])
    return dcg([worth(judged.get(document, 0)) for document in ranking[:k]]) / best if best else 0.0


def relevant(judged: Mapping[str, int], rel: int) -> set[str]:
    return {document for document, grade in judged.items() if grade >= rel}


def recall(ranking: Sequence[str], judged: Mapping[str, int], k: int, rel: int) -> float:
    wanted = relevant(judged, rel)
    return len(wanted.intersection(ranking[:k])) / len(wanted) if wanted else 0.0


def precision(ranking: Sequence[str], judged: Mapping[str, int], k: int | None, rel: int) -> float:
    divisor = len(ranking) if k is None else k
    return len(relevant(judged, rel).intersection(ranking[:k])) / divisor if divisor else 0.0


def average_precision(ranking: Sequence[str], judged: Mapping[str, int], k: int, rel: int) -> float:
    wanted = relevant(judged, rel)
    at = [rank for rank, document in enumerate(ranking[:k], start=1) if document in wanted]
    return sum(i / rank for i, rank in enumerate(at, start=1)) / len(wanted) if wanted else 0.0


def reciprocal_rank(ranking: Sequence[str], judged: Mapping[str, int], k: int, rel: int) -> float:
    wanted = relevant(judged, rel)
    return next((1 / rank for rank, document in enumerate(ranking[:k], start=1) if document in wanted), 0.0)


def metric(
    name: str, cutoff: int | None, ranking: Sequence[str], judged: Mapping[str, int], rel: int = 1
) -> float:
    """Value of one metric for one query."""
    k = len(ranking) + len(judged) if cutoff is None else cutoff
    return {
        "ndcg": lambda: ndcg(ranking, judged, k),
        "ndcg_exp": lambda: ndcg(ranking, judged, k, lambda grade: 2.0**grade - 1.0),
        "recall": lambda: recall(ranking, judged, k, rel),
        "precision": lambda: precision(ranking, judged, cutoff, rel),
        "map": lambda: average_precision(ranking, judged, k, rel),
        "mrr": lambda: reciprocal_rank(ranking, judged, k, rel),
        "success": lambda: float(bool(relevant(judged, rel).intersection(ranking[:k]))),
    }[name]()


def sign_flip_p(differences: Sequence[float]) -> float:
    """Share of all sign patterns whose sum is at least as far from 0 as the one observed."""
    observed = abs(math.fsum(differences))
    sums = [
        abs(math.fsum(sign * d for sign, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(total >= observed - 1e-12 for total in sums) / len(sums)
