"""Scores worked by hand as exact fractions, in `bm25.json`; only ln is left to 50-digit decimals."""

import json
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyengine import Bm25Index

GOLDEN = json.loads(Path(__file__).with_name("bm25.json").read_text())


def decimal(fraction: str) -> Decimal:
    value = Fraction(fraction)
    return Decimal(value.numerator) / Decimal(value.denominator)


def build() -> Bm25Index:
    return Bm25Index.build(GOLDEN["docs"], k1=float(Fraction(GOLDEN["k1"])), b=float(Fraction(GOLDEN["b"])))


@pytest.mark.parametrize("case", GOLDEN["queries"], ids=lambda case: " ".join(case["query"]))
def test_the_file_agrees_with_its_fractions(case: dict[str, Any]) -> None:
    with localcontext() as context:
        context.prec = 50
        for hit in case["hits"]:
            total = sum(
                case["query"].count(term) * decimal(case["terms"][term]).ln() * decimal(saturation)
                for term, saturation in hit["saturation"].items()
            )
            assert abs(total - Decimal(hit["score"])) < Decimal("1e-19")


@pytest.mark.parametrize("case", GOLDEN["queries"], ids=lambda case: " ".join(case["query"]))
def test_search_gives_the_worked_scores(case: dict[str, Any]) -> None:
    rows, scores = build().search([case["query"]]).query(0)
    assert rows.tolist() == [hit["row"] for hit in case["hits"]]
    assert scores.tolist() == [np.float32(hit["score"]) for hit in case["hits"]]


@pytest.mark.parametrize("case", GOLDEN["queries"], ids=lambda case: " ".join(case["query"]))
def test_explain_gives_the_worked_parts(case: dict[str, Any]) -> None:
    index = build()
    assert index.stats.average_length == float(Fraction(GOLDEN["average_length"]))
    for hit in case["hits"]:
        for share in index.explain(case["query"], hit["row"]):
            if share.tf:
                saturation = float(Fraction(hit["saturation"][share.term]))
                assert share.idf == pytest.approx(float(decimal(case["terms"][share.term]).ln()), rel=1e-15)
                assert share.contribution == pytest.approx(share.weight * share.idf * saturation, rel=1e-15)
            else:
                assert share.term not in hit["saturation"]
