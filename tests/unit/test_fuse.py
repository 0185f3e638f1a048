"""`rrf`: values worked by hand, examples of others, and every refusal."""

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from oracles.fuse import slow_rrf

from pyengine import NO_ROW, Hits, rrf
from pyengine.errors import InvalidInputError


def ranked(*queries: list[int], k: int | None = None) -> Hits:
    """Hits whose rows come in the given order, whatever their numbers."""
    return Hits.from_lists([[(row, float(-i)) for i, row in enumerate(rows)] for rows in queries], k)


def pairs(hits: Hits, query: int = 0) -> list[tuple[int, float]]:
    rows, scores = hits.query(query)
    return list(zip(rows.tolist(), scores.tolist(), strict=True))


def test_a_row_of_rank_1_and_3_scores_the_sum_of_both() -> None:
    fused = rrf([ranked([7, 8, 9]), ranked([1, 2, 7])])
    assert pairs(fused)[0] == (7, np.float32(Fraction(1, 61) + Fraction(1, 63)))
    assert pairs(fused)[1:] == [(1, np.float32(1 / 61)), (2, np.float32(1 / 62))]
    assert rrf([ranked([7, 8, 9]), ranked([1, 2, 7])], depth=5).rows.tolist() == [[7, 1, 2, 8, 9]]


def test_the_example_of_the_elasticsearch_guide() -> None:
    """Reciprocal rank fusion, "full example": constant 1, two lists of 4, ids 3, 2, 4 are the first."""
    fused = rrf([ranked([4, 3, 2, 1]), ranked([3, 2, 1, 5])], k=1, depth=5)
    assert fused.rows.tolist() == [[3, 2, 4, 1, 5]]
    assert np.round(fused.scores[0], 4).tolist() == pytest.approx([0.8333, 0.5833, 0.5, 0.45, 0.2])


def test_the_playbook_counts_from_0() -> None:
    lists = [[3, 1, 2], [1, 3]]
    # The playbook's own function: fused[doc] += 1.0 / (k + rank) over enumerate(ranking).
    expected = {3: 1 / 60 + 1 / 61, 1: 1 / 61 + 1 / 60, 2: 1 / 62}
    fused = rrf([ranked(rows) for rows in lists], variant="playbook")
    assert pairs(fused) == [
        (1, np.float32(expected[1])),
        (3, np.float32(expected[3])),
        (2, np.float32(expected[2])),
    ]


def test_ties_go_by_row() -> None:
    assert rrf([ranked([5, 2]), ranked([2, 5])]).rows.tolist() == [[2, 5]]
    assert rrf([ranked([9]), ranked([4])], depth=2).rows.tolist() == [[4, 9]]


def test_weights_multiply_and_0_leaves_a_list_out() -> None:
    a, b = ranked([1, 2]), ranked([3, 1])
    fused = rrf([a, b], weights=[2, 0.5])
    assert pairs(fused)[0] == (1, np.float32(2 / 61 + 0.5 / 62))
    assert rrf([a, b], weights=[1, 0]).rows.tolist() == [[1, 2]]
    nothing = rrf([a, b], weights=[0, 0])
    assert nothing.counts.tolist() == [0]
    assert nothing.rows.tolist() == [[NO_ROW, NO_ROW]]


def test_the_window_cuts_the_lists_and_depth_the_result() -> None:
    lists = [ranked([1, 2, 3, 4]), ranked([4, 3, 2, 1])]
    windowed = rrf(lists, window=1)
    assert windowed.rows.tolist() == [[1, 4, NO_ROW, NO_ROW]]
    assert rrf(lists, depth=2).rows.shape == (1, 2)
    assert rrf(lists, window=10**9).equals(rrf(lists))


def test_queries_stand_alone_and_empty_lists_are_legal() -> None:
    fused = rrf([ranked([1], [], [2, 3]), ranked([], [], [3])])
    assert fused.counts.tolist() == [1, 0, 2]
    assert fused.rows[2].tolist() == [3, 2]
    assert len(rrf([Hits.empty(0, 5)])) == 0
    assert rrf([Hits.empty(2, 0)]).counts.tolist() == [0, 0]


def test_the_order_of_the_lists_changes_no_more_than_the_last_bit() -> None:
    rng = np.random.default_rng(6)
    lists = [ranked(rng.permutation(60)[:40].tolist()) for _ in range(3)]
    expected = dict(pairs(rrf(lists, depth=60)))
    for order in itertools.permutations(lists):
        assert dict(pairs(rrf(order, depth=60))) == pytest.approx(expected, rel=2**-23)


def test_one_list_keeps_its_order() -> None:
    rows = [9, 3, 7, 1]
    assert rrf([ranked(rows)]).rows[0].tolist() == rows


def test_unused_slots_are_ignored_and_views_are_read_right() -> None:
    wide = ranked([1, 2, 3], [4, 5, 6])
    assert rrf([wide.truncate(2)]).rows.tolist() == [[1, 2], [4, 5]]
    odd = Hits(wide.rows[:, ::2], wide.scores[:, ::2], np.array([2, 1], np.uint32))
    assert rrf([odd]).rows.tolist() == [[1, 3], [4, NO_ROW]]
    reverse = Hits(wide.rows[::-1], wide.scores[::-1], wide.counts)
    assert rrf([reverse]).rows.tolist() == [[4, 5, 6], [1, 2, 3]]


def test_three_long_lists_against_the_slow_twin() -> None:
    rng = np.random.default_rng(5)
    lists = [rng.permutation(400)[:300].tolist() for _ in range(3)]
    fused = rrf([ranked(rows) for rows in lists], weights=[1, 2, 0.25], depth=450)
    assert pairs(fused) == slow_rrf(lists, weights=[1, 2, 0.25])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lists": []}, "lists: expected at least one"),
        ({"lists": [[1, 2]]}, r"lists\[0\]: expected Hits, got list"),
        (
            {"lists": [ranked([1]), ranked([1], [2])]},
            r"lists\[1\]: expected 1 queries as in lists\[0\], got 2",
        ),
        ({"k": -1}, "k: expected a finite number, 0 or more, got -1"),
        ({"k": float("nan")}, "k: expected"),
        ({"k": "60"}, "k: expected a finite number, 0 or more, got '60'"),
        ({"k": 0, "variant": "playbook"}, "k: expected a number above 0 where ranks count from 0, got 0"),
        ({"variant": "other"}, "variant: expected 'standard' or 'playbook', got 'other'"),
        ({"weights": [1]}, "weights: expected one for each of 2 lists, got 1"),
        ({"weights": [1, -0.5]}, r"weights\[1\]: expected"),
        ({"weights": [float("inf"), 1]}, r"weights\[0\]: expected"),
        ({"weights": [1, None]}, r"weights\[1\]: expected a number from 0 to 1e\+100, got None"),
        ({"window": 0}, "window: expected an integer from 1 to .*, got 0"),
        ({"window": 1.5}, "window: expected an integer from 1 to .*, got 1.5"),
        ({"depth": 0}, "depth: expected an integer from 1 to .*, got 0"),
        ({"depth": 2**40}, "depth: expected an integer from 1 to"),
        ({"lists": [ranked([1], [2])], "depth": 2**31 - 1}, r"2\^31 slots"),
    ],
)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    call: dict[str, Any] = {"lists": [ranked([1]), ranked([2])]} | arguments
    with pytest.raises(InvalidInputError, match=message):
        rrf(call.pop("lists"), **call)


def test_a_row_twice_in_one_list_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"lists\[1\], query 1, rank 3: row 4 is in this list twice"):
        rrf([ranked([1], [1]), ranked([1], [4, 5, 4])])


def test_a_filler_among_the_used_slots_is_refused() -> None:
    broken = Hits.empty(1, 2)
    broken.counts[0] = 1
    with pytest.raises(InvalidInputError, match=r"lists\[0\], query 0, rank 1: .* filler"):
        rrf([broken])
    broken.counts[0] = 3
    with pytest.raises(InvalidInputError, match=r"lists\[0\].counts: expected at most 2, got 3"):
        rrf([broken])


def test_the_inputs_are_not_changed() -> None:
    a = ranked([3, 1])
    before = Hits(a.rows.copy(), a.scores.copy(), a.counts.copy())
    rrf([a, ranked([1, 2])])
    assert a.equals(before)
