"""`write_ipc`: documents to an Arrow IPC file and the file that finds rows by id."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pyengine.corpus.batching import MAX_BYTES, MAX_ROWS, rebatch
from pyengine.corpus.chunks import DocumentStarts, is_chunked
from pyengine.corpus.idfile import IdFile
from pyengine.corpus.ids import hash_ids
from pyengine.corpus.schema import base_schema
from pyengine.corpus.source import Corpus
from pyengine.corpus.stored import IDS_SUFFIX, StoredCorpus
from pyengine.errors import InvalidInputError, StorageError
from pyengine.types import NO_ROW

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["write_ipc"]


def write_ipc(
    batches: "Corpus | StoredCorpus | Iterable[pa.RecordBatch]",
    path: "str | os.PathLike[str]",
    *,
    schema: "pa.Schema | None" = None,
) -> int:
    """Write documents as an Arrow IPC file, and beside it the file that finds rows by id.

    The two files are ``path`` and ``path`` with the suffix ``.ids``. Streaming: one batch is held at a
    time, and 8 bytes per document for the ids (about 32 while they are sorted at the end). Neither file is
    forced to the device; `pyengine.store` does that when it publishes them.

    Parameters
    ----------
    batches : Corpus, StoredCorpus, or iterable of pyarrow.RecordBatch
        The documents, in the schema of a corpus; or their chunks, in that of `Chunker.schema`.
    path : path-like
        The Arrow file; overwritten when there.
    schema : pyarrow.Schema, optional
        Columns of an iterable that may be empty. By default those of the first batch.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    InvalidInputError
        Batches differ in their columns, two documents have one id, chunks of a document are missing or
        apart, or there are 2**32 - 1 rows or more. No file is left behind.
    StorageError
        The system refused to write (full disk, permissions). No file is left behind.
    """
    target = Path(path)
    if isinstance(batches, Corpus | StoredCorpus):
        schema = batches.schema
        batches = batches.batches()
    source = iter(batches)
    first = next(source, None)
    if first is not None:
        source = chain((first,), source)
    columns = schema or (first.schema if first is not None else base_schema())
    if columns.names[:3] != base_schema().names or any(field.type != "string" for field in list(columns)[:3]):
        raise InvalidInputError(
            f"batches: expected columns id, title, text (strings) and metadata, got {columns.names}; "
            "read the documents with a Corpus"
        )
    ids = target.with_suffix(IDS_SUFFIX)
    try:
        starts, hashes, first_rows = _write_arrow(source, target, columns)
        rows = starts[-1]
        with _writing(ids):
            IdFile.write(ids, starts, hashes, target.stat().st_size, first_rows)
        _refuse_repeated(target)
    except BaseException:
        for file in (target, ids):
            with contextlib.suppress(OSError):
                file.unlink()
        raise
    return rows


def _write_arrow(
    source: "Iterator[pa.RecordBatch]", target: Path, schema: "pa.Schema"
) -> tuple[list[int], list[npt.NDArray[np.uint64]], npt.NDArray[np.uint32] | None]:
    """Write the Arrow file; return batch starts, hashes of the documents' ids and, for chunks, first rows."""
    import pyarrow as pa

    starts: list[int] = [0]
    hashes: list[npt.NDArray[np.uint64]] = []
    documents = DocumentStarts() if is_chunked(schema) else None
    first_rows: list[npt.NDArray[np.uint32]] = []
    with _writing(target):
        sink = pa.OSFile(str(target), "wb")
    # Closed by hand: an error of closing after an error of writing would hide the first one.
    open_files: list[Any] = [sink]
    try:
        with _writing(target):
            writer = pa.ipc.new_file(sink, schema)
        open_files.insert(0, writer)
        for batch in rebatch(_of_schema(source, schema), MAX_ROWS, MAX_BYTES):
            with _writing(target):
                writer.write_batch(batch)
            ids = batch.column(0)
            if documents is not None:
                first = np.flatnonzero(documents.of(batch))
                first_rows.append((starts[-1] + first).astype(np.uint32))
                ids = ids.take(pa.array(first))
            hashes.append(hash_ids(ids)[0])
            starts.append(starts[-1] + batch.num_rows)
            if starts[-1] >= NO_ROW:
                raise InvalidInputError(f"batches: expected fewer than {NO_ROW} rows; split them")
        if documents is not None:
            documents.end()
        with _writing(target):
            while open_files:
                open_files.pop(0).close()
    finally:
        for file in open_files:
            with contextlib.suppress(OSError, ValueError):
                file.close()
    if documents is None:
        return starts, hashes, None
    return starts, hashes, np.concatenate([np.empty(0, dtype=np.uint32), *first_rows])


def _of_schema(batches: "Iterator[pa.RecordBatch]", schema: "pa.Schema") -> "Iterator[pa.RecordBatch]":
    for i, batch in enumerate(batches):
        if not batch.schema.equals(schema):
            raise InvalidInputError(
                f"batches: batch {i}: expected the columns "
                f"{', '.join(f'{f.name} {f.type}' for f in schema)}, got "
                f"{', '.join(f'{f.name} {f.type}' for f in batch.schema)}; read all documents with one "
                "Corpus, or "
                "cast the batches"
            )
        yield batch


def _refuse_repeated(target: Path) -> None:
    """Raise for an id that two documents have; equal hashes of different ids are fine."""
    stored = StoredCorpus.open(target)
    hashes, rows = stored.id_file.hashes, stored.id_file.rows
    for i in np.flatnonzero(hashes[1:] == hashes[:-1]):
        for j in range(int(i) + 1, len(hashes)):
            if hashes[j] != hashes[i]:
                break
            id_ = stored.id(int(rows[i]))
            if stored.id(int(rows[j])) == id_:
                raise InvalidInputError(
                    f"batches: id {id_!r} stands in rows {rows[i]} and {rows[j]}; give every document its "
                    "own id"
                )


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except OSError as error:
        result = StorageError(
            f"{path}: cannot write it ({error.strerror or error}); free some space or check the permissions, "
            "and try again"
        )
        result.errno = error.errno
        raise result from error
    except pa.ArrowException as error:
        raise InvalidInputError(
            f"batches: cannot be stored in an Arrow file ({error}); read the documents with a Corpus"
        ) from error
