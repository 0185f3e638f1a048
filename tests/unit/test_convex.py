"""`convex`: values worked by hand, what odd scores mean, and every refusal."""

from typing import Any

import numpy as np
import pytest

from pyengine import Hits, convex
from pyengine.errors import InvalidInputError

A = Hits.from_lists([[(7, 12.0), (3, 6.0), (5, 2.0)]])
B = Hits.from_lists([[(3, 0.9), (5, 0.4)]])


def pairs(hits: Hits, query: int = 0) -> dict[int, float]:
    rows, scores = hits.query(query)
    return dict(zip(rows.tolist(), scores.tolist(), strict=True))


def test_minmax_by_hand() -> None:
    fused = convex([A, B], weights=[0.4, 0.6])
    # A: 1, 0.4, 0; B: 1, 0.
    assert pairs(fused) == pytest.approx({3: 0.76, 7: 0.4, 5: 0.0})
    assert fused.rows.tolist() == [[3, 7, 5]]


def test_theoretical_minimum_by_hand() -> None:
    fused = convex([A, B], weights=[0.5, 0.5], normalisation="theoretical", minimum=[0, -1])
    assert pairs(fused) == pytest.approx({3: 0.5 * 0.5 + 0.5, 7: 0.5, 5: 0.5 * 2 / 12 + 0.5 * 1.4 / 1.9})


def test_no_normalisation_adds_scores_up() -> None:
    fused = convex([A, B], weights=[1, 10], normalisation="none")
    assert pairs(fused) == pytest.approx({7: 12.0, 3: 15.0, 5: 6.0})


def test_true_scores_stand_in_for_missing_ones() -> None:
    truth = [[None, np.array([[6, 2]], np.float32)], [np.array([[0.1, 0.9, 0.4]], np.float32), None]]
    fused = convex([A, B], weights=[1, 10], normalisation="none", truth=truth)
    assert pairs(fused) == pytest.approx({7: 13.0, 3: 15.0, 5: 6.0})


def test_weights_of_each_query() -> None:
    two = Hits.from_lists([[(1, 2.0), (2, 1.0)]] * 2)
    other = Hits.from_lists([[(2, 2.0), (1, 1.0)]] * 2)
    fused = convex([two, other], weights=[np.array([1.0, 0.0]), np.array([0.0, 1.0])])
    assert fused.rows.tolist() == [[1, 2], [2, 1]]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([3.0, 3.0, 3.0], {0: 1.0, 1: 1.0, 2: 1.0}),
        ([np.inf, 2.0, 1.0], {0: 1.0, 1: 1.0, 2: 0.0}),
        ([2.0, 1.0, np.nan], {0: 1.0, 1: 0.0, 2: 0.0}),
        ([2.0, 1.0, -np.inf], {0: 1.0, 1: 0.0, 2: 0.0}),
        ([np.nan, np.nan, np.nan], {0: 1.0, 1: 1.0, 2: 1.0}),
        ([-1.0, -2.0, -3.0], {0: 1.0, 1: 0.5, 2: 0.0}),
    ],
)
def test_what_odd_scores_mean(scores: list[float], expected: dict[int, float]) -> None:
    rows = np.arange(3, dtype=np.uint32)[None]
    odd = Hits(rows, np.array([scores], np.float32), np.array([3], np.uint32))
    assert pairs(convex([odd])) == pytest.approx(expected)


def test_no_weight_makes_a_sum_that_is_no_number() -> None:
    most = np.finfo(np.float32).max
    up, down = Hits.from_lists([[(1, most), (2, 0.0)]]), Hits.from_lists([[(2, 0.0), (1, -most)]])
    with pytest.raises(InvalidInputError, match=r"weights\[0\]: expected a number from 0 to 1e\+100"):
        convex([up, down], weights=[1e308, 1e308], normalisation="none")
    fused = convex([up, down], weights=[1e100, 1e100], normalisation="none")
    assert pairs(fused) == {1: 0.0, 2: 0.0}
    # A range so small that a point of it would be worth more than any number.
    tiny = Hits.from_lists([[(1, 0.0)]])
    assert pairs(convex([tiny], normalisation="theoretical", minimum=[-5e-324])) == {1: 1.0}


def test_one_hit_counts_1_and_no_hits_are_legal() -> None:
    one, none = Hits.from_lists([[(4, -7.0)]]), Hits.from_lists([[]])
    assert pairs(convex([one, none], weights=[0.3, 0.7])) == pytest.approx({4: 0.3})
    assert convex([none, none]).counts.tolist() == [0]
    assert len(convex([Hits.empty(0, 3)])) == 0


def test_branches_of_different_depth() -> None:
    deep = Hits.from_lists([[(row, 100.0 - row) for row in range(50)]])
    fused = convex([deep, B], depth=60, window=10)
    assert fused.counts.tolist() == [10]
    assert fused.k == 60


def test_views_are_read_right() -> None:
    wide = Hits.from_lists([[(1, 3.0), (2, 2.0), (3, 1.0)], [(4, 3.0), (5, 2.0), (6, 1.0)]])
    assert convex([wide.truncate(2)]).rows.tolist() == [[1, 2], [4, 5]]
    odd = Hits(wide.rows[:, ::2], wide.scores[:, ::2], np.array([2, 1], np.uint32))
    assert convex([odd]).rows[:, 0].tolist() == [1, 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lists": []}, "lists: expected at least one"),
        ({"weights": [1]}, "weights: expected one for each of 2 lists, got 1"),
        ({"weights": [1, np.array([1.0, 2.0])]}, r"weights\[1\]: expected a number, or an array"),
        ({"weights": [1, np.array([np.nan])]}, r"weights\[1\]\[0\]: expected a number from 0 to 1e\+100"),
        ({"normalisation": "z"}, "normalisation: expected one of none, minmax, theoretical, got 'z'"),
        ({"normalisation": ["none"]}, "normalisation: expected one for each of 2 lists, got 1"),
        ({"minimum": [0.0]}, "minimum: expected one for each of 2 lists, got 1"),
        ({"minimum": [0.0, np.nan]}, r"minimum\[1\]: expected a finite number"),
        ({"truth": [[None]]}, "truth: expected 2 sequences of 2 arrays"),
        (
            {"truth": [[None, np.zeros((1, 3), np.float32)], [np.zeros((1, 3), np.float32), None]]},
            r"truth\[0\]\[1\]: expected float32 of shape \(1, 2\), as the rows of lists\[1\], got float32",
        ),
        ({"truth": [[None, None], [None, None]]}, r"truth\[0\]\[1\]: expected float32 .* got None"),
        ({"window": 0}, "window: expected an integer from 1"),
        ({"depth": 0}, "depth: expected an integer from 1"),
    ],
)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    call: dict[str, Any] = {"lists": [A, B]} | arguments
    with pytest.raises(InvalidInputError, match=message):
        convex(call.pop("lists"), **call)


def test_a_row_twice_in_one_list_is_refused() -> None:
    twice = Hits(np.array([[4, 4]], np.uint32), np.ones((1, 2), np.float32), np.array([2], np.uint32))
    with pytest.raises(InvalidInputError, match=r"lists\[1\], query 0, rank 2: row 4 is in this list twice"):
        convex([A, twice])
