"""Laws of the metrics that hold for any answers and judgements."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyengine as pe
from pyengine.eval.stats import adjust

ROWS = st.integers(0, 12)
SCORES = st.floats(-5, 5, width=32)
ANSWER = st.dictionaries(ROWS, SCORES, max_size=10).map(lambda answer: list(answer.items()))
JUDGED = st.dictionaries(ROWS, st.integers(-2, 4), min_size=1, max_size=10)
QUERIES = st.lists(st.tuples(ANSWER, JUDGED), min_size=1, max_size=5)
EVERY = ("ndcg", "ndcg@3", "ndcg_exp@3", "recall@3", "precision@3", "precision", "mrr", "map", "success@2")
CUT = ("ndcg", "recall", "mrr", "map", "success")


def values(
    answers: list[list[tuple[int, float]]], judged: list[dict[int, int]], metrics: tuple[str, ...]
) -> dict:
    return pe.evaluate(pe.Hits.from_lists(answers), dict(enumerate(judged)), metrics, n_boot=0).per_query


@given(QUERIES)
def test_between_0_and_1(queries: list) -> None:
    answers, judged = zip(*queries, strict=True)
    for name, got in values(answers, judged, EVERY).items():
        assert np.all((got >= 0.0) & (got <= 1.0 + 1e-12)), name


@given(JUDGED, st.randoms(use_true_random=False))
def test_the_ideal_order_scores_1_in_any_order_of_judgements(judged: dict[int, int], random: object) -> None:
    shuffled = list(judged.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis's Random
    ideal = [(row, float(grade)) for row, grade in judged.items() if grade > 0]
    got = values([ideal], [dict(shuffled)], ("ndcg", "ndcg@3", "ndcg_exp@3", "map", "mrr", "recall"))
    assert [value[0] for value in got.values()] == pytest.approx([1.0 if ideal else 0.0] * 6)


@given(QUERIES)
def test_deeper_cutoffs_never_find_less(queries: list) -> None:
    answers, judged = zip(*queries, strict=True)
    for name in ("recall", "mrr", "success", "map"):
        got = values(answers, judged, (*(f"{name}@{k}" for k in (1, 2, 3, 20)), name))
        steps = list(got.values())
        for shallow, deep in pairwise(steps):
            assert np.all(shallow <= deep + 1e-12), name
        assert np.array_equal(steps[-1], steps[-2])


@given(ANSWER, JUDGED)
def test_cutting_the_answer_is_cutting_the_metric(answer: list, judged: dict[int, int]) -> None:
    hits = pe.Hits.from_lists([answer], k=10)
    for k in (1, 3):
        cut = pe.evaluate(hits.truncate(k), {0: judged}, [f"{name}@{k}" for name in CUT], n_boot=0)
        assert cut.means == pe.evaluate(hits, {0: judged}, [f"{name}@{k}" for name in CUT], n_boot=0).means


@given(ANSWER, JUDGED)
def test_an_irrelevant_document_at_the_end_changes_nothing(answer: list, judged: dict[int, int]) -> None:
    longer = [*answer, (99, -100.0)]
    metrics = ("ndcg", "map", "mrr", "recall", "success", "precision@3")
    assert values([answer], [judged], metrics) == values([longer], [judged], metrics)


@given(QUERIES)
def test_queries_do_not_touch_each_other(queries: list) -> None:
    answers, judged = zip(*queries, strict=True)
    together = values(answers, judged, EVERY)
    for i, (answer, grades) in enumerate(queries):
        alone = values([answer], [grades], EVERY)
        assert all(together[name][i] == alone[name][0] for name in EVERY)


@given(st.lists(st.floats(0, 1), max_size=8), st.sampled_from(["holm", "bh"]))
def test_correcting_never_lowers_p_and_keeps_its_order(p: list[float], correction: str) -> None:
    adjusted = np.array(adjust(p, correction))
    assert np.all(adjusted >= np.array(p) - 1e-15)
    assert np.all(adjusted <= 1.0)
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0.0)
