"""What bad input gets: place, field, what was expected, what was got, and the mend."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pyengine import Corpus
from pyengine.corpus import jsonl
from pyengine.errors import InvalidInputError, NotFoundError, PyEngineError

GOOD = b'{"id": "a", "text": "x"}\n'

# (reason, bad line, what the message says after its place)
LINES: list[tuple[str, bytes, str]] = [
    ("missing-id", b'{"text": "x"}', "field 'id': expected an id, got none; give every row an id"),
    ("missing-id", b'{"_id": "1", "text": "x"}', "field 'id': expected an id, got none; say id='_id'"),
    ("missing-id", b'{"id": null, "text": "x"}', "field 'id': expected an id, got none"),
    (
        "id-type",
        b'{"id": 1.0, "text": "x"}',
        "field 'id': expected a string (or a whole number), got float 1.0;",
    ),
    (
        "id-type",
        b'{"id": true, "text": "x"}',
        "field 'id': expected a string (or a whole number), got bool True;",
    ),
    (
        "id-type",
        b'{"id": ["1"], "text": "x"}',
        "field 'id': expected a string (or a whole number), got list ['1'];",
    ),
    ("empty-id", b'{"id": "", "text": "x"}', "field 'id': expected an id, got an empty string;"),
    (
        "missing-text",
        b'{"id": "1"}',
        "field 'text': expected a string, got no such field; write an empty string",
    ),
    ("missing-text", b'{"id": "1", "text": null}', "field 'text': expected a string, got null;"),
    ("text-type", b'{"id": "1", "text": 3}', "field 'text': expected a string, got int 3; write the text as"),
    ("title-type", b'{"id": "1", "text": "", "title": 0}', "field 'title': expected a string, got int 0;"),
    (
        "bad-utf8",
        b'{"id": "1", "text": "\xe9"}',
        "expected UTF-8, got the byte 0xE9 at byte 22 of the line; convert",
    ),
    (
        "lone-surrogate",
        b'{"id": "1", "text": "ab\\ud800"}',
        "got the lone surrogate U+D800 at character 2; it is",
    ),
    (
        "lone-surrogate",
        b'{"id": "\\udfff", "text": ""}',
        "field 'id': expected Unicode text, got the lone surro",
    ),
    (
        "lone-surrogate",
        b'{"id": "1", "text": "", "title": "\\ud800"}',
        "field 'title': expected Unicode text",
    ),
    (
        "invalid-json",
        b'{"id": "1", "text": "x"',
        "got invalid JSON: Expecting ',' delimiter at column 24; mend",
    ),
    ("invalid-json", b'{"id": "1"} {"id": "2"}', "got invalid JSON: Extra data at column 13"),
    ("invalid-json", b'{"id": "1", "text": "a\tb"}', "got invalid JSON: Invalid control character at"),
    ("invalid-json", b'{"id": "1", "text": "", "n": NaN}', "got NaN, which JSON does not have; write null"),
    ("invalid-json", b'{"id": "1", "text": "", "n": -Infinity}', "got -Infinity, which JSON does not have"),
    ("invalid-json", b"[" * 100_000, "expected a JSON object Python can hold"),
    (
        "invalid-json",
        b'{"id": "1", "text": "", "n": ' + b"9" * 5000 + b"}",
        "expected a JSON object Python can",
    ),
    (
        "repeated-field",
        b'{"id": "1", "id": "2", "text": ""}',
        "field 'id' stands twice in one object; keep one",
    ),
    ("not-an-object", b"[1]", "expected an object, got a list; write one object per line (jq -c '.[]' turns"),
    ("not-an-object", b'"x"', "expected an object, got str; write one object per line"),
    (
        "field-conflict",
        b'{"id": "1", "text": "", "metadata": {"text": "y"}}',
        "field 'text' stands in the row and",
    ),
    (
        "duplicate-id",
        b'{"id": "a", "text": "y"}',
        "duplicate id 'a', first in PATH line 1; give every document",
    ),
]


@pytest.mark.parametrize(("reason", "line", "message"), LINES)
def test_a_bad_line(reason: str, line: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(GOOD + b"\n" + line + b'\r\n{"id": "z", "text": ""}')
    message = message.replace("PATH", str(path))
    with pytest.raises(InvalidInputError) as caught:
        list(Corpus.from_jsonl(path).batches())
    assert str(caught.value).startswith(f"{path} line 3: ")
    assert message in str(caught.value)
    assert str(caught.value).endswith('(on_error="skip" leaves bad rows out and lists them in the report)')
    corpus = Corpus.from_jsonl(path, on_error="skip")
    assert corpus.ids() == ["a", "z"]
    report = corpus.report
    assert report.skipped == {reason: 1}
    assert [(p.where, p.reason) for p in report.problems] == [(f"{path} line 3", reason)]
    assert message in report.problems[0].message
    assert (report.rows, report.blank_lines, report.complete) == (2, 1, True)
    assert f"1 skipped (1 {reason})" in str(report)


ROWS: list[tuple[str, Any, str]] = [
    ("not-an-object", "text", "expected a mapping such as {'id': ..., 'text': ...}, got str"),
    (
        "id-type",
        {"id": b"1", "text": ""},
        "field 'id': expected a string (or a whole number), got bytes b'1'",
    ),
    ("text-type", {"id": "1", "text": b"x"}, "field 'text': expected a string, got bytes"),
    ("lone-surrogate", {"id": "1", "text": "\ud800"}, "field 'text': expected Unicode text"),
    (
        "metadata-type",
        {"id": "1", "text": "", "n": "z"},
        "field 'n': expected int of 64 bits (as in rows row 0",
    ),
    (
        "metadata-type",
        {"id": "1", "text": "", "n": True},
        "got bool True; make the values of the field one type",
    ),
    ("metadata-type", {"id": "1", "text": "", "n": 2**63}, "got int 9223372036854775808"),
    ("metadata-type", {"id": "1", "text": "", "n": {"a": 1}}, "got unsupported object {'a': 1}"),
    ("metadata-type", {"id": "1", "text": "", "tags": ["a", 1]}, "expected list of string (as in rows row 0"),
    ("metadata-type", {"id": "1", "text": "", "s": "\ud800"}, "field 's': expected string"),
    ("duplicate-id", {"id": 7, "text": ""}, "duplicate id '7', first in rows row 0 (from 0)"),
]


@pytest.mark.parametrize(("reason", "row", "message"), ROWS)
def test_a_bad_row(reason: str, row: Any, message: str) -> None:
    rows = [{"id": "7", "text": "", "n": 1, "tags": ["a"], "s": "s"}, row, {"id": "z", "text": ""}]
    with pytest.raises(InvalidInputError) as caught:
        list(Corpus.from_rows(rows).batches())
    assert str(caught.value).startswith("rows row 1 (from 0): ")
    assert message in str(caught.value)
    corpus = Corpus.from_rows(rows, on_error="skip")
    assert corpus.ids() == ["7", "z"]
    assert corpus.report.skipped == {reason: 1}


def test_a_mixed_metadata_column_names_both_places_and_types(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    rows = [
        {"id": "1", "text": ""},
        {"id": "2", "text": "", "year": 1999},
        {"id": "3", "text": "", "year": "2001?"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(InvalidInputError) as caught:
        list(Corpus.from_jsonl(path).batches())
    assert str(caught.value).startswith(
        f"{path} line 3: field 'year': expected int of 64 bits (as in {path} line 2), got string '2001?'; "
        "make the "
        "values of the field one type, give it a type that holds them all (metadata={'year': "
        "pyarrow.string()}), "
        "or leave it out of metadata=[...]"
    )
    corpus = Corpus.from_jsonl(path, metadata={"year": pa.string()})
    years = [row["year"] for batch in corpus.batches() for row in batch.to_pylist()]
    assert years == [None, "1999", "2001?"]


def test_a_field_that_comes_late_in_a_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyengine.corpus.iterables.SAMPLE_ROWS", 2)
    rows = [{"id": str(i), "text": "", **({"late": 1} if i == 3 else {})} for i in range(5)]
    assert Corpus.from_rows(rows).schema.names[3:] == ["late"]
    with pytest.raises(
        InvalidInputError, match=r"row 3 \(from 0\): field 'late' did not occur in the rows that fix"
    ):
        list(Corpus.from_rows(iter(rows)).batches())
    typed = Corpus.from_rows(iter(rows), metadata={"late": pa.int64()})
    assert sum(batch.column("late").null_count for batch in typed.batches()) == 4


def test_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("rows", "tables"):
        monkeypatch.setattr(f"pyengine.corpus.{module}.MAX_ID_BYTES", 4)
        monkeypatch.setattr(f"pyengine.corpus.{module}.MAX_TEXT_BYTES", 9)
    rows = [
        {"id": "éé", "title": "123456789", "text": "123456789"},
        {"id": "éée", "title": "", "text": ""},
        {"id": "1", "title": "", "text": "123456789é"},
        {"id": "2", "title": "1234567890", "text": ""},
    ]
    for corpus in (
        Corpus.from_rows(rows, on_error="skip"),
        Corpus.from_arrow(pa.Table.from_pylist(rows), on_error="skip"),
    ):
        assert corpus.ids() == ["éé"]
        assert corpus.report.skipped == {"id-too-long": 1, "text-too-long": 1, "title-too-long": 1}
        assert "expected at most 4 bytes, got 5; split it or cut it" in corpus.report.problems[0].message
    monkeypatch.setattr(jsonl, "MAX_LINE_BYTES", 30)
    (tmp_path / "c").write_bytes(
        GOOD + b'{"id": "b", "text": "' + b"x" * 100 + b'"}\n' + GOOD.replace(b"a", b"c")
    )
    corpus = Corpus.from_jsonl(tmp_path / "c", on_error="skip")
    assert corpus.ids() == ["a", "c"]
    assert corpus.report.skipped == {"line-too-long": 1}
    assert corpus.report.problems[0].where.endswith("line 2")


def test_the_list_of_problems_is_short_and_the_counts_exact() -> None:
    rows = [{"id": "same", "text": ""}] * 1000
    corpus = Corpus.from_rows(rows, on_error="skip")
    assert len(corpus) == 1
    assert corpus.report.skipped == {"duplicate-id": 999}
    assert len(corpus.report.problems) == 100
    assert corpus.report.problems[99].where == "rows row 100 (from 0)"


def test_places_in_several_files(tmp_path: Path) -> None:
    for name, id_ in (("1", b"a"), ("2", b"b"), ("3", b"a")):
        (tmp_path / name).write_bytes(b"\n" + GOOD.replace(b"a", id_))
        pq.write_table(
            pa.table({"id": [f"x{id_!r}", id_.decode()], "text": ["", ""]}), tmp_path / f"{name}.parquet"
        )
    with pytest.raises(
        InvalidInputError, match=f"^{tmp_path}/3 line 2: duplicate id 'a', first in {tmp_path}/1 line 2"
    ):
        list(Corpus.from_jsonl([tmp_path / "1", tmp_path / "2", tmp_path / "3"]).batches())
    with pytest.raises(InvalidInputError, match=f"3.parquet row 0 .*first in {tmp_path}/1.parquet row 0"):
        list(Corpus.from_parquet(tmp_path).batches())


def test_whole_files_that_are_wrong(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD)
    assert Corpus.from_jsonl(path).ids() == ["a"]
    path.write_bytes(GOOD.decode().encode("utf-16"))
    with pytest.raises(
        InvalidInputError, match="line 1: expected UTF-8, got UTF-16; convert the file with iconv"
    ):
        list(Corpus.from_jsonl(path, on_error="skip").batches())
    path.write_bytes(gzip.compress(GOOD * 1000)[:-20])
    with pytest.raises(InvalidInputError, match="expected gzip data, got damaged or cut data"):
        list(Corpus.from_jsonl(path, on_error="skip").batches())
    with pytest.raises(NotFoundError, match="nowhere: no such file"):
        Corpus.from_jsonl(tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="expected a file, got a folder"):
        Corpus.from_jsonl(tmp_path)
    with pytest.raises(InvalidInputError, match="expected at least one file"):
        Corpus.from_jsonl([])
    with pytest.raises(NotFoundError, match=r"\*\.parquet files in it, found none"):
        Corpus.from_parquet(tmp_path)
    path.write_bytes(GOOD)
    with pytest.raises(InvalidInputError, match="c: expected a Parquet file, got something else"):
        Corpus.from_parquet(path)


def test_a_damaged_parquet_page(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    table = pa.table({"id": [str(i) for i in range(1000)], "text": ["x" * 100] * 1000})
    pq.write_table(table, path, compression="gzip", row_group_size=100, use_dictionary=False)
    data = bytearray(path.read_bytes())
    middle = pq.ParquetFile(path).metadata.row_group(5).column(0).data_page_offset
    data[middle + 40 : middle + 80] = bytes(40)
    path.write_bytes(data)
    with pytest.raises(
        InvalidInputError, match=r"c\.parquet row 500 \(from 0\): the data cannot be read from here on"
    ):
        list(Corpus.from_parquet(path, on_error="skip").batches())


COLUMNS: list[tuple[Any, dict[str, Any], str]] = [
    ({"id": ["a"]}, {}, "expected a column 'text', got id; say which one it is with text=..."),
    ({"text": ["a"]}, {}, "expected a column 'id', got text; say which one it is with id=..."),
    ({"id": [1.5], "text": ["a"]}, {}, "column 'id': expected strings or whole numbers, got double"),
    ({"id": ["a"], "text": [1]}, {}, "column 'text': expected strings, got int64"),
    ({"id": ["a"], "text": ["x"], "title": [1]}, {}, "column 'title': expected strings, got int64"),
    ({"id": ["a"], "text": ["x"]}, {"metadata": ["n"]}, "has no 'n'; it has id, text"),
    ({"id": ["a"], "text": ["x"], "body": ["x"]}, {"text": "body"}, "field 'text' cannot be kept beside"),
    ({"id": [None], "text": ["x"]}, {}, "row 0 (from 0): column 'id': expected an id, got null"),
    ({"id": [""], "text": ["x"]}, {}, "row 0 (from 0): column 'id': expected an id, got an empty string"),
    (
        {"id": ["a", "b"], "text": ["x", None]},
        {},
        "row 1 (from 0): column 'text': expected a string, got null",
    ),
    ({"id": [1, 1], "text": ["x", ""]}, {}, "row 1 (from 0): duplicate id '1', first in Arrow data row 0"),
    (
        {"id": ["a"], "text": [b"\xff"]},
        {},
        "row 0 (from 0): column 'text': expected UTF-8, got the byte 0xFF",
    ),
    (
        {"id": ["a", "b"], "text": ["", ""], "n": ["1", "x"]},
        {"metadata": {"n": pa.int64()}},
        "row 1 (from 0): column 'n': expected int64, got a value of type string that is not",
    ),
]


@pytest.mark.parametrize(("columns", "options", "message"), COLUMNS)
def test_a_bad_table(columns: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        list(Corpus.from_arrow(pa.table(columns), **options).batches())
    assert message in str(caught.value)


@pytest.mark.parametrize("data", [[1], pa.array(["x"]), pa.chunked_array([["x"]]), None, {"id": ["a"]}])
def test_data_that_is_no_table(data: Any) -> None:
    with pytest.raises(InvalidInputError, match="data: expected a pyarrow Table, RecordBatch"):
        Corpus.from_arrow(data)


def test_invalid_utf8_in_an_arrow_string_column() -> None:
    text = pa.array([b"ok", b"\xff", b"\xc3"]).view(pa.string())
    for column in ("text", "note"):
        table = pa.table({"id": ["a", "b", "c"], "text": ["", "", ""], "note": ["", "", ""]})
        table = table.set_column(table.schema.get_field_index(column), column, text)
        corpus = Corpus.from_arrow(table, on_error="skip")
        (batch,) = corpus.batches()
        batch.validate(full=True)
        assert batch.column(0).to_pylist() == ["a"]
        assert [problem.where for problem in corpus.report.problems] == [
            "Arrow data row 1 (from 0)",
            "Arrow data row 2 (from 0)",
        ]


def test_files_of_different_schemas(tmp_path: Path) -> None:
    one = pa.table({"id": ["a"], "text": [""], "n": pa.array([1], pa.int32()), "m": [1]})
    pq.write_table(one, tmp_path / "1.parquet")
    pq.write_table(pa.table({"id": ["b"], "text": [""], "n": [2.5]}), tmp_path / "2.parquet")
    corpus = Corpus.from_parquet(tmp_path)
    assert [row for batch in corpus.batches() for row in batch.to_pylist()] == [
        {"id": "a", "title": "", "text": "", "n": 1.0, "m": 1},
        {"id": "b", "title": "", "text": "", "n": 2.5, "m": None},
    ]
    pq.write_table(pa.table({"id": ["c"], "text": [""], "n": ["x"]}), tmp_path / "3.parquet")
    with pytest.raises(
        InvalidInputError, match=r"3\.parquet: column 'n': expected double as in the files before, got str"
    ):
        Corpus.from_parquet(tmp_path)
    assert Corpus.from_parquet(tmp_path, metadata=["m"]).ids() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_error": "ignore"}, "on_error: expected 'raise' or 'skip', got 'ignore'"),
        ({"id": ""}, "id: expected the name of a field, got ''"),
        ({"title": "text"}, "id, title, text: expected three fields"),
        ({"metadata": "year"}, "metadata: expected None, a list of field names or a mapping"),
        ({"metadata": ["text"]}, "metadata: field 'text' cannot be kept beside id='id'"),
        ({"metadata": ["n", "n"]}, "metadata: expected every name once"),
        ({"metadata": {"n": int}}, "metadata: expected an Arrow type such as pyarrow.int64() for 'n'"),
        ({"metadata": ["m"]}, "no row has 'm'"),
        ({"text": "body", "metadata": None}, "field 'text' cannot be kept beside"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    rows = [{"id": "a", "text": "", "body": "", "n": 1}]
    with pytest.raises(InvalidInputError) as caught:
        Corpus.from_rows(rows, **options).schema  # noqa: B018  (the property itself may raise)
    assert message in str(caught.value)


@pytest.mark.parametrize("rows", ["text", b"bytes", 3, None])
def test_rows_that_are_no_rows(rows: Any) -> None:
    with pytest.raises(InvalidInputError, match="rows: expected an iterable of mappings"):
        Corpus.from_rows(rows)


def test_a_nested_object_needs_a_decision() -> None:
    rows = [{"id": "a", "text": "", "author": {"name": "x"}}]
    with pytest.raises(
        InvalidInputError, match=r"row 0 \(from 0\): field 'author': expected null, a bool, a number"
    ):
        list(Corpus.from_rows(rows).batches())
    assert Corpus.from_rows(rows, metadata=[]).ids() == ["a"]
    typed = Corpus.from_rows(rows, metadata={"author": pa.struct([("name", pa.string())])})
    assert next(typed.batches()).column("author").to_pylist() == [{"name": "x"}]


def test_a_broken_pass_says_so() -> None:
    corpus = Corpus.from_rows([{"id": "a", "text": ""}, {"id": "a", "text": ""}])
    with pytest.raises(PyEngineError):
        list(corpus.batches())
    assert not corpus.report.complete
    assert "(so far)" in str(corpus.report)
