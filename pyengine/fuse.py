"""Fusion of ranked lists: `rrf`, reciprocal rank fusion over whole batches."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from pyengine import _core
from pyengine.errors import InvalidInputError
from pyengine.types import Hits

__all__ = ["rrf"]

_FIRST_RANK = {"standard": 1, "playbook": 0}


def rrf(
    lists: Sequence[Hits],
    *,
    k: float = 60,
    weights: Sequence[float] | None = None,
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
    weights : sequence of float, optional
        One per list, finite, >= 0; 1 each by default. A list of weight 0 contributes no hits.
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
    weights = [1.0] * len(lists) if weights is None else list(weights)
    if len(weights) != len(lists):
        raise InvalidInputError(f"weights: expected one for each of {len(lists)} lists, got {len(weights)}")
    deepest = max(hits.k for hits in lists)
    rows, scores, counts = _core.fuse(
        [
            hits.rows if hits.rows.strides[1] == hits.rows.itemsize else np.ascontiguousarray(hits.rows)
            for hits in lists
        ],
        [np.ascontiguousarray(hits.counts) for hits in lists],
        [_number(f"weights[{i}]", weight) for i, weight in enumerate(weights)],
        constant,
        first_rank,
        deepest if window is None else _count("window", window),
        max(deepest, 1) if depth is None else _count("depth", depth),
    )
    return Hits(rows, scores, counts)


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


def _number(name: str, value: float) -> float:
    if not isinstance(value, int | float | np.integer | np.floating) or not 0 <= value < math.inf:
        raise InvalidInputError(f"{name}: expected a finite number, 0 or more, got {value!r}")
    return float(value)


def _count(name: str, value: int) -> int:
    if not isinstance(value, int | np.integer) or not 1 <= value < 2**31:
        raise InvalidInputError(f"{name}: expected an integer from 1 to 2**31 - 1, got {value!r}")
    return int(value)
