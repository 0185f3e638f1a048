"""The playbook's arithmetic, as its code has it: for people who follow it, and to compare with.

`docs/diagnostics.md` lists where its text and its code differ. Nothing here is used by the calibrated tests.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from pyengine.diagnose.words import folded

__all__ = [
    "EPSILON",
    "count_tokens",
    "divergence",
    "is_rare",
    "mean_rank",
    "mixed_share",
    "ndcg_of_rank",
    "rare_terms",
    "rare_terms_of",
    "tokens",
]

EPSILON: Final = 1e-6
_RARE_PERCENTILE: Final = 20


def tokens(text: str) -> list[str]:
    """Return the playbook's tokens: pieces between white space that are alphanumeric or hold a hyphen."""
    return [piece.lower() for piece in text.split() if piece.isalnum() or "-" in piece]


def count_tokens(texts: Iterable[str]) -> Counter[str]:
    """Count the playbook's tokens, numbers folded as references list them."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(tokens(text))
    listed: Counter[str] = Counter()
    for token, count in counts.items():
        listed[folded(token)] += count
    return listed


def mean_rank(rankings: Sequence[Sequence[int]], targets: Sequence[int]) -> float:
    """Return the mean rank from 1 of one relevant row a query, in rankings of all rows."""
    return float(
        np.mean([list(ranking).index(row) + 1 for ranking, row in zip(rankings, targets, strict=True)])
    )


def ndcg_of_rank(rank: int) -> float:
    """Return NDCG@10 of one relevant document at a rank from 1."""
    return 1.0 / math.log2(rank + 1) if rank <= 10 else 0.0


def rare_terms(documents: Sequence[Sequence[str]]) -> tuple[set[str], float]:
    """Return the terms at or below the 20th percentile of document frequencies, and that percentile.

    With Zipf's law the percentile is nearly always 1: rare means "in one document", and in a small corpus
    that is nearly every term.
    """
    return rare_terms_of(Counter(term for document in documents for term in set(document)))


def rare_terms_of(frequency: Mapping[str, int]) -> tuple[set[str], float]:
    """As `rare_terms`, from the document frequencies of all terms."""
    if not frequency:
        return set(), 0.0
    limit = float(np.percentile(np.array(list(frequency.values())), _RARE_PERCENTILE))
    return {term for term, count in frequency.items() if count <= limit}, limit


def is_rare(query: str, rare: set[str]) -> bool:
    """Return whether a query has a rare term; one that the corpus lacks is none."""
    return any(term in rare for term in tokens(query))


def divergence(corpus: Mapping[str, float], web: Mapping[str, float], epsilon: float = EPSILON) -> float:
    """Return KL(corpus || web) in nats over both vocabularies together, ``epsilon`` added to each count."""
    vocabulary = sorted(set(corpus) | set(web))

    def shares(counts: Mapping[str, float]) -> npt.NDArray[np.float64]:
        smoothed = np.array([counts.get(term, 0) + epsilon for term in vocabulary])
        smoothed /= smoothed.sum()
        return smoothed

    p, q = shares(corpus), shares(web)
    return float(np.sum(p * np.log(p / q)))


def mixed_share(mixed: int, total: int) -> float | None:
    """Return the share of mixed tokens; None without tokens, where the playbook's command divides by zero."""
    return mixed / total if total else None
