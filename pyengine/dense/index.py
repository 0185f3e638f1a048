"""`DenseIndex`: the k nearest of a set of unit vectors, by HNSW graph or by looking at all of them."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.config import DenseConfig
from pyengine.dense import files
from pyengine.dense.graph import Graph, graph_version
from pyengine.dense.vectors import Vectors, check_rows, check_unit
from pyengine.errors import CorruptIndexError, InvalidInputError, StorageError
from pyengine.types import NO_ROW, Hits

__all__ = ["DenseIndex"]

Progress = Callable[[int, int | None], None]

# Rows inserted, and queries answered, between two chances for Ctrl-C and progress.
_ADD_ROWS: Final = 1024
_QUERIES: Final = 1024
# From rows / k below this on, looking at every row is faster than a graph search that wide.
_EXACT_RATIO: Final = 32


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
    are found; their scores and order are those of an exact search, bit for bit, on every CPU. In int8 the
    graph holds 8 bits per component and the scores come from the float16 copy.

    Threads: any number may search at once, with the GIL released. `add` needs the index for itself.

    Memory per row at d dimensions: 2d bytes in float16, 4d in float32, 3d in int8, and about 9 bytes per
    unit of connectivity for the graph (150 bytes at 16). Loading maps the files and reads almost nothing.
    """

    def __init__(self, vectors: Vectors, graph: Graph | None, config: DenseConfig) -> None:
        self._vectors = vectors
        self._graph = graph
        self._config = config
        self._folder: Path | None = None
        self._adding = threading.Lock()

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

        All are checked before the first goes in. Interrupted by Ctrl-C, the index keeps the rows that were
        in by then: see ``len()``.

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
            first = len(self)
            if first + len(checked) > NO_ROW:
                raise InvalidInputError(
                    f"vectors: an index holds at most {NO_ROW} rows, this would make {first + len(checked)}"
                )
            if self._graph is not None:
                self._graph.thaw()
            for start in range(0, len(checked), _ADD_ROWS):
                part = checked[start : start + _ADD_ROWS]
                self._add_part(part)
                if progress is not None:
                    progress(start + len(part), len(checked))
            return range(first, len(self))

    def _add_part(self, part: npt.NDArray[Any]) -> None:
        pieces = self._vectors.append(part)
        if self._graph is None and len(self) >= self._config.exact_below:
            self._graph = Graph(self.dim, self._config)
            # Its first rows are all that were added so far, these ones included.
            pieces = [
                block[start : start + _ADD_ROWS]
                for block in self._vectors.blocks
                for start in range(0, len(block), _ADD_ROWS)
            ]
        if self._graph is not None:
            for piece in pieces:
                self._graph.add(len(self._graph), piece)

    def search(
        self,
        vectors: npt.NDArray[Any],
        k: int = 10,
        *,
        exact: bool | None = None,
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
        n_threads : int, >= 1
            Threads that share the queries; the answer does not depend on it. 1.

        Returns
        -------
        Hits
            Ordered by score descending, then row ascending; scores are inner products, -1 to 1.

        Raises
        ------
        InvalidInputError
            As `build`, or ``k`` or ``n_threads`` below 1.
        """
        queries = check_rows(vectors, self.dim, "vectors")
        check_unit(queries, "vectors")
        _check_count("k", k)
        _check_count("n_threads", n_threads)
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if len(queries) == 0 or len(self) == 0:
            return Hits.empty(len(queries), k)
        graph = None if exact or self._is_small(k, exact) else self._graph
        if graph is None:
            return self._search_exact(queries, k, n_threads)
        parts = [
            self._search_graph(graph, queries[start : start + _QUERIES], k, n_threads)
            for start in range(0, len(queries), _QUERIES)
        ]
        return parts[0] if len(parts) == 1 else _joined(parts)

    def _is_small(self, k: int, exact: bool | None) -> bool:
        return exact is None and (len(self) < self._config.exact_below or len(self) < _EXACT_RATIO * k)

    def _search_exact(self, queries: npt.NDArray[np.float32], k: int, n_threads: int) -> Hits:
        return Hits(*_core.dense_exact(queries, k, self._vectors.blocks, self._vectors.half, n_threads))

    def _search_graph(self, graph: Graph, queries: npt.NDArray[np.float32], k: int, n_threads: int) -> Hits:
        rows, found = graph.search(queries, k, n_threads)
        return Hits(*_core.dense_rank(queries, rows, found, k, self._vectors.blocks, self._vectors.half))

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
        return self._vectors.take(wanted.astype(np.int64))

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
        _check_count("sample", sample)
        if len(self) == 0:
            raise InvalidInputError("recall: the index is empty, so there is nothing to find")
        if queries is None:
            drawn = np.random.default_rng(seed).choice(len(self), min(sample, len(self)), replace=False)
            queries = self.vectors(np.sort(drawn))
        truth = self.search(queries, k, exact=True, n_threads=n_threads)
        found = self.search(queries, k, exact=False, n_threads=n_threads)
        if len(truth) == 0:
            raise InvalidInputError("queries: expected at least one vector")
        depth = int(truth.counts[0])
        right = (found.scores[:, :depth] >= truth.scores[:, depth - 1 : depth]).sum(axis=1)
        return float(np.mean(right / depth))

    def save(self, path: str | Path) -> None:
        """Write the index into the folder ``path``, which is made if need be.

        Every file is written beside its name and renamed, ``dense.json`` last. Syncing to the disk is left
        to whoever publishes the folder.

        Raises
        ------
        StorageError
            The operating system refused.
        """
        folder = Path(path)
        with self._adding:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._save(folder)
            except OSError as error:
                if isinstance(error, StorageError):
                    raise
                raise StorageError(f"{folder}: cannot be written: {error}") from error

    def _save(self, folder: Path) -> None:
        described: dict[str, files.Description] = {}
        offset = None
        if self._graph is not None:
            with files.write_through(folder / files.GRAPH) as temporary:
                self._save_graph(self._graph, temporary)
                if self._config.dtype != "i8":
                    offset = files.vectors_offset(temporary, self._vectors.blocks)
                described[files.GRAPH] = files.describe_file(temporary)
        if offset is None:
            with files.write_through(folder / files.VECTORS) as temporary:
                with temporary.open("wb") as file:
                    for block in self._vectors.blocks:
                        block.tofile(file)
                described[files.VECTORS] = files.describe_file(temporary)
        fields = {
            "dim": self.dim,
            "count": len(self),
            "config": self._config.to_json(),
            "usearch": graph_version() if self._graph is not None else None,
            "vectors": {
                "file": files.VECTORS if offset is None else files.GRAPH,
                "offset": offset or 0,
            },
            "files": described,
        }
        files.write_meta(folder, fields)
        for name in (files.GRAPH, files.VECTORS):
            if name not in described:
                (folder / name).unlink(missing_ok=True)

    @staticmethod
    def _save_graph(graph: Graph, path: Path) -> None:
        try:
            graph.save(path)
        except RuntimeError as error:
            raise StorageError(f"{path}: usearch could not write it: {error}; is the disk full?") from error

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
        index: Self = files.read_meta(folder, lambda meta: cls._open(folder, meta))
        index._folder = folder
        return index

    @classmethod
    def _open(cls, folder: Path, meta: dict[str, Any]) -> Self:
        config = DenseConfig(**meta["config"])
        for name, described in meta["files"].items():
            files.check_file(folder / name, described)
        mapped = {name: files.map_file(folder / name) for name in meta["files"]}
        dim, count, offset = meta["dim"], meta["count"], meta["vectors"]["offset"]
        if dim < 1 or count < 0 or offset < 0:
            raise ValueError(f"dim {dim}, count {count}, offset {offset}")
        dtype = np.dtype(np.float32 if config.dtype == "f32" else np.float16)
        block = mapped[meta["vectors"]["file"]][offset : offset + count * dim * dtype.itemsize]
        first = block.view(dtype).reshape(count, dim)
        graph = None
        if files.GRAPH in mapped:
            graph = Graph(dim, config)
            try:
                graph.view(mapped[files.GRAPH])
            except RuntimeError as error:
                raise CorruptIndexError(
                    f"{folder / files.GRAPH}: usearch {graph_version()} cannot read it (written by "
                    f"{meta['usearch']}): {error}; build the index again"
                ) from error
            if (len(graph), graph.dim) != (count, dim):
                raise CorruptIndexError(
                    f"{folder / files.GRAPH}: expected {count} rows of {dim}, "
                    f"got {len(graph)} of {graph.dim}; build the index again"
                )
        return cls(Vectors(dim, dtype, first), graph, config)

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
        folder = self._folder
        described: dict[str, files.Description] = files.read_meta(folder, lambda meta: meta["files"])
        for name, description in described.items():
            files.check_file(folder / name, description)
            files.verify_file(folder / name, description)


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InvalidInputError(f"{name}: expected a whole number of at least 1, got {value!r}")


def _joined(parts: list[Hits]) -> Hits:
    return Hits(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.counts for part in parts]),
    )
