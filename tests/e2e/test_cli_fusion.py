"""Fusion from a shell: how an index is made, asked, measured and tuned."""

import json
from pathlib import Path

import numpy as np
from fakes import FakeEmbedder
from onnx_folders import Tiny

import pyengine as pe
from e2e.cli import Runner


def corpus_file(folder: Path) -> Path:
    path = folder / "corpus.jsonl"
    texts = ["one two three four F33.1", "five six seven eight", "nine ten eleven twelve"]
    path.write_text("".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(texts)))
    return path


def test_search_takes_a_fusion(run: Runner) -> None:
    assert "[rrf|wrrf|convex|auto]" in run.ok("search", "--help").out


def test_tuning_on_the_test_split_is_refused(run: Runner, tmp_path: Path) -> None:
    done = run("tune-fusion", tmp_path, "--queries", tmp_path, "--split", "test")
    assert done.code == 2
    assert "expected judgements that quality is not reported on, got 'test'" in done.err


def test_info_says_how_answers_are_fused(run: Runner, tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "idx", embedder=FakeEmbedder()) as engine:
        engine.add([{"id": "a", "text": "one two three four"}, {"id": "b", "text": "five six seven eight"}])
        engine.commit()
        engine.set_fusion("auto")
        assert np.isfinite(engine.search("one", fusion="convex")[0].score)
    printed = run.ok("info", tmp_path / "idx").out
    assert "auto, 100 hits of each branch" in printed
    assert "found of 2 known items: lexical 100%, dense" in printed
    assert run.ok("info", tmp_path / "idx", "--json").json["settings"]["calibration"]["queries"] == 2


def test_an_index_is_made_with_a_fusion_and_measured(run: Runner, tmp_path: Path) -> None:
    model, out = Tiny().write(tmp_path / "model"), tmp_path / "idx"
    run.ok("index", out, "--corpus", corpus_file(tmp_path), "--embedder", model, "--fusion", "auto")
    known = run.ok("info", out, "--json").json["settings"]["calibration"]
    assert (known["queries"], known["documents"]) == (3, 3)
    assert pe.Engine.open(out).fusion.method == "auto"


def test_fusion_without_an_embedder_is_refused(run: Runner, tmp_path: Path) -> None:
    done = run("index", tmp_path / "idx", "--corpus", corpus_file(tmp_path), "--fusion", "auto")
    assert done.code == 2
    assert "expected --embedder beside --fusion" in done.err
    assert not (tmp_path / "idx").exists()


def test_evaluate_measures_fusions_side_by_side(run: Runner, tmp_path: Path) -> None:
    embedder = pe.OnnxEmbedder(Tiny().write(tmp_path / "model"))
    with pe.Engine.create(tmp_path / "idx", embedder=embedder) as engine:
        engine.add(pe.Corpus.from_jsonl(corpus_file(tmp_path)))
        engine.commit()
    queries, qrels = tmp_path / "queries.jsonl", tmp_path / "qrels.tsv"
    queries.write_text('{"_id": "q", "text": "one F33.1"}\n')
    qrels.write_text("query-id\tcorpus-id\tscore\nq\t0\t1\n")
    asked = ("evaluate", tmp_path / "idx", "--queries", queries, "--qrels", qrels, "--modes")
    arms = run.ok(*asked, "dense,auto,rrf", "--json").json["arms"]
    assert list(arms) == ["dense", "auto", "rrf"]
    assert arms["auto"]["metrics"]["ndcg@10"]["mean"] == 1
    assert "Hybrid search by auto reads NDCG@10 1.000" in run.ok(*asked, "dense,auto,rrf").out
    bad = run(*asked, "best")
    assert bad.code == 2
    assert "expected some of hybrid, lexical, dense, rrf, wrrf, convex, auto, got 'best'" in bad.err
