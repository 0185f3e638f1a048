"""Every metric equals trec_eval, through pytrec_eval and ir-measures, to 1e-9."""

from pathlib import Path

import ir_measures
import numpy as np
import pytest
import pytrec_eval
from oracles import metrics as oracle

import pyengine as pe
from pyengine.eval import Metric

CUTS = (1, 3, 10)
AT_CUTS = {"ndcg": "ndcg_cut", "map": "map_cut", "precision": "P", "recall": "recall", "success": "success"}
TREC = {
    "ndcg": "ndcg",
    "map": "map",
    "mrr": "recip_rank",
    "precision": "set_P",
    "recall": "set_recall",
    **{f"{ours}@{k}": f"{theirs}_{k}" for k in CUTS for ours, theirs in AT_CUTS.items()},
}
ASKED = {
    *("ndcg", "map", "recip_rank", "set_P", "set_recall"),
    *(f"{name}.{','.join(map(str, CUTS))}" for name in AT_CUTS.values()),
}
EVERY = [f"{name}{cut}" for name in sorted({*AT_CUTS, "mrr", "ndcg_exp"}) for cut in ("", "@1", "@3", "@10")]

Judged = dict[str, dict[str, int]]
Scored = dict[str, dict[str, float]]


def collection(seed: int, scale: int = 1) -> tuple[Judged, Scored]:
    """Return judgements and answers with everything that trips an evaluator.

    Ties (also ones that only float32 makes), grades of several levels and below 0, documents without a
    judgement, queries missing on either side, a query without a relevant document.
    """
    random = np.random.default_rng(seed)
    documents = [f"d{i}" for i in range(scale * int(random.integers(3, 40)))]

    def some() -> list[str]:
        size = random.integers(1, len(documents) + 1)
        return [str(document) for document in random.choice(documents, size, replace=False)]

    judged: Judged = {}
    scored: Scored = {}
    for query in ("only-judged", "only-answered", "q1", "q2", "q3", "q4", "nothing-relevant"):
        if query != "only-answered":
            top = 1 if query == "nothing-relevant" else 4
            judged[query] = {document: int(random.integers(-2, top)) for document in some()}
            # pytrec_eval does not return when all grades are below 0; the next test but one has that.
            judged[query][documents[0]] = max(judged[query].get(documents[0], 0), 0)
        if query != "only-judged":
            noise = random.choice([0.0, 1e-9], len(documents))
            scored[query] = {d: float(random.integers(0, 5) + e) for d, e in zip(some(), noise, strict=False)}
    return judged, scored


@pytest.mark.parametrize("rel", [1, 2])
@pytest.mark.parametrize("seed", range(60))
def test_equal_to_trec_eval(seed: int, rel: int) -> None:
    judged, scored = collection(seed)
    ours = pe.evaluate(scored, judged, list(TREC), rel=rel, n_boot=0)
    theirs = pytrec_eval.RelevanceEvaluator(judged, ASKED, relevance_level=rel).evaluate(scored)
    assert ours.query_ids == tuple(judged)
    for i, query in enumerate(judged):
        want = theirs.get(query, dict.fromkeys(TREC.values(), 0.0))
        got = {trec: ours.per_query[name][i] for name, trec in TREC.items()}
        assert got == pytest.approx({name: want[name] for name in got}, abs=1e-9), query


def test_equal_on_long_answers() -> None:
    judged, scored = collection(7, scale=100)
    assert max(map(len, scored.values())) > 1000
    ours = pe.evaluate(scored, judged, list(TREC), n_boot=0, missing="skip")
    theirs = pytrec_eval.RelevanceEvaluator(judged, ASKED).evaluate(scored)
    for i, query in enumerate(ours.query_ids):
        got = {trec: ours.per_query[name][i] for name, trec in TREC.items()}
        assert got == pytest.approx({name: theirs[str(query)][name] for name in got}, abs=1e-9)


def test_only_negative_grades_score_zero() -> None:
    judged = {"q": {"a": -1, "b": -2}}
    evaluation = pe.evaluate({"q": {"a": 1.0, "b": 0.5}}, judged, EVERY, n_boot=0)
    assert set(evaluation.means.values()) == {0.0}


@pytest.mark.parametrize("seed", range(20))
def test_means_equal_ir_measures(seed: int) -> None:
    """Means over all judged queries, exponential gain, and reciprocal rank at a cutoff."""
    judged, scored = collection(seed)
    gains = {grade: 2**grade - 1 for grade in range(4)} | {-1: 0, -2: 0}
    pairs = {
        "ndcg@3": ir_measures.nDCG @ 3,
        "ndcg_exp@3": ir_measures.nDCG(gains=gains) @ 3,
        "ndcg_exp": ir_measures.nDCG(gains=gains),
        "recall@10": ir_measures.R @ 10,
        "precision@3": ir_measures.P @ 3,
        "map@3": ir_measures.AP @ 3,
        "mrr": ir_measures.RR,
        "mrr@3": ir_measures.RR @ 3,
        "success@1": ir_measures.Success @ 1,
    }
    # The provider that knows RR@k orders ties in its own way: give it an order without ties.
    ranked = {
        query: {d: float(-place) for place, d in enumerate(oracle.trec_order(answer))}
        for query, answer in scored.items()
    }
    # One at a time: asked together, ir-measures may reckon plain NDCG with the gains of another measure.
    want = {m: ir_measures.calc_aggregate([m], judged, ranked)[m] for m in pairs.values()}
    got = pe.evaluate(scored, judged, list(pairs), n_boot=0)
    assert got.means == pytest.approx({name: want[theirs] for name, theirs in pairs.items()}, abs=1e-9)


@pytest.mark.parametrize("rel", [1, 3])
@pytest.mark.parametrize("seed", range(20))
def test_equal_to_the_slow_twin(seed: int, rel: int) -> None:
    judged, scored = collection(seed)
    ours = pe.evaluate(scored, judged, EVERY, rel=rel, n_boot=0)
    for i, query in enumerate(judged):
        ranking = oracle.trec_order(scored.get(query, {}))
        for name in EVERY:
            metric = Metric.parse(name)
            want = oracle.metric(metric.name, metric.cutoff, ranking, judged[query], rel)
            assert ours.per_query[name][i] == pytest.approx(want, abs=1e-12), (query, name)


@pytest.mark.parametrize("seed", range(20))
def test_hits_in_either_order_of_ties(seed: int) -> None:
    """Hits with ties="trec" equal the run of the same hits; with ties="order" the ranking as it stands."""
    judged, scored = collection(seed)
    random = np.random.default_rng(seed)
    ids = [str(d) for d in random.permutation(sorted({d for answer in scored.values() for d in answer}))]
    row_of = {document: row for row, document in enumerate(ids)}
    queries = list(scored)
    hits = pe.Hits.from_lists([[(row_of[d], s) for d, s in answer.items()] for answer in scored.values()])
    named = {"query_ids": queries, "doc_ids": ids}
    as_trec = pe.evaluate(hits, judged, EVERY, ties="trec", n_boot=0, **named)
    run = pe.Run.from_hits(hits, **named)
    assert as_trec.means == pe.evaluate(run, judged, EVERY, n_boot=0).means
    as_run = pe.evaluate(run, judged, EVERY, ties="order", n_boot=0)
    as_ranked = pe.evaluate(hits, judged, EVERY, n_boot=0, **named)
    assert as_ranked.means == as_run.means
    for i, query in enumerate(judged):
        ranking = [ids[row] for row in hits.query(queries.index(query))[0]] if query in queries else []
        want = oracle.metric("map", None, ranking, judged[query])
        assert as_ranked.per_query["map"][i] == pytest.approx(want, abs=1e-12)


def test_a_trec_file_scores_the_same(tmp_path: Path) -> None:
    judged, scored = collection(3)
    pe.Run.from_dict(scored).to_trec(f"{tmp_path}/run")
    pe.Qrels.from_dict(judged).to_trec(f"{tmp_path}/qrels")
    want = ir_measures.calc_aggregate(
        [ir_measures.nDCG @ 10, ir_measures.AP],
        list(ir_measures.read_trec_qrels(f"{tmp_path}/qrels")),
        list(ir_measures.read_trec_run(f"{tmp_path}/run")),
    )
    run, qrels = pe.Run.from_trec(f"{tmp_path}/run"), pe.Qrels.from_trec(f"{tmp_path}/qrels")
    got = pe.evaluate(run, qrels, ["ndcg@10", "map"], n_boot=0)
    assert list(got.means.values()) == pytest.approx(
        [want[ir_measures.nDCG @ 10], want[ir_measures.AP]], abs=1e-9
    )


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_a_corpus_as_large_as_it_gets(seed: int) -> None:
    """Row numbers up to the last that exists, many of them alike in their low bits."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, 2**22, 400) * 1024 + random.choice([0, 1, 512, 1023], 400)
    rows = np.unique(np.concatenate((rows, [0, pe.NO_ROW - 1])))
    answers = [
        [(int(row), -float(i)) for i, row in enumerate(random.permutation(rows)[:150])] for _ in range(5)
    ]
    judged = [{int(row): int(random.integers(0, 4)) for row in random.choice(rows, 60)} for _ in range(5)]
    ours = pe.evaluate(pe.Hits.from_lists(answers), dict(enumerate(judged)), EVERY, n_boot=0)
    for i, (answer, grades) in enumerate(zip(answers, judged, strict=True)):
        ranking, named = [str(row) for row, _ in answer], {str(row): grade for row, grade in grades.items()}
        for name in EVERY:
            metric = Metric.parse(name)
            want = oracle.metric(metric.name, metric.cutoff, ranking, named)
            assert ours.per_query[name][i] == pytest.approx(want, abs=1e-12), name
