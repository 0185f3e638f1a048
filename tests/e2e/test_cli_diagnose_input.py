"""What bad input gets from the diagnostics: a clear message, never a number that looks like an answer."""

import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from e2e.cli import Runner, needs_model, write_beir

STORY = "the house of the old man by the sea is a story that people in the town have told for years "
GERMAN = "das haus des alten mannes am meer ist eine geschichte die niemand mehr in der stadt glauben will "


def documents(*texts: str) -> list[dict[str, Any]]:
    return [{"_id": f"d{i}", "title": "", "text": text} for i, text in enumerate(texts)]


def findings(run: Runner, folder: Path, *arguments: object) -> Any:
    return run.ok("diagnose", "--corpus", folder, "--all", "--json", *arguments).json["findings"]


def test_an_empty_corpus(run: Runner, tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "c", [], {}, {}) / "corpus.jsonl"
    assert "expected documents, got an empty index" in run.fails("diagnose", "--corpus", folder)
    assert "a share of nothing is no number" in run.fails("census", folder)


@needs_model
def test_one_document(run: Runner, tmp_path: Path) -> None:
    folder = write_beir(
        tmp_path / "c",
        documents(STORY * 100),
        {f"q{i}": "old man" for i in range(30)},
        {f"q{i}": {"d0": 1} for i in range(30)},
    )
    told = run.ok("diagnose", "--corpus", folder, "--embedder", "minilm", "--all", "--json").json
    assert told["verdict"] == "inconclusive"
    assert {test: found["verdict"] for test, found in told["findings"].items() if test != "census"} == (
        dict.fromkeys(("divergence", "lift", "location", "blindness", "triage"), "not run")
    )
    assert "one document: every ranking of it is the same" in told["findings"]["lift"]["reason"]
    alone = run.ok("census", folder, "--json").json["estimate"]
    assert (alone["low"], alone["high"]) == (0.0, 1.0)


def test_no_judged_query_and_unknown_ids(run: Runner, tmp_path: Path) -> None:
    texts = documents(*[f"{STORY} number{i}" for i in range(60)])
    queries = {"q": "number3", "p": "number4"}
    none = write_beir(tmp_path / "a", texts, queries, {"other": {"d1": 1}})
    assert "none of its 2 queries is judged" in run.fails("diagnose", "--corpus", none)
    unknown = write_beir(tmp_path / "b", texts, queries, {"q": {"x": 1}, "p": {"y": 1}})
    assert "none of its 2 queries has a relevant document in this corpus of 60" in run.fails(
        "diagnose", "--corpus", unknown
    )
    some = write_beir(tmp_path / "c", texts, queries, {"q": {"d3": 1, "x9": 1}, "p": {"nope": 1}})
    said = run.ok("diagnose", "--corpus", some).out
    assert "2 judged documents are not in the corpus and count as missed: 'x9', 'nope'" in said
    # Judged, and not measured for another reason, which is the one that is given.
    assert said.startswith("INCONCLUSIVE: what fusion gains was not measured: the index has no vectors")
    assert "next: index with an embedder" in said


def test_another_language(run: Runner, tmp_path: Path) -> None:
    pytest.importorskip("wordfreq", reason="the reference of web text is not installed")
    texts = documents(*[f"{GERMAN} nummer{i}" for i in range(100)])
    folder = write_beir(tmp_path / "c", texts, {}, {}) / "corpus.jsonl"
    for mode in ("calibrated", "playbook"):
        found = findings(run, folder, "--mode", mode)["divergence"]
        assert (found["verdict"], found["estimate"]) == ("not run", None)
        assert "fits 'de' best. That is no drift" in found["reason"]


def test_binary_data(run: Runner, tmp_path: Path) -> None:
    junk = [random.Random(i).randbytes(2000).decode("utf-8", "replace") for i in range(20)]
    found = findings(run, write_beir(tmp_path / "c", documents(*junk), {}, {}) / "corpus.jsonl")
    assert (found["census"]["verdict"], found["census"]["estimate"]) == ("not run", None)
    assert "binary data, not text" in found["census"]["reason"]


def test_a_reference_of_another_analyzer(run: Runner, beir: Path, tmp_path: Path) -> None:
    made = tmp_path / "r.parquet"
    run.ok("reference", "build", beir, "--out", made)
    table = pq.read_table(made)
    other = {**table.schema.metadata, b"analyzer": b"0" * 64}
    pq.write_table(table.replace_schema_metadata(other), made)
    for command in (("diagnose", "--corpus", beir, "--reference", made), ("reference", "show", made)):
        assert "made by analyzer 000000000000" in run.fails(*command)
