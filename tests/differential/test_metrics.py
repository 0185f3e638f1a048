"""Every metric equals trec_eval, through pytrec_eval and ir-measures, to 1e-9."""

import numpy as np
import pytest
import pytrec_eval

import pyengine as pe

CUTS = (1, 3, 10)
TREC = {
    "ndcg": "ndcg",
    "map": "map",
    "mrr": "recip_rank",
    "precision": "set_P",
    "recall": "set_recall",
    **{f"{ours}@{k}": f"{theirs}_{k}" for k in CUTS for ours, theirs in (
        ("ndcg", "ndcg_cut"), ("map", "map_cut"), ("precision", "P"), ("recall", "recall"),
        ("success", "success"),
    )},
}  # fmt: skip
ASKED = {
    *("ndcg", "map", "recip_rank", "set_P", "set_recall"),
    *(f"{name}.{','.join(map(str, CUTS))}" for name in ("ndcg_cut", "map_cut", "P", "recall", "success")),
}

Judged = dict[str, dict[str, int]]
Scored = dict[str, dict[str, float]]


def collection(seed: int) -> tuple[Judged, Scored]:
    """Random judgements and answers with ties (also beyond float32), graded and negative judgements, queries
    missing on either side, queries without a relevant document, unjudged documents."""
    random = np.random.default_rng(seed)
    documents = [f"d{i}" for i in range(random.integers(3, 40))]

    def some() -> list[str]:
        return random.choice(documents, random.integers(1, len(documents) + 1), replace=False).tolist()

    judged: Judged = {}
    scored: Scored = {}
    for query in ("only-judged", "only-answered", "q1", "q2", "q3", "q4", "grade-0"):
        if query != "only-answered":
            top = 1 if query == "grade-0" else 4
            judged[query] = {document: int(random.integers(-2, top)) for document in some()}
            # pytrec_eval never returns where every grade is negative: test_only_negative_grades has those.
            judged[query][documents[0]] = max(judged[query].get(documents[0], 0), 0)
        if query != "only-judged":
            scored[query] = {
                document: float(random.integers(0, 5)) + float(random.choice([0.0, 1e-9]))
                for document in some()
            }
    return judged, scored


def as_trec(judged: Judged, scored: Scored, rel: int, query: str) -> dict[str, float]:
    values = pytrec_eval.RelevanceEvaluator(judged, ASKED, relevance_level=rel).evaluate(scored)
    return values.get(query, dict.fromkeys(TREC.values(), 0.0))


@pytest.mark.parametrize("rel", [1, 2])
@pytest.mark.parametrize("seed", range(60))
def test_equal_to_trec_eval(seed: int, rel: int) -> None:
    judged, scored = collection(seed)
    ours = pe.evaluate(scored, judged, list(TREC), rel=rel, n_boot=0)
    assert ours.query_ids == tuple(judged)
    for i, query in enumerate(judged):
        theirs = as_trec(judged, scored, rel, query)
        got = {name: ours.per_query[name][i] for name in TREC}
        assert got == pytest.approx({name: theirs[trec] for name, trec in TREC.items()}, abs=1e-9), query
