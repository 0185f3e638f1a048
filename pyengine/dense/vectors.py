"""The stored vectors of an index, in memory that never moves once a vector is in it."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.errors import InvalidInputError

__all__ = ["Vectors", "check_count", "check_rows", "check_slots", "check_unit", "spread"]

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.uint32]

# Slots of a block: 48 MiB at 384 dimensions in float16, of which only what is written takes memory.
_BLOCK_SLOTS: Final = 65_536
_TOLERANCE: Final = 0.01
_MOST_SLOTS: Final = 1 << 31


class Vectors:
    """Vectors in slots, each of some row; appended, never changed.

    The graph points into the blocks, so a block is never moved or freed while the index lives.

    Parameters
    ----------
    dim : int
        Length of a vector.
    dtype : numpy.dtype
        float16 or float32.
    first : numpy.ndarray, optional
        Vectors to begin with, taken as they are: a view of a mapped file.
    rows : uint32 array, optional
        The row of each of them.
    """

    def __init__(self, dim: int, dtype: Any, first: Array | None = None, rows: Rows | None = None) -> None:
        self.dim = dim
        self.dtype = np.dtype(dtype)
        self.count = 0
        self._spaces: list[Array] = []
        self._starts: list[int] = []
        self._rows: Rows = np.empty(0, dtype=np.uint32)
        self._slots: npt.NDArray[np.int64] | None = None
        if first is not None and rows is not None and len(first):
            self._spaces.append(first)
            self._starts.append(0)
            self._rows = rows
            self.count = len(first)

    @property
    def half(self) -> bool:
        """Whether vectors are stored as float16."""
        return bool(self.dtype == np.float16)

    @property
    def blocks(self) -> list[Array]:
        """The used slots as C-contiguous arrays, in order."""
        return [space[: self.count - start] for space, start in zip(self._spaces, self._starts, strict=True)]

    @property
    def rows(self) -> Rows:
        """The row of every slot."""
        return self._rows[: self.count]

    def append(self, vectors: Array, rows: npt.NDArray[np.integer[Any]]) -> list[Array]:
        """Copy ``vectors`` of ``rows`` in and return where they now lie, in pieces."""
        if len(rows) == 0:
            return []
        self._slots = None
        if self.count + len(rows) > len(self._rows):
            grown = np.empty(max(2 * len(self._rows), self.count + len(rows)), dtype=np.uint32)
            grown[: self.count] = self.rows
            self._rows = grown
        self._rows[self.count : self.count + len(rows)] = rows
        pieces = []
        while len(vectors):
            used = self.count - self._starts[-1] if self._spaces else 0
            if not self._spaces or used == len(self._spaces[-1]):
                self._spaces.append(np.empty((_BLOCK_SLOTS, self.dim), dtype=self.dtype))
                self._starts.append(self.count)
                used = 0
            piece = self._spaces[-1][used : used + len(vectors)]
            piece[:] = vectors[: len(piece)]
            pieces.append(piece)
            self.count += len(piece)
            vectors = vectors[len(piece) :]
        return pieces

    def slots_of(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
        """Return in which slot each of ``rows`` is."""
        if self._slots is None:
            slots = np.empty(self.count, dtype=np.int64)
            slots[self.rows] = np.arange(self.count)
            self._slots = slots
        wanted: npt.NDArray[np.int64] = self._slots[rows]
        return wanted

    def take(self, rows: npt.NDArray[np.int64]) -> Array:
        """Return the vectors of ``rows`` as stored, shape (len(rows), dim)."""
        wanted = self.slots_of(rows)
        out = np.empty((len(rows), self.dim), dtype=self.dtype)
        place = np.searchsorted(self._starts, wanted, side="right") - 1
        for i, (space, start) in enumerate(zip(self._spaces, self._starts, strict=True)):
            mine = np.flatnonzero(place == i)
            out[mine] = space[wanted[mine] - start]
        return out


def spread(first: int, count: int) -> npt.NDArray[np.int64]:
    """Return the numbers from ``first`` on in an order without order, the same one every time.

    Sorted by a mixed form of the number: SplitMix64, the finaliser of Steele, Lea and Flood, "Fast splittable
    pseudorandom number generators", OOPSLA 2014. Not numpy's generators, whose streams may change.
    """
    mixed = np.arange(first, first + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    order: npt.NDArray[np.int64] = first + np.argsort(mixed, kind="stable")
    return order


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
    vectors = np.ascontiguousarray(vectors)
    row = _core.dense_first_not_unit(vectors, vectors.dtype == np.float16, _TOLERANCE)
    if row is None:
        return
    if not np.isfinite(vectors[row]).all():
        raise InvalidInputError(f"{name}[{row}]: expected finite numbers, got NaN or infinity")
    length = float(np.linalg.norm(vectors[row].astype(np.float64)))
    raise InvalidInputError(
        f"{name}[{row}]: expected a vector of length 1, got {length:.4g}; divide every vector by its norm"
    )


def check_count(name: str, value: Any) -> None:
    """Raise `InvalidInputError` unless ``value`` is a whole number from 1 to 2**31 - 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InvalidInputError(f"{name}: expected a whole number of at least 1, got {value!r}")
    if value >= _MOST_SLOTS:
        raise InvalidInputError(f"{name}: expected 1 to 2**31 - 1, got {value}")


def check_slots(n_queries: int, k: int) -> None:
    """Raise `InvalidInputError` before memory is taken for an answer that could hardly be meant."""
    if n_queries * int(k) > _MOST_SLOTS:
        raise InvalidInputError(
            f"k: expected at most 2**31 slots in one answer, got {n_queries} queries x {k}; lower k or split "
            "the batch"
        )
