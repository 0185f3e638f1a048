"""The stored vectors of an index, in memory that never moves once a row is in it."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.errors import InvalidInputError

__all__ = ["Vectors", "check_rows", "check_unit"]

Array = npt.NDArray[Any]

# Rows of a block: 48 MiB at 384 dimensions in float16, of which only what is written takes memory.
_BLOCK_ROWS: Final = 65_536
_CHECK_ROWS: Final = 4096
_TOLERANCE: Final = 0.01


class Vectors:
    """Rows of float16 or float32, appended, never changed.

    The graph points into the blocks, so a block is never moved or freed while the index lives.

    Parameters
    ----------
    dim : int
        Length of a vector.
    dtype : numpy.dtype
        float16 or float32.
    first : numpy.ndarray, optional
        Rows to begin with, taken as they are: a view of a mapped file.
    """

    def __init__(self, dim: int, dtype: Any, first: Array | None = None) -> None:
        self.dim = dim
        self.dtype = np.dtype(dtype)
        self.count = 0
        self._spaces: list[Array] = []
        self._starts: list[int] = []
        if first is not None and len(first):
            self._spaces.append(first)
            self._starts.append(0)
            self.count = len(first)

    @property
    def half(self) -> bool:
        """Whether vectors are stored as float16."""
        return bool(self.dtype == np.float16)

    @property
    def blocks(self) -> list[Array]:
        """The used rows as C-contiguous arrays, in order."""
        return [space[: self.count - start] for space, start in zip(self._spaces, self._starts, strict=True)]

    def append(self, vectors: Array) -> list[Array]:
        """Copy ``vectors`` in and return where they now lie, in pieces."""
        pieces = []
        while len(vectors):
            used = self.count - self._starts[-1] if self._spaces else 0
            if not self._spaces or used == len(self._spaces[-1]):
                self._spaces.append(np.empty((_BLOCK_ROWS, self.dim), dtype=self.dtype))
                self._starts.append(self.count)
                used = 0
            piece = self._spaces[-1][used : used + len(vectors)]
            piece[:] = vectors[: len(piece)]
            pieces.append(piece)
            self.count += len(piece)
            vectors = vectors[len(piece) :]
        return pieces

    def take(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the vectors of ``rows`` as float32, shape (len(rows), dim)."""
        out = np.empty((len(rows), self.dim), dtype=np.float32)
        place = np.searchsorted(self._starts, rows, side="right") - 1
        for i, (space, start) in enumerate(zip(self._spaces, self._starts, strict=True)):
            mine = np.flatnonzero(place == i)
            out[mine] = space[rows[mine] - start]
        return out


def check_rows(vectors: Any, dim: int | None, name: str) -> Array:
    """Return ``vectors`` if it is a float32 or float16 array of shape (n, ``dim``)."""
    if not isinstance(vectors, np.ndarray) or vectors.dtype not in (np.float32, np.float16):
        got = f"an array of {vectors.dtype}" if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise InvalidInputError(
            f"{name}: expected a numpy array of float32 or float16, got {got}; "
            "convert with numpy.asarray(vectors, dtype=numpy.float32)"
        )
    if vectors.ndim != 2:
        raise InvalidInputError(
            f"{name}: expected shape (n, {dim or 'dim'}), got {vectors.shape}; "
            "pass one vector as vector[None]"
        )
    if vectors.shape[1] < 1 or (dim is not None and vectors.shape[1] != dim):
        raise InvalidInputError(
            f"{name}: expected {dim or 'one or more'} columns, got {vectors.shape[1]}; "
            "vectors of one index come from one model"
        )
    return vectors


def check_unit(vectors: Array, name: str) -> None:
    """Refuse values that are no numbers, and lengths further than 0.01 from 1.

    The tolerance lets vectors through that were rounded to float16 or bfloat16 after normalising.
    """
    for start in range(0, len(vectors), _CHECK_ROWS):
        part = vectors[start : start + _CHECK_ROWS].astype(np.float32, copy=False)
        squares = np.einsum("ij,ij->i", part, part)
        # A NaN anywhere makes the sum NaN, an infinity makes it infinite: neither is near 1.
        wrong = np.flatnonzero(~(np.abs(np.sqrt(squares) - 1.0) <= _TOLERANCE))
        if len(wrong):
            row = start + int(wrong[0])
            if not np.isfinite(vectors[row]).all():
                raise InvalidInputError(f"{name}[{row}]: expected finite numbers, got NaN or infinity")
            length = float(squares[wrong[0]]) ** 0.5
            raise InvalidInputError(
                f"{name}[{row}]: expected a vector of length 1, got {length:.4g}; "
                "divide every vector by its norm"
            )
