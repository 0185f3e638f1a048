"""Several stored corpora read as one, without their deleted rows."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pyengine.corpus.batching import MAX_BYTES, MAX_ROWS
from pyengine.corpus.chunks import CHUNK_COLUMNS, ChunkPlace, Documents, is_chunked
from pyengine.corpus.columns import conform, unified
from pyengine.corpus.stored import StoredCorpus
from pyengine.errors import InvalidInputError, NotFoundError
from pyengine.rows import Numbering
from pyengine.types import NO_ROW

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["JoinedCorpus"]


class JoinedCorpus:
    """The documents of several stored corpora that are not deleted, numbered through from 0.

    Reads as `StoredCorpus` does; a column that one part lacks is null there. Memory: that of the parts, and
    12 bytes a deleted row.

    Threads: safe.

    Parameters
    ----------
    parts : sequence of (StoredCorpus, uint32 array)
        Each corpus and its deleted rows, ascending: whole documents. At most one document that is not deleted
        has an id.

    Raises
    ------
    InvalidInputError
        Two parts give a column different types.
    """

    def __init__(self, parts: Sequence[tuple[StoredCorpus, npt.NDArray[np.uint32]]]) -> None:
        self._parts = [(corpus, Numbering(deleted, len(corpus))) for corpus, deleted in parts]
        self._schema = unified(corpus.schema for corpus, _ in parts)
        self._own_columns = 3 + (len(CHUNK_COLUMNS) if is_chunked(self._schema) else 0)
        self._documents: Documents | None = None
        self._starts = [0]
        for _, numbering in self._parts:
            self._starts.append(self._starts[-1] + numbering.n_shown)

    @property
    def schema(self) -> "pa.Schema":
        """Columns: ``id``, ``title``, ``text``, those of a chunk if rows are chunks, then metadata."""
        return self._schema

    def __len__(self) -> int:
        """Number of rows."""
        return self._starts[-1]

    @property
    def chunked(self) -> bool:
        """Whether rows are chunks."""
        return is_chunked(self._schema)

    @property
    def n_documents(self) -> int:
        """Number of documents: of rows, unless these are chunks."""
        return len(self.documents) if self.chunked else len(self)

    @property
    def documents(self) -> Documents:
        """Which rows belong to which document; read once, 4 bytes a row and 4 a document.

        Raises
        ------
        CorruptIndexError
            An id file is damaged.
        """
        if self._documents is None:
            first_rows = [np.empty(0, dtype=np.uint32)]
            for start, (corpus, numbering) in zip(self._starts, self._parts, strict=False):
                stored = corpus.documents.first_rows
                kept = stored[numbering.live()[stored]]
                first_rows.append(numbering.shown(kept) + np.uint32(start))
            self._documents = Documents(np.concatenate(first_rows), len(self))
        return self._documents

    def batches(self, *, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> "Iterator[pa.RecordBatch]":
        """Yield the rows in order, as views of the mapped files where nothing is deleted.

        Parameters
        ----------
        max_rows, max_bytes : int
            As in `StoredCorpus.batches`.

        Raises
        ------
        CorruptIndexError
            A file is damaged.
        """
        for corpus, numbering in self._parts:
            live = corpus.batches(max_rows=max_rows, max_bytes=max_bytes)
            yield from conform(without_rows(live, numbering), self._schema)

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
        corpus, stored = self._locate(row)
        return corpus.id(stored)

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
        corpus, stored = self._locate(row)
        return corpus.title(stored)

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
        corpus, stored = self._locate(row)
        return corpus.text(stored)

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
        corpus, stored = self._locate(row)
        return dict.fromkeys(self._schema.names[self._own_columns :]) | corpus.metadata(stored)

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
        corpus, stored = self._locate(row)
        return corpus.chunk(stored)

    def ids(self, rows: "Sequence[int] | npt.NDArray[np.integer[Any]] | None" = None) -> list[str]:
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
            return [id_ for batch in self.batches() for id_ in batch.column(0).to_pylist()]
        return [self.id(int(row)) for row in rows]

    def take(self, rows: "Sequence[int] | npt.NDArray[np.integer[Any]]") -> "pa.Table":
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

        wanted = np.asarray(rows)
        if wanted.size and (wanted.dtype.kind not in "iu" or wanted.ndim != 1):
            raise InvalidInputError(
                f"rows: expected whole numbers, got {wanted.dtype} of {wanted.ndim} dimensions"
            )
        outside = wanted[(wanted < 0) | (wanted >= len(self))]
        if outside.size:
            raise InvalidInputError(f"row: expected 0 to {len(self) - 1}, got {outside[0]}")
        wanted = wanted.astype(np.int64)
        parts = np.searchsorted(self._starts, wanted, side="right") - 1
        order = np.argsort(parts, kind="stable")
        taken = [pa.Table.from_batches([], self._schema)]
        for part in np.unique(parts):
            corpus, numbering = self._parts[int(part)]
            local = (wanted[order][parts[order] == part] - self._starts[part]).astype(np.uint32)
            table = corpus.take(numbering.stored(local))
            taken.append(pa.Table.from_batches(conform(table.to_batches(), self._schema), self._schema))
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        return pa.concat_tables(taken).take(pa.array(back))

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
            An id file is damaged.
        """
        found = np.full(len(ids), NO_ROW, dtype=np.uint32)
        for start, (corpus, numbering) in zip(self._starts, self._parts, strict=False):
            stored = corpus.rows_of(ids)
            there = (stored != NO_ROW) & ~np.isin(stored, numbering.deleted)
            found[there] = numbering.shown(stored[there]) + np.uint32(start)
        return found

    def _locate(self, row: int) -> tuple[StoredCorpus, int]:
        if not 0 <= row < len(self):
            raise InvalidInputError(f"row: expected 0 to {len(self) - 1}, got {row}")
        # Parts without documents share their start with the next: the last of them is the one with the row.
        part = bisect_right(self._starts, row) - 1
        corpus, numbering = self._parts[part]
        local = np.array([row - self._starts[part]], dtype=np.uint32)
        return corpus, int(numbering.stored(local)[0])


def without_rows(batches: "Iterator[pa.RecordBatch]", numbering: Numbering) -> "Iterator[pa.RecordBatch]":
    """Yield the batches of a corpus without its deleted rows.

    Parameters
    ----------
    batches : iterator of pyarrow.RecordBatch
        All of the corpus, in order.
    numbering : Numbering
    """
    import pyarrow as pa

    done = 0
    deleted = numbering.deleted
    for batch in batches:
        first, last = np.searchsorted(deleted, [done, done + batch.num_rows])
        if first == last:
            yield batch
        else:
            live = np.ones(batch.num_rows, dtype=np.bool_)
            live[deleted[first:last] - done] = False
            yield batch.filter(pa.array(live))
        done += batch.num_rows
