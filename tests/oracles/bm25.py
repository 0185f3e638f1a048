"""BM25 by the book: dictionaries, float64, contributions rounded to integers as the contract states."""

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import numpy as np


class SlowBm25:
    """The slow twin of `Bm25Index` over token lists."""

    def __init__(
        self,
        docs: Sequence[Sequence[str]],
        k1: float = 1.5,
        b: float = 0.75,
        variant: str = "lucene",
        delta: float = 0.0,
    ) -> None:
        self.docs = docs
        self.k1 = k1
        self.b = b
        self.variant = variant
        self.delta = delta
        self.counts = [Counter(doc) for doc in docs]
        self.df = Counter(term for doc in docs for term in set(doc))
        tokens = sum(len(doc) for doc in docs)
        self.average_length = tokens / len(docs) if tokens else 1.0

    def idf(self, term: str) -> float:
        n, df = len(self.docs), self.df[term]
        if self.variant == "robertson":
            return math.log((n - df + 0.5) / (df + 0.5))
        if self.variant == "atire":
            return math.log(n / df) if df else 0.0
        if self.variant == "bm25l":
            return math.log((n + 1.0) / (df + 0.5))
        if self.variant == "bm25+":
            return math.log((n + 1.0) / df) if df else 0.0
        return math.log1p((n - df + 0.5) / (df + 0.5))

    def saturation(self, tf: int, length: int) -> float:
        """How much a term counts that occurs ``tf`` times in a document of this length."""
        pivot = 1.0 - self.b + self.b * length / self.average_length
        if self.variant == "bm25l":
            c = tf / pivot + self.delta
            return (self.k1 + 1.0) * c / (self.k1 + c)
        share = tf * (self.k1 + 1.0) / (tf + self.k1 * pivot)
        return self.delta + share if self.variant == "bm25+" else share

    def scale(self, query: Sequence[str]) -> float:
        """By what contributions are multiplied to become integers: their sum stays below 2**51."""
        most = self.k1 + 1.0 + (self.delta if self.variant == "bm25+" else 0.0)
        magnitude = 0.0
        for term, weight in Counter(query).items():
            if self.df[term]:
                magnitude += abs(weight * self.idf(term)) * most
        return math.ldexp(1.0, 51 - math.frexp(magnitude)[1]) if magnitude else 1.0

    def contributions(self, query: Sequence[str], row: int) -> list[tuple[str, float]]:
        """What each distinct term of the query, in order of first occurrence, adds to the row's score."""
        scale = self.scale(query)
        shares = []
        for term, weight in Counter(query).items():
            tf = self.counts[row][term]
            share = 0.0
            if tf:
                exact = weight * self.idf(term) * self.saturation(tf, len(self.docs[row]))
                share = round(exact * scale) / scale
            shares.append((term, share))
        return shares

    def score(self, query: Sequence[str], row: int) -> np.float32:
        return np.float32(sum(contribution for _, contribution in self.contributions(query, row)))

    def rational(self, query: Sequence[str], row: int) -> Fraction:
        """The score without any rounding but that of the logarithms in the idf."""
        k1, b = Fraction(self.k1), Fraction(self.b)
        tokens = sum(len(doc) for doc in self.docs)
        average = Fraction(tokens, len(self.docs)) if tokens else Fraction(1)
        pivot = 1 - b + b * len(self.docs[row]) / average
        total = Fraction(0)
        for term, weight in Counter(query).items():
            tf = self.counts[row][term]
            if not tf:
                continue
            if self.variant == "bm25l":
                c = tf / pivot + Fraction(self.delta)
                share = (k1 + 1) * c / (k1 + c)
            else:
                share = tf * (k1 + 1) / (tf + k1 * pivot)
                share += Fraction(self.delta) if self.variant == "bm25+" else 0
            total += weight * Fraction(self.idf(term)) * share
        return total

    def search(
        self, query: Sequence[str], k: int, allowed: Sequence[int] | None = None
    ) -> list[tuple[int, np.float32]]:
        rows = range(len(self.docs)) if allowed is None else allowed
        scored = [(row, self.score(query, row)) for row in rows]
        return sorted((p for p in scored if p[1] > 0), key=lambda p: (-p[1], p[0]))[:k]
