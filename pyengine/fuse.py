"""Fusion of ranked lists over whole batches: `rrf` by ranks, `convex` by scores."""

import math
from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.errors import InvalidInputError
from pyengine.types import Hits

__all__ = ["Normalisation", "Weights", "convex", "rrf"]

Normalisation: TypeAlias = Literal["none", "minmax", "theoretical"]
Weights: TypeAlias = Sequence[float | npt.NDArray[Any]]
"""One for each list: a number, or an array with one number for each query."""

_FIRST_RANK: Final = {"standard": 1, "playbook": 0}
# So that no sum of scores overflows float64, and none is inf - inf.
_MOST_WEIGHT: Final = 1e100
# In the order of the core's numbers.
_NORMALISATIONS: Final = ("none", "minmax", "theoretical")


def rrf(
    lists: Sequence[Hits],
    *,
    k: float = 60,
    weights: Weights | None = None,
    window: int | None = None,
    depth: int | None = None,
    variant: Literal["standard", "playbook"] = "standard",
) -> Hits:
    """Fuse the answers of several retrievers to the same queries by reciprocal rank.

    ``score(row) = sum of weight / (k + rank)`` over the lists that hold the row. A row that a list does
    not hold gets nothing from it. Only ranks count, not the lists' scores.

    Parameters
    ----------
    lists : sequence of Hits, at least one
        One per retriever, all for the same n queries and over the same rows.
    k : float, >= 0
        Dampens the head of the lists: the larger, the less the first ranks stand out. 60, the value of
        the source.
    weights : sequence of float or of arrays of shape (n,), optional
        One per list, 0 to 1e100; 1 each by default. An array weighs each query by itself. A list of
        weight 0 contributes no hits.
    window : int, >= 1, optional
        Only the first ``window`` hits of each list take part; all by default.
    depth : int, >= 1, optional
        Hits to return per query; by default the greatest depth of the lists.
    variant : "standard" or "playbook"
        "standard" counts ranks from 1, as the source does. "playbook" counts from 0, as the snippet of
        the playbook does, which weighs the first ranks a little more; for parity only.

    Returns
    -------
    Hits
        Fused scores, by the order law: score descending, row ascending.

    Raises
    ------
    InvalidInputError
        No list, lists of different length, a parameter outside its range, or a row twice in one list.

    Notes
    -----
    Sums are float64 in the order of ``lists``, rounded once to float32, so the answer is the same bits
    on every machine. Threads: safe; the GIL is released. Cost: O(hits) and a sort of the fused rows.
    Source: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual
    Rank Learning Methods", SIGIR 2009.

    Examples
    --------
    >>> a = Hits.from_lists([[(7, 2.0), (3, 1.0)]])
    >>> b = Hits.from_lists([[(3, 0.9)]])
    >>> rrf([a, b]).rows.tolist()
    [[3, 7]]
    """
    lists = list(lists)
    _check_lists(lists)
    if variant not in _FIRST_RANK:
        raise InvalidInputError(f"variant: expected 'standard' or 'playbook', got {variant!r}")
    first_rank = _FIRST_RANK[variant]
    constant = _number("k", k)
    if constant + first_rank == 0:
        raise InvalidInputError(f"k: expected a number above 0 where ranks count from 0, got {k!r}")
    deepest = max(hits.k for hits in lists)
    rows, scores, counts = _core.fuse(
        [_lines(hits.rows) for hits in lists],
        [np.ascontiguousarray(hits.counts) for hits in lists],
        _weights(weights, lists),
        constant,
        first_rank,
        deepest if window is None else _count("window", window),
        max(deepest, 1) if depth is None else _count("depth", depth),
    )
    return Hits(rows, scores, counts)


def convex(
    lists: Sequence[Hits],
    *,
    weights: Weights | None = None,
    normalisation: Normalisation | Sequence[Normalisation] = "minmax",
    minimum: Sequence[float] | None = None,
    truth: Sequence[Sequence[npt.NDArray[np.float32] | None]] | None = None,
    window: int | None = None,
    depth: int | None = None,
) -> Hits:
    """Fuse the answers of several retrievers to the same queries by a weighted sum of their scores.

    ``score(row) = sum of weight * normalised score`` over the lists that hold the row. With weights that add
    up to 1 it is the convex combination of the source; nothing asks for that.

    Parameters
    ----------
    lists : sequence of Hits, at least one
        One per retriever, all for the same n queries and over the same rows.
    weights : sequence of float or of arrays of shape (n,), optional
        One per list, 0 to 1e100; an equal share of 1 each by default. An array weighs each query by
        itself. A list of weight 0 contributes no hits.
    normalisation : "minmax", "theoretical", "none", or one of these for each list
        How a query's scores are made comparable. "minmax": from 0, the list's least score, to 1, its
        greatest. "theoretical": from 0, the least score there can be (``minimum``), to 1: a list of bad
        hits stays a list of low scores. "none": the scores as they are.
    minimum : sequence of float, one for each list, optional
        For "theoretical". BM25: 0, the default; cosine: -1.
    truth : nested sequence of float32 arrays, optional
        ``truth[i][j]``: the scores that retriever i gives to the hits of list j, in their order and of their
        shape, from `Bm25Index.score` or `DenseIndex.score`; None where i is j. With it, a row that one
        list misses counts with its true score there. A value that is not finite adds nothing.
    window : int, >= 1, optional
        Only the first ``window`` hits of each list take part, in the normalisation too; all by default.
    depth : int, >= 1, optional
        Hits to return per query; by default the greatest depth of the lists.

    Returns
    -------
    Hits
        Fused scores, by the order law: score descending, row ascending. Never NaN.

    Raises
    ------
    InvalidInputError
        No list, lists of different length, a parameter outside its range, arrays of another shape, or a row
        twice in one list.

    Notes
    -----
    Where all scores of a list are equal, and where it has one hit, each counts 1 when normalised. A hit's
    score that is NaN or -inf counts as the least finite one of the list, inf as the greatest; without any
    finite one all are equal. Where "theoretical" finds no score above ``minimum`` it counts 1 too. True
    scores below the list's least one are below 0 with "minmax".

    Sums are float64 in the order of ``lists``, rounded once to float32, so the answer is the same bits
    on every machine. Threads: safe; the GIL is released. Cost: O(hits) and a sort of the fused rows.
    Source: Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", ACM TOIS 42 (2023),
    arXiv 2210.11934.

    Examples
    --------
    >>> a = Hits.from_lists([[(7, 12.0), (3, 6.0), (5, 2.0)]])
    >>> b = Hits.from_lists([[(3, 0.9), (5, 0.4)]])
    >>> convex([a, b], weights=[0.5, 0.5]).rows.tolist()
    [[3, 7, 5]]
    """
    lists = list(lists)
    _check_lists(lists)
    if weights is None:
        weights = [1.0 / len(lists)] * len(lists)
    names = [normalisation] * len(lists) if isinstance(normalisation, str) else list(normalisation)
    minima = [0.0] * len(lists) if minimum is None else list(minimum)
    for name, given in (("normalisation", names), ("minimum", minima)):
        if len(given) != len(lists):
            raise InvalidInputError(f"{name}: expected one for each of {len(lists)} lists, got {len(given)}")
    for name in names:
        if name not in _NORMALISATIONS:
            expected = ", ".join(_NORMALISATIONS)
            raise InvalidInputError(f"normalisation: expected one of {expected}, got {name!r}")
    for i, value in enumerate(minima):
        if not isinstance(value, int | float | np.integer | np.floating) or not math.isfinite(value):
            raise InvalidInputError(f"minimum[{i}]: expected a finite number, got {value!r}")
    deepest = max(hits.k for hits in lists)
    rows, scores, counts = _core.fuse_scores(
        [_lines(hits.rows) for hits in lists],
        [_lines(hits.scores) for hits in lists],
        [np.ascontiguousarray(hits.counts) for hits in lists],
        _weights(weights, lists),
        _truth(truth, lists),
        [_NORMALISATIONS.index(name) for name in names],
        [float(value) for value in minima],
        deepest if window is None else _count("window", window),
        max(deepest, 1) if depth is None else _count("depth", depth),
    )
    return Hits(rows, scores, counts)


def _lines(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array whose columns lie side by side, as those of ``Hits.truncate`` do."""
    return array if array.strides[1] == array.itemsize else np.ascontiguousarray(array)


def _truth(
    truth: Sequence[Sequence[npt.NDArray[np.float32] | None]] | None, lists: Sequence[Hits]
) -> list[npt.NDArray[np.float32]]:
    if truth is None:
        return []
    if len(truth) != len(lists) or any(len(line) != len(lists) for line in truth):
        raise InvalidInputError(f"truth: expected {len(lists)} sequences of {len(lists)} arrays")
    flat = []
    for i, line in enumerate(truth):
        for j, given in enumerate(line):
            shape = lists[j].rows.shape
            if i == j:
                flat.append(lists[j].scores[:0])
                continue
            if not isinstance(given, np.ndarray) or given.dtype != np.float32 or given.shape != shape:
                got = f"{given.dtype} {given.shape}" if isinstance(given, np.ndarray) else repr(given)
                raise InvalidInputError(
                    f"truth[{i}][{j}]: expected float32 of shape {shape}, as the rows of lists[{j}], "
                    f"got {got}"
                )
            flat.append(_lines(given))
    return flat


def _check_lists(lists: Sequence[Hits]) -> None:
    if not lists:
        raise InvalidInputError("lists: expected at least one Hits, got none")
    for i, hits in enumerate(lists):
        if not isinstance(hits, Hits):
            raise InvalidInputError(f"lists[{i}]: expected Hits, got {type(hits).__name__}")
        if len(hits) != len(lists[0]):
            raise InvalidInputError(
                f"lists[{i}]: expected {len(lists[0])} queries as in lists[0], got {len(hits)}"
            )
        if len(hits) and int(hits.counts.max()) > hits.k:
            raise InvalidInputError(f"lists[{i}].counts: expected at most {hits.k}, got {hits.counts.max()}")


def _weights(weights: Weights | None, lists: Sequence[Hits]) -> list[npt.NDArray[np.float64]]:
    """Return for each list an array of one weight, or of one a query."""
    given = [1.0] * len(lists) if weights is None else list(weights)
    if len(given) != len(lists):
        raise InvalidInputError(f"weights: expected one for each of {len(lists)} lists, got {len(given)}")
    arrays = []
    for i, weight in enumerate(given):
        if not isinstance(weight, np.ndarray):
            arrays.append(np.array([_number(f"weights[{i}]", weight, _MOST_WEIGHT)]))
            continue
        if weight.shape != (len(lists[0]),) or weight.dtype.kind not in "fiu":
            raise InvalidInputError(
                f"weights[{i}]: expected a number, or an array of {len(lists[0])} numbers, one a query, got "
                f"{weight.dtype} of shape {weight.shape}"
            )
        bad = np.flatnonzero(~((weight >= 0) & (weight <= _MOST_WEIGHT)))
        if len(bad):
            raise InvalidInputError(
                f"weights[{i}][{bad[0]}]: expected a number from 0 to {_MOST_WEIGHT:g}, got {weight[bad[0]]}"
            )
        arrays.append(np.ascontiguousarray(weight, dtype=np.float64))
    return arrays


def _number(name: str, value: float, most: float = math.inf) -> float:
    number = isinstance(value, int | float | np.integer | np.floating)
    if not number or not math.isfinite(value) or not 0 <= value <= most:
        expected = "a finite number, 0 or more" if most == math.inf else f"a number from 0 to {most:g}"
        raise InvalidInputError(f"{name}: expected {expected}, got {value!r}")
    return float(value)


def _count(name: str, value: int) -> int:
    if not isinstance(value, int | np.integer) or not 1 <= value < 2**31:
        raise InvalidInputError(f"{name}: expected an integer from 1 to 2**31 - 1, got {value!r}")
    return int(value)
