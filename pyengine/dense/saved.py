"""A whole index to and from a folder; `files` says what lies there."""

from pathlib import Path
from typing import Any

import numpy as np

from pyengine.config import DenseConfig
from pyengine.dense import files
from pyengine.dense.graph import Graph, graph_version
from pyengine.dense.vectors import Vectors
from pyengine.errors import CorruptIndexError, StorageError

__all__ = ["open_index", "save_index", "verify_index"]


def save_index(folder: Path, vectors: Vectors, graph: Graph | None, config: DenseConfig) -> None:
    """Write an index into ``folder``, in place of one that may be there.

    Raises
    ------
    StorageError
        The operating system refused; what was there is as it was.
    """
    described: dict[str, files.Description] = {}
    with files.replacing(folder) as stage:
        offset = None
        if graph is not None:
            path = stage(files.GRAPH)
            _save_graph(graph, path)
            described[files.GRAPH] = files.describe_file(path)
            if config.dtype != "i8":
                offset = files.vectors_offset(path, vectors.blocks)
        if offset is None:
            path = stage(files.VECTORS)
            with path.open("wb") as file:
                for block in vectors.blocks:
                    block.tofile(file)
            described[files.VECTORS] = files.describe_file(path)
        path = stage(files.ROWS)
        vectors.rows.tofile(path)
        described[files.ROWS] = files.describe_file(path)
        fields = {
            "dim": vectors.dim,
            "count": vectors.count,
            "config": config.to_json(),
            "usearch": graph_version() if graph is not None else None,
            "vectors": {"file": files.VECTORS if offset is None else files.GRAPH, "offset": offset or 0},
            "files": described,
        }
        # Last: while the names change hands, the description of the old files refuses the new ones.
        files.write_meta(stage(files.META), fields)
    for name in (files.GRAPH, files.VECTORS):
        if name not in described:
            (folder / name).unlink(missing_ok=True)


def _save_graph(graph: Graph, path: Path) -> None:
    try:
        graph.save(path)
    except RuntimeError as error:
        raise StorageError(f"{path}: usearch could not write it: {error}; is the disk full?") from error


def open_index(folder: Path) -> tuple[Vectors, Graph | None, DenseConfig]:
    """Map the files in ``folder`` once they look as they were written.

    Raises
    ------
    NotFoundError, CorruptIndexError, IncompatibleIndexError, StorageError
        As `DenseIndex.load` says.
    """

    def parse(meta: dict[str, Any]) -> tuple[Vectors, Graph | None, DenseConfig]:
        for name, described in meta["files"].items():
            files.check_file(folder / name, described)
        return _open(folder, meta)

    opened: tuple[Vectors, Graph | None, DenseConfig] = files.read_meta(folder, parse)
    return opened


def _open(folder: Path, meta: dict[str, Any]) -> tuple[Vectors, Graph | None, DenseConfig]:
    config = DenseConfig(**meta["config"])
    mapped = {name: files.map_file(folder / name) for name in meta["files"]}
    dim, count, offset = meta["dim"], meta["count"], meta["vectors"]["offset"]
    if dim < 1 or count < 0 or offset < 0:
        raise ValueError(f"dim {dim}, count {count}, offset {offset}")
    dtype = np.dtype(np.float32 if config.dtype == "f32" else np.float16)
    block = mapped[meta["vectors"]["file"]][offset : offset + count * dim * dtype.itemsize]
    rows = mapped[files.ROWS].view(np.uint32)
    if len(rows) != count:
        raise ValueError(f"count {count}, but {len(rows)} numbers in {files.ROWS}")
    vectors = Vectors(dim, dtype, block.view(dtype).reshape(count, dim), rows)
    if files.GRAPH not in mapped:
        return vectors, None, config
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
            f"{folder / files.GRAPH}: expected {count} vectors of {dim}, "
            f"got {len(graph)} of {graph.dim}; build the index again"
        )
    return vectors, graph, config


def verify_index(folder: Path) -> None:
    """Compare every byte of the files in ``folder`` with its checksum, and see that each row has a vector.

    Raises
    ------
    CorruptIndexError
        A file is missing, cut or changed, or names a row twice or one that is not there.
    """
    described: dict[str, files.Description] = files.read_meta(folder, lambda meta: meta["files"])
    for name, description in described.items():
        files.check_file(folder / name, description)
        files.verify_file(folder / name, description)
    rows = np.sort(files.map_file(folder / files.ROWS).view(np.uint32))
    if not np.array_equal(rows, np.arange(len(rows))):
        raise CorruptIndexError(
            f"{folder / files.ROWS}: expected each row from 0 to {len(rows) - 1} once; build the index again"
        )
