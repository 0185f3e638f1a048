"""Rows as callers give them, checked: `RowFilter`, and arrays of row numbers."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.errors import InvalidInputError

__all__ = ["RowFilter", "require_integers", "require_rows", "row_filter"]

_FEW: Final = 64
_UINT32: Final = np.dtype(np.uint32)


class RowFilter:
    """The rows that may be answered, as the core reads them: one bit a row.

    Parameters
    ----------
    rows : bool array of shape (n_rows,), or int array of rows
        True for the rows that may be hits, or their numbers in any order.
    n_rows : int
        Rows of the index it is for.

    Attributes
    ----------
    count : int
        Rows that may be hits.

    Raises
    ------
    InvalidInputError
        Another length, dtype or shape; a row outside the index.

    Notes
    -----
    Immutable; any number of threads may use one. Memory: one bit a row, and 4 bytes for each row that may
    be a hit if these are at most one in 64.
    """

    __slots__ = ("_few", "_words", "count", "n_rows")

    def __init__(self, rows: npt.ArrayLike, n_rows: int) -> None:
        given = np.asarray(rows)
        if given.dtype == np.bool_:
            if given.shape != (n_rows,):
                raise InvalidInputError(
                    f"filter: expected a bool for each of {n_rows} rows, got shape {given.shape}"
                )
            mask = given
        else:
            mask = np.zeros(n_rows, dtype=np.bool_)
            mask[_rows_below(given, n_rows, "filter")] = True
        bits = np.zeros((n_rows + 63) // 64 * 8, dtype=np.uint8)
        packed = np.packbits(mask, bitorder="little")
        bits[: len(packed)] = packed
        self.n_rows = n_rows
        self.count = int(np.count_nonzero(mask))
        self._words: npt.NDArray[np.uint64] = bits.view("<u8")
        # So few rows may be looked up one by one.
        few = self.count <= n_rows // _FEW
        self._few = np.flatnonzero(mask).astype(np.uint32) if few else None

    def admits(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.bool_]:
        """Return for each row whether it may be a hit; all must be rows of the index.

        Parameters
        ----------
        rows : int array, any shape
        """
        wanted = rows.astype(np.int64)
        words = self._words[wanted >> 6]
        admitted: npt.NDArray[np.bool_] = (words >> (wanted & 63).astype(np.uint64) & np.uint64(1)) != 0
        return admitted

    @property
    def _core(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32] | None]:
        """The filter as the compiled core takes it."""
        return self._words, self._few


def row_filter(given: npt.ArrayLike | RowFilter, n_rows: int) -> RowFilter:
    """Return the filter of one search, or raise `InvalidInputError`."""
    if not isinstance(given, RowFilter):
        return RowFilter(given, n_rows)
    if given.n_rows != n_rows:
        raise InvalidInputError(
            f"filter: made for an index of {given.n_rows} rows, this one has {n_rows}; make one for it"
        )
    return given


def require_integers(rows: npt.ArrayLike, name: str = "rows") -> npt.NDArray[np.uint32]:
    """Return row numbers as the core takes them, of any shape, or raise `InvalidInputError`."""
    if type(rows) is np.ndarray and rows.dtype is _UINT32:
        return np.ascontiguousarray(rows)
    try:
        wanted = np.asarray(rows)
    except ValueError as error:
        raise InvalidInputError(f"{name}: expected lines of equal length: {error}") from error
    if wanted.size == 0:
        wanted = wanted.astype(np.uint32)
    if wanted.dtype.kind not in "iu":
        raise InvalidInputError(f"{name}: expected integers, got {wanted.dtype}")
    if wanted.size and (wanted.min() < 0 or wanted.max() > np.iinfo(np.uint32).max):
        raise InvalidInputError(f"{name}: expected row numbers from 0 to 2**32 - 1")
    return np.ascontiguousarray(wanted, dtype=np.uint32)


def require_rows(rows: npt.ArrayLike, n_rows: int) -> npt.NDArray[np.uint32]:
    """Return a list of rows of an index, or raise `InvalidInputError`."""
    return _rows_below(np.asarray(rows), n_rows, "rows")


def _rows_below(given: npt.NDArray[np.generic], n_rows: int, name: str) -> npt.NDArray[np.uint32]:
    wanted = require_integers(given, name)
    if wanted.ndim != 1:
        raise InvalidInputError(f"{name}: expected one dimension, got {wanted.ndim}")
    if wanted.size and int(wanted.max()) >= n_rows:
        raise InvalidInputError(f"{name}: expected rows below {n_rows}, got {int(wanted.max())}")
    return wanted
