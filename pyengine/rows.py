"""Rows as callers give them, checked: `RowFilter`, and arrays of row numbers."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.errors import InvalidInputError

__all__ = ["Numbering", "RowFilter", "require_integers", "require_rows", "row_filter"]

_FEW: Final = 64
_NO_ROW: Final = 2**32 - 1  # as in pyengine.types
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

    __slots__ = ("__weakref__", "_few", "_words", "count", "n_rows")

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

    def mask(self) -> npt.NDArray[np.bool_]:
        """Return a bool for each row: whether it may be a hit."""
        bits = np.unpackbits(self._words.view(np.uint8), bitorder="little", count=self.n_rows)
        return bits.view(np.bool_)

    @property
    def _core(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32] | None]:
        """The filter as the compiled core takes it."""
        return self._words, self._few


class Numbering:
    """Rows as they are stored and as they are shown, which is without the deleted ones.

    Row 5 of an index whose rows 1 and 3 are deleted is shown as row 3. The order stays, so ties do too.

    Parameters
    ----------
    deleted : uint32 array
        The stored rows that are deleted, ascending.
    n_stored : int
        Rows that are stored, deleted ones too.

    Notes
    -----
    Immutable; any number of threads may use one. Memory: 12 bytes a deleted row. Cost: a binary search a row.
    """

    __slots__ = ("_deleted", "_shifted", "n_shown", "n_stored")

    def __init__(self, deleted: npt.NDArray[np.uint32], n_stored: int) -> None:
        self._deleted = deleted
        # The j-th deleted row lies before every shown row from this number on.
        self._shifted = deleted.astype(np.int64) - np.arange(len(deleted))
        self.n_stored = n_stored
        self.n_shown = n_stored - len(deleted)

    @property
    def deleted(self) -> npt.NDArray[np.uint32]:
        """The stored rows that are deleted, ascending."""
        return self._deleted

    def shown(self, stored: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        """Return the shown number of stored rows that are not deleted; `NO_ROW` stays.

        Parameters
        ----------
        stored : uint32 array, any shape
        """
        before = np.searchsorted(self._deleted, stored).astype(np.uint32)
        before[stored == _NO_ROW] = 0
        shown: npt.NDArray[np.uint32] = stored - before
        return shown

    def stored(self, shown: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        """Return the stored number of shown rows; `NO_ROW` stays.

        Parameters
        ----------
        shown : uint32 array, any shape
        """
        before = np.searchsorted(self._shifted, shown, side="right").astype(np.uint32)
        before[shown == _NO_ROW] = 0
        stored: npt.NDArray[np.uint32] = shown + before
        return stored

    def live(self) -> npt.NDArray[np.bool_]:
        """Return for each stored row whether it is shown."""
        live = np.ones(self.n_stored, dtype=np.bool_)
        live[self._deleted] = False
        return live

    def spread(self, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return a mask over shown rows as one over stored rows, false where a row is deleted.

        Parameters
        ----------
        mask : bool, shape (n_shown,)
        """
        stored = self.live()
        stored[stored] = mask
        return stored


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
