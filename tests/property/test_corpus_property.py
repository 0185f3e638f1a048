"""Any rows, through any format, in any batch size, come out as they went in."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles.corpus import hash64, read_jsonl

from pyengine import NO_ROW, Corpus
from pyengine.corpus import StoredCorpus, embedded_text, indexed_text, write_ipc
from pyengine.corpus.ids import SeenIds, hash_id, hash_ids
from pyengine.errors import InvalidInputError, NotFoundError

TEXT = st.text(max_size=30)
IDS = st.lists(st.text(min_size=1, max_size=20), max_size=25, unique=True)
LIMITS = st.fixed_dictionaries({"max_rows": st.integers(1, 30), "max_bytes": st.integers(1, 200)})
files = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    columns = {
        "title": TEXT,
        "text": TEXT,
        "year": st.none() | st.integers(-(2**63), 2**63 - 1),
        "rate": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "flag": st.none() | st.booleans(),
        "note": st.none() | TEXT,
        "tags": st.none() | st.lists(st.none() | TEXT, max_size=3),
    }
    kept = draw(st.sets(st.sampled_from(sorted(columns)))) | {"title", "text"}
    return [
        {"id": id_} | {name: draw(columns[name]) for name in sorted(kept, key=list(columns).index)}
        for id_ in draw(IDS)
    ]


def read(corpus: Corpus | StoredCorpus, **limits: int) -> list[dict[str, Any]]:
    return [row for batch in corpus.batches(**limits) for row in batch.to_pylist()]


@settings(files, max_examples=40)
@given(rows=tables(), limits=LIMITS)
def test_every_format_gives_the_rows_back(
    rows: list[dict[str, Any]], limits: dict[str, int], tmp_path: Path
) -> None:
    (tmp_path / "c.jsonl").write_bytes("\n".join(json.dumps(row) for row in rows).encode())
    sources = [Corpus.from_jsonl(tmp_path / "c.jsonl"), Corpus.from_rows(rows), Corpus.from_rows(iter(rows))]
    table = pa.Table.from_batches(sources[1].batches(), sources[1].schema)
    pq.write_table(table, tmp_path / "c.parquet", row_group_size=7)
    sources += [
        Corpus.from_arrow(table),
        Corpus.from_arrow(table.to_reader(3)),
        Corpus.from_parquet(tmp_path / "c.parquet"),
    ]
    for corpus in sources:
        assert corpus.schema == sources[0].schema
        batches = list(corpus.batches(**limits))
        assert [row for batch in batches for row in batch.to_pylist()] == rows
        for batch in batches:
            batch.validate(full=True)
            assert 1 <= batch.num_rows <= limits["max_rows"]
            assert batch.num_rows == 1 or batch.nbytes <= limits["max_bytes"]
        assert corpus.report.rows == len(rows)


@files
@given(rows=tables(), picks=st.lists(st.integers(0, 24)), others=st.lists(st.text(max_size=20), max_size=40))
def test_what_is_stored_is_found(
    rows: list[dict[str, Any]], picks: list[int], others: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "c.arrow"
    assert write_ipc(Corpus.from_rows(rows), path) == len(rows)
    stored = StoredCorpus.open(path)
    assert len(stored) == len(rows)
    assert read(stored) == rows
    ids = [row["id"] for row in rows]
    assert stored.ids() == ids
    assert stored.rows_of(ids).tolist() == list(range(len(ids)))
    expected = [ids.index(other) if other in ids else NO_ROW for other in others]
    assert stored.rows_of(others).tolist() == expected
    picks = [pick for pick in picks if pick < len(rows)]
    assert stored.take(picks).to_pylist() == [rows[pick] for pick in picks]
    for pick in picks:
        row = dict(rows[pick])
        assert (stored.id(pick), stored.title(pick), stored.text(pick)) == (
            row.pop("id"),
            row.pop("title"),
            row.pop("text"),
        )
        assert stored.metadata(pick) == row


VALUES: st.SearchStrategy[Any] = st.sampled_from(["a", "b", "c", "", "é", 1, 2, 1.5, None, True, ["a"]])
OBJECTS = st.dictionaries(st.sampled_from(["id", "title", "text"]), VALUES, max_size=3)
GOOD = st.builds(
    lambda i, t: {"id": i, "text": t}, st.text(st.sampled_from("abcdé1"), min_size=1, max_size=2), TEXT
)
LINES = st.one_of(
    GOOD.map(lambda row: json.dumps(row).encode()),
    OBJECTS.map(lambda row: json.dumps(row, ensure_ascii=False).encode()),
    st.sampled_from(
        [
            b"",
            b"  \t",
            b"\r",
            b"[]",
            b"{",
            b'{"id": "s", "text": "\\ud83d"}',
            b'{"id": "\\udc00", "text": ""}',
            b'{"id": "x", "text": "\xff"}',
            b'{"id": "x", "id": "y", "text": ""}',
            b'{"id": "z", "text": "\\ud83d\\ude00"}\r',
            b'{"id": "n", "text": "a\x00"}',
        ]
    ),
)


@files
@given(lines=st.lists(LINES, max_size=40), end=st.booleans(), limits=LIMITS)
def test_bad_lines_are_told_apart_as_the_plain_reader_does(
    lines: list[bytes], end: bool, limits: dict[str, int], tmp_path: Path
) -> None:
    data = b"\n".join(lines) + (b"\n" if end else b"")
    path = tmp_path / "c.jsonl"
    path.write_bytes(data)
    expected = read_jsonl(data)
    corpus = Corpus.from_jsonl(path, on_error="skip", metadata=[])
    assert read(corpus, **limits) == expected.rows
    report = corpus.report
    assert report.skipped == dict(expected.skipped)
    assert report.blank_lines == expected.blank
    assert len(report.problems) == sum(expected.skipped.values())
    strict = Corpus.from_jsonl(path, metadata=[])
    if expected.first_bad_line is None:
        assert read(strict, **limits) == expected.rows
    else:
        with pytest.raises(InvalidInputError, match=f"line {expected.first_bad_line}: "):
            read(strict, **limits)
        assert report.problems[0].where.endswith(f"line {expected.first_bad_line}")


@given(st.lists(st.text(max_size=40)))
def test_hashes_agree_with_their_definition(ids: list[str]) -> None:
    array = pa.array(["skipped", *ids], pa.string()).slice(1)
    first, second = hash_ids(array)
    assert first.tolist() == [hash64(id_) for id_ in ids] == [hash_id(id_) for id_ in ids]
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == len(set(ids))


@given(st.lists(st.lists(st.integers(0, 60), max_size=20), max_size=30))
def test_repeated_ids_are_found_with_their_first_place(batches: list[list[int]]) -> None:
    seen, table, ordinal = SeenIds(), dict[str, int](), 0
    for batch in batches:
        ids = [str(number) for number in batch]
        expected = []
        for i, id_ in enumerate(ids):
            if id_ in table:
                expected.append((i, table[id_]))
            else:
                table[id_] = ordinal + i
        places = np.arange(ordinal, ordinal + len(ids))
        assert seen.add(pa.array(ids, pa.string()), places) == expected
        ordinal += len(ids)


@given(st.lists(st.tuples(TEXT, TEXT)))
def test_indexed_text_is_title_seam_text(pairs: list[tuple[str, str]]) -> None:
    titles = pa.array([title for title, _ in pairs], pa.string())
    texts = pa.array([text for _, text in pairs], pa.string())
    for joined, seam in ((indexed_text, "\n\n\n\n"), (embedded_text, "\n")):
        expected = [f"{title}{seam}{text}" if title else text for title, text in pairs]
        assert joined(titles, texts).to_pylist() == expected


def test_unknown_ids(tmp_path: Path) -> None:
    write_ipc(Corpus.from_rows([{"id": "a", "text": ""}]), tmp_path / "c.arrow")
    stored = Corpus.open_ipc(tmp_path / "c.arrow")
    assert stored.row_of("a") == 0
    with pytest.raises(NotFoundError, match="'b': no document has it"):
        stored.row_of("b")
    assert stored.rows_of(["\ud800", "a"]).tolist() == [NO_ROW, 0]
    assert stored.rows_of(["\ud800", "a"] * 20).tolist() == [NO_ROW, 0] * 20
