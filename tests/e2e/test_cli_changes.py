"""Adding, replacing, deleting, filtering and verifying from the command line."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from e2e.cli import DANGEROUS, Runner


@pytest.fixture
def copy(index: Path, tmp_path: Path) -> Path:
    """Return an index of the collection that a test may change."""
    return Path(shutil.copytree(index, tmp_path / "copy"))


def corpus_of(folder: Path, *documents: dict[str, Any]) -> Path:
    file = folder / "more.jsonl"
    file.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
    return file


def test_documents_come_are_replaced_and_go(run: Runner, copy: Path, tmp_path: Path) -> None:
    new = corpus_of(tmp_path, {"_id": "d6", "text": "a sixth park", "year": 1900})
    said = run.ok("add", copy, "--corpus", new, "--json").json
    assert (said["added"], said["replaced"], said["documents"]) == (1, 0, 6)
    assert "'d6' is committed already" in run.fails("add", copy, "--corpus", new)
    both = corpus_of(
        tmp_path, {"_id": "d6", "text": "a renewed park", "year": 1}, {"_id": "d7", "text": "b", "year": 2}
    )
    assert "1 documents added, 1 replaced, 7 now" in run.ok("add", copy, "--corpus", both, "--update").out
    found = run.ok("search", copy, "park", "--json").json
    assert {hit["id"] for hit in found["hits"]} == {"d4", "d6"}
    assert "2 documents deleted, 5 left" in run.ok("delete", copy, "d6", "d7").out
    assert run.ok("delete", copy, "--filter", "year > 2000", "--json").json["deleted"] == 3
    assert "no document has the id 'd2'" in run.fails("delete", copy, "d2")
    ids = tmp_path / "ids.txt"
    ids.write_text("d1\nnobody\n", encoding="utf-8")
    gone = run.ok("delete", copy, "--ids-from", ids, "--missing-ok", "--json").json
    assert (gone["deleted"], gone["documents"]) == (1, 1)
    assert run.ok("verify", copy, "--deep", "--json").json["problems"] == []


def test_filters(run: Runner, index: Path, beir: Path, tmp_path: Path) -> None:
    found = run.ok("search", index, "moderate question", "--filter", "year >= 2020", "--json").json
    assert [hit["id"] for hit in found["hits"]] == ["d4"]
    assert "the filter admits no document" in run.ok("search", index, "park", "--filter", "year == 1").out
    out = tmp_path / "run.trec"
    run.ok("batch", index, "--queries", beir / "queries.jsonl", "--filter", "year < 2000", "--output", out)
    assert {line.split()[2] for line in out.read_text().splitlines()} == {"d1"}
    profile = ("search", index, "moderate question", "--profile", "--json")
    every = run.ok(*profile).json["survivors"]
    assert run.ok(*profile, "--filter", "year == 2020").json["survivors"] < every
    assert run.ok(*profile, "--filter", "year == 1").json["survivors"] == 0
    assert "no column 'yeer'" in run.fails("search", index, "park", "--filter", "yeer == 1")
    assert "at character 6" in run.fails("delete", index, "--filter", "year = 1")


def test_verify_says_what_is_wrong(run: Runner, copy: Path) -> None:
    assert "whole, 5 documents (manifest and sizes" in run.ok("verify", copy).out
    assert "every byte read" in run.ok("verify", copy, "--deep").out
    (file,) = copy.glob("segments/*/*/lexical.seg")
    damaged = bytearray(file.read_bytes())
    damaged[-40] ^= 1
    file.write_bytes(damaged)
    assert run("verify", copy).code == 0  # the size is right
    outcome = run("verify", copy, "--deep")
    assert outcome.code == 1
    assert "lexical.seg" in outcome.err
    assert run("verify", copy, "--deep", "--json").json["problems"]
    file.write_bytes(damaged[:-1])
    assert "lexical.seg" in run.fails("verify", copy)


@pytest.mark.parametrize(
    "arguments",
    [
        ["delete", "idx"],
        ["delete", "idx", "d1", "--filter", "year > 1"],
        ["delete", "idx", "--ids-from", "x", "--filter", "year > 1"],
        ["add", "idx"],
        ["verify"],
    ],
)
def test_wrong_usage(run: Runner, arguments: list[str]) -> None:
    assert run(*arguments).code == 2


def test_an_index_that_is_not_there(run: Runner, tmp_path: Path) -> None:
    for arguments in (["delete", tmp_path / "no", "d1"], ["verify", tmp_path / "no"]):
        assert "no" in run.fails(*arguments)
    assert "ids" in run.fails("delete", tmp_path / "no", "--ids-from", tmp_path / "none.txt")


def test_ids_of_odd_characters_do_not_reach_the_terminal(run: Runner, copy: Path) -> None:
    reason = run.fails("delete", copy, "x\x1b[31m")
    assert not DANGEROUS & set(reason)
    assert run.ok("delete", copy, "d\x1b[31m5", "--json").json["deleted"] == 1


def test_compact(run: Runner, copy: Path, tmp_path: Path) -> None:
    run.ok("add", copy, "--corpus", corpus_of(tmp_path, {"_id": "d6", "text": "a sixth park", "year": 1}))
    run.ok("delete", copy, "d1")
    before = run.ok("search", copy, "park", "--json").json["hits"]
    said = run.ok("compact", copy, "--json").json
    assert (said["segments_before"], said["documents"]) == (2, 5)
    assert run.ok("search", copy, "park", "--json").json["hits"] == before
    assert "one segment already, 5 documents" in run.ok("compact", copy).out
    assert run.ok("info", copy, "--json").json["segments"][0]["deleted"] == 0


def test_reembed(run: Runner, copy: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the embedder's runtime is not installed")
    assert "has no vectors" in run.fails("search", copy, "park", "--mode", "dense")
    assert "5 documents have vectors of minilm" in run.ok("reembed", copy, "--model", "minilm").out
    assert run.ok("search", copy, "park", "--mode", "dense", "--json").json["hits"]
    assert run.ok("reembed", copy, "--model", "minilm", "--json").json["changed"] is False
    assert "keeps the vectors it has" in run("reembed", copy, "--model", "none").err
