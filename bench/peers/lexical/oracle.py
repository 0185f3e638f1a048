"""Exact BM25 of a few queries, from the tokens alone, to hold every peer's answers against.

Nothing of pyengine is used. Scores are float64 with the peer's idf and without the constant factor k1 + 1,
with which the order is the same.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bench.peers.lexical.workloads import Workload

__all__ = ["Oracle", "one_byte_lengths"]

TOLERANCE = 2e-5
"""Relative: peers sum in float32."""


def one_byte_lengths(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return document lengths as Lucene and tantivy keep them: 24 exact values, then 4 significant bits.

    Source: Lucene's SmallFloat.intToByte4 and byte4ToInt.
    """
    over = lengths - 24
    width = np.zeros_like(lengths)
    large = over >= 16
    width[large] = np.floor(np.log2(over[large])).astype(np.int64) - 3
    kept = np.where(large, (over >> width) << width, over)
    return np.where(lengths < 24, lengths, kept + 24)


class Oracle:
    """Scores every document for a query."""

    def __init__(self, workload: Workload, k1: float, b: float, idf: str, lengths: str) -> None:
        self.workload = workload
        self.robertson = idf == "robertson"
        exact = np.diff(workload.offsets)
        used = one_byte_lengths(exact) if lengths == "one byte" else exact
        self.norm = k1 * (1 - b + b * used / exact.mean())
        self.row_of = np.repeat(np.arange(workload.documents, dtype=np.uint32), exact)
        self.postings: dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = {}

    def contribution(self, word: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Rows that have a word, and what it adds to each."""
        if word not in self.postings:
            found = self.row_of[self.workload.tokens == self.workload.number(word)]
            rows, tf = np.unique(found, return_counts=True)
            n, df = self.workload.documents, len(rows)
            odds = (n - df + 0.5) / (df + 0.5)
            # PISA: Robertson's idf, never below a millionth.
            idf = max(float(np.log(odds)), 1e-6) if self.robertson else float(np.log1p(odds))
            self.postings[word] = (rows.astype(np.int64), idf * tf / (tf + self.norm[rows]))
        return self.postings[word]

    def scores(self, query: Sequence[str]) -> npt.NDArray[np.float64]:
        """The score of every document."""
        total = np.zeros(self.workload.documents)
        for word in query:
            rows, share = self.contribution(word)
            total[rows] += share
        return total

    def mistake(self, query: Sequence[str], rows: Sequence[int], k: int) -> str | None:
        """Say what is wrong with a top k, or None. Documents of equal score may change places."""
        scores = self.scores(query)
        expected = np.sort(scores)[::-1][:k]
        expected = expected[expected > 0]
        if len(rows) != len(expected) or len(set(rows)) != len(rows):
            return f"{len(rows)} hits, {len(set(rows))} of them distinct, expected {len(expected)}"
        found = scores[np.asarray(rows, dtype=np.int64)]
        wrong = np.flatnonzero(np.abs(found - expected) > TOLERANCE * expected)
        if len(wrong):
            rank = int(wrong[0])
            return f"rank {rank + 1} scores {found[rank]:.6f}, expected {expected[rank]:.6f}"
        return None
