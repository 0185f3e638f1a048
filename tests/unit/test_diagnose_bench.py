"""The tables of the diagnostics: error rates that are known, and agreement counted by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.diagnose import agreement, reliability
from bench.diagnose_verdicts import VERDICTS, verdicts
from pyengine.diagnose.finding import Estimate, Finding


def test_error_rates_of_gains_that_do_not_vary_and_that_do() -> None:
    certain = reliability(np.full(40, 10.0), 10)
    assert certain == {name: {"confirmed": 1.0, "healthy": 0.0} for name in ("fixed", "interval")}
    none = reliability(np.zeros(40), 10)
    assert none == {name: {"confirmed": 0.0, "healthy": 1.0} for name in ("fixed", "interval")}
    # Gains of -50 or +50 and a mean of 0: with ten queries a mean above 5 takes six of the better kind.
    coin = reliability(np.tile([-50.0, 50.0], 50), 10)
    assert coin["fixed"]["confirmed"] == pytest.approx(0.377, abs=0.05)
    assert coin["interval"]["confirmed"] < 0.06


def test_verdicts_of_samples() -> None:
    """Gains that are known exactly, in queries with a literal or everywhere."""
    literal = np.tile([True, False], 100)
    where = verdicts(np.where(literal, 20.0, 0.0), {"literal": literal}, None, 100)
    assert where["confirmed"] > 0.99
    assert sum(where.values()) == pytest.approx(1)
    assert tuple(where) == VERDICTS
    everywhere = verdicts(np.full(200, 10.0), {"literal": literal}, None, 100)
    assert everywhere["suspect"] == 1.0
    # A model that is blind to what the queries hold has its reason, wherever the lift sits.
    blind = verdicts(np.full(200, 10.0), {"literal": literal}, read("blindness", "confirmed", 0.9), 100)
    assert blind["confirmed"] == 1.0
    assert verdicts(np.zeros(200), {"literal": literal}, None, 100)["healthy"] == 1.0
    assert verdicts(np.zeros(200), {"literal": literal}, None, 5)["inconclusive"] == 1.0


def read(test: str, verdict: Any, value: float, n: int = 100) -> Finding:
    estimate = Estimate(value=value, low=None, high=None, n=n, unit="", unit_of_n="")
    return Finding(test=test, question="", mode="calibrated", verdict=verdict, reason="", estimate=estimate)


def diagnosis(overall: str, triage: tuple[Any, float], lift: tuple[Any, float], n: int = 100) -> Any:
    findings = {"triage": read("triage", *triage), "lift": read("lift", *lift, n)}
    return SimpleNamespace(verdict=overall, findings=findings)


def test_agreement_of_triage() -> None:
    found = {
        "both": diagnosis("confirmed", ("suspect", 0.3), ("confirmed", 9.0)),
        "missed": diagnosis("suspect", ("healthy", 0.1), ("suspect", 4.0)),
        "neither": diagnosis("healthy", ("healthy", 0.0), ("healthy", 0.5)),
        "alarm": diagnosis("healthy", ("suspect", 0.2), ("healthy", 1.0)),
        "open": diagnosis("suspect", ("inconclusive", 0.15), ("suspect", 4.5)),
        "both, other queries": diagnosis("healthy", ("suspect", 0.3), ("healthy", 0.0)),
        "few": diagnosis("healthy", ("healthy", 0.0), ("healthy", 0.0), n=5),
    }
    said = agreement(found)
    assert "5 collections have both readings, and on 4 of them both decide" in said
    assert "where the lift is a gain on 2 of those" in said
    assert "at least suspect on 2; it raises 1 false alarms" in said
    # Ranks of triage 4 1 0 3 2, of the lift 4 2 0 1 3: 1 - 6 * (0 + 1 + 0 + 4 + 1) / (5 * 24).
    assert "with the lift: 0.70." in said
    assert agreement({}).startswith("Fewer than three")
