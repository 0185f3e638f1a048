"""Scores of given rows: what a search would give them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.dense.vectors import Vectors
from pyengine.errors import InvalidInputError
from pyengine.rows import require_integers
from pyengine.types import NO_ROW

__all__ = ["check_wanted", "score_rows"]


def check_wanted(rows: npt.ArrayLike, n_queries: int, n_rows: int) -> npt.NDArray[np.uint32]:
    """Return the rows asked for, (n_queries, m), or raise `InvalidInputError`."""
    wanted = require_integers(rows)
    if wanted.ndim != 2 or len(wanted) != n_queries:
        raise InvalidInputError(f"rows: expected shape ({n_queries}, m), got {wanted.shape}")
    outside = wanted[(wanted >= n_rows) & (wanted != NO_ROW)]
    if outside.size:
        raise InvalidInputError(f"rows: expected rows below {n_rows}, got {outside[0]}")
    return wanted


def score_rows(stored: Vectors, queries: npt.NDArray[Any], rows: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return the inner products of each query with the rows of its line.

    Parameters
    ----------
    stored : Vectors
    queries : float32 or float16 array, shape (n, dim)
    rows : int array, shape (n, m)
        `NO_ROW` marks unused slots.

    Raises
    ------
    InvalidInputError
        Another shape or dtype of ``rows``; a row outside the index.
    """
    wanted = check_wanted(rows, len(queries), stored.count)
    unused = wanted == NO_ROW
    if unused.all():
        return np.full(wanted.shape, -np.inf, dtype=np.float32)
    slots = stored.slots_of(np.where(unused, 0, wanted)).astype(np.uint32)
    slots[unused] = NO_ROW
    floats = np.ascontiguousarray(queries, dtype=np.float32)
    return _core.dense_score(floats, slots, stored.blocks, stored.half)
