"""`tune_fusion`: finds the better branch, refuses noise, never sees the query it measures."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from collections_made import WordEmbedder, known_queries, made, texts
from fakes import FakeEmbedder

import pyengine as pe
from pyengine.cli import main
from pyengine.errors import InvalidInputError
from pyengine.tune import _best, _curve, _out_of_fold


def folder_of(path: Path, documents: list[str], queries: list[str], answers: list[int]) -> Path:
    (path / "qrels").mkdir(parents=True)
    rows = [json.dumps({"_id": str(i), "text": text}) for i, text in enumerate(documents)]
    (path / "corpus.jsonl").write_text("\n".join(rows))
    asked = [json.dumps({"_id": f"q{i}", "text": query}) for i, query in enumerate(queries)]
    (path / "queries.jsonl").write_text("\n".join(asked))
    judged = [f"q{i}\t{row}\t1" for i, row in enumerate(answers)]
    (path / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(judged) + "\n")
    return path


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    documents = texts(300)
    return folder_of(tmp_path / "data", documents, *known_queries(documents, 4))


def test_where_the_dense_branch_is_noise_the_weight_goes_to_bm25(tmp_path: Path, judged: Path) -> None:
    engine = made(tmp_path / "idx", texts(300), WordEmbedder(noise=1.0))
    generation = engine.generation
    found = pe.tune_fusion(engine, pe.EvalSet.from_beir(judged, "dev"))
    assert found.accepted
    assert found.gain > 0 < found.low
    assert found.config.lexical_weight > 0.6
    assert engine.generation == generation + 1
    assert engine.fusion == found.config
    assert [point.labels for point in found.curve] == [5, 10, 25]
    assert str(found).startswith("tuned: convex")
    assert json.loads(json.dumps(found.to_json()))["accepted"] is True


@pytest.mark.parametrize("options", [{}, {"chunker": pe.Chunker(4, 0)}], ids=["documents", "chunks"])
def test_what_it_measures_is_what_the_engine_answers(
    tmp_path: Path, judged: Path, options: dict[str, Any]
) -> None:
    engine = made(tmp_path / "idx", texts(300), WordEmbedder(noise=0.5), **options)
    evalset = pe.EvalSet.from_beir(judged, "dev")
    found = pe.tune_fusion(engine, evalset, save=False)
    measured = []
    for config in (engine.fusion, found.config):
        hits = engine.search_batch(evalset.queries, 100, fusion=config)
        means = pe.evaluate(
            hits, evalset.qrels, ["ndcg@10"], query_ids=evalset.query_ids, doc_ids=engine.ids
        ).means
        measured.append(means["ndcg@10"])
    assert found.current == pytest.approx(measured[0], abs=1e-12)
    assert found.optimistic == pytest.approx(measured[1] - measured[0], abs=1e-12)


def test_what_was_tuned_says_for_which_vectors(
    tmp_path: Path, judged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "idx"
    with made(path, texts(300), WordEmbedder(noise=1.0)) as engine:
        found = pe.tune_fusion(engine, pe.EvalSet.from_beir(judged, "dev"))
        kept = engine.info()["settings"]["tuned"]
        assert (kept["queries"], kept["gain"]) == (found.queries, found.gain)
        assert kept["fingerprints"] == engine.info()["fingerprints"]
        engine.reembed(FakeEmbedder(dim=WordEmbedder().dim))
        assert engine.fusion == found.config
        main(["info", str(path)])
        said = " ".join(capsys.readouterr().out.split())
        assert re.search(rf"tuned on {found.queries} queries: .* with another embedder: tune again", said)
        engine.set_fusion("rrf")
        assert engine.info()["settings"]["tuned"] is None


def test_noise_is_refused(tmp_path: Path) -> None:
    # Judgements that have nothing to do with the queries.
    documents = texts(300)
    queries, _ = known_queries(documents, 4)
    answers = np.random.default_rng(8).choice(300, len(queries)).tolist()
    folder = folder_of(tmp_path / "data", documents, queries, answers)
    engine = made(tmp_path / "idx", documents, WordEmbedder())
    before = engine.fusion, engine.generation
    found = pe.tune_fusion(engine, pe.EvalSet.from_beir(folder, "dev"))
    assert not found.accepted
    assert (engine.fusion, engine.generation) == before
    assert str(found).startswith("not tuned: the gain is within noise")


def test_no_query_is_measured_with_settings_it_helped_to_choose() -> None:
    # Each query has a setting of its own that is good for it alone: nothing carries over to another query.
    values = np.zeros((40, 42))
    values[np.arange(40), np.arange(40)] = 1.0
    honest = _out_of_fold(values, np.random.default_rng(0))
    assert values[:, _best(values)].mean() > 0
    assert honest.mean() <= values[:, _best(values)].mean()
    for point in _curve(values, np.random.default_rng(0)):
        assert point.gain < 0.05


def test_refusals(tmp_path: Path, judged: Path) -> None:
    evalset = pe.EvalSet.from_beir(judged, "dev")
    lexical = made(tmp_path / "lexical", texts(20), None)
    with pytest.raises(InvalidInputError, match="expected an index with vectors to tune"):
        pe.tune_fusion(lexical, evalset)
    documents = texts(20)
    few = folder_of(tmp_path / "few", documents, ["kader"], [0])
    whole = made(tmp_path / "idx", documents, WordEmbedder())
    with pytest.raises(InvalidInputError, match="expected 10 judged queries or more to tune on, got 1"):
        pe.tune_fusion(whole, pe.EvalSet.from_beir(few, "dev"))
