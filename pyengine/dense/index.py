"""`DenseIndex`: the k nearest of a set of unit vectors, by HNSW graph or by looking at all of them."""

import math
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.config import DenseConfig
from pyengine.dense.graph import Graph
from pyengine.dense.recall import recall
from pyengine.dense.saved import open_index, save_index, verify_index
from pyengine.dense.scoring import score_rows
from pyengine.dense.vectors import Vectors, check_count, check_rows, check_slots, check_unit, spread
from pyengine.errors import InvalidInputError
from pyengine.rows import RowFilter, row_filter
from pyengine.types import NO_ROW, Hits

__all__ = ["DenseIndex"]

Progress = Callable[[int, int | None], None]

# Rows inserted, and queries answered, between two chances for Ctrl-C and progress.
_ADD_ROWS: Final = 1024
_QUERIES: Final = 1024
# From rows / k below this on, looking at every row is faster than a graph search that wide.
_EXACT_RATIO: Final = 32
# Under a filter the graph is asked for so many times the rows that would do on average.
_SPARE: Final = 1.25


class DenseIndex:
    """Unit vectors ranked by inner product; rows are numbered in the order they were added.

    Made by `build` or `load`; the parameters below are theirs to give.

    Parameters
    ----------
    vectors : Vectors
        The stored vectors.
    graph : Graph or None
        The graph over them, if there are enough to need one.
    config : DenseConfig
        How it was built.

    Notes
    -----
    Scores: the inner product of the float32 query and the stored vector, in float32 with one fixed order of
    summation (``csrc/core/inner_product.hpp``), whatever found the row. So the graph decides only which rows
    are found; their scores and order are those of an exact search, bit for bit, on every CPU. All
    ``config.expansion_search`` candidates of the graph are scored, whatever ``k`` is. In int8 the
    graph holds 8 bits per component and the scores come from the float16 copy.

    Order of insertion: one call of `add` puts its vectors into the graph in a fixed order without order. A
    graph built along a sorted collection (codes, parts, chapters) misses much more: see ``docs/dense.md``.
    So give vectors in few, large calls.

    Threads: any number may search at once, with the GIL released. `add` needs the index for itself.

    Memory per row at d dimensions: 2d bytes in float16, 4d in float32, 3d in int8, 4 for the row number, and
    about 9 per unit of connectivity for the graph (150 at 16). Loading maps the files and reads almost
    nothing.
    """

    def __init__(self, vectors: Vectors, graph: Graph | None, config: DenseConfig) -> None:
        self._vectors = vectors
        self._graph = graph
        self._config = config
        self._folder: Path | None = None
        self._adding = threading.Lock()
        self._torn = False

    @classmethod
    def build(
        cls,
        vectors: npt.NDArray[Any],
        *,
        config: DenseConfig | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Return an index of ``vectors``.

        Parameters
        ----------
        vectors : float32 or float16 array, shape (n, dim)
            Unit vectors; ``n`` may be 0, which makes an empty index to `add` to.
        config : DenseConfig, optional
            ``DenseConfig()`` by default.
        progress : callable, optional
            Called as ``progress(rows done, n)``.

        Raises
        ------
        InvalidInputError
            Another dtype or shape, a NaN or an infinity, or a length further than 0.01 from 1.
        """
        checked = check_rows(vectors, None, "vectors")
        config = DenseConfig() if config is None else config
        dtype = np.float32 if config.dtype == "f32" else np.float16
        index = cls(Vectors(checked.shape[1], dtype), None, config)
        index.add(checked, progress=progress)
        return index

    def __len__(self) -> int:
        return self._vectors.count

    def __repr__(self) -> str:
        return f"DenseIndex({len(self)} x {self.dim}, {self._config.dtype})"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._vectors.dim

    @property
    def config(self) -> DenseConfig:
        """The settings the index was built with."""
        return self._config

    @property
    def has_graph(self) -> bool:
        """Whether there is a graph; below ``config.exact_below`` rows there is none."""
        return self._graph is not None

    def add(self, vectors: npt.NDArray[Any], *, progress: Progress | None = None) -> range:
        """Append ``vectors`` and return the rows they got.

        All are checked before the first goes in. If it is interrupted, by Ctrl-C or a lack of memory, the
        index is as before, except that one whose graph was being extended answers no more: load it again.

        Parameters
        ----------
        vectors : float32 or float16 array, shape (n, dim)
            Unit vectors, stored rounded to ``config.dtype``.
        progress : callable, optional
            Called as ``progress(rows done, n)``.

        Raises
        ------
        InvalidInputError
            As `build`; the index is then unchanged.
        """
        checked = check_rows(vectors, self.dim, "vectors")
        check_unit(checked, "vectors")
        with self._adding:
            self._require_whole()
            first = len(self)
            if first + len(checked) > NO_ROW:
                raise InvalidInputError(
                    f"vectors: an index holds at most {NO_ROW} rows, this would make {first + len(checked)}"
                )
            if self._graph is not None:
                self._extend_graph(self._graph, checked, progress)
            elif first + len(checked) < self._config.exact_below:
                self._vectors.append(checked, np.arange(first, first + len(checked)))
                if progress is not None and len(checked):
                    progress(len(checked), len(checked))
            else:
                self._begin_graph(checked, progress)
            return range(first, len(self))

    def _begin_graph(self, added: npt.NDArray[Any], progress: Progress | None) -> None:
        """Lay all vectors out anew, in the order in which they enter the graph."""
        old = self._vectors
        vectors, graph = Vectors(self.dim, old.dtype), Graph(self.dim, self._config)
        order = spread(0, old.count + len(added))
        for start in range(0, len(order), _ADD_ROWS):
            rows = order[start : start + _ADD_ROWS]
            chunk = np.empty((len(rows), self.dim), dtype=old.dtype)
            earlier = rows < old.count
            chunk[earlier] = old.take(rows[earlier])
            chunk[~earlier] = added[rows[~earlier] - old.count]
            for piece in vectors.append(chunk, rows):
                graph.add(piece)
            if progress is not None:
                progress(min(start + len(rows), len(added)), len(added))
        self._vectors, self._graph = vectors, graph

    def _extend_graph(self, graph: Graph, added: npt.NDArray[Any], progress: Progress | None) -> None:
        self._torn = True
        graph.thaw()
        first = len(self)
        order = spread(first, len(added))
        for start in range(0, len(order), _ADD_ROWS):
            rows = order[start : start + _ADD_ROWS]
            for piece in self._vectors.append(added[rows - first], rows):
                graph.add(piece)
            if progress is not None:
                progress(start + len(rows), len(added))
        self._torn = False

    def _require_whole(self) -> None:
        if self._torn:
            raise InvalidInputError(
                "index: an add was interrupted and left its graph half extended; load the index again"
            )

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
        vectors : float32 or float16 array, shape (n, dim)
            Unit vectors, one per query; ``n`` may be 0.
        k : int, >= 1
            Depth. Fewer hits come back if there are fewer rows.
        exact : bool, optional
            True looks at every row, False uses the graph wherever there is one. By default the graph is used
            from ``config.exact_below`` rows on, unless ``k`` is more than 1/32 of them: looking at every row
            is then faster.
        filter : bool array of shape (rows,), or int array of rows, or RowFilter, optional
            Only these rows may be hits. Few of them are all looked at, which is exact; with many the graph
            is asked for so many more rows that enough are left, and where they are not, that query is
            answered exactly. So k hits come back whenever there are k rows to be had.
        n_threads : int, >= 1
            Threads that share the queries; the answer does not depend on it. 1.

        Returns
        -------
        Hits
            Ordered by score descending, then row ascending; scores are inner products, -1 to 1.

        Raises
        ------
        InvalidInputError
            As `build`, or ``k`` or ``n_threads`` below 1, or a filter of another length.
        """
        self._require_whole()
        allowed = None if filter is None else row_filter(filter, len(self))
        queries = check_rows(vectors, self.dim, "vectors")
        check_unit(queries, "vectors")
        check_count("k", k)
        check_count("n_threads", n_threads)
        check_slots(len(queries), k)
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if len(queries) == 0 or len(self) == 0:
            return Hits.empty(len(queries), k)
        wanted = k if allowed is None else _wanted(k, allowed)
        few = allowed is not None and exact is None and allowed.count < _EXACT_RATIO * wanted
        graph = None if exact or few or self._is_small(k, exact) else self._graph
        if graph is None:
            return self._search_exact(queries, k, allowed, n_threads)
        search = self._search_graph if allowed is None else partial(self._search_filtered, allowed, wanted)
        parts = [
            search(graph, queries[start : start + _QUERIES], k, n_threads)
            for start in range(0, len(queries), _QUERIES)
        ]
        return parts[0] if len(parts) == 1 else _joined(parts)

    def _is_small(self, k: int, exact: bool | None) -> bool:
        return exact is None and (len(self) < self._config.exact_below or len(self) < _EXACT_RATIO * k)

    def _search_exact(
        self, queries: npt.NDArray[np.float32], k: int, allowed: RowFilter | None, n_threads: int
    ) -> Hits:
        stored = self._vectors
        words = None if allowed is None else allowed._core[0]
        found = _core.dense_exact(queries, k, stored.blocks, stored.rows, stored.half, n_threads, words)
        return Hits(*found)

    def _search_filtered(  # noqa: PLR0917 - the first two are bound, the rest is _search_graph's
        self,
        allowed: RowFilter,
        wanted: int,
        graph: Graph,
        queries: npt.NDArray[np.float32],
        k: int,
        n_threads: int,
    ) -> Hits:
        """Ask the graph for more than ``k``, keep what is allowed, and make up for what is then missing."""
        slots, found = graph.search(queries, wanted, n_threads)
        stored = self._vectors
        used = np.arange(slots.shape[1]) < found[:, None]
        # Unused slots of a line hold anything; damaged ones are told by dense_rank below.
        kept = used & allowed.admits(stored.rows[np.where(slots < stored.count, slots, 0).astype(np.int64)])
        order = np.argsort(~kept, axis=1, kind="stable")
        slots = np.take_along_axis(slots, order, axis=1)
        counts = kept.sum(axis=1).astype(np.uint64)
        hits = Hits(*_core.dense_rank(queries, slots, counts, k, stored.blocks, stored.rows, stored.half))
        short = np.flatnonzero(hits.counts < min(k, allowed.count))
        if len(short):
            exact = self._search_exact(queries[short], k, allowed, n_threads)
            for whole, part in (
                (hits.rows, exact.rows),
                (hits.scores, exact.scores),
                (hits.counts, exact.counts),
            ):
                whole[short] = part
        return hits

    def _search_graph(self, graph: Graph, queries: npt.NDArray[np.float32], k: int, n_threads: int) -> Hits:
        slots, found = graph.search(queries, k, n_threads)
        stored = self._vectors
        return Hits(*_core.dense_rank(queries, slots, found, k, stored.blocks, stored.rows, stored.half))

    def vectors(self, rows: Sequence[int] | npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float32]:
        """Return the stored vectors of ``rows`` as float32, shape ``(len(rows), dim)``; a copy.

        Raises
        ------
        InvalidInputError
            A row that is not in the index.
        """
        wanted = np.asarray(rows)
        if wanted.size == 0:
            wanted = wanted.astype(np.int64)
        if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
            raise InvalidInputError(
                f"rows: expected a sequence of whole numbers, got {wanted.dtype} of shape {wanted.shape}"
            )
        outside = np.flatnonzero((wanted < 0) | (wanted >= len(self)))
        if len(outside):
            raise InvalidInputError(
                f"rows[{outside[0]}]: expected 0 to {len(self) - 1}, got {wanted[outside[0]]}"
                if len(self)
                else "rows: the index is empty"
            )
        self._require_whole()
        return self._vectors.take(wanted.astype(np.int64)).astype(np.float32)

    def score(self, vectors: npt.NDArray[Any], rows: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the scores of given rows, (n, m) for n query vectors: those `search` gives, bit for bit.

        ``rows`` are integers (n, m); `NO_ROW` marks unused slots and gets -inf. The GIL is released.

        Raises
        ------
        InvalidInputError
            Another shape or dtype; a row outside the index.
        """
        self._require_whole()
        return score_rows(self._vectors, check_rows(vectors, self.dim, "vectors"), rows)

    def recall(
        self,
        k: int = 10,
        *,
        queries: npt.NDArray[Any] | None = None,
        sample: int = 200,
        seed: int = 0,
        n_threads: int = 1,
    ) -> float:
        """Return how much of the exact answer the graph finds, on average: recall@k.

        Parameters
        ----------
        k : int, >= 1
            Depth.
        queries : float32 or float16 array, shape (n, dim), optional
            Query vectors to measure with; the figure is about queries like these. By default stored vectors,
            drawn without replacement, which are easier than real queries.
        sample : int, >= 1
            How many stored vectors to draw; all of them if there are fewer. 200.
        seed : int
            Of the draw.
        n_threads : int, >= 1
            As in `search`.

        Returns
        -------
        float
            0 to 1; 1 for an index without a graph. A found row counts if its score reaches the exact k-th
            score, so equal scores cost nothing.

        Raises
        ------
        InvalidInputError
            ``k``, ``sample`` or ``queries`` outside the above, or an empty index.
        """
        return recall(self, k, queries=queries, sample=sample, seed=seed, n_threads=n_threads)

    def save(self, path: str | Path) -> None:
        """Write the index into the folder ``path``, which is made if need be.

        Every file is written beside its name and renamed, ``dense.json`` last. Syncing to the disk is left
        to whoever publishes the folder.

        Raises
        ------
        StorageError
            The operating system refused.
        """
        with self._adding:
            self._require_whole()
            save_index(Path(path), self._vectors, self._graph, self._config)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Open the index in the folder ``path`` by mapping its files.

        Sizes, heads and tails of the files are checked, files up to 8 MiB as a whole; `verify` checks all.
        The files may be replaced or removed while the index is open.

        Raises
        ------
        NotFoundError
            The folder holds no index.
        CorruptIndexError
            A file is missing, cut or changed.
        IncompatibleIndexError
            Written in another format version.
        """
        folder = Path(path)
        index = cls(*open_index(folder))
        index._folder = folder
        return index

    def verify(self) -> None:
        """Read every byte of the files the index was loaded from and compare it with its checksum.

        Raises
        ------
        CorruptIndexError
            A file is missing, cut or changed; the message names it.
        InvalidInputError
            The index was built, not loaded.
        """
        if self._folder is None:
            raise InvalidInputError("verify: the index was built in memory; save and load it first")
        verify_index(self._folder)


def _wanted(k: int, allowed: RowFilter) -> int:
    """Return how many rows to ask the graph for, so that ``k`` of them are likely to pass a filter."""
    share = allowed.count / max(allowed.n_rows, 1)
    return k if share == 0 else min(allowed.n_rows, math.ceil(_SPARE * k / share))


def _joined(parts: list[Hits]) -> Hits:
    return Hits(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.counts for part in parts]),
    )
