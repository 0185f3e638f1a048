"""Rows that come from a Python iterable of mappings."""

from collections.abc import Iterable, Iterator, Sized
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

from pyengine.corpus.report import BadRow, Origin, Tally
from pyengine.corpus.rows import Chunk, Collector, Row, RowChecker, checked_flatten
from pyengine.corpus.schema import Column, Fields, given_columns, infer_columns
from pyengine.errors import InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Rows"]

SAMPLE_ROWS: Final = 10_000
"""Rows of a one-shot iterable that are held back to find its metadata columns."""
_SAMPLE_CHARACTERS: Final = 1 << 24


class Rows:
    """Reads mappings from an iterable.

    Parameters
    ----------
    rows : iterable of mappings
        What can be iterated again (a list) is read once more to find the metadata types; of a generator the
        first rows decide.
    fields : Fields
        Names of the input fields.
    """

    unit: Final[Literal["line", "row"]] = "row"

    def __init__(self, rows: Iterable[object], fields: Fields) -> None:
        if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
            raise InvalidInputError(
                f"rows: expected an iterable of mappings such as {{'id': ..., 'text': ...}}, got "
                f"{type(rows).__name__}; wrap a single row in a list"
            )
        self._fields = fields
        self._rows = rows
        self.one_shot = iter(rows) is rows
        self.name = "rows"
        self.rows_hint = len(rows) if isinstance(rows, Sized) else None

    @property
    def schema(self) -> "pa.Schema":
        """Columns of the corpus."""
        return self._checker.schema

    @cached_property
    def _checker(self) -> RowChecker:
        given = given_columns(self._fields)
        return RowChecker(self._fields, self._inferred() if given is None else given)

    def _inferred(self) -> list[Column]:
        origin = Origin("row")
        origin.begin(self.name, 0)
        if not self.one_shot:
            return infer_columns(_flat(self._rows), self._fields, origin.where, whole=True)
        rows = iter(self._rows)
        sample: list[object] = []
        size = 0
        while len(sample) < SAMPLE_ROWS and size < _SAMPLE_CHARACTERS:
            row = next(rows, _END)
            if row is _END:
                break
            sample.append(row)
            size += len(str(row.get(self._fields.text, ""))) if isinstance(row, dict) else 0
        else:
            self._rows = chain(sample, rows)
            return infer_columns(_flat(sample), self._fields, origin.where, whole=False)
        self._rows = iter(sample)
        return infer_columns(_flat(sample), self._fields, origin.where, whole=True)

    def chunks(self, tally: Tally, max_rows: int, max_bytes: int) -> Iterator[Chunk]:
        """Yield the rows, checked but for repeated ids.

        Parameters
        ----------
        tally : Tally
            Counts the pass.
        max_rows, max_bytes : int
            Size of a chunk, about.
        """
        collector = Collector(self._checker, max_rows, max_bytes)
        tally.origin.begin(self.name, 0)
        for ordinal, item in enumerate(self._rows):
            row = checked_flatten(item, ordinal, collector.bad, _describe)
            size = (
                0 if row is None else _size(row.get(self._fields.text)) + _size(row.get(self._fields.title))
            )
            if not collector.has_room(size):
                yield collector.take()
            if row is not None:
                collector.add(row, ordinal, size)
        yield collector.take()


_END: Final = object()


def _size(value: object) -> int:
    return len(value) if isinstance(value, str) else 0


def _flat(rows: Iterable[object]) -> Iterator[tuple[int, Row]]:
    bad: list[BadRow] = []
    for ordinal, item in enumerate(rows):
        row = checked_flatten(item, ordinal, bad, _describe)
        bad.clear()
        if row is not None:
            yield ordinal, row


def _describe(row: object) -> str:
    return (
        f"expected a mapping such as {{'id': ..., 'text': ...}}, got {type(row).__name__}; "
        "make a mapping of every document"
    )
