"""From findings to one verdict: the playbook's signals, and what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyengine.diagnose.census import HEALTHY_QUERIES, SUSPECT_QUERIES
from pyengine.diagnose.finding import Finding, Verdict

__all__ = ["NextStep", "Signal", "next_step", "overall", "signals"]

_POINTS_WORTH_IT: Final = 2.0
_GOOD_ENOUGH: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One of the playbook's numbers that matter.

    Parameters
    ----------
    name : str
    value : float or None
        None if it was not measured.
    unit : str
    reading : str
        "healthy", "suspect", "confirmed", "inconclusive" between two classes, "not run" without a value.
    """

    name: str
    value: float | None
    unit: str
    reading: Verdict


# Name: unit, healthy below, suspect from, suspect to; confirmed above. Where the playbook leaves a gap
# between healthy and suspect the reading is inconclusive. Bounds of "suspect" belong to it.
_TABLE: Final[dict[str, tuple[str, float, float, float]]] = {
    "mixed-alphanumeric share": ("share of tokens", 0.02, 0.02, 0.08),
    "hybrid lift over dense": ("points of NDCG@10", 1.0, 3.0, 5.0),
    "lift of the rare bucket": ("NDCG@10", 0.05, 0.10, 0.25),
    "KL(corpus || web)": ("nats", 1.0, 1.0, 2.5),
    "leaderboard gap": ("positions", 1.0, 3.0, 5.0),
}


def classify(name: str, value: float | None) -> Verdict:
    """Return the playbook's class of a value, its gaps closed.

    A leaderboard gap of 1 is healthy ("within one position"), 2 lies in a gap; a negative one, where the
    model does better here than on the board, is healthy, and so is a negative lift. No gap is too large.
    """
    if value is None:
        return "not run"
    _, healthy, suspect, confirmed = _TABLE[name]
    if value < healthy or (name == "leaderboard gap" and value <= healthy):
        return "healthy"
    if value < suspect:
        return "inconclusive"
    return "suspect" if value <= confirmed else "confirmed"


def signals(findings: Mapping[str, Finding], leaderboard_gap: float | None = None) -> list[Signal]:
    """Return the playbook's five signals as far as they were measured.

    Parameters
    ----------
    findings : mapping of test to Finding
    leaderboard_gap : float, optional
        Places that the leader of the user's board lost on this collection.
    """
    values: dict[str, float | None] = {
        "mixed-alphanumeric share": _dig(findings, "census", "mixed", "share"),
        "hybrid lift over dense": None if "lift" not in findings else _points(findings["lift"]),
        "lift of the rare bucket": _rare_lift(findings),
        "KL(corpus || web)": _dig(findings, "divergence", "kl"),
        "leaderboard gap": leaderboard_gap,
    }
    return [
        Signal(name=name, value=value, unit=_TABLE[name][0], reading=classify(name, value))
        for name, value in values.items()
    ]


def _points(finding: Finding) -> float | None:
    return None if finding.estimate is None else finding.estimate.value


def _rare_lift(findings: Mapping[str, Finding]) -> float | None:
    if "location" in findings and findings["location"].mode == "playbook":
        bucket: float | None = _dig(findings, "location", "buckets", "rare", "lift")
        return bucket
    lift = _dig(findings, "location", "axes", "corpus rare", "with", "lift")
    return None if lift is None else lift / 100


def _dig(findings: Mapping[str, Finding], test: str, *path: str) -> Any:
    value: Any = findings[test].details if test in findings else None
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def overall(  # noqa: PLR0911 - one return a case reads best
    findings: Mapping[str, Finding],
) -> tuple[Verdict, str]:
    """Return the verdict on the plateau, and the evidence that decided.

    It takes two things to confirm it: fusion gains over the dense branch, and the reason is one the pattern
    names: the gain sits in queries with rare words or literals, or the model is blind to literals that the
    queries hold. A gain for another reason is a gain all the same, and no plateau.

    Parameters
    ----------
    findings : mapping of test to Finding
    """
    said = {test: finding.verdict for test, finding in findings.items()}
    lift, located, blind = said.get("lift"), said.get("location"), said.get("blindness")
    asked = _literal_queries(findings)
    if all(finding.mode == "playbook" for finding in findings.values()) and findings:
        return _playbook(said)
    mechanism = [
        reason
        for holds, reason in (
            (located == "confirmed", "the lift sits in queries with rare words or literals"),
            (
                blind == "confirmed" and asked is not None and asked > HEALTHY_QUERIES,
                f"the embedder is blind to literals, which {asked or 0:.0%} of the queries hold",
            ),
        )
        if holds
    ]
    if lift == "confirmed" and mechanism:
        return "confirmed", f"{findings['lift'].reason}; {mechanism[0]}"
    if lift == "suspect" and mechanism and (asked or 0) > SUSPECT_QUERIES:
        return "confirmed", f"{findings['lift'].reason}; {mechanism[0]}"
    if lift in ("confirmed", "suspect"):
        return "suspect", f"{findings['lift'].reason}, but nothing shows that literals or rare words are why"
    if lift == "healthy":
        if mechanism and (asked or 0) > SUSPECT_QUERIES:
            return (
                "suspect",
                f"{mechanism[-1]}, though fusion as it is gains nothing: {findings['lift'].reason}",
            )
        return "healthy", findings["lift"].reason
    if lift == "inconclusive":
        return "inconclusive", findings["lift"].reason
    pointers = [
        findings[test].reason
        for test in ("blindness", "triage")
        if said.get(test) in ("confirmed", "suspect")
    ]
    if pointers:
        return "suspect", f"without judged queries: {pointers[0]}"
    if _dig(findings, "lift", "missing") in ("vectors", "documents"):
        return "inconclusive", f"what fusion gains was not measured: {findings['lift'].reason}"
    return "inconclusive", "no judged queries: what fusion gains was not measured"


def _literal_queries(findings: Mapping[str, Finding]) -> float | None:
    queries = _dig(findings, "census", "queries")
    return None if queries is None else queries["with_literal"] / max(queries["queries"], 1)


def _playbook(said: Mapping[str, Verdict]) -> tuple[Verdict, str]:
    for verdict in ("confirmed", "suspect"):
        tests = [test for test, value in said.items() if value == verdict]
        if tests:
            return verdict, f"by the playbook's limits: {', '.join(tests)}"
    if "healthy" in said.values():
        return "healthy", "by the playbook's limits: no test fires"
    return "inconclusive", "no test gave a reading"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What the evidence supports first.

    Parameters
    ----------
    treatment, why, cost : str
    gain, ceiling : float or None
        Points of NDCG@10 that it gained here, or could at most.
    """

    treatment: str
    why: str
    cost: str
    gain: float | None = None
    ceiling: float | None = None


def next_step(  # noqa: PLR0911 - one return a treatment reads best
    findings: Mapping[str, Finding],
) -> NextStep:
    """Return the treatment to begin with.

    Parameters
    ----------
    findings : mapping of test to Finding
    """
    lift = findings.get("lift")
    if _dig(findings, "lift", "missing") == "vectors":
        return NextStep(
            treatment="index with an embedder",
            why="without vectors there is no embedder to judge; most tests need them",
            cost="one pass of a model over the documents: pyengine reembed",
        )
    if lift is None or lift.estimate is None:
        return NextStep(
            treatment="judge queries",
            why="without judgements no treatment can be told from another; fifty tell a gain of ten points",
            cost="hours of somebody who knows the documents",
        )
    means, ceilings = lift.details["means"]["ndcg@10"], lift.details["ceilings"]
    over_lexical = lift.details["fused_minus_lexical"]
    over_dense = lift.details["fused_minus_dense"]
    oracle = 100 * (ceilings["oracle_fusion"] - max(means["lexical"], means["dense"]))
    if over_lexical["high"] is not None and over_lexical["high"] < 0:
        return NextStep(
            treatment="weighted fusion, or the lexical branch alone",
            why=f"BM25 alone reads {means['lexical']:.3f}, the equal-weight fusion {means['fused']:.3f}, "
            f"dense {means['dense']:.3f}",
            cost='nothing: a setting, fusion="auto"; with judgements pyengine tune-fusion',
            gain=-100 * over_lexical["difference"],
            ceiling=oracle,
        )
    if over_dense["high"] is not None and over_dense["high"] < 0:
        return NextStep(
            treatment="weighted fusion, or the dense branch alone",
            why=f"equal weights cost {-100 * over_dense['difference']:.1f} points: BM25 is weaker here",
            cost='nothing: a setting, fusion="auto"; with judgements pyengine tune-fusion',
            gain=-100 * over_dense["difference"],
            ceiling=oracle,
        )
    if over_dense["low"] is not None and over_dense["low"] > 0:
        return NextStep(
            treatment="hybrid search",
            why=f"it gains {100 * over_dense['difference']:.1f} points over the dense branch here",
            cost="nothing: this index answers hybrid already; one BM25 search a query",
            gain=100 * over_dense["difference"],
            ceiling=oracle,
        )
    if means["fused"] >= _GOOD_ENOUGH:
        return NextStep(
            treatment="nothing here",
            why=f"NDCG@10 is {means['fused']:.3f}; if users complain, judge what they ask",
            cost="nothing",
            ceiling=100 * (1 - means["fused"]),
        )
    rerank = 100 * (ceilings["perfect_rerank"] - means["fused"])
    union = ceilings["union_recall@100"]
    if rerank > _POINTS_WORTH_IT and union >= 0.9:
        return NextStep(
            treatment="a reranker",
            why=f"{union:.0%} of the relevant documents are among the candidates of either branch",
            cost="milliseconds a candidate, and labels to train it on this domain",
            ceiling=rerank,
        )
    return NextStep(
        treatment="train the embedder on this corpus",
        why=f"{union:.0%} of the relevant documents are among the candidates; no reranker can bring the rest",
        cost="judged pairs and GPU hours",
        ceiling=100 * (1 - means["fused"]),
    )


def conclusive(findings: Sequence[Finding]) -> bool:
    """Return whether what was found so far settles the matter, so that dearer tests need not run."""
    return overall({finding.test: finding for finding in findings})[0] == "confirmed"
