"""Every Numba kernel: flat arrays in, flat arrays out.

Rules: no Python objects, no allocation by the caller's data size unless said, ``nogil`` (any number of
threads may call at once), never ``parallel=True`` (Numba's default threading layer aborts the process
when two Python threads enter it), no fastmath: a kernel and its plain Python body ``kernel.py_func``
give the same bits, and the tests hold them to it.

Importing this module loads Numba, so import it inside the function that needs it.
Compiled code is cached on disk beside the package, or in the user's cache folder.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

__all__ = [
    "average_precision",
    "dcg_ratio",
    "find_judged",
    "reciprocal_rank",
    "relevant_within",
    "resampled_means",
    "sign_flip_sums",
]

F = TypeVar("F", bound=Callable[..., Any])
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


def _kernel(function: F) -> F:
    try:
        compiled = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # Numba finds no folder it may write its cache to (read-only home): compile in every process.
        compiled = numba.njit(nogil=True)(function)
    return cast(F, compiled)


@_kernel
def find_judged(
    rows: npt.NDArray[np.uint32],
    counts: npt.NDArray[np.uint32],
    answer_of: I64,
    start: I64,
    judged_rows: I64,
    judged_grades: I32,
    positions: I64,
    grades: I32,
    found: I64,
) -> int:
    """Find the judged rows in each answer.

    Parameters
    ----------
    rows, counts
        The arrays of `Hits`.
    answer_of : int64 (q,)
        Which answer belongs to judged query i; -1 for none.
    start : int64 (q + 1,)
        Judgements of query i are ``start[i]:start[i + 1]``.
    judged_rows : int64 (j,)
        Ascending within a query. Negative: a document that is not in the corpus.
    judged_grades : int32 (j,)
    positions, grades : int64 (j,), int32 (j,)
        Written: position from 0 in the answer, and grade, of the judged rows found, in answer order,
        from ``start[i]`` on.
    found : int64 (q,)
        Written: how many.

    Returns
    -------
    int
        -1, or the first query whose answer holds a judged row twice.
    """
    # Nearly all rows of an answer are not judged: their low bits say so without a search.
    maybe = np.zeros(1024, dtype=np.bool_)
    for i in range(answer_of.shape[0]):
        found[i] = 0
        answer = answer_of[i]
        first, end = start[i], start[i + 1]
        if answer < 0 or first == end:
            continue
        seen = np.zeros(end - first, dtype=np.bool_)
        maybe[:] = False
        for j in range(first, end):
            maybe[judged_rows[j] & 1023] = True
        for position in range(counts[answer]):
            row = np.int64(rows[answer, position])
            if not maybe[row & 1023]:
                continue
            low, high = first, end
            while low < high:
                middle = (low + high) >> 1
                if judged_rows[middle] < row:
                    low = middle + 1
                else:
                    high = middle
            if low == end or judged_rows[low] != row:
                continue
            if seen[low - first]:
                return i
            seen[low - first] = True
            positions[first + found[i]] = position
            grades[first + found[i]] = judged_grades[low]
            found[i] += 1
    return -1


@_kernel
def dcg_ratio(
    positions: I64, gains: F64, start: I64, found: I64, ideal: F64, cutoff: int, values: F64
) -> None:
    """Write NDCG: ``sum(gain / log2(position + 2))`` over that of the best possible order.

    Parameters
    ----------
    positions : int64 (j,)
        Position from 0 of each judged document found, ascending within a query.
    gains : float64 (j,)
        Gain of the same.
    start, found : int64 (q + 1,), int64 (q,)
        Query i uses ``start[i] : start[i] + found[i]``.
    ideal : float64 (j,)
        Gains of all judgements of query i, descending, at ``start[i]:start[i + 1]``.
    cutoff : int
        Only positions below count.
    values : float64 (q,)
        Written; 0 where no judgement has a positive gain.
    """
    for i in range(found.shape[0]):
        best = 0.0
        for j in range(min(start[i + 1] - start[i], cutoff)):
            gain = ideal[start[i] + j]
            if gain <= 0.0:
                break
            best += gain / math.log2(j + 2.0)
        total = 0.0
        for j in range(start[i], start[i] + found[i]):
            if positions[j] >= cutoff:
                break
            if gains[j] > 0.0:
                total += gains[j] / math.log2(positions[j] + 2.0)
        values[i] = total / best if best > 0.0 else 0.0


@_kernel
def average_precision(
    positions: I64, grades: I32, start: I64, found: I64, n_relevant: I64, rel: int, cutoff: int, values: F64
) -> None:
    """Write average precision: precision at each relevant document found, over all relevant ones.

    Parameters
    ----------
    positions, grades, start, found
        As in `find_judged`.
    n_relevant : int64 (q,)
        Relevant judgements of each query.
    rel : int
        Lowest relevant grade.
    cutoff : int
        Only positions below count.
    values : float64 (q,)
        Written; 0 for a query without relevant judgements.
    """
    for i in range(found.shape[0]):
        total = 0.0
        relevant = 0
        for j in range(start[i], start[i] + found[i]):
            if positions[j] >= cutoff:
                break
            if grades[j] >= rel:
                relevant += 1
                total += relevant / (positions[j] + 1.0)
        values[i] = total / n_relevant[i] if relevant > 0 else 0.0


@_kernel
def reciprocal_rank(
    positions: I64, grades: I32, start: I64, found: I64, rel: int, cutoff: int, values: F64
) -> None:
    """Write 1 over the rank (from 1) of the first relevant document, 0 when none is above the cutoff.

    Parameters
    ----------
    positions, grades, start, found, rel, cutoff
        As in `average_precision`.
    values : float64 (q,)
        Written.
    """
    for i in range(found.shape[0]):
        values[i] = 0.0
        for j in range(start[i], start[i] + found[i]):
            if positions[j] >= cutoff:
                break
            if grades[j] >= rel:
                values[i] = 1.0 / (positions[j] + 1.0)
                break


@_kernel
def relevant_within(
    positions: I64, grades: I32, start: I64, found: I64, rel: int, cutoff: int, values: I64
) -> None:
    """Write how many relevant documents stand above the cutoff.

    Parameters
    ----------
    positions, grades, start, found, rel, cutoff
        As in `average_precision`.
    values : int64 (q,)
        Written.
    """
    for i in range(found.shape[0]):
        values[i] = 0
        for j in range(start[i], start[i] + found[i]):
            if positions[j] >= cutoff:
                break
            if grades[j] >= rel:
                values[i] += 1


@_kernel
def resampled_means(values: F64, draws: npt.NDArray[np.uint32], means: F64) -> None:
    """Write the column means of each resample.

    Parameters
    ----------
    values : float64 (n, m)
        One row per query, one column per metric.
    draws : uint32 (b, n)
        Row numbers drawn for each of b resamples.
    means : float64 (b, m)
        Written; summed in the order drawn.
    """
    n, m = values.shape
    for b in range(draws.shape[0]):
        for c in range(m):
            means[b, c] = 0.0
        for j in range(n):
            row = draws[b, j]
            for c in range(m):
                means[b, c] += values[row, c]
        for c in range(m):
            means[b, c] /= n


@_kernel
def sign_flip_sums(differences: F64, bits: npt.NDArray[np.uint8], sums: F64) -> None:
    """Write the sum of the differences under each pattern of signs.

    Parameters
    ----------
    differences : float64 (n,)
    bits : uint8 (b, at least n / 8)
        Bit ``i % 8`` of byte ``i // 8``: whether difference i is negated.
    sums : float64 (b,)
        Written; summed in order.
    """
    for b in range(bits.shape[0]):
        total = 0.0
        for i in range(differences.shape[0]):
            if (bits[b, i >> 3] >> (i & 7)) & 1:
                total -= differences[i]
            else:
                total += differences[i]
        sums[b] = total
