"""The HNSW graph over the stored vectors: usearch, held to our rules.

Source: Malkov and Yashunin, arXiv 1603.09320. usearch accepts NaN, renders scores as distances and
refuses a batch with a known key; here slots are the keys, vectors were checked before, and only slot
numbers come back.
"""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.config import DenseConfig
from pyengine.errors import BackendError

__all__ = ["Graph", "graph_version"]

# int8 candidates per hit asked for; the float16 copy then decides.
_I8_OVERSAMPLE: Final = 2


def _usearch() -> Any:
    """Import usearch, with the first graph: small indexes and ``import pyengine`` do without.

    Its wheel carries a C++ standard library of its own (seen in 2.26.6). If that is the first one whose
    locale symbols the process binds, other libraries meet them too, and a later ``import onnxruntime`` or
    Arrow's ``strftime`` ends the process. Arrow, loaded first, binds the system's, and all agree.
    """
    import_module("pyarrow")
    return import_module("usearch.index")


def graph_version() -> str:
    """Return the version of usearch."""
    _usearch()
    return str(import_module("usearch").__version__)


class Graph:
    """HNSW over the unit vectors in slots 0, 1, 2, ...

    Threads: `search` may be called from several at once, with the GIL released; `add` by one, and by no one
    else meanwhile.

    Parameters
    ----------
    dim : int
        Length of a vector.
    config : DenseConfig
    """

    def __init__(self, dim: int, config: DenseConfig) -> None:
        self._index: Any = _usearch().Index(
            ndim=dim,
            metric="ip",
            dtype=config.dtype,
            connectivity=config.connectivity,
            expansion_add=config.expansion_add,
            expansion_search=config.expansion_search,
        )
        self._config = config
        self._buffer: npt.NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self._index)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._index.ndim)

    def add(self, vectors: npt.NDArray[Any]) -> None:
        """Insert the vectors of the next slots; they must stay where they are while the graph lives.

        In float16 and float32 the graph points at the given memory instead of copying it.
        """
        slots = np.arange(len(self), len(self) + len(vectors), dtype=np.uint64)
        try:
            self._index.add(
                slots,
                vectors,
                copy=self._config.dtype == "i8",
                threads=self._config.build_threads,
            )
        except (RuntimeError, ValueError, MemoryError) as error:
            raise BackendError(f"usearch refused the vectors from {slots[0]} on: {error}") from error

    def search(
        self, queries: npt.NDArray[np.float32], k: int, n_threads: int
    ) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Return slots of shape (n, at least k), one line per query, and how many of each line are used."""
        # All that the graph has looked at closely is worth scoring: equal scores then fall to the lower row
        # and a deeper search begins with the shallow one, as long as k is below the expansion.
        wanted = max(k * _I8_OVERSAMPLE if self._config.dtype == "i8" else k, self._config.expansion_search)
        try:
            found = self._index.search(queries, min(wanted, len(self)), threads=n_threads)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise BackendError(f"usearch failed on a batch of {len(queries)} queries: {error}") from error
        if len(queries) == 1:
            return found.keys[None], np.array([len(found.keys)], dtype=np.uint64)
        return found.keys, found.counts.astype(np.uint64)

    def save(self, path: Path) -> None:
        """Write the graph and its vectors to ``path``."""
        self._index.save(str(path))

    def view(self, buffer: npt.NDArray[np.uint8]) -> None:
        """Search in the bytes of a file written by `save`, without copying them."""
        self._index.view(buffer)
        self._buffer = buffer

    def thaw(self) -> None:
        """Copy a viewed graph into memory, so that rows can be added."""
        if self._buffer is not None:
            buffer, self._buffer = self._buffer, None
            self._index.load(buffer)
