"""What else it could be: each rule holds, does not hold, or names the input it lacks."""

from typing import Any

import pytest

from pyengine.diagnose.differential import OBSERVED, Rule, rules
from pyengine.diagnose.finding import Finding
from pyengine.errors import InvalidInputError

GENERATION = "the answer is wrong though the right document is retrieved"
ORDER = "candidates are fine, their order is not"
STALE = "the judged queries are stale"
SHIFT = "a new embedder shifted the scores under a threshold"
SPEND = "a language model reranks where a small one would do"
LATENCY = "the reranker breaks the latency budget"


def finding(test: str, verdict: Any, **details: Any) -> Finding:
    return Finding(test=test, question="", mode="calibrated", verdict=verdict, reason="", details=details)


def measured(verdict: str, recall: float, ndcg: float = 0.7, best: float = 0.99, rare: int | None = 0) -> Any:
    found = {
        "lift": finding(
            "lift",
            verdict,
            means={"recall@100": {"dense": recall}, "ndcg@10": {"dense": ndcg}},
            ceilings={"perfect_rerank_dense": best},
        )
    }
    if rare is not None:
        found["location"] = finding("location", "healthy", axes={"corpus rare": {"with": {"n": rare}}})
    return found


def rule(name: str, findings: Any = None, **observed: float) -> Rule:
    return next(found for found in rules(findings or {}, observed) if found.name == name)


def test_without_anything_every_rule_says_what_it_lacks() -> None:
    found = rules({})
    assert [r.name for r in found] == [GENERATION, ORDER, STALE, SHIFT, SPEND, LATENCY]
    assert all(r.holds is None and r.missing for r in found)
    said = " ".join(r.missing for r in found)
    assert all(name in said for name in OBSERVED if name != "answers_right")


@pytest.mark.parametrize(
    ("findings", "observed", "holds"),
    [
        (measured("healthy", 0.97), {}, True),
        (measured("confirmed", 0.97), {}, False),
        (measured("healthy", 0.90), {}, False),
        (measured("healthy", 0.97, rare=3), {}, False),
        (measured("healthy", 0.97, rare=None), {}, None),
        (measured("healthy", 0.97, rare=3), {"answers_right": 0.5}, True),
        (measured("healthy", 0.97, rare=None), {"answers_right": 0.5}, True),
        (measured("healthy", 0.97), {"answers_right": 0.9}, False),
        (measured("healthy", 0.80), {"answers_right": 0.5}, False),
        ({}, {"answers_right": 0.5}, None),
    ],
)
def test_generation(findings: Any, observed: dict[str, float], holds: bool | None) -> None:
    assert rule(GENERATION, findings, **observed).holds is holds


def test_a_test_that_did_not_run_is_missing_not_zero() -> None:
    assert rule(GENERATION, measured("healthy", 0.97, rare=None)).missing == "the location test"
    playbook = measured("healthy", 0.97, rare=None)
    playbook["location"] = finding("location", "healthy", buckets={"rare": {"n": 0}, "common": {"n": 4}})
    assert rule(GENERATION, playbook).holds is True
    not_run = {"lift": finding("lift", "not run")}
    assert rule(GENERATION, not_run).missing == "judged queries (the lift test) and the location test"
    assert rule(ORDER, not_run).holds is None


def test_order() -> None:
    assert rule(ORDER, measured("healthy", 0.97, ndcg=0.7, best=0.95)).holds is True
    assert rule(ORDER, measured("healthy", 0.97, ndcg=0.9, best=0.95)).holds is False
    assert rule(ORDER, measured("healthy", 0.90, ndcg=0.7, best=0.95)).holds is False


@pytest.mark.parametrize(
    ("name", "observed", "holds"),
    [
        (STALE, {"metric_trend": 2.0, "user_trend": -1.0}, True),
        (STALE, {"metric_trend": 2.0, "user_trend": 0.0}, True),
        (STALE, {"metric_trend": 2.0, "user_trend": 1.0}, False),
        (STALE, {"metric_trend": -2.0, "user_trend": -1.0}, False),
        (STALE, {"metric_trend": 2.0}, None),
        (SHIFT, {"score_shift": 0.26}, True),
        (SHIFT, {"score_shift": 0.25}, False),
        (SPEND, {"rerank_cost_share": 0.8}, True),
        (SPEND, {"rerank_cost_share": 0.2}, False),
        (LATENCY, {"latency_ms": 300, "reranker_ms": 150, "budget_ms": 200}, True),
        (LATENCY, {"latency_ms": 300, "reranker_ms": 50, "budget_ms": 200}, False),  # too slow without it
        (LATENCY, {"latency_ms": 150, "reranker_ms": 50, "budget_ms": 200}, False),
    ],
)
def test_what_the_user_tells_decides(name: str, observed: dict[str, float], holds: bool | None) -> None:
    found = rule(name, **observed)
    assert found.holds is holds
    assert bool(found.missing) == (holds is None)
    assert bool(found.evidence) == (holds is not None)


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        ({"answers": 1.0}, r"observed: expected some of answers_right, .* got 'answers'"),
        ({"answers_right": 1.2}, r"observed\['answers_right'\]: expected the share of right answers"),
        ({"score_shift": -0.1}, "stability index"),
        ({"metric_trend": float("nan")}, "change of the measured metric"),
        ({"budget_ms": True}, "time a query may take"),
        ({"budget_ms": "200"}, "time a query may take"),
    ],
)
def test_what_cannot_be_is_refused(observed: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        rules({}, observed)
