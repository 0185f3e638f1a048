"""Rows that come as Python mappings (JSON lines, generators) become checked record batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pyengine.corpus.ids import string_parts
from pyengine.corpus.report import BadRow
from pyengine.corpus.schema import MAX_ID_BYTES, MAX_TEXT_BYTES, Column, Fields, base_schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Chunk", "Collector", "RowChecker", "checked_flatten"]

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that got in, with their places, and those that did not.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        In the corpus schema; every row valid but for ids that may repeat.
    ordinals : int64, shape (batch.num_rows,)
        Place of each row, ascending.
    bad : list of BadRow
        Rows left out between them.
    integer_ids : int
        Rows of ``batch`` whose id was a number.
    """

    batch: "pa.RecordBatch"
    ordinals: npt.NDArray[np.int64]
    bad: list[BadRow]
    integer_ids: int


def _flatten(row: Row) -> Row | str:
    """Return the row with the fields of an object named ``metadata`` as fields of their own.

    That is how BEIR writes metadata. A name on both levels makes the row bad: the sentence that says so is
    returned.
    """
    inner = row.get("metadata")
    if inner is None:
        inner = {}
    elif not isinstance(inner, Mapping):
        return row
    both = row.keys() & inner.keys()
    if both:
        return (
            f"field {min(both)!r} stands in the row and in its 'metadata' object; rename one of them, or "
            "move "
            "the fields of 'metadata' up"
        )
    flat = {name: value for name, value in row.items() if name != "metadata"}
    flat.update(inner)
    return flat


class RowChecker:
    """Turns mappings into chunks: at the speed of C while all is well, row by row where something is not.

    Parameters
    ----------
    fields : Fields
        Names of the input fields.
    columns : sequence of Column
        The metadata columns.
    """

    def __init__(self, fields: Fields, columns: Sequence[Column]) -> None:
        import pyarrow as pa

        self._fields = fields
        self._columns = tuple(columns)
        self._known = fields.core | {column.name for column in columns}
        self._closed = fields.metadata is None
        metadata = [pa.field(column.name, column.type) for column in columns]
        self.schema: pa.Schema = pa.schema([*base_schema(), *metadata])

    def check(self, rows: Sequence[Row], ordinals: Sequence[int], bad: list[BadRow]) -> Chunk:
        """Return a chunk of rows.

        Parameters
        ----------
        rows : sequence of dict
        ordinals : sequence of int
            Their places, ascending.
        bad : list of BadRow
            Rows the reader has refused already.
        """
        arrays = self._arrays(rows)
        if arrays is None:
            good: list[int] = []
            bad = list(bad)
            for i, row in enumerate(rows):
                problem = self._problem(row)
                if problem is None:
                    good.append(i)
                else:
                    bad.append(BadRow(ordinals[i], *problem))
            rows, ordinals = [rows[i] for i in good], [ordinals[i] for i in good]
            arrays = self._arrays(rows)
            if arrays is None:
                raise AssertionError("rows that passed one by one fail together")
        import pyarrow as pa

        integers = sum(type(row[self._fields.id]) is not str for row in rows)
        return Chunk(
            pa.RecordBatch.from_arrays(arrays, schema=self.schema),
            np.array(ordinals, dtype=np.int64),
            bad,
            integers,
        )

    def _arrays(self, rows: Sequence[Row]) -> "list[pa.Array] | None":
        """Return the columns, or None if any row is bad."""
        if self._closed and not all(map(self._known.issuperset, rows)):
            return None
        fields = self._fields
        ids = [row.get(fields.id) for row in rows]
        if not set(map(type, ids)) <= {str} and all(map(_is_id, ids)):
            ids = [str(value) for value in ids]
        # A missing title is an empty one, but a title that is 0 or False is a mistake.
        titles = ["" if title is None else title for title in (row.get(fields.title) for row in rows)]
        texts = [row.get(fields.text) for row in rows]
        columns = [
            _strings(ids, MAX_ID_BYTES) if all(ids) else None,
            _strings(titles, MAX_TEXT_BYTES),
            _strings(texts, MAX_TEXT_BYTES),
            *(column.array([row.get(column.name) for row in rows]) for column in self._columns),
        ]
        arrays = [column for column in columns if column is not None]
        return arrays if len(arrays) == len(columns) else None

    def _problem(self, row: Row) -> tuple[str, str] | None:
        """Return ``(reason, sentence)`` of what is wrong with a row, the first thing only."""
        fields = self._fields
        problem = self._id_problem(row) or self._text_problem(row, fields.text, required=True)
        problem = problem or self._text_problem(row, fields.title, required=False)
        if problem is not None:
            return problem
        if self._closed and not self._known.issuperset(row):
            name = min(map(str, row.keys() - self._known))
            return "unknown-field", (
                f"field {name!r} did not occur in the rows that fixed the columns; name the fields to keep "
                f"and their types with metadata={{{name!r}: pyarrow.string(), ...}}"
            )
        for column in self._columns:
            message = column.problem(row.get(column.name))
            if message is not None:
                return "metadata-type", message
        return None

    def _id_problem(self, row: Row) -> tuple[str, str] | None:
        name = self._fields.id
        value = row.get(name)
        if value is None:
            other = next((other for other in ("_id", "id", "doc_id", "docid") if other in row), None)
            mend = f"say id={other!r}" if other not in (None, name) else "give every row an id"
            return "missing-id", f"field {name!r}: expected an id, got none; {mend}"
        if not _is_id(value):
            return "id-type", (
                f"field {name!r}: expected a string (or a whole number), got {type(value).__name__} "
                f"{_short(value)}; write ids as strings"
            )
        text = str(value)
        if not text:
            return "empty-id", f"field {name!r}: expected an id, got an empty string; give every row an id"
        return _string_problem(name, text, MAX_ID_BYTES, "id-too-long")

    def _text_problem(self, row: Row, name: str, *, required: bool) -> tuple[str, str] | None:
        value = row.get(name)
        kind = "text" if required else "title"
        if value is None:
            if not required:
                return None
            return "missing-text", (
                f"field {name!r}: expected a string, got {'null' if name in row else 'no such field'}; "
                "write an empty string for a document without text, or name the field with text=..."
            )
        if not isinstance(value, str):
            return f"{kind}-type", (
                f"field {name!r}: expected a string, got {type(value).__name__} {_short(value)}; "
                f"write the {kind} as a string"
            )
        return _string_problem(name, value, MAX_TEXT_BYTES, f"{kind}-too-long")


class Collector:
    """Gathers rows until they make a chunk.

    Parameters
    ----------
    checker : RowChecker
    max_rows, max_bytes : int
        Size of a chunk; a single row may exceed ``max_bytes``.
    """

    def __init__(self, checker: RowChecker, max_rows: int, max_bytes: int) -> None:
        self._checker = checker
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._clear()

    def _clear(self) -> None:
        self._rows: list[Row] = []
        self._ordinals: list[int] = []
        self._size = 0
        self.bad: list[BadRow] = []

    def has_room(self, size: int) -> bool:
        """Whether a row of ``size`` bytes still goes in."""
        if len(self._rows) >= self._max_rows or len(self.bad) >= self._max_rows:
            return False
        return not self._rows or self._size + size <= self._max_bytes

    def add(self, row: Row, ordinal: int, size: int) -> None:
        """Put a row in.

        Parameters
        ----------
        row : dict
        ordinal : int
            Its place.
        size : int
            Its bytes, about.
        """
        self._rows.append(row)
        self._ordinals.append(ordinal)
        self._size += size

    def take(self) -> Chunk:
        """Return what is there as a chunk and start the next one."""
        chunk = self._checker.check(self._rows, self._ordinals, self.bad)
        self._clear()
        return chunk


def checked_flatten(
    row: object, ordinal: int, bad: list[BadRow], describe: Callable[[object], str]
) -> Row | None:
    """Return a mapping ready for `RowChecker`, or None after adding to ``bad``.

    Parameters
    ----------
    row : object
        What the source gave.
    ordinal : int
        Its place.
    bad : list of BadRow
        Gets the row if it is no mapping or contradicts itself.
    describe : callable
        Makes the sentence about what is no mapping.
    """
    if type(row) is not dict:
        if not isinstance(row, Mapping):
            bad.append(BadRow(ordinal, "not-an-object", describe(row)))
            return None
        row = dict(row)
    if "metadata" not in row:
        return row
    flat = _flatten(row)
    if isinstance(flat, str):
        bad.append(BadRow(ordinal, "field-conflict", flat))
        return None
    return flat


def _strings(values: Sequence[object], limit: int) -> "pa.StringArray | None":
    """Return strings as an Arrow array, or None if any of them is no string, no Unicode or too long."""
    import pyarrow as pa

    if not all(issubclass(kind, str) for kind in set(map(type, values))):
        return None
    try:
        array = pa.array(values, pa.string())
    except UnicodeEncodeError:
        return None
    offsets, _ = string_parts(array)
    return array if int(np.diff(offsets).max(initial=0)) <= limit else None


def _is_id(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, int | np.integer) and not isinstance(value, bool))


def _string_problem(name: str, value: str, limit: int, reason: str) -> tuple[str, str] | None:
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        return "lone-surrogate", (
            f"field {name!r}: expected Unicode text, got the lone surrogate "
            f"U+{ord(value[error.start]):04X} at character {error.start}; it is half of a pair that was cut, "
            "mend it where the text comes from"
        )
    if size > limit:
        return reason, f"field {name!r}: expected at most {limit} bytes, got {size}; split it or cut it"
    return None


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
