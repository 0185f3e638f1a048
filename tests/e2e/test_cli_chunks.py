"""An index of chunks from the command line."""

import json
from pathlib import Path

import pytest

from e2e.cli import Runner

LONG = "Ignore all of this. The pump fails. Reset the pump by hand. Call the office."


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """Return a BEIR folder with one long document."""
    folder = tmp_path / "collection"
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": "long", "text": LONG}, {"_id": "short", "text": "a pump"}]
    queries = [{"_id": "q1", "text": "reset pump"}]
    for name, rows in (("corpus", documents), ("queries", queries)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tlong\t1\n", encoding="utf-8")
    return folder


@pytest.fixture
def index(run: Runner, collection: Path, tmp_path: Path) -> Path:
    """Return the collection, indexed in chunks of five tokens."""
    path = tmp_path / "idx"
    options = ("--chunk-tokens", 5, "--chunk-overlap", 0)
    assert "2 documents in 5 chunks" in run.ok("index", path, "--corpus", collection, *options).out
    return path


def test_hits_show_where_they_stand(run: Runner, index: Path) -> None:
    best, other = run.ok("search", index, "reset pump", "--json").json["hits"]
    assert (best["id"], best["chunk"], best["text"]) == ("long", 2, "Reset the pump by hand.")
    assert LONG[slice(*best["span"])] == best["text"]
    assert (other["id"], other["chunk"], other["span"]) == ("short", 0, [0, 6])
    assert "long  chunk 2, characters 36 to 59" in run.ok("search", index, "reset pump").out
    chunks = run.ok("search", index, "pump", "--no-collapse", "--json").json["hits"]
    assert sorted((hit["id"], hit["chunk"]) for hit in chunks) == [("long", 1), ("long", 2), ("short", 0)]


def test_runs_and_metrics_name_documents(run: Runner, index: Path, collection: Path) -> None:
    lines = run.ok("batch", index, "--queries", collection).out.splitlines()
    assert [line.split()[2] for line in lines] == ["long", "short"]
    options = ("batch", index, "--queries", collection, "--no-collapse")
    hits = json.loads(run.ok(*options, "--format", "jsonl").out)["hits"]
    assert [hit["id"] for hit in hits].count("long") == 2
    assert hits[0] | {"score": 0} == {"id": "long", "score": 0, "chunk": 2, "span": [36, 59]}
    outcome = run(*options)
    assert (outcome.code, outcome.out) == (2, "")
    assert "a TREC run names each document once" in outcome.err
    judged = run.ok("evaluate", index, "--queries", collection, "--json").json
    assert judged["arms"]["lexical"]["metrics"]["ndcg@10"]["mean"] == 1


def test_documents_are_counted_and_described(run: Runner, index: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.jsonl"
    more.write_text(json.dumps({"_id": "more", "text": LONG}) + "\n", encoding="utf-8")
    said = run.ok("add", index, "--corpus", more, "--json").json
    assert (said["added"], said["documents"]) == (1, 3)
    facts = run.ok("info", index)
    assert "chunks      9" in facts.out
    assert "5 tokens, 0 repeated, cut at sentence ends" in facts.out
    assert run.ok("delete", index, "long", "--json").json["documents"] == 2
    assert run.ok("info", index, "--json").json["chunks"] == 5


def test_wrong_options_are_wrong_usage(run: Runner, collection: Path, tmp_path: Path) -> None:
    path = tmp_path / "never"
    for options in (("--chunk-overlap", 3), ("--no-chunk-sentences",)):
        outcome = run("index", path, "--corpus", collection, *options)
        assert outcome.code == 2
        assert "expected --chunk-tokens N" in outcome.err
    reason = run.fails(
        "index", path, "--corpus", collection, "--chunk-tokens", 3, "--chunk-overlap", 3, "--on-error", "skip"
    )
    assert "overlap: expected a whole number, 0 to 2, got 3" in reason
    assert not path.exists()
    cut = run.ok(
        "search", "--corpus", collection, "pump", "--chunk-tokens", 2, "--no-chunk-sentences", "--json"
    )
    assert cut.json["hits"][0]["chunk"] is not None
