"""The HNSW graph over the stored vectors: usearch, held to our rules.

Source: Malkov and Yashunin, arXiv 1603.09320. usearch accepts NaN, renders scores as distances and
refuses a batch with a known key; here rows are the keys, vectors were checked before, and only row
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

# Components of a unit vector in d dimensions are near 1/sqrt(d), so plain rounding of [-1, 1] to 8 bits
# would use a handful of steps. This many standard deviations fill the range; what exceeds them is cut.
_I8_RANGE: Final = 5.0
# int8 candidates per hit asked for: the float16 copy then decides.
_I8_OVERSAMPLE: Final = 2


def graph_version() -> str:
    """Return the version of usearch."""
    return str(import_module("usearch").__version__)


class Graph:
    """HNSW over rows 0, 1, 2, ... of unit vectors.

    Threads: `search` may be called from several at once, with the GIL released; `add` by one, and by no one
    else meanwhile.

    Parameters
    ----------
    dim : int
        Length of a vector.
    config : DenseConfig
    """

    def __init__(self, dim: int, config: DenseConfig) -> None:
        # Imported with the first graph: small indexes and `import pyengine` do without.
        usearch = import_module("usearch.index")
        self._index: Any = usearch.Index(
            ndim=dim,
            metric="ip",
            dtype=config.dtype,
            connectivity=config.connectivity,
            expansion_add=config.expansion_add,
            expansion_search=config.expansion_search,
        )
        self._config = config
        self._i8_scale = np.float32(127.0 * dim**0.5 / _I8_RANGE) if config.dtype == "i8" else None
        self._buffer: npt.NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self._index)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._index.ndim)

    def add(self, first_row: int, vectors: npt.NDArray[Any]) -> None:
        """Insert rows ``first_row``, ``first_row + 1``, ...; ``vectors`` must stay where they are for ever.

        In float16 and float32 the graph points at the given memory instead of copying it.
        """
        rows = np.arange(first_row, first_row + len(vectors), dtype=np.uint64)
        try:
            self._index.add(
                rows,
                self._encode(vectors),
                copy=self._i8_scale is not None,
                threads=self._config.build_threads,
            )
        except (RuntimeError, ValueError, MemoryError) as error:
            raise BackendError(f"usearch refused rows {first_row} and following: {error}") from error

    def search(
        self, queries: npt.NDArray[np.float32], k: int, n_threads: int
    ) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Return candidate rows of shape (n, at least k) and how many of each row of it are used."""
        wanted = k if self._i8_scale is None else k * _I8_OVERSAMPLE
        try:
            found = self._index.search(self._encode(queries), min(wanted, len(self)), threads=n_threads)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise BackendError(f"usearch failed on a batch of {len(queries)} queries: {error}") from error
        if len(queries) == 1:
            return found.keys[None], np.array([len(found.keys)], dtype=np.uint64)
        return found.keys, found.counts.astype(np.uint64)

    def _encode(self, vectors: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if self._i8_scale is None:
            return vectors
        scaled = np.rint(vectors.astype(np.float32) * self._i8_scale)
        encoded: npt.NDArray[np.int8] = np.clip(scaled, -127, 127, out=scaled).astype(np.int8)
        return encoded

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
