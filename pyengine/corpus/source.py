"""`Corpus`: documents as a stream of checked Arrow record batches."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from pyengine.corpus.batching import MAX_BYTES, MAX_ROWS, rebatch
from pyengine.corpus.ids import SeenIds, string_parts
from pyengine.corpus.iterables import Rows
from pyengine.corpus.jsonl import JsonLines
from pyengine.corpus.parquet import ParquetFiles
from pyengine.corpus.report import BadRow, CorpusReport, OnError, Origin, Tally
from pyengine.corpus.rows import Chunk
from pyengine.corpus.schema import Fields
from pyengine.corpus.stored import StoredCorpus
from pyengine.corpus.tables import ArrowStream
from pyengine.errors import InvalidInputError, NotFoundError
from pyengine.types import NO_ROW

if TYPE_CHECKING:
    import pyarrow as pa

    Metadata = Sequence[str] | Mapping[str, pa.DataType] | None

__all__ = ["Corpus"]

StrPath = str | os.PathLike[str]


class _Source(Protocol):
    @property
    def one_shot(self) -> bool: ...
    @property
    def rows_hint(self) -> int | None: ...
    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> Literal["line", "row"]: ...
    @property
    def schema(self) -> "pa.Schema": ...
    def chunks(self, tally: Tally, max_rows: int, max_bytes: int) -> Iterator[Chunk]: ...


class Corpus:
    """Documents with ``id``, ``title``, ``text`` and any metadata, read as a stream.

    Made by one of the ``from_...`` methods. Nothing but the batch at hand, 24 bytes per id and the report
    is held in memory, so a corpus may be larger than memory. ``docs/corpus.md`` lists the formats and what
    every kind of bad input gets.

    Threads: one pass belongs to one thread; passes in several threads do not disturb each other, but the
    report is that of the pass that started last.
    """

    def __init__(self, source: _Source, on_error: OnError) -> None:
        if on_error not in ("raise", "skip"):
            raise InvalidInputError(f"on_error: expected 'raise' or 'skip', got {on_error!r}")
        self._source = source
        self._on_error: OnError = on_error
        self._tally: Tally | None = None
        self._consumed = False
        self._length: int | None = None

    @classmethod
    def from_beir(cls, path: StrPath, *, metadata: "Metadata" = None, on_error: OnError = "raise") -> Self:
        """Read a BEIR folder, or its corpus file: ``{"_id", "title", "text", ...}``, one object per line.

        Parameters
        ----------
        path : path-like
            A folder with ``corpus.jsonl`` or ``corpus.jsonl.gz``, or such a file.
        metadata : None, list of str, or mapping of str to pyarrow.DataType
            Fields to keep beside id, title and text: all (None), the named ones, or the named ones as these
            types. The fields of an object called ``metadata`` count as fields of the row.
        on_error : "raise" or "skip"
            Stop at the first bad row, or leave bad rows out and list them in `report`.

        Raises
        ------
        NotFoundError
            There is no such folder or file.
        InvalidInputError
            An argument is wrong. Bad rows are found by `batches`.
        StorageError
            The system refused to read it.
        """
        folder = Path(path)
        if folder.is_dir():
            names = ("corpus.jsonl", "corpus.jsonl.gz")
            found = next((folder / name for name in names if (folder / name).is_file()), None)
            if found is None:
                raise NotFoundError(
                    f"{folder}: expected corpus.jsonl or corpus.jsonl.gz in it, found neither"
                )
            folder = found
        return cls(JsonLines([folder], Fields("_id", "title", "text", metadata)), on_error)

    @classmethod
    def from_jsonl(
        cls,
        paths: StrPath | Sequence[StrPath],
        *,
        id: str = "id",
        title: str = "title",
        text: str = "text",
        metadata: "Metadata" = None,
        on_error: OnError = "raise",
    ) -> Self:
        """Read JSON Lines files, plain or gzip-compressed, in the order given.

        Parameters
        ----------
        paths : path-like or sequence of path-like
            The files.
        id, title, text : str
            Names of the fields that hold them. The title may be missing or null.
        metadata : None, list of str, or mapping of str to pyarrow.DataType
            As in `from_beir`. Unless all types are given, the files are read once more to find them.
        on_error : "raise" or "skip"
            As in `from_beir`.

        Raises
        ------
        NotFoundError, InvalidInputError, StorageError
            As in `from_beir`.
        """
        return cls(JsonLines(_paths(paths), Fields(id, title, text, metadata)), on_error)

    @classmethod
    def from_parquet(
        cls,
        paths: StrPath | Sequence[StrPath],
        *,
        id: str = "id",
        title: str = "title",
        text: str = "text",
        metadata: "Metadata" = None,
        on_error: OnError = "raise",
    ) -> Self:
        """Read Parquet files, only the columns that are needed.

        Parameters
        ----------
        paths : path-like or sequence of path-like
            Files, or one folder whose ``*.parquet`` files (at any depth) are read in the order of their
            paths.
        id, title, text : str
            Names of the columns that hold them; there may be no title column.
        metadata : None, list of str, or mapping of str to pyarrow.DataType
            Columns to keep: all others (None), the named ones, or the named ones cast to these types.
        on_error : "raise" or "skip"
            As in `from_beir`.

        Raises
        ------
        NotFoundError, InvalidInputError, StorageError
            As in `from_beir`; also when a file is no Parquet, lacks a column or has one of an unfit type.
        """
        files = _paths(paths)
        if len(files) == 1 and files[0].is_dir():
            folder = files[0]
            files = sorted(file for file in folder.rglob("*.parquet") if file.is_file())
            if not files:
                raise NotFoundError(f"{folder}: expected *.parquet files in it, found none")
        return cls(ParquetFiles(files, Fields(id, title, text, metadata)), on_error)

    @classmethod
    def from_arrow(
        cls,
        data: Any,
        *,
        id: str = "id",
        title: str = "title",
        text: str = "text",
        metadata: "Metadata" = None,
        on_error: OnError = "raise",
    ) -> Self:
        """Read Arrow data: a table in memory, or a stream.

        Parameters
        ----------
        data : pyarrow.Table, RecordBatch, RecordBatchReader, or any object with ``__arrow_c_stream__``
            A `RecordBatchReader` can be read once only.
        id, title, text, metadata, on_error
            As in `from_parquet`.

        Raises
        ------
        InvalidInputError
            As in `from_parquet`.
        """
        return cls(ArrowStream(data, Fields(id, title, text, metadata)), on_error)

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[Mapping[str, Any]],
        *,
        id: str = "id",
        title: str = "title",
        text: str = "text",
        metadata: "Metadata" = None,
        on_error: OnError = "raise",
    ) -> Self:
        """Read mappings, for example dicts from a list, a generator or a database cursor.

        Parameters
        ----------
        rows : iterable of mappings
            A list is iterated twice, the first time to find the metadata types. A generator can be read once
            only; its first 10,000 rows (or 16 million characters) fix the metadata columns.
        id, title, text, metadata, on_error
            As in `from_jsonl`.

        Raises
        ------
        InvalidInputError
            As in `from_jsonl`.
        """
        return cls(Rows(rows, Fields(id, title, text, metadata)), on_error)

    @staticmethod
    def open_ipc(path: StrPath) -> StoredCorpus:
        """Open a corpus written by `write_ipc`, memory-mapped; see `StoredCorpus.open`.

        Parameters
        ----------
        path : path-like
            The Arrow file.
        """
        return StoredCorpus.open(path)

    @property
    def schema(self) -> "pa.Schema":
        """Columns: ``id``, ``title``, ``text`` (string, never null), then metadata.

        Raises
        ------
        InvalidInputError
            A metadata field has no type a column can have. Files may have to be read to find that out.
        """
        return self._source.schema

    @property
    def rows_hint(self) -> int | None:
        """Rows of the input where that is known without reading it (bad ones included), else None."""
        return self._source.rows_hint

    @property
    def report(self) -> CorpusReport:
        """What the latest pass has seen so far; all zero before the first."""
        return self._tally.report() if self._tally is not None else CorpusReport()

    def batches(self, *, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> "Iterator[pa.RecordBatch]":
        """Yield the documents in order, as record batches in `schema`.

        Parameters
        ----------
        max_rows : int, 1 to 2**30
            Rows in a batch. 8192: small enough to stream, large enough that the cost per batch vanishes.
        max_bytes : int, 1 to 2**30
            Bytes in a batch, about; 16 MiB. A single row may exceed it.

        Raises
        ------
        InvalidInputError
            A bad row with ``on_error="raise"``, or a second pass over what can be read once only.
        StorageError
            The system refused to read on.
        """
        for name, value, most in (("max_rows", max_rows, 1 << 30), ("max_bytes", max_bytes, 1 << 30)):
            if not 1 <= value <= most:
                raise InvalidInputError(f"{name}: expected 1 to {most}, got {value}")
        if self._source.one_shot:
            if self._consumed:
                raise InvalidInputError(
                    f"{self._source.name}: can be read once only, and was; pass a list or a table, or keep "
                    "the "
                    "documents with write_ipc and read that"
                )
            self._consumed = True
        tally = Tally(self._on_error, Origin(self._source.unit))
        self._tally = tally
        return self._pass(tally, max_rows, max_bytes)

    def ids(self) -> list[str]:
        """Return all ids in order; reads the whole corpus.

        Raises
        ------
        InvalidInputError, StorageError
            As `batches`.
        """
        return [id_ for batch in self.batches() for id_ in batch.column(0).to_pylist()]

    def __len__(self) -> int:
        """Number of documents; reads the whole corpus unless a pass has been completed.

        Raises
        ------
        InvalidInputError, StorageError
            As `batches`.
        """
        if self._length is None:
            for _ in self.batches():
                pass
        return self._length or 0

    def __bool__(self) -> bool:
        """Return True, also for an empty corpus: finding out its length may mean reading all of it."""
        return True

    def _pass(self, tally: Tally, max_rows: int, max_bytes: int) -> "Iterator[pa.RecordBatch]":
        chunks = self._source.chunks(tally, max_rows, max_bytes)
        for batch in rebatch(_admitted(chunks, tally), max_rows, max_bytes):
            _count(batch, tally)
            yield batch
        tally.complete = True
        self._length = tally.rows


def _admitted(chunks: Iterator[Chunk], tally: Tally) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of chunks without those whose id came before; report the bad ones in order."""
    import pyarrow as pa

    seen = SeenIds()
    for chunk in chunks:
        ids = chunk.batch.column(0)
        twice = seen.add(ids, chunk.ordinals)
        bad = list(chunk.bad)
        for row, first in twice:
            message = (
                f"duplicate id {ids[row].as_py()!r}, first in {tally.origin.where(first)}; "
                "give every document its own id"
            )
            bad.append(BadRow(int(chunk.ordinals[row]), "duplicate-id", message))
        tally.reject(bad)
        tally.integer_ids += chunk.integer_ids
        if twice:
            repeated = {row for row, _ in twice}
            keep = [row not in repeated for row in range(chunk.batch.num_rows)]
            yield chunk.batch.filter(pa.array(keep))
        else:
            yield chunk.batch


def _count(batch: "pa.RecordBatch", tally: Tally) -> None:
    tally.rows += batch.num_rows
    if tally.rows > NO_ROW:
        raise InvalidInputError(f"expected at most {NO_ROW} documents in one corpus; split it")
    for column in batch.columns[:3]:
        offsets, _ = string_parts(column)
        tally.bytes += int(offsets[-1]) - int(offsets[0])
    tally.empty_text += int((offsets[1:] == offsets[:-1]).sum())


def _paths(paths: StrPath | Sequence[StrPath]) -> list[Path]:
    listed = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not listed:
        raise InvalidInputError("paths: expected at least one file, got none")
    return [Path(path) for path in listed]
