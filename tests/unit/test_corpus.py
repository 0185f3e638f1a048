"""Corpora from every format, and what a pass says about them."""

import gzip
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pyengine import Corpus
from pyengine.corpus import embedded_text, indexed_text
from pyengine.errors import InvalidInputError, NotFoundError

ROWS: list[dict[str, Any]] = [
    {"id": "a", "title": "One", "text": "first", "year": 1999, "tags": ["x", "y"]},
    {"id": "ä/ 😀", "title": "", "text": "", "year": None, "tags": None},
    {"id": "3", "title": "Three", "text": "zwölf 日本 \u0000 end", "year": 2001, "tags": []},
]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def rows_of(corpus: Corpus, **limits: int) -> list[dict[str, Any]]:
    return [row for batch in corpus.batches(**limits) for row in batch.to_pylist()]


@pytest.fixture(params=["jsonl", "gzip", "parquet", "parquet folder", "table", "reader", "rows", "generator"])
def corpus(request: pytest.FixtureRequest, tmp_path: Path) -> Corpus:
    """Return the same three documents from every kind of source."""
    table = pa.Table.from_pylist(ROWS)
    if request.param in ("jsonl", "gzip"):
        data = lines(ROWS)
        (tmp_path / "c").write_bytes(data if request.param == "jsonl" else gzip.compress(data))
        return Corpus.from_jsonl([str(tmp_path / "c")])
    if request.param == "parquet":
        pq.write_table(table, tmp_path / "c.parquet", row_group_size=2)
        return Corpus.from_parquet(tmp_path / "c.parquet")
    if request.param == "parquet folder":
        (tmp_path / "sub").mkdir()
        pq.write_table(table.slice(0, 1), tmp_path / "a.parquet")
        pq.write_table(table.slice(1), tmp_path / "sub" / "b.parquet")
        return Corpus.from_parquet(tmp_path)
    if request.param in ("table", "reader"):
        return Corpus.from_arrow(table if request.param == "table" else table.to_reader(max_chunksize=1))
    return Corpus.from_rows(ROWS if request.param == "rows" else (row for row in ROWS))


def test_every_source_gives_the_same(corpus: Corpus) -> None:
    assert corpus.schema == pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("title", pa.string(), nullable=False),
            pa.field("text", pa.string(), nullable=False),
            pa.field("year", pa.int64()),
            pa.field("tags", pa.list_(pa.string())),
        ]
    )
    (batch,) = corpus.batches()
    assert batch.schema == corpus.schema
    assert batch.to_pylist() == ROWS
    report = corpus.report
    assert report.complete
    assert (report.rows, report.empty_text, dict(report.skipped), report.problems) == (3, 1, {}, ())
    assert report.bytes == sum(len((r["id"] + r["title"] + r["text"]).encode()) for r in ROWS)
    assert len(corpus) == 3


def test_beir(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"corpus\.jsonl or corpus\.jsonl\.gz"):
        Corpus.from_beir(tmp_path)
    row = {"_id": "7", "title": "T", "text": "x", "metadata": {"url": "u"}}
    (tmp_path / "corpus.jsonl.gz").write_bytes(gzip.compress(lines([row])))
    expected = [{"id": "7", "title": "T", "text": "x", "url": "u"}]
    assert rows_of(Corpus.from_beir(tmp_path)) == expected
    assert rows_of(Corpus.from_beir(tmp_path / "corpus.jsonl.gz")) == expected


def test_a_generator_is_read_once() -> None:
    corpus = Corpus.from_rows(iter(ROWS))
    assert corpus.schema.names[3:] == ["year", "tags"]
    assert len(rows_of(corpus)) == 3
    assert len(corpus) == 3
    with pytest.raises(InvalidInputError, match="can be read once only, and was; pass a list"):
        corpus.batches()


def test_batches_keep_their_limits() -> None:
    rows = [{"id": str(i), "text": "x" * (i % 7)} for i in range(1000)]
    for source in (rows, iter(rows)):
        sizes = [batch.num_rows for batch in Corpus.from_rows(source).batches(max_rows=64)]
        assert sizes == [64] * 15 + [40]
    big = [{"id": str(i), "text": "x" * 1000} for i in range(20)]
    for corpus in (Corpus.from_rows(big), Corpus.from_arrow(pa.Table.from_pylist(big))):
        sizes = [batch.num_rows for batch in corpus.batches(max_bytes=3500)]
        assert sum(sizes) == 20
        assert max(sizes) <= 3
    assert [b.num_rows for b in Corpus.from_rows(big).batches(max_bytes=1)] == [1] * 20
    with pytest.raises(InvalidInputError, match="max_rows: expected 1 to"):
        Corpus.from_rows(big).batches(max_rows=0)


def test_other_field_names(tmp_path: Path) -> None:
    rows = [{"key": 7, "head": "T", "body": "x", "n": 1}]
    (tmp_path / "c.jsonl").write_bytes(lines(rows))
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, tmp_path / "c.parquet")
    names = {"id": "key", "title": "head", "text": "body"}
    for corpus in (
        Corpus.from_jsonl(tmp_path / "c.jsonl", **names),
        Corpus.from_parquet(tmp_path / "c.parquet", **names),
        Corpus.from_arrow(table, **names),
        Corpus.from_rows(rows, **names),
    ):
        assert rows_of(corpus) == [{"id": "7", "title": "T", "text": "x", "n": 1}]
        assert corpus.report.integer_ids == 1


def test_metadata_can_be_chosen_and_typed() -> None:
    def made(metadata: Any) -> Iterator[Corpus]:
        yield Corpus.from_rows(ROWS, metadata=metadata)
        yield Corpus.from_arrow(pa.Table.from_pylist(ROWS), metadata=metadata)

    for corpus in made([]):
        assert corpus.schema.names == ["id", "title", "text"]
    for corpus in made(["tags"]):
        assert rows_of(corpus)[0] == {"id": "a", "title": "One", "text": "first", "tags": ["x", "y"]}
    for corpus in made({"year": pa.string()}):
        assert [row["year"] for row in rows_of(corpus)] == ["1999", None, "2001"]
    for corpus in made({"year": pa.int16()}):
        assert corpus.schema.field("year").type == pa.int16()
        assert [row["year"] for row in rows_of(corpus)] == [1999, None, 2001]


def test_whole_numbers_and_floats_make_floats() -> None:
    rows = [{"id": str(i), "text": "", "n": n} for i, n in enumerate([None, 1, 2.5, 3])]
    corpus = Corpus.from_rows(rows)
    assert corpus.schema.field("n").type == pa.float64()
    assert [row["n"] for row in rows_of(corpus)] == [None, 1.0, 2.5, 3.0]


def test_an_empty_corpus_is_legal(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_bytes(b"")
    pq.write_table(
        pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())}), tmp_path / "p"
    )
    for corpus in (
        Corpus.from_jsonl(tmp_path / "c.jsonl"),
        Corpus.from_parquet(tmp_path / "p"),
        Corpus.from_rows([]),
        Corpus.from_rows(iter([])),
    ):
        assert list(corpus.batches()) == []
        assert len(corpus) == 0
        assert corpus


def test_indexed_text() -> None:
    title, text = pa.array(["T", "", "日"]), pa.array(["x", "y", ""])
    assert indexed_text(title, text).to_pylist() == ["T\n\n\n\nx", "y", "日\n\n\n\n"]
    assert embedded_text(title, text).to_pylist() == ["T\nx", "y", "日\n"]
    assert indexed_text(title.slice(1, 1), text.slice(1, 1)).to_pylist() == ["y"]
    assert indexed_text(title[:0], text[:0]).to_pylist() == []


# wc -l of each corpus.jsonl, and grep -c '"text": ""' of it.
@pytest.mark.parametrize(
    ("name", "rows", "empty"),
    [("scifact", 5183, 0), ("cranfield", 1400, 2), ("icd10cm-xref", 46881, 0), ("playbook-fixture", 10, 0)],
)
def test_real_collections(collection: Callable[[str], Path], name: str, rows: int, empty: int) -> None:
    corpus = Corpus.from_beir(collection(name))
    assert len(corpus) == rows
    assert corpus.report.empty_text == empty


def test_any_arrow_producer() -> None:
    class Stream:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pa.Table.from_pylist(ROWS).__arrow_c_stream__(requested_schema)

    class Array:
        def __arrow_c_array__(self, requested_schema: object = None) -> object:
            return pa.RecordBatch.from_pylist(ROWS).__arrow_c_array__(requested_schema)

    for data in (Stream(), Array(), pa.RecordBatch.from_pylist(ROWS)):
        corpus = Corpus.from_arrow(data)
        assert rows_of(corpus) == rows_of(corpus) == ROWS


def test_passes_in_several_threads() -> None:
    rows = [{"id": str(i), "text": "x"} for i in range(5000)]
    for corpus in (Corpus.from_rows(rows), Corpus.from_arrow(pa.Table.from_pylist(rows))):
        with ThreadPoolExecutor(4) as pool:
            seen = list(pool.map(Corpus.ids, [corpus] * 8))
        assert seen == [[row["id"] for row in rows]] * 8
