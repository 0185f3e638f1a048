"""The corpus on disk: an Arrow IPC file read by row, with a file beside it that finds rows by id."""

import os
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine.corpus.batching import MAX_BYTES, MAX_ROWS, halves
from pyengine.corpus.checking import check_documents
from pyengine.corpus.chunks import CHUNK_COLUMNS, ChunkPlace, Documents, is_chunked
from pyengine.corpus.idfile import MEND, IdFile, refused
from pyengine.corpus.ids import hash_id, hash_ids, string_parts
from pyengine.corpus.schema import base_schema
from pyengine.errors import CorruptIndexError, InvalidInputError, NotFoundError
from pyengine.types import NO_ROW

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["IDS_SUFFIX", "StoredCorpus"]

IDS_SUFFIX: Final = ".ids"
# Up to so many ids, hashing each in Python costs less than setting up arrays.
_ONE_BY_ONE: Final = 16

Rows = Sequence[int] | npt.NDArray[np.integer[Any]]


class StoredCorpus:
    """A corpus on disk, memory-mapped: any row at once, any id at once, hardly any memory of its own.

    Row numbers are the order of writing, from 0. A row is a document or, in a chunked corpus, a chunk of one;
    the chunks of a document are neighbours. Memory: the pages that are touched, shared between
    processes; and a few kilobytes for every batch (8192 rows) that was touched.

    Threads: safe.

    Parameters
    ----------
    path : Path
        The Arrow file.
    reader : pyarrow.RecordBatchFileReader
        Over the mapped file.
    ids : IdFile
        The file beside it. `open` makes all three.
    """

    def __init__(self, path: Path, reader: Any, ids: IdFile) -> None:
        self._path = path
        self._reader = reader
        self._ids = ids
        self._starts: list[int] = ids.starts.tolist()
        self._batches: list[pa.RecordBatch | None] = [None] * (len(ids.starts) - 1)
        self._lock = threading.Lock()
        self._chunked = is_chunked(reader.schema)
        self._own_columns = 3 + (len(CHUNK_COLUMNS) if self._chunked else 0)
        self._documents: Documents | None = None

    @classmethod
    def open(cls, path: "str | os.PathLike[str]") -> Self:
        """Map what `write_ipc` has written; milliseconds, however many documents.

        Parameters
        ----------
        path : path-like
            The Arrow file; the ``.ids`` file is beside it.

        Raises
        ------
        NotFoundError
            One of the two files is missing.
        CorruptIndexError
            A file is cut or damaged; the message names it.
        IncompatibleIndexError
            Written by a newer pyengine.
        StorageError
            The system refused to read.
        """
        import pyarrow as pa

        file = Path(path)
        try:
            size = file.stat().st_size
            reader = pa.ipc.open_file(pa.memory_map(str(file)))
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise refused(file, error) from error
            raise CorruptIndexError(
                f"{file}: expected an Arrow file, got damaged bytes ({error}); {MEND}"
            ) from error
        ids = IdFile.open(file.with_suffix(IDS_SUFFIX), size)
        try:
            names = reader.schema.names
        except UnicodeDecodeError as error:
            raise CorruptIndexError(f"{file}: a column name is damaged ({error}); {MEND}") from error
        batches = len(ids.starts) - 1
        if list(reader.schema)[:3] != list(base_schema()) or reader.num_record_batches != batches:
            raise CorruptIndexError(
                f"{file}: expected columns id, title, text in {batches} batches, got {', '.join(names)} in "
                f"{reader.num_record_batches}; {MEND}"
            )
        if len(ids.rows) != ids.starts[-1] and not is_chunked(reader.schema):
            raise CorruptIndexError(
                f"{ids.path}: expected an id for each of {ids.starts[-1]} rows, as {file} has no columns of "
                f"chunks, got {len(ids.rows)}; {MEND}"
            )
        return cls(file, reader, ids)

    @property
    def id_file(self) -> IdFile:
        """The mapped file that finds rows by id."""
        return self._ids

    @property
    def schema(self) -> "pa.Schema":
        """Columns: ``id``, ``title``, ``text``, those of a chunk if rows are chunks, then metadata."""
        return self._reader.schema

    def __len__(self) -> int:
        """Number of rows."""
        return self._starts[-1]

    @property
    def chunked(self) -> bool:
        """Whether rows are chunks."""
        return self._chunked

    @property
    def n_documents(self) -> int:
        """Number of documents: of rows, unless these are chunks."""
        return len(self._ids.rows)

    @property
    def documents(self) -> Documents:
        """Which rows belong to which document; read once, 4 bytes a row and 4 a document.

        Raises
        ------
        CorruptIndexError
            The id file is damaged.
        """
        if self._documents is None:
            first = np.sort(self._ids.rows)
            sound = (first[1:] > first[:-1]).all() and (first[:1] == 0).all() and (first < len(self)).all()
            if not sound or (len(first) == 0) != (len(self) == 0):
                raise CorruptIndexError(f"{self._ids.path}: the rows of documents are damaged; {MEND}")
            self._documents = Documents(first, len(self))
        return self._documents

    def batches(self, *, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> "Iterator[pa.RecordBatch]":
        """Yield the rows in order, as views of the mapped file.

        Parameters
        ----------
        max_rows, max_bytes : int
            Limits of a batch; stored batches are cut, never joined.

        Raises
        ------
        CorruptIndexError
            The file is damaged.
        """
        for i in range(len(self._batches)):
            yield from halves(self._batch(i), max_rows, max_bytes)

    def id(self, row: int) -> str:
        """Return the id of a row.

        Parameters
        ----------
        row : int

        Raises
        ------
        InvalidInputError
            There is no such row.
        """
        return self._string(row, 0)

    def title(self, row: int) -> str:
        """Return the title of a row, "" where it has none.

        Parameters
        ----------
        row : int

        Raises
        ------
        InvalidInputError
            There is no such row.
        """
        return self._string(row, 1)

    def text(self, row: int) -> str:
        """Return the text of a row.

        Parameters
        ----------
        row : int

        Raises
        ------
        InvalidInputError
            There is no such row.
        """
        return self._string(row, 2)

    def metadata(self, row: int) -> dict[str, Any]:
        """Return the metadata of a row as Python values, None where it has none.

        Parameters
        ----------
        row : int

        Raises
        ------
        InvalidInputError
            There is no such row.
        CorruptIndexError
            The stored value is damaged.
        """
        import pyarrow as pa

        batch, i = self._locate(row)
        values = {}
        own = self._own_columns
        for name, column in zip(batch.schema.names[own:], batch.columns[own:], strict=True):
            try:
                one = column.slice(i, 1)
                # The offsets of nested values are checked before they are followed.
                one.validate(full=True)
                values[name] = one[0].as_py()
            except (pa.ArrowException, ValueError, OverflowError) as error:
                raise CorruptIndexError(
                    f"{self._path}: row {row}, column {name!r}: {error}; {MEND}"
                ) from error
        return values

    def chunk(self, row: int) -> ChunkPlace | None:
        """Return which chunk of its document a row is; None where rows are whole documents.

        Parameters
        ----------
        row : int

        Raises
        ------
        InvalidInputError
            There is no such row.
        """
        batch, i = self._locate(row)
        if not self._chunked:
            return None
        return ChunkPlace(*(batch.column(name)[i].as_py() for name in CHUNK_COLUMNS))

    def ids(self, rows: "Rows | None" = None) -> list[str]:
        """Return the ids of rows, in the order given.

        Parameters
        ----------
        rows : sequence of int, optional
            All rows by default.

        Raises
        ------
        InvalidInputError
            There is no such row.
        """
        if rows is None:
            return [
                value for i in range(len(self._batches)) for value in self._batch(i).column(0).to_pylist()
            ]
        return [self._string(int(row), 0) for row in rows]

    def take(self, rows: Rows) -> "pa.Table":
        """Return rows as a table, in the order given.

        Parameters
        ----------
        rows : sequence of int

        Raises
        ------
        InvalidInputError
            There is no such row.
        """
        import pyarrow as pa

        wanted = self._checked(rows)
        parts = np.searchsorted(self._ids.starts, wanted, side="right") - 1
        order = np.argsort(parts, kind="stable")
        taken = []
        for part in np.unique(parts):
            local = wanted[order][parts[order] == part] - self._ids.starts[part]
            taken.append(self._batch(int(part)).take(pa.array(local)))
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        return pa.Table.from_batches(taken, self.schema).take(pa.array(back))

    def row_of(self, id_: str) -> int:
        """Return the row with an id; the first of the document where rows are chunks.

        Parameters
        ----------
        id_ : str

        Raises
        ------
        NotFoundError
            No document has it.
        """
        row = int(self.rows_of([id_])[0])
        if row == NO_ROW:
            raise NotFoundError(f"id {id_!r}: no document has it; ids are compared exactly, as strings")
        return row

    def rows_of(self, ids: Sequence[str]) -> npt.NDArray[np.uint32]:
        """Return the row of every id; the first of the document where rows are chunks.

        Parameters
        ----------
        ids : sequence of str

        Returns
        -------
        uint32, shape (len(ids),)
            `NO_ROW` for an id that no document has.

        Raises
        ------
        InvalidInputError
            An id is not a string.
        CorruptIndexError
            The id file is damaged.
        """
        wrong = next((value for value in ids if not isinstance(value, str)), None)
        if isinstance(ids, str) or wrong is not None:
            raise InvalidInputError(
                f"ids: expected a sequence of strings, got {ids if wrong is None else wrong!r}"
            )
        found = np.full(len(ids), NO_ROW, dtype=np.uint32)
        starts = self._ids.first_candidates(_hashes(ids))
        # Ids that are nowhere, the usual case when new documents are checked, end here.
        for i in map(int, np.flatnonzero(starts >= 0)):
            for row in self._ids.candidates(int(starts[i])):
                if row >= len(self):
                    raise CorruptIndexError(f"{self._ids.path}: names row {row} of {len(self)}; {MEND}")
                if self._string(int(row), 0) == ids[i]:
                    found[i] = row
        return found

    def verify(self) -> npt.NDArray[np.uint64]:
        """Read all documents, and check them and that the ``.ids`` file finds each.

        Returns
        -------
        uint64, shape (n_documents,)
            The hash of every document's id.

        Raises
        ------
        CorruptIndexError
            A value is damaged, a document lacks chunks, or the ids and their file contradict each other; the
            message names the file.
        """
        batches = map(self._batch, range(len(self._batches)))
        return check_documents(batches, self._path, self._ids, chunked=self._chunked)

    def _checked(self, rows: Rows) -> npt.NDArray[np.uint64]:
        wanted = np.asarray(rows)
        if wanted.size == 0:
            return np.zeros(0, dtype=np.uint64)
        if wanted.dtype.kind not in "iu" or wanted.ndim != 1:
            raise InvalidInputError(
                f"rows: expected whole numbers, got {wanted.dtype} of {wanted.ndim} dimensions"
            )
        wrong = wanted[(wanted < 0) | (wanted >= len(self))]
        if len(wrong):
            raise InvalidInputError(f"row: expected 0 to {len(self) - 1}, got {wrong[0]}")
        return wanted.astype(np.uint64)

    def _locate(self, row: int) -> "tuple[pa.RecordBatch, int]":
        if not 0 <= row < len(self):
            raise InvalidInputError(f"row: expected 0 to {len(self) - 1}, got {row}")
        part = bisect_right(self._starts, row) - 1
        return self._batch(part), row - self._starts[part]

    def _string(self, row: int, column: int) -> str:
        batch, i = self._locate(row)
        try:
            return str(batch.column(column)[i].as_py())
        except UnicodeDecodeError as error:
            name = base_schema().names[column]
            raise CorruptIndexError(f"{self._path}: row {row}, column {name!r}: {error}; {MEND}") from error

    def _batch(self, i: int) -> "pa.RecordBatch":
        batch = self._batches[i]
        if batch is None:
            with self._lock:
                batch = self._batches[i] = self._load(i)
        return batch

    def _load(self, i: int) -> "pa.RecordBatch":
        """Map a batch and check what a damaged file could use to send reads outside of it."""
        import pyarrow as pa

        try:
            batch = self._reader.get_batch(i)
            batch.validate()
        except (pa.ArrowException, OSError) as error:
            raise CorruptIndexError(f"{self._path}: batch {i}: {error}; {MEND}") from error
        rows = self._starts[i + 1] - self._starts[i]
        sound = batch.num_rows == rows and all(_sound(column) for column in batch.columns[:3])
        if not sound:
            raise CorruptIndexError(f"{self._path}: batch {i} of {rows} rows is damaged; {MEND}")
        return batch


def _hashes(ids: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return the hash of every id; an id with a lone surrogate is in no corpus, so any hash does for it."""
    import pyarrow as pa

    if len(ids) > _ONE_BY_ONE:
        try:
            return hash_ids(pa.array(ids, pa.string()))[0]
        except UnicodeEncodeError:
            pass
    return np.array([hash_id(id_.encode(errors="replace").decode()) for id_ in ids], dtype=np.uint64)


def _sound(column: "pa.StringArray") -> bool:
    if column.null_count:
        return False
    offsets, data = string_parts(column)
    return bool(offsets[0] >= 0 and (offsets[1:] >= offsets[:-1]).all() and offsets[-1] <= len(data))
