"""What else it could be: "this is not the pattern when", as rules over what was measured and told."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from pyengine.diagnose.finding import Finding
from pyengine.errors import InvalidInputError

__all__ = ["OBSERVED", "RECALL_ENOUGH", "Rule", "check_observed", "rules"]

RECALL_ENOUGH: Final = 0.95
"""Recall@100 of the dense branch from which the right document is among the candidates."""
ANSWERS_RIGHT: Final = 0.8
"""Share of right answers below which what comes after retrieval is at fault. Ours."""
SCORE_SHIFT: Final = 0.25
"""Population stability index that credit scoring, where it comes from, calls a shift."""
COST_SHARE: Final = 0.5
"""Share of a query's cost from which one stage is what is paid for. Ours."""
_ORDER: Final = 0.1

OBSERVED: Final[Mapping[str, str]] = {
    "answers_right": "share of right answers, 0 to 1, among those given the right document",
    "metric_trend": "change of the measured metric over a period, above 0 if it rose",
    "user_trend": "change of what users say or do over the same period, above 0 if it is better",
    "score_shift": "population stability index of the scores before and after the new embedder, 0 or more",
    "rerank_cost_share": "share of a query's cost, 0 to 1, that a language model spends on reranking",
    "latency_ms": "95th percentile of a query's time, 0 or more",
    "reranker_ms": "95th percentile of the reranker's part of it, 0 or more",
    "budget_ms": "time a query may take, 0 or more",
}
"""What an index cannot know and its owner can tell, and what each means."""
_SHARES: Final = ("answers_right", "rerank_cost_share")
_SIGNED: Final = ("metric_trend", "user_trend")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of "this is not the pattern when".

    Parameters
    ----------
    name : str
        What it would be instead.
    holds : bool or None
        None if an input is missing.
    evidence : str
        What it was judged by, as far as that is known.
    missing : str
        What would be needed to judge it; empty if nothing is.
    """

    name: str
    holds: bool | None
    evidence: str
    missing: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dict."""
        return asdict(self)


def check_observed(observed: Mapping[str, float] | None) -> dict[str, float]:
    """Return what the user told, checked.

    Parameters
    ----------
    observed : mapping of name to number, or None
        Keys of `OBSERVED`.

    Raises
    ------
    InvalidInputError
        A name that is not there, or a number outside its range.
    """
    told: dict[str, float] = {}
    for name, value in (observed or {}).items():
        if name not in OBSERVED:
            raise InvalidInputError(f"observed: expected some of {', '.join(OBSERVED)}, got {name!r}")
        number = not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
        least, most = -math.inf if name in _SIGNED else 0.0, 1.0 if name in _SHARES else math.inf
        if not number or not least <= value <= most:
            raise InvalidInputError(f"observed[{name!r}]: expected the {OBSERVED[name]}, got {value!r}")
        told[name] = float(value)
    return told


def rules(findings: Mapping[str, Finding], observed: Mapping[str, float] | None = None) -> list[Rule]:
    """Return what else it could be, each rule with the evidence it used or the inputs it lacks.

    Parameters
    ----------
    findings : mapping of test to Finding
    observed : mapping of name to number, optional
        What the user can tell; see `OBSERVED`.

    Raises
    ------
    InvalidInputError
        As `check_observed`.
    """
    told = check_observed(observed)
    return [
        _generation(findings, told),
        _order(findings),
        _told(
            "the judged queries are stale",
            told,
            ("metric_trend", "user_trend"),
            lambda metric, user: metric > 0 >= user,
            "the metric moved by {:+g}, what users say by {:+g}",
        ),
        _told(
            "a new embedder shifted the scores under a threshold",
            told,
            ("score_shift",),
            lambda shift: shift > SCORE_SHIFT,
            f"stability index {{:g}}, a shift above {SCORE_SHIFT:g}",
        ),
        _told(
            "a language model reranks where a small one would do",
            told,
            ("rerank_cost_share",),
            lambda share: share > COST_SHARE,
            f"{{:.0%}} of a query's cost, too much above {COST_SHARE:.0%}",
        ),
        _told(
            "the reranker breaks the latency budget",
            told,
            ("latency_ms", "reranker_ms", "budget_ms"),
            lambda whole, part, budget: whole > budget >= whole - part,
            "{:g} ms in all, {:g} ms of it the reranker, {:g} ms allowed",
        ),
    ]


def _generation(findings: Mapping[str, Finding], told: Mapping[str, float]) -> Rule:
    """The right document is there and the answer is wrong, which nothing in retrieval could mend."""
    name = "the answer is wrong though the right document is retrieved"
    recall, rare, lift = _recall(findings), _rare(findings), findings.get("lift")
    right = told.get("answers_right")
    # Told how good the answers are, there is no need to infer it from the absence of rare words.
    needed = {"judged queries (the lift test)": recall is None}
    needed |= {} if right is not None else {"the location test": rare is None}
    missing = " and ".join(what for what, lacks in needed.items() if lacks)
    known = (
        "" if right is None else f"{right:.0%} of the answers are right, too few below {ANSWERS_RIGHT:.0%}"
    )
    if missing or lift is None or recall is None:
        return Rule(name=name, holds=None, evidence=known, missing=missing)
    if right is not None:
        holds = recall >= RECALL_ENOUGH and right < ANSWERS_RIGHT
        return Rule(name=name, holds=holds, evidence=f"{known}; dense recall@100 {recall:.3f}")
    return Rule(
        name=name,
        holds=lift.verdict == "healthy" and recall >= RECALL_ENOUGH and not rare,
        evidence=f"lift {lift.verdict}, dense recall@100 {recall:.3f}, {rare} queries with rare words. Few "
        "in the judged queries need not mean few in the traffic",
    )


def _order(findings: Mapping[str, Finding]) -> Rule:
    """The candidates hold the right document, far down."""
    name = "candidates are fine, their order is not"
    recall, lift = _recall(findings), findings.get("lift")
    if lift is None or recall is None:
        return Rule(name=name, holds=None, evidence="", missing="judged queries (the lift test)")
    ceiling = lift.details["ceilings"]["perfect_rerank_dense"]
    ndcg = lift.details["means"]["ndcg@10"]["dense"]
    return Rule(
        name=name,
        holds=recall >= RECALL_ENOUGH and ceiling - ndcg > _ORDER,
        evidence=f"dense recall@100 {recall:.3f}; NDCG@10 {ndcg:.3f}, at best {ceiling:.3f}",
    )


def _told(
    name: str, told: Mapping[str, float], inputs: tuple[str, ...], holds: Callable[..., bool], evidence: str
) -> Rule:
    """Judge a rule by what the user told, or name what was not told."""
    lacks = [key for key in inputs if key not in told]
    if lacks:
        missing = "; ".join(f"{key}: {OBSERVED[key]}" for key in lacks)
        return Rule(name=name, holds=None, evidence="", missing=missing)
    values = [told[key] for key in inputs]
    return Rule(name=name, holds=holds(*values), evidence=evidence.format(*values))


def _recall(findings: Mapping[str, Finding]) -> float | None:
    lift = findings.get("lift")
    if lift is None or "means" not in lift.details:
        return None
    return float(lift.details["means"]["recall@100"]["dense"])


def _rare(findings: Mapping[str, Finding]) -> int | None:
    """Judged queries with a rare word, by whichever rule the location test went; None if it did not run."""
    location = findings.get("location")
    if location is None:
        return None
    if "buckets" in location.details:
        return int(location.details["buckets"]["rare"]["n"])
    if "axes" in location.details:
        return int(location.details["axes"]["corpus rare"]["with"]["n"])
    return None
