"""BM25 by the book: dictionaries, float64, contributions rounded to integers as the contract states."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np


class SlowBm25:
    """The slow twin of `Bm25Index` over token lists."""

    def __init__(self, docs: Sequence[Sequence[str]], k1: float = 1.5, b: float = 0.75) -> None:
        self.docs = docs
        self.k1 = k1
        self.b = b
        self.df = Counter(term for doc in docs for term in set(doc))
        tokens = sum(len(doc) for doc in docs)
        self.average_length = tokens / len(docs) if tokens else 1.0

    def idf(self, term: str) -> float:
        return math.log1p((len(self.docs) - self.df[term] + 0.5) / (self.df[term] + 0.5))

    def scale(self, query: Sequence[str]) -> float:
        """By what contributions are multiplied to become integers: their sum stays below 2**51."""
        magnitude = 0.0
        for term, weight in Counter(query).items():
            if self.df[term]:
                magnitude += abs(weight * self.idf(term)) * (self.k1 + 1.0)
        return math.ldexp(1.0, 51 - math.frexp(magnitude)[1]) if magnitude else 1.0

    def contributions(self, query: Sequence[str], row: int) -> list[tuple[str, float]]:
        """What each distinct term of the query, in order of first occurrence, adds to the row's score."""
        counts = Counter(self.docs[row])
        norm = self.k1 * (1.0 - self.b + self.b * len(self.docs[row]) / self.average_length)
        scale = self.scale(query)
        shares = []
        for term, weight in Counter(query).items():
            tf = counts[term]
            saturation = tf * (self.k1 + 1.0) / (tf + norm) if tf else 0.0
            shares.append((term, round(weight * self.idf(term) * saturation * scale) / scale))
        return shares

    def score(self, query: Sequence[str], row: int) -> np.float32:
        total = 0.0
        for _, contribution in self.contributions(query, row):
            total += contribution
        return np.float32(total)

    def search(self, query: Sequence[str], k: int) -> list[tuple[int, np.float32]]:
        scored = [(row, self.score(query, row)) for row in range(len(self.docs))]
        return sorted((p for p in scored if p[1] > 0), key=lambda p: (-p[1], p[0]))[:k]
