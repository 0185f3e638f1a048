"""One answer, one order, one verb: `Hits`, and the protocols that produce and consume it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from pyengine.errors import InvalidInputError

__all__ = ["NO_ROW", "Embedder", "Hits", "Retriever"]

NO_ROW: Final = 2**32 - 1
"""The row number that fills unused slots of `Hits.rows`."""

# Made once: comparing with a dtype that has to be made each time is a tenth of a search.
_FIELDS: Final = (
    ("rows", np.dtype(np.uint32), 2),
    ("scores", np.dtype(np.float32), 2),
    ("counts", np.dtype(np.uint32), 1),
)


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Ranked answers to n queries, as arrays.

    Order law: score descending, then row ascending.

    Parameters
    ----------
    rows : uint32, shape (n, k)
        Row numbers in the corpus; unused slots hold `NO_ROW`.
    scores : float32, shape (n, k)
        Higher is better; unused slots hold ``-inf``. Scores of different queries do not compare.
    counts : uint32, shape (n,)
        Used slots per query, which are the first ones.

    Raises
    ------
    InvalidInputError
        Shapes or dtypes differ from the above.
    """

    rows: npt.NDArray[np.uint32]
    scores: npt.NDArray[np.float32]
    counts: npt.NDArray[np.uint32]

    def __post_init__(self) -> None:
        for name, dtype, ndim in _FIELDS:
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != ndim:
                got = (
                    f"{array.dtype} of {array.ndim} dimensions"
                    if isinstance(array, np.ndarray)
                    else type(array).__name__
                )
                raise InvalidInputError(
                    f"{name}: expected an array of {dtype} with {ndim} dimensions, got {got}"
                )
        if self.rows.shape != self.scores.shape or self.rows.shape[0] != self.counts.shape[0]:
            raise InvalidInputError(
                f"rows {self.rows.shape}, scores {self.scores.shape}, counts {self.counts.shape}: "
                "expected (n, k), (n, k), (n,)"
            )

    def __len__(self) -> int:
        """Number of queries."""
        return int(self.rows.shape[0])

    def __iter__(self) -> Iterator[tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32]]]:
        """Yield ``(rows, scores)`` of each query, used slots only."""
        return (self.query(i) for i in range(len(self)))

    @property
    def k(self) -> int:
        """Depth: slots per query."""
        return int(self.rows.shape[1])

    def query(self, i: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32]]:
        """Return ``(rows, scores)`` of query ``i``, used slots only (views)."""
        n = int(self.counts[i])
        return self.rows[i, :n], self.scores[i, :n]

    def truncate(self, k: int) -> "Hits":
        """Return the first ``k`` slots of every query (``k >= 1``)."""
        if k < 1:
            raise InvalidInputError(f"k: expected at least 1, got {k}")
        return Hits(self.rows[:, :k], self.scores[:, :k], np.minimum(self.counts, np.uint32(k)))

    def collapse(self, groups: npt.NDArray[np.integer[Any]]) -> "Hits":
        """Return the best row of every group, such as the best chunk of every document.

        Under the order law the first row of a group is its best: the highest score, of equal ones the lowest
        row. The rows that stay keep scores and order, so the answer is the beginning of what the whole
        ranking would give, whatever its depth.

        Parameters
        ----------
        groups : int array, shape (n, k)
            The group of each slot's row, 0 to 2**32 - 1; what unused slots hold does not matter.

        Returns
        -------
        Hits
            Of the same shape; each query has as many hits as groups.

        Raises
        ------
        InvalidInputError
            Another shape, no integers, or a group outside of that range.
        """
        is_array = isinstance(groups, np.ndarray)
        if not is_array or groups.shape != self.rows.shape or groups.dtype.kind not in "iu":
            got = f"{groups.dtype} {groups.shape}" if is_array else type(groups).__name__
            raise InvalidInputError(f"groups: expected integers of shape {self.rows.shape}, got {got}")
        used = np.arange(self.k) < self.counts[:, None]
        wrong = used & ((groups < 0) | (groups > 2**32 - 1))
        if wrong.any():
            raise InvalidInputError(f"groups: expected numbers from 0 to 2**32 - 1, got {groups[wrong][0]}")
        # Sorted by group, then by place; so the best of a group stands first. Unused slots are a last group.
        keys = np.where(used, groups, 2**32 - 1).astype(np.int64) << 31 | np.arange(self.k)
        keys.sort(axis=1)
        first = np.ones(keys.shape, dtype=np.bool_)
        first[:, 1:] = keys[:, 1:] >> 31 != keys[:, :-1] >> 31
        best = np.zeros(keys.shape, dtype=np.bool_)
        np.put_along_axis(best, keys & (2**31 - 1), first, axis=1)
        best &= used
        kept = np.argsort(~best, axis=1, kind="stable")
        counts = best.sum(axis=1, dtype=np.uint32)
        left = np.arange(self.k) >= counts[:, None]
        rows, scores = (
            np.take_along_axis(self.rows, kept, axis=1),
            np.take_along_axis(self.scores, kept, axis=1),
        )
        rows[left] = NO_ROW
        scores[left] = -np.inf
        return Hits(rows, scores, counts)

    def equals(self, other: "Hits") -> bool:
        """Whether both hold the same rows, scores (bit for bit) and counts."""
        return (
            np.array_equal(self.counts, other.counts)
            and np.array_equal(self.rows, other.rows)
            and np.array_equal(self.scores.view(np.uint32), other.scores.view(np.uint32))
        )

    @classmethod
    def empty(cls, n: int, k: int) -> "Hits":
        """Return ``n`` answers without a hit."""
        return cls(
            np.full((n, k), NO_ROW, dtype=np.uint32),
            np.full((n, k), -np.inf, dtype=np.float32),
            np.zeros(n, dtype=np.uint32),
        )

    @classmethod
    def from_lists(cls, lists: Sequence[Sequence[tuple[int, float]]], k: int | None = None) -> "Hits":
        """Build from one list of ``(row, score)`` per query, sorting each by the order law.

        Parameters
        ----------
        lists : sequence of sequences of (row, score)
        k : int, optional
            Depth to keep; the longest list by default.
        """
        depth = max((len(pairs) for pairs in lists), default=0) if k is None else k
        hits = cls.empty(len(lists), depth)
        for i, pairs in enumerate(lists):
            kept = sorted(((np.float32(score), row) for row, score in pairs), key=lambda p: (-p[0], p[1]))[
                :depth
            ]
            hits.counts[i] = len(kept)
            for j, (score, row) in enumerate(kept):
                hits.rows[i, j] = row
                hits.scores[i, j] = score
        return hits


@runtime_checkable
class Retriever(Protocol):
    """Anything that ranks rows for queries: BM25, dense, fused, or your own."""

    def search(self, queries: Any, k: int = 10) -> Hits:
        """Return the ``k`` best rows of each query under the order law."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Anything that turns text into unit vectors of one space."""

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """Names the vector space: weights, tokenizer, pooling, prefixes. Equal means comparable."""
        ...

    def embed(
        self, texts: Sequence[str], *, kind: Literal["query", "passage"] = "passage"
    ) -> npt.NDArray[np.float32]:
        """Return float32 unit vectors of shape ``(len(texts), dim)``."""
        ...
