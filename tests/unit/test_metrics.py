"""Evaluation on examples a reader can check by hand."""

import math
from typing import Any

import pytest

import pyengine as pe
from pyengine.eval import Metric

QRELS = {"q1": {"a": 3, "b": 1, "z": 0}, "q2": {"c": 1}}
IDS = ["a", "b", "c", "x", "z"]
# q1: x, a, b; q2: nothing relevant
HITS = pe.Hits.from_lists([[(3, 3.0), (0, 2.0), (1, 1.0)], [(3, 3.0), (4, 2.0)]])


def score(metric: str, **settings: Any) -> list[float]:
    settings = {"query_ids": ["q1", "q2"], "doc_ids": IDS} | settings
    evaluation = pe.evaluate(HITS, QRELS, [metric], n_boot=0, **settings)
    return [float(x) for x in evaluation.per_query[str(Metric.parse(metric))]]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("ndcg", (3 / math.log2(3) + 1 / 2) / (3 + 1 / math.log2(3))),
        ("ndcg@2", (3 / math.log2(3)) / (3 + 1 / math.log2(3))),
        ("ndcg@1", 0.0),
        ("ndcg_exp@3", (7 / math.log2(3) + 1 / 2) / (7 + 1 / math.log2(3))),
        ("recall@2", 0.5),
        ("recall", 1.0),
        ("precision@2", 0.5),
        ("precision@10", 0.2),
        ("precision", 2 / 3),
        ("mrr", 0.5),
        ("mrr@1", 0.0),
        ("map", (1 / 2 + 2 / 3) / 2),
        ("map@2", (1 / 2) / 2),
        ("success@1", 0.0),
        ("success@2", 1.0),
    ],
)
def test_by_hand(metric: str, expected: float) -> None:
    assert score(metric) == pytest.approx([expected, 0.0], abs=1e-12)
