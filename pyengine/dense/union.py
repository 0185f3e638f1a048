"""Several vector indexes searched as one, without their deleted rows."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from pyengine.config import DenseConfig
from pyengine.dense.index import DenseIndex
from pyengine.dense.recall import recall
from pyengine.dense.scoring import check_wanted
from pyengine.rows import Numbering, RowFilter, require_rows, row_filter
from pyengine.types import NO_ROW, Hits

__all__ = ["DenseUnion"]


class DenseUnion:
    """The vectors of several indexes that are not deleted, ranked together; searches as `DenseIndex` does.

    Scores come from one kernel, so where each part is searched exactly the answer is that of one index over
    the vectors that are left, bit for bit. A part with a graph is found with that graph's recall.

    Threads: any number may search at once, with the GIL released.

    Parameters
    ----------
    parts : sequence of (DenseIndex, uint32 array)
        One or more of one space, each with its deleted rows, ascending.

    Notes
    -----
    Memory: that of the parts; 12 bytes a deleted row, and one bit a row of parts that have some.
    """

    def __init__(self, parts: Sequence[tuple[DenseIndex, npt.NDArray[np.uint32]]]) -> None:
        self._indexes = [index for index, _ in parts]
        self._numberings = [Numbering(deleted, len(index)) for index, deleted in parts]
        self._starts = np.cumsum([0, *(numbering.n_shown for numbering in self._numberings)])
        self._live: list[RowFilter | None] | None = None
        self._filters: WeakKeyDictionary[RowFilter, list[RowFilter]] = WeakKeyDictionary()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __repr__(self) -> str:
        return f"DenseUnion({len(self)} x {self.dim}, {self.config.dtype}, {len(self._indexes)} parts)"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._indexes[0].dim

    @property
    def config(self) -> DenseConfig:
        """The settings the indexes were built with."""
        return self._indexes[0].config

    @property
    def has_graph(self) -> bool:
        """Whether any part has a graph."""
        return any(index.has_graph for index in self._indexes)

    def search(
        self,
        vectors: npt.NDArray[Any],
        k: int = 10,
        *,
        exact: bool | None = None,
        filter: npt.ArrayLike | RowFilter | None = None,
        n_threads: int = 1,
    ) -> Hits:
        """Return the ``k`` rows with the highest inner product per query vector.

        Parameters
        ----------
        vectors, k, exact, filter, n_threads
            As in `DenseIndex.search`; rows are those shown, without the deleted ones.

        Returns
        -------
        Hits
            Ordered by score descending, then row ascending.

        Raises
        ------
        InvalidInputError
            As `DenseIndex.search`.
        """
        filters = self._parts_of(None if filter is None else row_filter(filter, len(self)))
        found = []
        for index, numbering, start, allowed in zip(
            self._indexes, self._numberings, self._starts, filters, strict=False
        ):
            hits = index.search(vectors, k, exact=exact, filter=allowed, n_threads=n_threads)
            used = np.arange(hits.k) < hits.counts[:, None]
            rows = np.where(used, numbering.shown(hits.rows) + np.uint32(start), hits.rows)
            found.append(Hits(rows, hits.scores, hits.counts))
        return merged(found, k)

    def vectors(self, rows: Sequence[int] | npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float32]:
        """Return the stored vectors of ``rows`` as float32, shape ``(len(rows), dim)``; a copy.

        Parameters
        ----------
        rows : int array

        Raises
        ------
        InvalidInputError
            A row that is not in the index.
        """
        wanted = require_rows(rows, len(self))
        taken = np.empty((len(wanted), self.dim), dtype=np.float32)
        parts = np.searchsorted(self._starts, wanted, side="right") - 1
        for part in np.unique(parts).tolist():
            here = parts == part
            local = (wanted[here] - self._starts[part]).astype(np.uint32)
            taken[here] = self._indexes[part].vectors(self._numberings[part].stored(local))
        return taken

    def score(self, vectors: npt.NDArray[Any], rows: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the scores of given rows, as `DenseIndex.score`; rows are those shown.

        Parameters
        ----------
        vectors : float32 or float16 array, shape (n, dim)
        rows : int array, shape (n, m)
            `NO_ROW` marks unused slots.

        Raises
        ------
        InvalidInputError
            As `DenseIndex.score`.
        """
        wanted = check_wanted(rows, len(vectors), len(self))
        scores = np.full(wanted.shape, -np.inf, dtype=np.float32)
        parts = np.where(wanted == NO_ROW, -1, np.searchsorted(self._starts, wanted, side="right") - 1)
        for part in np.unique(parts[parts >= 0]).tolist():
            here = parts == part
            local = np.where(here, wanted - np.uint32(self._starts[part]), NO_ROW).astype(np.uint32)
            found = self._indexes[part].score(vectors, self._numberings[part].stored(local))
            scores[here] = found[here]
        return scores

    def recall(
        self,
        k: int = 10,
        *,
        queries: npt.NDArray[Any] | None = None,
        sample: int = 200,
        seed: int = 0,
        n_threads: int = 1,
    ) -> float:
        """Return how much of the exact answer is found, on average: recall@k.

        Parameters
        ----------
        k, queries, sample, seed, n_threads
            As in `DenseIndex.recall`.

        Raises
        ------
        InvalidInputError
            As `DenseIndex.recall`.
        """
        return recall(self, k, queries=queries, sample=sample, seed=seed, n_threads=n_threads)

    def verify(self) -> None:
        """Read every byte of all parts and compare it with its checksum.

        Raises
        ------
        CorruptIndexError
            As `DenseIndex.verify`.
        """
        for index in self._indexes:
            index.verify()

    def _parts_of(self, allowed: RowFilter | None) -> "Sequence[RowFilter | None]":
        """Return the filter of each part over its stored rows, kept for as long as the given one is."""
        if allowed is None:
            if self._live is None:
                self._live = [
                    RowFilter(numbering.live(), numbering.n_stored) if len(numbering.deleted) else None
                    for numbering in self._numberings
                ]
            return self._live
        known = self._filters.get(allowed)
        if known is None:
            mask = allowed.mask()
            known = [
                RowFilter(numbering.spread(mask[start : start + numbering.n_shown]), numbering.n_stored)
                for numbering, start in zip(self._numberings, self._starts, strict=False)
            ]
            self._filters[allowed] = known
        return known


def merged(parts: Sequence[Hits], k: int) -> Hits:
    """Return the ``k`` best of several answers to the same queries, by the order law.

    Parameters
    ----------
    parts : sequence of Hits
        Over different rows.
    k : int
    """
    if len(parts) == 1:
        return parts[0].truncate(k)
    rows = np.concatenate([part.rows for part in parts], axis=1)
    scores = np.concatenate([part.scores for part in parts], axis=1)
    # Unused slots hold -inf and the greatest row number, so they come last.
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    counts = np.minimum(sum(part.counts.astype(np.int64) for part in parts), k).astype(np.uint32)
    return Hits(np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1), counts)
