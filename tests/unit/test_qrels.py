"""Judgements and runs: formats, and errors that name file, line and field."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import pyengine as pe
from pyengine.errors import InvalidInputError, NotFoundError, StorageError


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "file.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td 2\t0\nq2\td1\t-1\n",
        "q1\td1\t2\nq1\td 2\t0\nq2\td1\t-1",
        "\ufeffquery-id\tcorpus-id\tscore\r\nq1\td1\t2\r\nq1\td 2\t0\r\nq2\td1\t-1\r\n\r\n\n",
    ],
    ids=["header", "no header, no last line end", "BOM and Windows line ends"],
)
def test_beir(tmp_path: Path, text: str) -> None:
    qrels = pe.Qrels.from_beir(write(tmp_path, text))
    assert {q: dict(d) for q, d in qrels.items()} == {"q1": {"d1": 2, "d 2": 0}, "q2": {"d1": -1}}
    assert (len(qrels), qrels.n_judgements, qrels.query_ids, qrels.by_row) == (2, 3, ("q1", "q2"), False)
    assert repr(qrels) == "Qrels(2 queries, 3 judgements)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q1\td1\n", r"file.txt:1: expected 3 fields separated by tabs .*, got 2"),
        ("q1 d1 1\n", r"file.txt:1: expected 3 fields separated by tabs .*, got 1"),
        ("q1\td1\t1\nq1\td2\tyes\n", r"file.txt:2: grade: expected an integer, got 'yes'"),
        ("q1\td1\t1.0\n", r"file.txt:1: grade: expected an integer, got '1.0'"),
        ("q1\td1\t1_0\n", r"file.txt:1: grade: expected an integer, got '1_0'"),
        ("q1\td1\tscore\n", r"file.txt:1: grade: expected an integer, got 'score'"),
        ("q1\td1\t99999999999\n", r"file.txt:1: grade: expected a grade of 32 bits"),
        ("q1\t\t1\n", r"file.txt:1: document id: expected an id"),
        (" \td1\t1\n", r"file.txt:1: query id: expected an id"),
        ("q1\td1\t1\nq2\td1\t1\nq1\td1\t1\n", r"file.txt:3: document 'd1' judged twice for query 'q1'"),
        ("q1\td1\t1\n\n\nq2\td1\t1\n", r"file.txt:2: blank line"),
        (b"q1\td1\t1\nq2\t\xff\t1\n", r"file.txt:2: expected UTF-8, got byte 0xff"),
    ],
)
def test_bad_beir(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        pe.Qrels.from_beir(write(tmp_path, text))


def test_trec_judgements(tmp_path: Path) -> None:
    qrels = pe.Qrels.from_trec(write(tmp_path, "q1 0 d1 2\n q1\t0  d\u00a02 0 \nq2 Q0 d1 -1\n"))
    assert {q: dict(d) for q, d in qrels.items()} == {"q1": {"d1": 2, "d\u00a02": 0}, "q2": {"d1": -1}}
    qrels.to_trec(tmp_path / "again")
    assert pe.Qrels.from_trec(tmp_path / "again") == qrels
    with pytest.raises(InvalidInputError, match=r"file.txt:1: expected 4 fields"):
        pe.Qrels.from_trec(write(tmp_path, "q1 d1 2\n"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="absent: no such file"):
        pe.Qrels.from_beir(tmp_path / "absent")
    with pytest.raises(InvalidInputError, match="expected a file, got a folder"):
        pe.Run.from_trec(tmp_path)
    with pytest.raises(StorageError, match="cannot be written"):
        pe.Qrels.from_dict({"q": {"d": 1}}).to_trec(tmp_path / "absent" / "file")


def test_from_dict_takes_integers_of_any_kind() -> None:
    qrels = pe.Qrels.from_dict({np.int64(3): {np.uint32(7): np.int8(2)}, 5: {}})
    assert qrels.by_row
    assert qrels == {3: {7: 2}}
    assert {type(x) for x in (*qrels, *qrels[3], *qrels[3].values())} == {int}
    assert pe.Qrels.from_dict(qrels) is qrels


@pytest.mark.parametrize(
    ("judgements", "message"),
    [
        ({"q": ["d"]}, r"qrels\['q'\]: expected a dict of document to grade, got list"),
        ({"q": {"d": 1.0}}, r"qrels\['q'\]\['d'\]: expected an integer grade, got 1.0"),
        ({"q": {"d": "1"}}, r"qrels\['q'\]\['d'\]: expected an integer grade, got '1'"),
        ({"q": {"d": 2**40}}, r"expected a grade of 32 bits"),
        ({"q": {"d": 1, 3: 1}}, r"keys of str and int mixed"),
        ({"q": {3: 1}}, r"keys of str and int mixed"),
        ({"q": {"d": 1}, 2: {3: 1}}, r"keys of str and int mixed"),
        ({0: {-1: 1}}, r"expected a number of 0 or more, got -1"),
        ({0.5: {1: 1}}, r"expected a key of type str .id. or int .row., got float"),
        ({0: {b"d": 1}}, r"expected a key of type str .id. or int .row., got bytes"),
        ([("q", "d", 1)], r"qrels: expected Qrels or a dict of dicts, got list"),
    ],
)
def test_bad_dict(judgements: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        pe.Qrels.from_dict(judgements)


def test_nobody_can_change_what_was_read() -> None:
    source = {"q": {"d": 1}}
    qrels, run = pe.Qrels.from_dict(source), pe.Run.from_dict({"q": {"d": 1.0}})
    source["q"]["d"] = 5
    assert qrels["q"]["d"] == 1
    for mapping in (qrels, run):
        with pytest.raises(TypeError):
            mapping["q"]["d"] = 9  # type: ignore[index]  # the point of the test
    with pytest.raises(NotFoundError, match="'zz' has no judgements"):
        qrels["zz"]
    with pytest.raises(NotFoundError, match="'zz' is not in the run"):
        run["zz"]
    assert qrels.get("zz") is None


def test_only_keeps_some_queries() -> None:
    qrels = pe.Qrels.from_dict({"a": {"d": 1}, "b": {"d": 1}, "c": {"d": 1}})
    assert qrels.only(["c", "x", "a"]).query_ids == ("c", "a")


@pytest.mark.parametrize("bad", ["", "a b", "a\tb", "a\nb"])
def test_trec_files_cannot_carry_white_space(tmp_path: Path, bad: str) -> None:
    with pytest.raises(InvalidInputError, match="TREC files cannot carry it"):
        pe.Qrels.from_dict({"q": {bad: 1}}).to_trec(tmp_path / "f")
    with pytest.raises(InvalidInputError, match=r"query id: .* TREC files cannot carry it"):
        pe.Run.from_dict({bad: {"d": 1.0}}).to_trec(tmp_path / "f")
    with pytest.raises(InvalidInputError, match=r"tag: .* TREC files cannot carry it"):
        pe.Run.from_dict({"q": {"d": 1.0}}).to_trec(tmp_path / "f", tag=bad)


def test_run_of_hits() -> None:
    hits = pe.Hits.from_lists([[(2, 1.5), (0, 0.5)], []])
    for ids in (["a", "b", "c"], pa.array(["a", "b", "c"])):
        run = pe.Run.from_hits(hits, ["q1", "q2"], ids)
        assert run == {"q1": {"c": 1.5, "a": 0.5}, "q2": {}}
        assert list(run["q1"]) == ["c", "a"]
    assert repr(run) == "Run(2 queries, 2 hits)"


@pytest.mark.parametrize(
    ("query_ids", "doc_ids", "message"),
    [
        (["q1"], ["a", "b", "c"], "query_ids: expected 2, one per answer, got 1"),
        (["q", "q"], ["a", "b", "c"], "query_ids: 'q' twice"),
        (["q1", "q2"], ["a", "b"], "doc_ids: holds 2 ids, but the hits name row 2"),
        (["q1", "q2"], ["a", "b", 3], r"doc_ids\[2\]: expected a document id .str., got int"),
        (["q1", "q2"], ["a", "b", "a"], "the answer to query 'q1' holds a document twice"),
    ],
)
def test_bad_run_of_hits(query_ids: list[str], doc_ids: list[Any], message: str) -> None:
    hits = pe.Hits.from_lists([[(2, 1.5), (0, 0.5)], []])
    with pytest.raises(InvalidInputError, match=message):
        pe.Run.from_hits(hits, query_ids, doc_ids)


def test_trec_run(tmp_path: Path) -> None:
    run = pe.Run.from_trec(write(tmp_path, "q1 Q0 d2 7 0.5 bm25\nq1 Q0 d1 1 2.5e0 bm25\nq2 Q0 d1 1 inf x\n"))
    assert run == {"q1": {"d2": 0.5, "d1": 2.5}, "q2": {"d1": float("inf")}}
    run.to_trec(tmp_path / "again", tag="t")
    assert pe.Run.from_trec(tmp_path / "again") == run
    assert (tmp_path / "again").read_text().splitlines()[1] == "q1 Q0 d1 2 2.5 t"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q1 Q0 d1 1 0.5\n", "file.txt:1: expected 6 fields .query Q0 document rank score tag., got 5"),
        ("q1 Q0 d1 1 high t\n", "file.txt:1: score: expected a number, got 'high'"),
        ("q1 Q0 d1 1 nan t\n", "file.txt:1: score: expected a number, got NaN"),
        ("q1 Q0 d1 1 1 t\nq1 Q0 d1 2 0 t\n", "file.txt:2: document 'd1' twice for query 'q1'"),
    ],
)
def test_bad_trec_run(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        pe.Run.from_trec(write(tmp_path, text))


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({1: {"d": 1.0}}, r"run\[1\]: expected a query id .str. with a dict"),
        ({"q": [1]}, r"run\['q'\]: expected a query id .str. with a dict .* got str with list"),
        ({"q": {1: 1.0}}, r"run\['q'\]\[1\]: expected a document id .str., got int"),
        ({"q": {"d": None}}, r"run\['q'\]\['d'\]: expected a number, got None"),
        ({"q": {"d": float("nan")}}, r"run\['q'\]\['d'\]: expected a number, got NaN"),
    ],
)
def test_bad_run_dict(answers: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        pe.Run.from_dict(answers)
