"""What a diagnostic test says: a value with its uncertainty, the threshold it was held to, and a verdict."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = ["Estimate", "Finding", "Mode", "Threshold", "Verdict"]

Verdict: TypeAlias = Literal["healthy", "suspect", "confirmed", "inconclusive", "not run"]
Mode: TypeAlias = Literal["playbook", "calibrated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A measured value and how sure it is.

    Parameters
    ----------
    value : float
        The point estimate, in ``unit``.
    low, high : float or None
        Bounds of the confidence interval; None where there is none, as in playbook mode.
    n : int
        What was counted: queries, documents or tokens, as ``unit_of_n`` says.
    unit : str
        Of the value, such as "NDCG@10 points" or "share of tokens".
    unit_of_n : str
        Such as "judged queries".
    level : float
        Of the interval. 0.95.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    unit: str
    unit_of_n: str
    level: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A limit that a verdict was held to, and where it comes from.

    Parameters
    ----------
    value : float
        In the unit of the estimate.
    meaning : str
        What lies beyond it, as a clause.
    provenance : str
        Who says so: the playbook, or the measurement that it was calibrated on.
    """

    value: float
    meaning: str
    provenance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one test.

    Parameters
    ----------
    test : str
        Its name, as on the command line.
    question : str
        What it asks, as a question.
    mode : "playbook" or "calibrated"
        Whose arithmetic it is.
    verdict : str
        "healthy", "suspect", "confirmed", "inconclusive" or "not run".
    reason : str
        One sentence that says what decided.
    estimate : Estimate or None
        None if the test did not run.
    thresholds : tuple of Threshold
        What the estimate was held to.
    notes : tuple of str
        What the reader should know besides, a sentence each.
    seconds : float
        Wall time of the test.
    details : mapping
        JSON-able; what a test adds for tables and plots is documented with the test.
    """

    test: str
    question: str
    mode: Mode
    verdict: Verdict
    reason: str
    estimate: Estimate | None = None
    thresholds: tuple[Threshold, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON-able values."""
        return asdict(self)
