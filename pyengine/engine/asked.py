"""One call of a search: run the branches, fuse them, and collapse chunks to documents."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.config import FusionCalibration, FusionConfig
from pyengine.engine.branches import BranchHits, run_branches
from pyengine.engine.fusing import Fusing
from pyengine.engine.results import Mode
from pyengine.engine.snapshot import Snapshot
from pyengine.rows import RowFilter
from pyengine.types import NO_ROW, Embedder, Hits

__all__ = ["Asked"]

# Chunks asked for at first, for each document wanted, and by how much more the next time where documents are
# missing still. A branch's documents do not depend on either.
_FIRST: Final = 4
_MORE: Final = 4
# Hits of a branch held at a time while answers are widened: 128 MiB of them.
_MOST_SLOTS: Final = 1 << 24


class Asked:
    """The queries of one call, and how they are answered.

    Parameters
    ----------
    snapshot : Snapshot
    embedder : callable
        Returns the embedder; called only when the dense branch runs.
    queries : sequence of str
    mode : "hybrid", "lexical" or "dense"
    fusion : FusionConfig
    calibration : callable
        Returns what the fusion "auto" knows of the collection.
    terms : sequence of list of str, optional
        What the lexical branch is asked in place of the queries, as the index has it.
    allowed : RowFilter or None
        The rows that may be hits.
    n_threads : int
    timeout_s : float or None
        For the dense branch, counted from here.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        embedder: Callable[[], Embedder],
        queries: Sequence[str],
        mode: Mode,
        *,
        fusion: FusionConfig,
        calibration: Callable[[], FusionCalibration],
        terms: Sequence[list[str]] | None = None,
        allowed: RowFilter | None = None,
        n_threads: int = 1,
        timeout_s: float | None = None,
    ) -> None:
        self._terms: Sequence[str] | Sequence[list[str]] = queries if terms is None else terms
        self._snapshot = snapshot
        self._embedder = embedder
        self._queries = queries
        self._mode = mode
        self._allowed = allowed
        self._n_threads = n_threads
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._vectors: npt.NDArray[np.float32] | None = None
        self.fusing = Fusing(
            snapshot,
            fusion,
            queries,
            terms=self._terms,
            vectors=self._query_vectors,
            calibration=calibration,
        )

    def best(self, k: int, *, collapsed: bool) -> tuple[Hits, BranchHits]:
        """Return the best k rows of each query, and what the branches found.

        Parameters
        ----------
        k : int
        collapsed : bool
            One row a document. The branches' hits are then those of the queries that were asked last: of the
            only one, where there is one.
        """
        # Room is made for as many hits as there can be, not for as many as are asked for.
        most = max(1, len(self._snapshot.corpus))
        k = min(k, most)
        if collapsed:
            return self._best_documents(k)
        every = np.arange(len(self._queries))
        found = self._run(every, min(max(k, self._window), most))
        return self._ranked(found, every, k), found

    def _best_documents(self, k: int) -> tuple[Hits, BranchHits]:
        """As `best`, with the best chunk of each document.

        The k best documents of a branch stand in any beginning of its ranking that names k: the first chunk
        of a document is its best (order law), and a document that the beginning does not name comes later. So
        the beginning is made longer until it names k documents or is the whole ranking. A fused ranking
        depends on how far the branches were read; each query is read to the same depths whatever others it is
        asked with.
        """
        documents = self._snapshot.corpus.documents
        wanted = min(k, len(documents))
        most = max(1, len(self._snapshot.corpus) if self._allowed is None else self._allowed.count)
        answer = Hits.empty(len(self._queries), k)
        found = BranchHits()
        left = np.arange(len(self._queries))
        depth = min(most, max(_FIRST * wanted, self._window))
        while len(left):
            step = max(1, _MOST_SLOTS // depth)
            short = []
            for start in range(0, len(left), step):
                which = left[start : start + step]
                found = self._run(which, depth, found.late)
                ranked = self._ranked(found, which, max(1, len(found.hits)) * depth)
                rows = np.where(ranked.rows == NO_ROW, 0, ranked.rows)
                best = ranked.collapse(documents.of(rows) if wanted else rows).truncate(k)
                answer.rows[which, : best.k] = best.rows
                answer.scores[which, : best.k] = best.scores
                answer.counts[which] = best.counts
                full = [hits.counts >= depth for hits in found.hits.values()]  # these may have more
                short.append(which[np.any(full, axis=0) & (best.counts < wanted)] if full else which[:0])
            left = np.concatenate(short) if depth < most else left[:0]
            depth = min(most, _MORE * depth)
        return answer, found

    @property
    def _window(self) -> int:
        return self.fusing.config.window if self._mode == "hybrid" else 1

    def _run(self, which: npt.NDArray[np.intp], depth: int, late: tuple[str, ...] = ()) -> BranchHits:
        """Search for some of the queries, without a branch that was late already."""
        queries: Any = [self._terms[i] for i in which]
        if late:
            if self._mode == "dense":
                return BranchHits(late=late)
            lexical = self._snapshot.lexical
            hits = lexical.search(queries, depth, filter=self._allowed, n_threads=self._n_threads)
            return BranchHits({"lexical": hits}, late)
        return run_branches(
            self._snapshot,
            lambda: self._query_vectors(which),
            queries,
            depth,
            self._mode,
            allowed=self._allowed,
            n_threads=self._n_threads,
            timeout_s=None if self._deadline is None else max(0.0, self._deadline - time.monotonic()),
        )

    def _query_vectors(self, which: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        """Return the vectors of some of the queries; those of all are made at the first call."""
        if self._vectors is None:
            self._vectors = self._embedder().embed(self._queries, kind="query")
        return self._vectors if len(which) == len(self._queries) else self._vectors[which]

    def _ranked(self, found: BranchHits, which: npt.NDArray[np.intp], k: int) -> Hits:
        """Return the one ranking that the mode makes of the branches' hits for some of the queries."""
        if self._mode == "hybrid":
            return self.fusing.fuse(found.hits, which, k)
        return found.hits[self._mode].truncate(k) if self._mode in found.hits else Hits.empty(len(which), k)
