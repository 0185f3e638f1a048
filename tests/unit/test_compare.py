"""Comparisons: the direction of a difference, power from closed forms, corrections by hand, refusals."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pyengine as pe
from pyengine.errors import InvalidInputError
from pyengine.eval import compare_many, compare_values
from pyengine.eval.stats import adjust, detectable_effect, queries_for_effect, sign_flip_p

# Row i answers query i; b finds two more than a.
QRELS = {i: {i: 1} for i in range(6)}
A = pe.Hits.from_lists([[(0, 1.0)], [(1, 1.0)], *[[(9, 1.0)]] * 4])
B = pe.Hits.from_lists([[(0, 1.0)], [(1, 1.0)], [(2, 1.0)], [(3, 1.0)], *[[(9, 1.0)]] * 2])


def test_the_difference_is_b_minus_a() -> None:
    result = pe.compare(A, B, QRELS, "mrr", names=("lexical", "hybrid"))
    assert (result.mean_a, result.mean_b) == pytest.approx((1 / 3, 2 / 3))
    assert result.difference == pytest.approx(1 / 3)
    assert (result.wins, result.losses, result.equal, result.n) == (2, 0, 4, 6)
    # Two differences that move: 2 of the 4 sign patterns are as far out as the one observed.
    assert (result.p, result.exact) == (0.5, True)
    assert not result.significant
    assert result.low <= result.difference <= result.high
    assert result.differences.tolist() == [0, 0, 1, 1, 0, 0]
    back = pe.compare(B, A, QRELS, "mrr")
    assert (back.difference, back.wins, back.losses, back.p) == (-result.difference, 0, 2, result.p)
    text = str(result)
    assert text.startswith("mrr: lexical 0.3333, hybrid 0.6667 over 6 queries\nhybrid minus lexical: +0.3333")
    assert "p = 0.5 (all sign flips): undecided" in text
    assert "more would settle a true difference of +0.3333" in text


def test_ten_wins_of_ten_are_significant() -> None:
    result = compare_values(np.zeros(10), np.linspace(0.1, 0.2, 10))
    assert result.p == 2 / 2**10
    assert result.significant
    assert "significant" in str(result)
    assert "more would settle" not in str(result)


def test_arms_that_are_the_same() -> None:
    result = pe.compare(A, A, QRELS, "mrr")
    assert (result.difference, result.low, result.high, result.p, result.sd) == (0.0, 0.0, 0.0, 1.0, 0.0)
    assert result.queries_needed() is None
    assert "no number of queries shows a difference of 0" in str(result)


def test_one_query() -> None:
    result = compare_values([0.0], [1.0])
    assert math.isnan(result.low)
    assert (result.p, result.queries_needed()) == (1.0, None)
    data = json.loads(json.dumps(result.to_json(per_query=True), allow_nan=False))
    assert (data["low"], data["sd"], data["detectable"], data["differences"]) == (None, None, None, [1.0])
    str(result)


def test_evaluations_compare_without_judging_again() -> None:
    first, second = (pe.evaluate(hits, QRELS, ["mrr", "map"]) for hits in (A, B))
    for metric in ("mrr", "MAP"):
        assert pe.compare(first, second, metric=metric).to_json() == pe.compare(A, B, QRELS, metric).to_json()
    assert pe.compare(first, B, QRELS, "mrr").p == 0.5


def test_hits_against_a_run() -> None:
    names = {"query_ids": [f"q{i}" for i in range(6)], "doc_ids": [f"d{i}" for i in range(10)]}
    qrels = {f"q{i}": {f"d{i}": 1} for i in range(6)}
    run = pe.Run.from_hits(B, **names)
    assert pe.compare(A, run, qrels, "mrr", **names).wins == 2
    assert pe.compare(A, dict(run), qrels, "mrr", **names).wins == 2


def test_missing_queries_are_counted_or_left_out() -> None:
    qrels = {f"q{i}": {"d": 1} for i in range(4)}
    a = {"q0": {"d": 1.0}, "q1": {"x": 1.0}, "q2": {}}
    b = {"q1": {"d": 1.0}, "q2": {"d": 1.0}, "q3": {"d": 1.0}}
    zero = pe.compare(a, b, qrels, "mrr")
    assert (zero.n, zero.n_missing_a, zero.n_missing_b, zero.n_empty_a, zero.n_empty_b) == (4, 1, 1, 1, 0)
    assert "1 judged queries without an answer from a" in str(zero)
    skip = pe.compare(a, b, qrels, "mrr", missing="skip")
    assert (skip.n, skip.query_ids, skip.wins) == (2, ("q1", "q2"), 2)


# By hand: ((1.95996 + 0.84162) * 0.25 / effect)**2, rounded up.
@pytest.mark.parametrize(("effect", "n"), [(0.01, 4906), (0.03, 546), (0.05, 197), (0.10, 50)])
def test_queries_for_an_effect(effect: float, n: int) -> None:
    assert queries_for_effect(0.25, effect) == queries_for_effect(0.25, -effect) == n
    assert detectable_effect(0.25, n) <= effect < detectable_effect(0.25, n - 1)


def test_queries_needed_and_still_needed() -> None:
    random = np.random.default_rng(0)
    values = random.normal(0.0, 1.0, 100)
    values = 0.25 * (values - values.mean()) / values.std(ddof=1) + 0.03
    result = compare_values(np.zeros(100), values)
    assert result.sd == pytest.approx(0.25)
    assert (result.queries_needed(), result.queries_still_needed()) == (546, 446)
    assert (result.queries_needed(0.05), result.queries_still_needed(0.05)) == (197, 97)
    assert result.queries_still_needed(0.5) == 0
    assert result.detectable == pytest.approx(2.8015852 * 0.025)
    assert result.queries_needed(0.0) is None
    with pytest.raises(InvalidInputError, match="effect: expected a finite number"):
        result.queries_needed(math.nan)


def test_power_is_what_it_says() -> None:
    """Of experiments at the detectable effect, 80 % find it."""
    random = np.random.default_rng(1)
    n, effect = 100, detectable_effect(0.25, 100)
    found = sum(
        sign_flip_p(random.normal(effect, 0.25, n), n_permutations=200, seed=i)[0] <= 0.05 for i in range(600)
    )
    assert found / 600 == pytest.approx(0.8, abs=0.05)


def test_holm_and_benjamini_hochberg_by_hand() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert adjust(p, "holm") == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust(p, "bh") == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert adjust(p, "none") == p
    assert adjust([0.6, 0.9]) == pytest.approx([1.0, 1.0])
    assert adjust([]) == []


def test_many_arms_and_metrics() -> None:
    arms = {"a": A, "b": B, "c": A}
    every = compare_many(arms, QRELS, ["mrr", "success@1"])
    assert [(c.metric, c.a, c.b) for c in every] == [
        (metric, *pair) for metric in ("mrr", "success@1") for pair in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    assert [c.p for c in every] == [0.5, 1.0, 0.5] * 2
    assert [c.p_adjusted for c in every] == [1.0] * 6
    against = compare_many(arms, QRELS, "mrr", baseline="b", correction="bh")
    assert [(c.a, c.b, c.p_adjusted) for c in against] == [("b", "a", 0.5), ("b", "c", 0.5)]
    assert against[0].settings["correction"] == "bh"
    assert "0.5 adjusted (bh)" in str(against[0])
    lines = str(every).splitlines()
    assert len(lines) == 7
    assert "b - a" in lines[1]
    assert json.loads(json.dumps(every.to_json()))[0]["wins"] == 2


def test_the_same_seed_gives_the_same_numbers() -> None:
    random = np.random.default_rng(2)
    a, b = random.random((2, 300))
    one, same, other = (compare_values(a, b, seed=seed).to_json() for seed in (5, 5, 6))
    assert one == same
    assert one["p"] != other["p"]
    assert one["low"] != other["low"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: pe.compare(A, pe.Hits.empty(6, 3), QRELS),
            "b: no judged query has a single hit.* did not run",
        ),
        (
            lambda: pe.compare({"q": {}, "r": {}}, {"q": {"d": 1.0}}, {"q": {"d": 1}}),
            "a: no judged query has",
        ),
        (
            lambda: pe.compare(
                {"q": {}, "r": {"d": 1.0}}, {"q": {"d": 1.0}}, {"q": {"d": 1}}, names=("old", "new")
            ),
            "old: no judged query has",
        ),
        (lambda: compare_many({"x": A, "y": pe.Hits.empty(6, 1)}, QRELS), "y: no judged query has"),
        (lambda: pe.compare(A, {"z": {"d": 1.0}}, {"q": {"d": 1}}), "a: query_ids: missing"),
        (lambda: pe.compare(A, B), "qrels: missing"),
        (
            lambda: pe.compare(pe.evaluate(A, QRELS, "map"), B, QRELS, "mrr"),
            "'mrr' was not evaluated for 'a'",
        ),
        (
            lambda: pe.compare(
                pe.evaluate(A, QRELS, "mrr"), pe.evaluate(A, {0: {0: 1}}, "mrr"), metric="mrr"
            ),
            r"a and b: evaluated on different queries \(6 and 1\)",
        ),
        (
            lambda: pe.compare(pe.evaluate(A, QRELS, "mrr", rel=2), B, QRELS, "mrr"),
            "evaluated with rel=2 and rel=1",
        ),
        (
            lambda: pe.compare(
                {"q": {"d": 1.0}}, {"r": {"d": 1.0}}, {"q": {"d": 1}, "r": {"d": 1}}, missing="skip"
            ),
            "no query was answered by both",
        ),
        (lambda: compare_values([1.0], [1.0, 2.0]), "expected values of the same queries, got 1 and 2"),
        (lambda: compare_values([], []), "a: expected one number per query, got shape"),
        (lambda: compare_values([[1.0]], [[1.0]]), "a: expected one number per query, got shape"),
        (
            lambda: compare_values([1.0, math.nan], [1.0, 2.0]),
            "a: expected finite numbers, got nan for query 1",
        ),
        (
            lambda: compare_values([1.0, 0.0], [1.0, math.inf]),
            "b: expected finite numbers, got inf for query 1",
        ),
        (lambda: compare_values(["x"], [1.0]), "a: expected numbers, one per query"),
        (lambda: compare_values([1.0], [1.0], power=1.0), "power: expected a number between 0 and 1"),
        (lambda: compare_values([1.0], [1.0], n_permutations=1), "n_permutations: expected at least 100"),
        (lambda: compare_values([1.0], [1.0], n_boot=1), "n_boot: expected at least 100"),
        (lambda: compare_many({"x": A}, QRELS), "arms: expected at least two, got 1"),
        (
            lambda: compare_many({"x": A, "y": B}, QRELS, baseline="z"),
            "baseline: expected one of x, y, got 'z'",
        ),
        (
            lambda: compare_many({"x": A, "y": B}, QRELS, correction="bonferroni"),
            "correction: expected 'holm'",
        ),
        (lambda: adjust([1.5]), "p_values: expected numbers from 0 to 1"),
        (lambda: adjust([math.nan]), "p_values: expected numbers from 0 to 1"),
    ],
)
def test_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        call()
