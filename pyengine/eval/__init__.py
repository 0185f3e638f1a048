"""Judgements, metrics equal to trec_eval, and honest comparisons of what was measured."""

from pyengine.eval.compare import compare, compare_many, compare_values
from pyengine.eval.comparison import Comparison, Comparisons
from pyengine.eval.evalset import EvalSet, EvalSetReport
from pyengine.eval.metrics import Evaluation, Metric, evaluate
from pyengine.eval.qrels import Qrels
from pyengine.eval.run import Run

__all__ = [
    "Comparison",
    "Comparisons",
    "EvalSet",
    "EvalSetReport",
    "Evaluation",
    "Metric",
    "Qrels",
    "Run",
    "compare",
    "compare_many",
    "compare_values",
    "evaluate",
]
