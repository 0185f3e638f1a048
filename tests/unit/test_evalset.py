"""Evaluation sets in BEIR format: what is read, what is left out and counted, what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import pyengine as pe
from pyengine.errors import InvalidInputError, NotFoundError


def beir(root: Path, queries: list[str], qrels: str, split: str = "test") -> Path:
    (root / "qrels").mkdir(exist_ok=True)
    (root / "queries.jsonl").write_text("\n".join(queries) + "\n", encoding="utf-8")
    (root / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + qrels, encoding="utf-8")
    return root


def line(query: str, text: str) -> str:
    return json.dumps({"_id": query, "text": text, "metadata": {}})


def test_judged_queries_in_file_order(tmp_path: Path) -> None:
    folder = beir(
        tmp_path,
        [line("q3", "three"), line("q1", "one"), line("q2", "two"), line("q4", " ")],
        "q1\td1\t1\nq4\td1\t0\nq3\td1\t1\nq3\td2\t2\ngone\td1\t1\ngone\td2\t1\n",
    )
    evalset = pe.EvalSet.from_beir(folder)
    assert evalset.query_ids == ("q3", "q1", "q4")
    assert evalset.queries == ("three", "one", " ")
    assert evalset.qrels == {"q3": {"d1": 1, "d2": 2}, "q1": {"d1": 1}, "q4": {"d1": 0}}
    assert evalset.qrels.query_ids == evalset.query_ids
    assert len(evalset) == 3
    assert evalset.report.to_json() == {
        "n_queries_in_file": 4,
        "n_queries": 3,
        "n_queries_unjudged": 1,
        "n_queries_without_relevant": 1,
        "n_queries_empty": 1,
        "n_judgements": 4,
        "n_unknown_queries": 1,
        "n_unknown_judgements": 2,
    }
    assert "2 judgements of 1 unknown queries left out" in str(evalset.report)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{", r"queries.jsonl:2: expected a JSON object, got '\{'"),
        ('["q"]', "queries.jsonl:2: expected a JSON object, got list"),
        ('{"text": "t"}', "queries.jsonl:2: field '_id': expected a string, got no such field"),
        ('{"_id": 7, "text": "t"}', "queries.jsonl:2: field '_id': expected a string, got int"),
        ('{"_id": "q"}', "queries.jsonl:2: field 'text': expected a string, got no such field"),
        ('{"_id": "q", "text": null}', "queries.jsonl:2: field 'text': expected a string, got NoneType"),
        (line("q1", "again"), "queries.jsonl:2: query id 'q1' is used twice"),
        ("", "queries.jsonl:2: blank line"),
    ],
)
def test_bad_query_lines(tmp_path: Path, bad: str, message: str) -> None:
    folder = beir(tmp_path, [line("q1", "one"), bad, line("q9", "nine")], "q1\td1\t1\n")
    with pytest.raises(InvalidInputError, match=message):
        pe.EvalSet.from_beir(folder)


def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    folder = beir(tmp_path, [line("q1", "one")], "q1\td1\t1\n", split="dev")
    with pytest.raises(NotFoundError, match=r"test.tsv: no such file; splits of this folder: dev"):
        pe.EvalSet.from_beir(folder)
    assert len(pe.EvalSet.from_beir(folder, "dev")) == 1
    with pytest.raises(NotFoundError, match="absent: no such folder"):
        pe.EvalSet.from_beir(tmp_path / "absent")
    with pytest.raises(NotFoundError, match=r"other.jsonl: no such file"):
        pe.EvalSet.from_beir(folder, "dev", queries="other.jsonl")


def test_nothing_judged_is_an_error(tmp_path: Path) -> None:
    folder = beir(tmp_path, [line("q1", "one")], "1\td1\t1\n")
    with pytest.raises(InvalidInputError, match=r"none of its 1 queries is in .*queries.jsonl, which has 1"):
        pe.EvalSet.from_beir(folder)


@pytest.mark.parametrize(("name", "queries"), [("scifact", 300), ("cranfield", 225), ("medquad-liveqa", 103)])
def test_real_collections(collection: Callable[[str], Path], name: str, queries: int) -> None:
    evalset = pe.EvalSet.from_beir(collection(name))
    assert len(evalset) == len(evalset.queries) == len(evalset.qrels) == queries
