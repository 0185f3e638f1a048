"""Evaluation on examples a reader can check by hand, and what it refuses."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import pyengine as pe
from pyengine.errors import InvalidInputError
from pyengine.eval import Metric

IDS = ["a", "b", "c", "x", "z"]
QRELS = {"q1": {"a": 3, "b": 1, "z": 0}, "q2": {"c": 1}}
BY_ROW = {0: {0: 3, 1: 1, 4: 0}, 1: {2: 1}}
# q1: x, a, b.  q2: x, z, neither relevant.
HITS = pe.Hits.from_lists([[(3, 3.0), (0, 2.0), (1, 1.0)], [(3, 3.0), (4, 2.0)]])
NAMED = {"query_ids": ["q1", "q2"], "doc_ids": IDS}


def score(metric: str, hits: Any = HITS, qrels: Any = QRELS, **settings: Any) -> list[float]:
    named = NAMED if isinstance(hits, pe.Hits) and qrels is QRELS else {}
    evaluation = pe.evaluate(hits, qrels, [metric], n_boot=0, **(named | settings))
    return [float(value) for value in evaluation.per_query[str(Metric.parse(metric))]]


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
    assert score(metric) == pytest.approx([expected, 0.0], abs=1e-15)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("NDCG@10", "ndcg@10"),
        (" map ", "map"),
        ("P@5", "precision@5"),
        ("rr", "mrr"),
        ("hit_rate@3", "success@3"),
    ],
)
def test_spellings(text: str, name: str) -> None:
    assert str(Metric.parse(text)) == name


@pytest.mark.parametrize("text", ["", "ndcg@0", "ndcg@-1", "ndcg@1.5", "bleu", "ndcg@", "@10", 10, None])
def test_unknown_metric(text: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"metrics: expected one of map, mrr, ndcg"):
        Metric.parse(text)


def test_rel_is_the_lowest_relevant_grade() -> None:
    assert score("recall@2", rel=3) == [1.0, 0.0]
    assert score("mrr", rel=2) == [0.5, 0.0]
    assert score("ndcg", rel=3) == score("ndcg")


def test_keys_by_number_and_by_id_agree() -> None:
    every = ["ndcg@10", "ndcg_exp", "recall@2", "precision@3", "mrr", "map", "success@1"]
    by_id, by_row = pe.evaluate(HITS, QRELS, every, **NAMED), pe.evaluate(HITS, BY_ROW, every)
    assert by_id.means == by_row.means
    assert by_id.intervals == by_row.intervals
    assert by_row.query_ids == (0, 1)


@pytest.mark.parametrize(
    "ids",
    [
        tuple(IDS),
        np.array(IDS),
        np.array(IDS, dtype=object),
        pa.array(IDS),
        pa.array(IDS, pa.large_string()),
        pa.chunked_array([IDS[:2], IDS[2:]]),
        SimpleNamespace(ids=pa.array(IDS)),
        SimpleNamespace(ids=lambda: IDS),
        pe.Corpus.from_rows([{"id": i, "text": "t"} for i in IDS]),
    ],
    ids=["tuple", "numpy", "object", "arrow", "large", "chunked", "attribute", "method", "corpus"],
)
def test_document_ids_of_any_kind(ids: Any) -> None:
    for ties in ("order", "trec"):
        assert score("ndcg", doc_ids=ids, ties=ties) == score("ndcg")


def test_ties_as_ranked_or_as_trec_eval_ranks_them() -> None:
    tied = pe.Hits.from_lists([[(0, 1.0), (3, 1.0)]])
    named = {"query_ids": ["q"], "doc_ids": IDS}
    assert score("mrr", tied, {"q": {"a": 1}}, **named) == [1.0]  # row 0 before row 3
    assert score("mrr", tied, {"q": {"a": 1}}, ties="trec", **named) == [0.5]  # "x" before "a"
    run = {"q": {"a": 1.0, "x": 1.0}}
    assert score("mrr", run, {"q": {"a": 1}}) == [0.5]
    assert score("mrr", run, {"q": {"a": 1}}, ties="order") == [1.0]


def test_a_run_is_ordered_by_score_and_hits_as_given() -> None:
    assert score("mrr", {"q": {"x": 1.0, "a": 2.0}}, {"q": {"a": 1}}) == [1.0]
    hits = pe.Hits(
        np.array([[3, 0]], np.uint32), np.array([[1.0, 2.0]], np.float32), np.array([2], np.uint32)
    )
    named = {"query_ids": ["q"], "doc_ids": IDS}
    assert score("mrr", hits, {"q": {"a": 1}}, **named) == [0.5]
    assert score("mrr", hits, {"q": {"a": 1}}, ties="trec", **named) == [1.0]


def test_scores_beyond_float32_tie_as_in_trec_eval() -> None:
    assert score("mrr", {"q": {"a": 1.0 + 1e-9, "x": 1.0}}, {"q": {"a": 1}}) == [0.5]
    assert score("mrr", {"q": {"a": 1e300, "x": 1e301}}, {"q": {"a": 1}}) == [0.5]


def test_missing_queries_count_as_zero_or_not_at_all() -> None:
    run = {"q1": {"a": 1.0}, "other": {"a": 1.0}, "nothing": {}}
    qrels = {"q1": {"a": 1}, "q2": {"a": 1}, "nothing": {"a": 1}}
    zero = pe.evaluate(run, qrels, ["mrr"])
    assert (zero.n, zero["mrr"]) == (3, pytest.approx(1 / 3))
    assert (zero.n_missing, zero.n_empty, zero.n_ignored, zero.n_answered) == (1, 1, 1, 1)
    skip = pe.evaluate(run, qrels, ["mrr"], missing="skip")
    assert (skip.n, skip["mrr"], skip.n_missing, skip.n_answered) == (2, 0.5, 1, 1)
    assert skip.query_ids == ("q1", "nothing")
    hits = pe.Hits.from_lists([[(0, 1.0)], [(0, 1.0)], []])
    again = pe.evaluate(hits, qrels, ["mrr"], query_ids=["q1", "other", "nothing"], doc_ids=IDS)
    assert again.per_query["mrr"].tolist() == zero.per_query["mrr"].tolist()
    assert (again.n_missing, again.n_empty, again.n_ignored) == (1, 1, 1)


def test_queries_without_relevant_documents_score_zero_and_count() -> None:
    evaluation = pe.evaluate(
        {"q": {"a": 1.0}, "r": {"a": 1.0}}, {"q": {"a": 1}, "r": {"a": 0, "b": -1}}, ["map"]
    )
    assert evaluation.per_query["map"].tolist() == [1.0, 0.0]
    assert evaluation.n_without_relevant == 1


def test_a_relevant_document_outside_the_corpus_counts_against_recall() -> None:
    hits = pe.Hits.from_lists([[(0, 1.0)]])
    evaluation = pe.evaluate(hits, {"q": {"a": 1, "gone": 1}}, ["recall"], query_ids=["q"], doc_ids=IDS)
    assert (evaluation["recall"], evaluation.n_unknown_documents) == (0.5, 1)
    assert "1 judged documents not in the corpus" in str(evaluation)


def test_exclude_self_drops_the_query_itself() -> None:
    qrels = {"a": {"b": 1, "a": 1}, "c": {"b": 1}}
    hits = pe.Hits.from_lists([[(0, 3.0), (3, 2.0), (1, 1.0)], [(1, 2.0), (2, 1.0)]])
    named = {"query_ids": ["a", "c"], "doc_ids": IDS}
    run = pe.Run.from_hits(hits, **named)
    for answers, settings in ((hits, named), (hits, named | {"ties": "trec"}), (run, {})):
        assert score("mrr", answers, qrels, **settings) == [1.0, 1.0]
        assert score("mrr", answers, qrels, exclude_self=True, **settings) == [0.5, 1.0]
        assert score("precision", answers, qrels, exclude_self=True, **settings) == [0.5, 1.0]
    with pytest.raises(InvalidInputError, match="exclude_self: needs ids"):
        pe.evaluate(HITS, BY_ROW, exclude_self=True)


def test_the_default_metrics_and_one_by_name() -> None:
    assert list(pe.evaluate(HITS, BY_ROW).means) == ["ndcg@10", "recall@100", "mrr@10"]
    assert list(pe.evaluate(HITS, BY_ROW, "MAP").means) == ["map"]
    assert pe.evaluate(HITS, BY_ROW, "MAP")["map"] == pe.evaluate(HITS, BY_ROW, ["ap"])["Map"]
    with pytest.raises(InvalidInputError, match="'mrr' was not evaluated; there are map"):
        pe.evaluate(HITS, BY_ROW, "map")["mrr"]


def test_intervals_hold_the_mean_and_repeat() -> None:
    random = np.random.default_rng(0)
    hits = pe.Hits.from_lists([[(int(r), -float(r)) for r in random.permutation(9)[:5]] for _ in range(50)])
    qrels = {i: {0: 1, i % 9: 2} for i in range(50)}
    first, second = (pe.evaluate(hits, qrels, ["ndcg"], seed=7) for _ in range(2))
    low, high = first.intervals["ndcg"]
    assert low < first["ndcg"] < high
    assert first.intervals == second.intervals
    assert pe.evaluate(hits, qrels, ["ndcg"], seed=8).intervals != first.intervals
    wide_low, wide_high = pe.evaluate(hits, qrels, ["ndcg"], level=0.99).intervals["ndcg"]
    assert wide_low < low < high < wide_high


def test_one_query_has_no_interval() -> None:
    evaluation = pe.evaluate({"q": {"a": 1.0}}, {"q": {"a": 1}}, ["mrr"])
    assert math.isnan(evaluation.intervals["mrr"][0])
    assert evaluation.to_json()["metrics"]["mrr"] == {"mean": 1.0, "low": None, "high": None}
    assert "none" in str(evaluation)


def test_json_and_text() -> None:
    evaluation = pe.evaluate(HITS, QRELS, ["ndcg@10", "mrr"], **NAMED)
    data = json.loads(json.dumps(evaluation.to_json(per_query=True)))
    assert data["n"] == 2
    assert data["metrics"]["mrr"]["mean"] == evaluation["mrr"]
    assert data["per_query"]["mrr"] == [0.5, 0.0]
    assert data["query_ids"] == ["q1", "q2"]
    assert data["settings"]["ties"] == "order"
    assert "per_query" not in evaluation.to_json()
    lines = str(evaluation).splitlines()
    assert lines[0].startswith("metric")
    assert "n = 2 queries" in lines[0]
    assert lines[2].startswith("mrr      0.2500  [")


def test_the_answer_does_not_change_the_input() -> None:
    tied = pe.Hits.from_lists([[(0, 1.0), (3, 1.0)]])
    rows = tied.rows.copy()
    pe.evaluate(tied, {"q": {"a": 1}}, query_ids=["q"], doc_ids=IDS, ties="trec", exclude_self=True)
    assert np.array_equal(tied.rows, rows)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pe.evaluate(HITS, QRELS), "query_ids: missing; .* key qrels by numbers"),
        (lambda: pe.evaluate(HITS, QRELS, query_ids=["q1", "q2"]), "doc_ids: missing; .*a corpus, or a seq"),
        (lambda: score("map", query_ids=["q1"]), "query_ids: expected 2, one per answer, got 1"),
        (lambda: score("map", query_ids=["q1", "q1"]), "query_ids: 'q1' twice"),
        (lambda: score("map", query_ids=["x", "y"]), "none of the 2 .such as 'x'. is judged .*such as 'q1'"),
        (
            lambda: score("map", doc_ids=iter(IDS)),
            "doc_ids: expected the document id of each row .*got list_it",
        ),
        (lambda: score("map", doc_ids=dict.fromkeys(IDS)), "doc_ids: expected the document id .* got dict"),
        (lambda: score("map", doc_ids="abcxz"), "doc_ids: expected the document id of each row .* got str"),
        (lambda: score("map", doc_ids=IDS[:3]), "doc_ids: holds 3 ids, but the hits name row 4"),
        (lambda: score("map", doc_ids=list("vwxyt")), "doc_ids: none of the 4 judged documents"),
        (
            lambda: score("map", doc_ids=[1, 2, 3, 4, 5]),
            "doc_ids: none of the .* expected the ids that qrels",
        ),
        (lambda: score("map", doc_ids=pa.array([1, 2, 3, 4, 5])), "doc_ids: expected strings, got int64"),
        (lambda: score("map", doc_ids=["a", "a", "c", "x", "z"]), "doc_ids: 'a' is the id of two rows"),
        (lambda: pe.evaluate(HITS, BY_ROW, query_ids=["q1", "q2"]), "leave query_ids out"),
        (lambda: pe.evaluate(HITS, {2: {0: 1}}), "qrels: name query 2, but hits answer 2"),
        (lambda: pe.evaluate(HITS, BY_ROW, ties="trec"), "ties: 'trec' orders tied documents by their ids"),
        (lambda: pe.evaluate(HITS, BY_ROW, ties="stable"), "ties: expected 'order' or 'trec', got 'stable'"),
        (lambda: pe.evaluate({"q": {"a": 1.0}}, BY_ROW), "keyed by numbers, which only fit Hits"),
        (lambda: pe.evaluate({"p": {"a": 1.0}}, QRELS), "run: none of its 1 queries .*same query ids"),
        (lambda: pe.evaluate({}, QRELS), "run: none of its 0 queries .empty."),
        (lambda: pe.evaluate({"q1": {}}, QRELS, doc_ids=IDS), "only Hits take them"),
        (lambda: pe.evaluate([[1, 2]], QRELS), "hits: expected Hits, Run or a dict .* got list"),
        (lambda: pe.evaluate(HITS, {}), "qrels: no query has judgements"),
        (lambda: pe.evaluate(HITS, "qrels.tsv"), "qrels: expected Qrels .* Qrels.from_beir"),
        (lambda: pe.evaluate(pe.Hits.empty(0, 3), BY_ROW), "hits: no answers"),
        (lambda: pe.evaluate(HITS, BY_ROW, []), "metrics: expected at least one"),
        (lambda: pe.evaluate(HITS, BY_ROW, rel=0), "rel: expected an integer of 1 or more, got 0"),
        (lambda: pe.evaluate(HITS, BY_ROW, missing="drop"), "missing: expected 'zero' or 'skip'"),
        (lambda: pe.evaluate(HITS, BY_ROW, level=95), "level: expected a number from 0.5 to below 1"),
        (lambda: pe.evaluate(HITS, BY_ROW, n_boot=5), "n_boot: expected at least 100"),
        (lambda: pe.evaluate(HITS, BY_ROW, seed=-1), "seed: expected 0 or more"),
        (lambda: pe.evaluate(HITS, BY_ROW, method="t"), "method: expected 'bca' or 'percentile'"),
        (lambda: pe.evaluate(HITS, {0: {0: 99}}, "ndcg_exp"), "ndcg_exp expects grades up to 52, got 99"),
    ],
)
def test_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        call()


def hits_of(rows: list[list[int]], scores: list[list[float]], counts: list[int]) -> pe.Hits:
    return pe.Hits(np.array(rows, np.uint32), np.array(scores, np.float32), np.array(counts, np.uint32))


@pytest.mark.parametrize(
    ("hits", "message"),
    [
        (hits_of([[0, 0]], [[2, 1]], [2]), "answer 0 .query 0. holds a row twice"),
        (hits_of([[0, 1]], [[2, math.nan]], [2]), "answer 0 holds NaN in used slot 1"),
        (hits_of([[0, pe.NO_ROW]], [[2, 1]], [2]), "answer 0 holds NO_ROW in used slot 1"),
        (hits_of([[0, 1]], [[2, 1]], [3]), "counts: expected at most k = 2, got 3"),
    ],
)
def test_malformed_hits(hits: pe.Hits, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        pe.evaluate(hits, {0: {0: 1}})


def test_nan_in_unused_slots_is_no_matter() -> None:
    hits = hits_of([[0, pe.NO_ROW]], [[2, math.nan]], [1])
    assert pe.evaluate(hits, {0: {0: 1}}, "mrr")["mrr"] == 1.0


def test_a_real_collection(collection: Callable[[str], Path]) -> None:
    evalset = pe.EvalSet.from_beir(collection("scifact"))
    perfect = pe.Run.from_dict({q: {d: float(g) for d, g in evalset.qrels[q].items()} for q in evalset.qrels})
    evaluation = pe.evaluate(perfect, evalset.qrels, ["ndcg@10", "recall@100", "mrr@10"])
    assert evaluation.n == 300
    assert set(evaluation.means.values()) == {1.0}
