"""How sure the overall verdict is: samples of judged queries, and what the lift and its place say of each."""

from collections.abc import Mapping
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from pyengine.diagnose import Finding, Verdict
from pyengine.diagnose.lift import LEAST_QUERIES, SUSPECT_POINTS
from pyengine.diagnose.location import LEAST
from pyengine.diagnose.verdict import overall

__all__ = ["ROUNDS", "VERDICTS", "verdicts"]

ROUNDS: Final = 1000
VERDICTS: Final[tuple[Verdict, ...]] = ("confirmed", "suspect", "inconclusive", "healthy")
_LEVEL: Final = 0.95

F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def verdicts(
    gains: F64, traits: Mapping[str, Bools], blindness: Finding | None, n: int, seed: int = 0
) -> dict[str, float]:
    """Return how often samples of ``n`` judged queries read each overall verdict.

    Intervals are normal, not bootstrapped. Blindness needs no queries and reads the same in every sample.

    Parameters
    ----------
    gains : float64 (queries,)
        Points of NDCG@10 of each query, fused minus dense.
    traits : mapping of str to bool (queries,)
        From `pyengine.diagnose.location.traits`.
    blindness : Finding, optional
    n : int
        Queries a sample.
    seed : int
    """
    random = np.random.default_rng(seed)
    counts = dict.fromkeys(VERDICTS, 0)
    for _ in range(ROUNDS):
        drawn = random.integers(len(gains), size=n)
        sample = {name: with_it[drawn] for name, with_it in traits.items()}
        findings = {
            "census": _census(sample["literal"]),
            "lift": _finding("lift", _lift(gains[drawn])),
            "location": _finding("location", _location(gains[drawn], sample)),
        }
        if blindness is not None:
            findings["blindness"] = blindness
        counts[overall(findings)[0]] += 1
    return {name: count / ROUNDS for name, count in counts.items()}


def _lift(gains: F64) -> Verdict:
    if len(gains) < LEAST_QUERIES:
        return "inconclusive"
    low, high = _interval(gains.mean(), gains.var(ddof=1) / len(gains), _LEVEL)
    if low > SUSPECT_POINTS:
        return "confirmed"
    if high < SUSPECT_POINTS:
        return "healthy"
    return "suspect" if low > 0 else "inconclusive"


def _location(gains: F64, traits: Mapping[str, Bools]) -> Verdict:
    """Return "confirmed" where the lift sits in queries with a trait; no other reading counts."""
    split = [
        (gains[with_it], gains[~with_it])
        for with_it in traits.values()
        if LEAST <= with_it.sum() <= len(gains) - LEAST
    ]
    wide = 1 - (1 - _LEVEL) / max(len(split), 1)
    for having, lacking in split:
        errors = [part.var(ddof=1) / len(part) for part in (having, lacking)]
        apart, _ = _interval(having.mean() - lacking.mean(), sum(errors), wide)
        alone, _ = _interval(having.mean(), errors[0], _LEVEL)
        if apart > 0 and alone > 0:
            return "confirmed"
    return "inconclusive"


def _interval(value: float, variance: float, level: float) -> tuple[float, float]:
    half = NormalDist().inv_cdf(0.5 + level / 2) * float(np.sqrt(variance))
    return float(value) - half, float(value) + half


def _census(literal: Bools) -> Finding:
    asked = {"queries": {"with_literal": int(literal.sum()), "queries": len(literal)}}
    return Finding(
        test="census", question="", mode="calibrated", verdict="inconclusive", reason="", details=asked
    )


def _finding(test: str, verdict: Verdict) -> Finding:
    return Finding(test=test, question="", mode="calibrated", verdict=verdict, reason="")
