"""The corpus on disk: rows by number, rows by id, and what a wrong question gets."""

import errno
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pyengine import NO_ROW, Corpus
from pyengine.corpus import StoredCorpus, write_ipc
from pyengine.corpus.ids import hash_id
from pyengine.errors import CorruptIndexError, InvalidInputError, NotFoundError, StorageError

ROWS = [
    {"id": f"d{i}", "title": f"T{i}" if i % 2 else "", "text": "x" * (i % 50), "n": i} for i in range(20_000)
]

GOLDEN = {
    "": 0xBFBCE5E7789698AD,
    "a": 0xCA1E0A7DD3452F8D,
    "12345678": 0x8152C452ED3EA9A9,
    "123456789": 0x4000935FE0DA2830,
    "ä/ 😀": 0xDDA5FCE7E030ADD7,
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredCorpus:
    path = tmp_path_factory.mktemp("stored") / "corpus.arrow"
    assert write_ipc(Corpus.from_rows(ROWS), path) == len(ROWS)
    assert sorted(file.name for file in path.parent.iterdir()) == ["corpus.arrow", "corpus.ids"]
    return Corpus.open_ipc(path)


def test_rows_across_batches(stored: StoredCorpus) -> None:
    assert [batch.num_rows for batch in stored.batches()] == [8192, 8192, 3616]
    assert len(stored) == 20_000
    for row in (0, 8191, 8192, 16383, 16384, 19_999):
        expected = ROWS[row]
        assert stored.id(row) == expected["id"]
        assert stored.title(row) == expected["title"]
        assert stored.text(row) == expected["text"]
        assert stored.metadata(row) == {"n": row}
        assert stored.row_of(str(expected["id"])) == row
    rows = [19_999, 0, 8192, 8191, 0]
    assert stored.ids(rows) == ["d19999", "d0", "d8192", "d8191", "d0"]
    assert stored.take(np.array(rows, dtype=np.uint32)).to_pylist() == [ROWS[row] for row in rows]
    assert stored.take([]).num_rows == 0
    assert stored.take([]).schema == stored.schema
    assert [batch.num_rows for batch in stored.batches(max_rows=8000)] == [8000, 192, 8000, 192, 3616]


def test_questions_without_an_answer(stored: StoredCorpus) -> None:
    for row in (-1, 20_000, NO_ROW):
        for ask in (stored.id, stored.title, stored.text, stored.metadata):
            with pytest.raises(InvalidInputError, match=f"row: expected 0 to 19999, got {row}"):
                ask(row)
        with pytest.raises(InvalidInputError, match=f"row: expected 0 to 19999, got {row}"):
            stored.take([0, row])
    with pytest.raises(InvalidInputError, match="rows: expected whole numbers, got float64"):
        stored.take([1.5])  # type: ignore[list-item]  # wrong on purpose
    with pytest.raises(NotFoundError, match="id 'D1': no document has it"):
        stored.row_of("D1")
    with pytest.raises(InvalidInputError, match="ids: expected a sequence of strings, got 'd1'"):
        stored.rows_of("d1")
    with pytest.raises(InvalidInputError, match="ids: expected a sequence of strings, got 3"):
        stored.rows_of([3])  # type: ignore[list-item]  # wrong on purpose
    assert stored.rows_of(["d5", "", "d20000"]).tolist() == [5, NO_ROW, NO_ROW]


def test_ids_with_equal_hashes_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_equal(array: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
        zeros = np.zeros(len(array), dtype=np.uint64)
        return zeros, zeros

    monkeypatch.setattr("pyengine.corpus.writing.hash_ids", all_equal)
    monkeypatch.setattr("pyengine.corpus.stored.hash_id", lambda _: 0)
    monkeypatch.setattr("pyengine.corpus.stored.hash_ids", all_equal)
    write_ipc(Corpus.from_rows(ROWS[:50]), tmp_path / "c.arrow")
    stored = StoredCorpus.open(tmp_path / "c.arrow")
    assert stored.rows_of([row["id"] for row in ROWS[:60]]).tolist() == [*range(50), *[NO_ROW] * 10]
    batches = list(Corpus.from_rows([*ROWS[:5], ROWS[7]]).batches()) * 2
    with pytest.raises(InvalidInputError, match="id 'd0' stands in rows 0 and 6"):
        write_ipc(batches, tmp_path / "twice.arrow")


def test_the_stored_hash_never_changes() -> None:
    # From the definition in docs/storage.md, by tests/oracles/corpus.py; index files on disk rely on them.
    assert [hash_id(text) for text in GOLDEN] == list(GOLDEN.values())


def test_small_batches_become_large_ones(tmp_path: Path) -> None:
    def one_by_one() -> Iterator[pa.RecordBatch]:
        yield from Corpus.from_rows(ROWS[:1500]).batches(max_rows=1)

    assert write_ipc(one_by_one(), tmp_path / "c.arrow") == 1500
    assert [batch.num_rows for batch in StoredCorpus.open(tmp_path / "c.arrow").batches()] == [1500]


def test_an_empty_corpus_is_stored(tmp_path: Path) -> None:
    schema = pa.schema([*Corpus.from_rows([]).schema, pa.field("n", pa.int64())])
    for kind, options in (([], {}), (Corpus.from_rows([]), {}), ([], {"schema": schema})):
        assert write_ipc(kind, tmp_path / "c.arrow", **options) == 0
        stored = StoredCorpus.open(tmp_path / "c.arrow")
        assert len(stored) == 0
        assert list(stored.batches()) == []
        assert stored.ids() == []
        assert stored.rows_of(["a"]).tolist() == [NO_ROW]
        assert stored.schema.names == (["id", "title", "text", "n"] if options else ["id", "title", "text"])


def test_what_cannot_be_stored_leaves_no_file(tmp_path: Path) -> None:
    good = next(Corpus.from_rows(ROWS[:3]).batches())
    cases: list[tuple[object, str]] = [
        ([good, good], "id 'd0' stands in rows 0 and 3; give every document its own id"),
        (
            [good, good.drop_columns(["n"])],
            "batch 1: expected the columns id string, .*, n int64, got id string",
        ),
        ([good.drop_columns(["title"])], "batches: expected columns id, title, text"),
        (Corpus.from_rows([*ROWS[:3], {"id": "x"}]), r"row 3 \(from 0\): field 'text'"),
    ]
    for batches, message in cases:
        with pytest.raises(InvalidInputError, match=message):
            write_ipc(batches, tmp_path / "c.arrow")  # type: ignore[arg-type]  # one of the accepted kinds
        assert list(tmp_path.iterdir()) == []


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pyengine.corpus.idfile.IdFile.write", full)
    with pytest.raises(
        StorageError, match=r"c\.ids: cannot write it \(No space left on device\); free some"
    ) as caught:
        write_ipc(Corpus.from_rows(ROWS[:3]), tmp_path / "c.arrow")
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StorageError, match=r"nowhere/c\.arrow: cannot write it"):
        write_ipc(Corpus.from_rows(ROWS[:3]), tmp_path / "nowhere" / "c.arrow")


def test_an_error_of_the_source_is_passed_on(tmp_path: Path) -> None:
    def broken() -> Iterator[dict[str, str]]:
        yield {"id": "a", "text": ""}
        raise ConnectionResetError("the database went away")

    with pytest.raises(ConnectionResetError):
        write_ipc(Corpus.from_rows(broken(), metadata=[]), tmp_path / "c.arrow")
    assert list(tmp_path.iterdir()) == []


def test_the_open_errors(tmp_path: Path) -> None:
    path = tmp_path / "c.arrow"
    with pytest.raises(NotFoundError, match=r"c\.arrow: no such file"):
        StoredCorpus.open(path)
    write_ipc(Corpus.from_rows(ROWS[:3]), path)
    ids = tmp_path / "c.ids"
    ids.rename(tmp_path / "kept")
    with pytest.raises(NotFoundError, match=r"c\.ids: no such file"):
        StoredCorpus.open(path)
    write_ipc(Corpus.from_rows(ROWS[:4]), path)
    (tmp_path / "kept").rename(ids)
    with pytest.raises(CorruptIndexError, match="belongs to an Arrow file of"):
        StoredCorpus.open(path)
    path.write_bytes(b"not arrow")
    with pytest.raises(CorruptIndexError, match=r"c\.arrow: expected an Arrow file, got damaged bytes"):
        StoredCorpus.open(path)


def test_real_collections(collection: Callable[[str], Path], tmp_path: Path) -> None:
    corpus = Corpus.from_beir(collection("medquad-liveqa"))
    write_ipc(corpus, tmp_path / "c.arrow")
    stored = StoredCorpus.open(tmp_path / "c.arrow")
    ids = stored.ids()
    assert len(stored) == len(set(ids)) == 17_779
    picks = [*range(0, len(ids), 97)]
    assert stored.rows_of([ids[pick] for pick in picks]).tolist() == picks
    assert all(a < b for a, b in pairwise(stored.id_file.hashes.tolist()))
