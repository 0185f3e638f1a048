"""Arrow and Parquet: columns are checked by Arrow's kernels, row by row only where something is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from pyengine.corpus.batching import halves
from pyengine.corpus.ids import string_parts
from pyengine.corpus.report import BadRow, Origin, Tally
from pyengine.corpus.rows import Chunk
from pyengine.corpus.schema import MAX_ID_BYTES, MAX_TEXT_BYTES, Fields, base_schema
from pyengine.errors import InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ArrowStream", "TableChecker", "guarded"]


class ArrowStream:
    """Reads anything that gives Arrow record batches.

    Parameters
    ----------
    data : pyarrow.Table, RecordBatch, RecordBatchReader or an object with ``__arrow_c_stream__``
    fields : Fields
        Names of the input columns.
    """

    name: Final = "Arrow data"
    unit: Final[Literal["line", "row"]] = "row"

    def __init__(self, data: Any, fields: Fields) -> None:
        import pyarrow as pa

        self.one_shot = isinstance(data, pa.RecordBatchReader)
        self.rows_hint = data.num_rows if isinstance(data, pa.Table | pa.RecordBatch) else None
        try:
            if not hasattr(data, "__arrow_c_stream__") and hasattr(data, "__arrow_c_array__"):
                data = pa.Table.from_batches([pa.record_batch(data)])
            reader = data if self.one_shot else pa.RecordBatchReader.from_stream(data)
        except (pa.ArrowException, TypeError) as error:
            raise InvalidInputError(
                "data: expected a pyarrow Table, RecordBatch or RecordBatchReader, or another object with "
                f"__arrow_c_stream__ that gives columns, got {type(data).__name__}"
            ) from error
        self._columns = reader.schema
        # Asked for to see the columns, but good for the first pass: some producers give a stream only once.
        self._unused = [reader]
        self._data = data
        self._fields = fields

    @property
    def schema(self) -> "pa.Schema":
        """Columns of the corpus."""
        return self._checker.schema

    @cached_property
    def _checker(self) -> "TableChecker":
        return TableChecker(self._columns, self._fields, self.name)

    def chunks(self, tally: Tally, max_rows: int, max_bytes: int) -> Iterator[Chunk]:
        """Yield the rows, checked but for repeated ids.

        Parameters
        ----------
        tally : Tally
            Counts the pass.
        max_rows, max_bytes : int
            Size of a chunk, about.
        """
        import pyarrow as pa

        checker = self._checker
        try:
            reader = self._unused.pop()
        except IndexError:
            reader = pa.RecordBatchReader.from_stream(self._data)
        tally.origin.begin(self.name, 0)
        ordinal = 0
        for batch in guarded(reader, tally.origin, 0):
            for part in halves(batch, max_rows, max_bytes):
                yield checker.check(part, ordinal)
                ordinal += part.num_rows


class TableChecker:
    """Turns record batches of one input schema into chunks of the corpus schema.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the input.
    fields : Fields
        Names of the input columns.
    name : str
        Of the input, for messages.

    Raises
    ------
    InvalidInputError
        A column is missing, or of a type that cannot be what it should be.
    """

    def __init__(self, schema: Any, fields: Fields, name: str) -> None:
        import pyarrow as pa

        self._fields = fields
        self._name = name
        twice = next((column for column in schema.names if schema.names.count(column) > 1), None)
        if twice is not None:
            raise InvalidInputError(f"{name}: column {twice!r} stands twice; rename one of them")
        for column, kind in ((fields.id, "id"), (fields.text, "text")):
            if column not in schema.names:
                raise InvalidInputError(
                    f"{name}: expected a column {column!r}, got {', '.join(schema.names) or 'no columns'}; "
                    f"say which one it is with {kind}=..."
                )
        for column in fields.core & set(schema.names):
            is_id = column == fields.id
            if not _is_text(schema.field(column).type) and not (
                is_id and pa.types.is_integer(schema.field(column).type)
            ):
                raise InvalidInputError(
                    f"{name}: column {column!r}: expected strings{' or whole numbers' if is_id else ''}, got "
                    f"{schema.field(column).type}; cast the column, or say which one it is with "
                    f"{'id' if is_id else 'title' if column == fields.title else 'text'}=..."
                )
        self._metadata = self._metadata_types(schema)
        self.schema: pa.Schema = pa.schema(
            [*base_schema(), *(pa.field(column, kind) for column, kind in self._metadata.items())]
        )
        self.columns = (fields.id, fields.title, fields.text, *self._metadata)

    def _metadata_types(self, schema: Any) -> "dict[str, pa.DataType]":
        fields = self._fields
        wanted: Mapping[str, Any] | Sequence[str] = (
            [column for column in schema.names if column not in fields.core]
            if fields.metadata is None
            else fields.metadata
        )
        types = {}
        for column in wanted:
            if column not in schema.names:
                raise InvalidInputError(
                    f"metadata: expected columns of {self._name}, but it has no {column!r}; it has "
                    f"{', '.join(schema.names)}"
                )
            fields.check_name(column)
            given = wanted[column] if isinstance(wanted, Mapping) else None
            types[column] = given if given is not None else _plain_type(schema.field(column).type)
        return types

    def check(self, batch: "pa.RecordBatch", ordinal: int) -> Chunk:
        """Return a chunk of a batch whose first row has the place ``ordinal``."""
        import pyarrow as pa

        bad: dict[int, tuple[str, str]] = {}
        fields = self._fields
        ids = self._strings(batch, fields.id, bad, required="id", limit=MAX_ID_BYTES)
        titles = self._strings(batch, fields.title, bad, required="", limit=MAX_TEXT_BYTES)
        texts = self._strings(batch, fields.text, bad, required="text", limit=MAX_TEXT_BYTES)
        arrays = [ids, titles, texts]
        arrays += [self._metadata_column(batch, name, kind, bad) for name, kind in self._metadata.items()]
        places = np.arange(ordinal, ordinal + batch.num_rows, dtype=np.int64)
        checked = pa.RecordBatch.from_arrays(arrays, names=self.schema.names)
        if bad:
            keep = np.ones(batch.num_rows, dtype=bool)
            keep[list(bad)] = False
            checked = checked.filter(pa.array(keep))
            places = places[keep]
        integers = len(places) if pa.types.is_integer(batch.schema.field(fields.id).type) else 0
        return Chunk(
            pa.RecordBatch.from_arrays(checked.columns, schema=self.schema),
            places,
            [BadRow(ordinal + row, *problem) for row, problem in bad.items()],
            integers,
        )

    def _strings(
        self, batch: Any, name: str, bad: dict[int, tuple[str, str]], *, required: str, limit: int
    ) -> "pa.StringArray":
        """Return a column as strings without nulls, noting the rows where that cannot be."""
        import pyarrow as pa

        if name not in batch.schema.names:
            return pa.array([""] * batch.num_rows, pa.string())
        column = batch.column(name)
        if required and column.null_count:
            for row in np.flatnonzero(column.is_null()):
                message = (
                    f"column {name!r}: expected {_article(required)}, got null; fill it or leave the row out"
                )
                bad.setdefault(int(row), (f"missing-{required}", message))
        strings = _as_strings(column, name, bad)
        if strings.null_count:
            strings = strings.fill_null("")
        lengths = np.diff(string_parts(strings)[0])
        kind = required or "title"
        for row in np.flatnonzero(lengths > limit):
            message = (
                f"column {name!r}: expected at most {limit} bytes, got {lengths[row]}; split it or cut it"
            )
            bad.setdefault(int(row), (f"{kind}-too-long", message))
        if required == "id":
            for row in np.flatnonzero(lengths == 0):
                message = f"column {name!r}: expected an id, got an empty string; give every row an id"
                bad.setdefault(int(row), ("empty-id", message))
        return strings

    def _metadata_column(
        self, batch: Any, name: str, kind: "pa.DataType", bad: dict[int, tuple[str, str]]
    ) -> "pa.Array":
        import pyarrow as pa

        if name not in batch.schema.names:
            return pa.nulls(batch.num_rows, kind)
        column = batch.column(name)

        def convert(part: Any) -> Any:
            part = part if part.type == kind else part.cast(kind)
            part.validate(full=True)
            return part

        try:
            return convert(column)
        except pa.ArrowException as error:
            parts = []
            sound = 0
            for row in range(len(column)):
                try:
                    parts.append(convert(column.slice(row, 1)))
                    sound += 1
                except pa.ArrowException as reason:
                    message = (
                        f"column {name!r}: expected {kind}, got a value of type {column.type} that is not "
                        f"({reason}); give another type with metadata=, or leave the column out of "
                        "metadata=[...]"
                    )
                    bad.setdefault(row, ("metadata-type", message))
                    parts.append(pa.nulls(1, kind))
            if sound == len(column):
                raise InvalidInputError(f"{self._name}: column {name!r}: {error}; cast the column") from error
            return pa.concat_arrays(parts)


def guarded(batches: Any, origin: Origin, ordinal: int) -> "Iterator[pa.RecordBatch]":
    """Yield batches, turning a failure of the reader into an error that says how far it came.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
    origin : Origin
        Names the place.
    ordinal : int
        Place of the first row.
    """
    import pyarrow as pa

    source = iter(batches)
    while True:
        try:
            batch = next(source, None)
        except (pa.ArrowException, OSError) as error:
            raise InvalidInputError(
                f"{origin.where(ordinal)}: the data cannot be read from here on ({error}); write it again"
            ) from error
        if batch is None:
            return
        yield batch
        ordinal += batch.num_rows


def _as_strings(column: Any, name: str, bad: dict[int, tuple[str, str]]) -> "pa.StringArray":
    """Return a text or integer column as an Arrow string array of valid UTF-8."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_integer(column.type):
        return column.cast(pa.string())
    if column.type != pa.string():
        # By way of binary, because Arrow checks UTF-8 in some casts only; the check follows below.
        column = column.cast(pa.binary()).view(pa.string())
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        values = []
        for row, raw in enumerate(column.view(pa.binary()).to_pylist()):
            try:
                values.append(None if raw is None else raw.decode())
            except UnicodeDecodeError as error:
                message = (
                    f"column {name!r}: expected UTF-8, got the byte 0x{raw[error.start]:02X} at byte "
                    f"{error.start + 1}; mend it where the data was written"
                )
                bad.setdefault(row, ("bad-utf8", message))
                values.append("")
        column = pa.array(values, pa.string())
    return column


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_null,
    )
    return any(test(kind) for test in tests)


def _plain_type(kind: Any) -> Any:
    """Return the type a metadata column is stored as.

    Dictionaries differ between batches, and not every reader knows views, so both become plain.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_null(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return pa.binary() if pa.types.is_binary_view(kind) else kind


def _article(name: str) -> str:
    return "an id" if name == "id" else "a string"
