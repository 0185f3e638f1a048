"""Whether an embedder has hit its plateau on a corpus: tests from cheap to dear, each with a verdict.

Useful for deciding what to do about a corpus. Not useful for measuring one change: use `pyengine.compare`.
"""

from pyengine.diagnose.diagnosis import TESTS, Diagnosis, diagnose
from pyengine.diagnose.finding import Estimate, Finding, Mode, Threshold, Verdict
from pyengine.diagnose.reference import Reference

__all__ = [
    "TESTS",
    "Diagnosis",
    "Estimate",
    "Finding",
    "Mode",
    "Reference",
    "Threshold",
    "Verdict",
    "diagnose",
]
