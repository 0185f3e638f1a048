"""Fusion from a shell: the option of search, and tune-fusion."""

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from fakes import FakeEmbedder
from onnx_folders import Tiny

import pyengine as pe
from pyengine.cli.evaluate import command as evaluate
from pyengine.cli.index import command as index
from pyengine.cli.info import command as info
from pyengine.cli.search import command as search
from pyengine.cli.tune_fusion import command as tune_fusion


def test_search_takes_a_fusion() -> None:
    assert "[rrf|wrrf|convex|auto]" in CliRunner().invoke(search, ["--help"]).output


def test_tuning_on_the_test_split_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(tune_fusion, [str(tmp_path), "--queries", str(tmp_path), "--split", "test"])
    assert done.exit_code == 2
    assert "expected judgements that quality is not reported on, got 'test'" in done.output


def test_info_says_how_answers_are_fused(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "idx", embedder=FakeEmbedder()) as engine:
        engine.add([{"id": "a", "text": "one two three four"}, {"id": "b", "text": "five six seven eight"}])
        engine.commit()
        engine.calibrate_fusion()
        engine.set_fusion("auto")
        assert np.isfinite(engine.search("one", fusion="convex")[0].score)
    printed = CliRunner().invoke(info, [str(tmp_path / "idx")]).output
    assert "auto, 100 hits of each branch" in printed
    recorded = json.loads(CliRunner().invoke(info, [str(tmp_path / "idx"), "--json"]).output)
    assert recorded["settings"]["calibration"]["queries"] == 2


def corpus_file(folder: Path) -> Path:
    path = folder / "corpus.jsonl"
    texts = ["one two three four F33.1", "five six seven eight", "nine ten eleven twelve"]
    path.write_text("".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(texts)))
    return path


def test_an_index_is_made_with_a_fusion_and_info_says_what_was_measured(tmp_path: Path) -> None:
    onnx = Tiny().write(tmp_path / "model")
    out = tmp_path / "idx"
    arguments = [str(out), "--corpus", str(corpus_file(tmp_path)), "--embedder", str(onnx)]
    done = CliRunner().invoke(index, [*arguments, "--fusion", "auto"])
    assert done.exit_code == 0, done.output
    printed = CliRunner().invoke(info, [str(out)]).output
    assert "auto, 100 hits of each branch" in printed
    assert "found of 3 known items: lexical 100%, dense" in printed
    assert pe.Engine.open(out).fusion.method == "auto"


def test_fusion_without_an_embedder_is_refused(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "idx"), "--corpus", str(corpus_file(tmp_path)), "--fusion", "auto"]
    done = CliRunner().invoke(index, arguments)
    assert done.exit_code == 2
    assert "expected --embedder beside --fusion" in done.output
    assert not (tmp_path / "idx").exists()


def test_evaluate_measures_fusions_side_by_side(tmp_path: Path) -> None:
    embedder = pe.OnnxEmbedder(Tiny().write(tmp_path / "model"))
    with pe.Engine.create(tmp_path / "idx", embedder=embedder) as engine:
        engine.add(pe.Corpus.from_jsonl(corpus_file(tmp_path)))
        engine.commit()
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "one F33.1"}\n')
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\t0\t1\n")
    options = ["--queries", str(tmp_path / "queries.jsonl"), "--qrels", str(tmp_path / "qrels.tsv")]
    asked = [str(tmp_path / "idx"), *options, "--modes", "dense,auto,rrf"]
    done = CliRunner().invoke(evaluate, [*asked, "--json"])
    assert done.exit_code == 0, done.output
    arms = json.loads(done.output)["arms"]
    assert list(arms) == ["dense", "auto", "rrf"]
    assert arms["auto"]["metrics"]["ndcg@10"]["mean"] == 1
    assert "Hybrid search by auto reads NDCG@10 1.000" in CliRunner().invoke(evaluate, asked).output
    bad = CliRunner().invoke(evaluate, [*asked[:-1], "best"])
    assert bad.exit_code == 2
    assert "expected some of hybrid, lexical, dense, rrf, wrrf, convex, auto, got 'best'" in " ".join(
        bad.output.split()
    )
