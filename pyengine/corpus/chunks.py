"""The columns of a chunked corpus, and the rule that the chunks of a document are neighbours."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.corpus.schema import CORE
from pyengine.errors import InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CHUNK_COLUMNS", "ChunkPlace", "DocumentStarts", "Documents", "chunk_fields", "is_chunked"]

CHUNK_COLUMNS: Final = ("chunk", "chunks", "start", "end")


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Which chunk of its document a row is, and where it stands there.

    Parameters
    ----------
    chunk : int
        Number of the chunk in its document, from 0.
    chunks : int
        How many chunks the document has.
    start, end : int
        In code points: ``document_text[start:end]`` is the text of the row.
    """

    chunk: int
    chunks: int
    start: int
    end: int


@cache
def chunk_fields() -> "tuple[pa.Field, ...]":
    """Return the four columns; never null, which no column of metadata can promise."""
    import pyarrow as pa

    types = (pa.int32(), pa.int32(), pa.int64(), pa.int64())
    return tuple(
        pa.field(name, kind, nullable=False) for name, kind in zip(CHUNK_COLUMNS, types, strict=True)
    )


def is_chunked(schema: "pa.Schema") -> bool:
    """Whether the rows of a corpus with these columns are chunks."""
    first, last = len(CORE), len(CORE) + len(CHUNK_COLUMNS)
    return schema.names[first:last] == list(CHUNK_COLUMNS) and all(
        schema.field(first + i).equals(field) for i, field in enumerate(chunk_fields())
    )


class Documents:
    """Which rows belong together: the documents of a corpus, numbered from 0 in the order of their rows.

    Parameters
    ----------
    first_rows : uint32 array
        The first row of every document, ascending; the first is 0.
    n_rows : int
        Rows of the corpus.

    Notes
    -----
    Immutable; any number of threads may use one. Memory: 4 bytes a row and 4 a document.
    """

    __slots__ = ("_of", "first_rows", "n_rows")

    def __init__(self, first_rows: npt.NDArray[np.uint32], n_rows: int) -> None:
        self.first_rows = first_rows
        self.n_rows = n_rows
        bounds = np.append(first_rows.astype(np.int64), n_rows)
        numbers = np.arange(len(first_rows), dtype=np.uint32)
        self._of: npt.NDArray[np.uint32] = np.repeat(numbers, bounds[1:] - bounds[:-1])

    def __len__(self) -> int:
        return len(self.first_rows)

    def of(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.uint32]:
        """Return the number of the document that each row belongs to.

        Parameters
        ----------
        rows : int array, any shape
            Rows of the corpus.
        """
        numbers: npt.NDArray[np.uint32] = self._of[rows]
        return numbers

    def rows(self, documents: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
        """Return all rows of documents, document after document.

        Parameters
        ----------
        documents : int array of one dimension
            Numbers of documents.
        """
        first = self.first_rows[documents].astype(np.int64)
        bounds = np.append(self.first_rows.astype(np.int64), self.n_rows)
        counts = bounds[np.asarray(documents, dtype=np.int64) + 1] - first
        before = np.cumsum(counts) - counts
        return np.repeat(first - before, counts) + np.arange(int(counts.sum()))

    def whole(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
        """Return all rows of the documents that have one of these rows, ascending, each once.

        Parameters
        ----------
        rows : int array
        """
        return self.rows(np.unique(self.of(rows)))


class DocumentStarts:
    """Finds the first row of every document in a stream of chunks, and refuses a torn document."""

    def __init__(self) -> None:
        self._next = 0  # number of the chunk that has to come next; 0: a new document
        self._of = 0

    def of(self, batch: "pa.RecordBatch") -> npt.NDArray[np.bool_]:
        """Return which rows of the next batch begin a document.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            In the schema of a chunked corpus.

        Raises
        ------
        InvalidInputError
            Chunks of a document are missing, or not one after the other.
        """
        chunk = batch.column("chunk").to_numpy()
        of = batch.column("chunks").to_numpy()
        first = chunk == 0
        due = np.empty(len(chunk), dtype=np.int64)
        due[:1] = self._next
        due[1:] = np.where(chunk[:-1] + 1 == of[:-1], 0, chunk[:-1] + 1)
        total = np.empty(len(chunk), dtype=np.int64)
        total[:1] = self._of
        total[1:] = of[:-1]
        torn = np.flatnonzero((chunk != due) | (of <= chunk) | (~first & (of != total)))
        if len(torn):
            row = int(torn[0])
            raise InvalidInputError(
                f"batches: document {batch.column('id')[row].as_py()!r}: expected chunk {due[row]} next, got "
                f"chunk {chunk[row]} of {of[row]}; keep all chunks of a document, one after the other"
            )
        if len(chunk):
            self._of = int(of[-1])
            self._next = int(chunk[-1] + 1) % self._of
        return np.asarray(first)

    def end(self) -> None:
        """Refuse a last document that lacks chunks.

        Raises
        ------
        InvalidInputError
            As `of`.
        """
        if self._next:
            raise InvalidInputError(
                f"batches: the last document has {self._next} of {self._of} chunks; keep all chunks of a "
                "document, one after the other"
            )
