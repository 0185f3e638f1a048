"""The columns of a corpus: names, limits, and the types of metadata in rows that bring no schema."""

import datetime
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pyengine.errors import InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "CORE",
    "MAX_ID_BYTES",
    "MAX_TEXT_BYTES",
    "Column",
    "Fields",
    "base_schema",
    "given_columns",
    "infer_columns",
]

MAX_ID_BYTES: Final = 65_536
"""Longest id, in UTF-8 bytes."""
MAX_TEXT_BYTES: Final = 1 << 26
"""Longest title or text, in UTF-8 bytes (64 MiB)."""
CORE: Final = ("id", "title", "text")


@cache
def base_schema() -> "pa.Schema":
    """Return the schema of a corpus without metadata."""
    import pyarrow as pa

    return pa.schema([pa.field(name, pa.string(), nullable=False) for name in CORE])


@dataclass(frozen=True, slots=True)
class Fields:
    """Which input fields become which columns.

    Parameters
    ----------
    id, title, text : str
        Names of the fields in the input.
    metadata : None, sequence of str, or mapping of str to pyarrow.DataType
        Other fields to keep: all of them, the named ones, or the named ones as these types.
    """

    id: str
    title: str
    text: str
    metadata: "Sequence[str] | Mapping[str, pa.DataType] | None" = None

    def __post_init__(self) -> None:
        for name in CORE:
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise InvalidInputError(f"{name}: expected the name of a field, got {value!r}")
        if len({self.id, self.title, self.text}) < 3:
            raise InvalidInputError(
                f"id, title, text: expected three fields, got {self.id!r}, {self.title!r}, {self.text!r}"
            )
        if self.metadata is None:
            return
        if isinstance(self.metadata, str) or not isinstance(self.metadata, Sequence | Mapping):
            raise InvalidInputError(
                "metadata: expected None, a list of field names or a mapping of names to Arrow types, "
                f"got {self.metadata!r}"
            )
        import pyarrow as pa

        for name in self.metadata:
            if not isinstance(name, str):
                raise InvalidInputError(f"metadata: expected names of fields, got {name!r}")
            self.check_name(name)
            if isinstance(self.metadata, Mapping) and not isinstance(self.metadata[name], pa.DataType):
                raise InvalidInputError(
                    f"metadata: expected an Arrow type such as pyarrow.int64() for {name!r}, "
                    f"got {self.metadata[name]!r}"
                )
        if len(set(self.metadata)) < len(self.metadata):
            raise InvalidInputError(f"metadata: expected every name once, got {self.metadata!r}")

    def check_name(self, name: str) -> None:
        """Refuse a metadata field that would take the name of another column.

        Raises
        ------
        InvalidInputError
            It is one of the fields that hold id, title and text, or named like one of these columns.
        """
        if name in CORE or name in self.core:
            raise InvalidInputError(
                f"metadata: field {name!r} cannot be kept beside id={self.id!r}, title={self.title!r}, "
                f"text={self.text!r}: the columns are named {', '.join(CORE)}; leave it out by naming the "
                "fields to keep with metadata=[...]"
            )

    def needs(self, name: str) -> bool:
        """Whether an input field is read at all."""
        return self.metadata is None or name in self.core or name in self.metadata

    @property
    def core(self) -> frozenset[str]:
        """Input names of id, title and text."""
        return frozenset((self.id, self.title, self.text))


@dataclass(frozen=True, slots=True)
class Column:
    """One metadata column of rows that come as Python objects.

    Parameters
    ----------
    name : str
    type : pyarrow.DataType
    kind : str or None
        The kind of value that was found (see `kind_of`), None where the caller gave the type.
    origin : str
        Where the type comes from, in words.
    """

    name: str
    type: "pa.DataType"
    kind: str | None
    origin: str

    def array(self, values: Sequence[object]) -> "pa.Array | None":
        """Return the values as an Arrow array, or None if any of them does not fit."""
        import pyarrow as pa

        kinds = _kinds(values)
        if self.kind is not None and any(_join(self.kind, kind) != self.kind for kind in kinds):
            return None
        try:
            return pa.array(values, self.type) if self.kind is not None else self._given(values, kinds)
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            if len(values) == 1:
                return None
        # Arrow may refuse values together that it takes one by one (numbers and strings for a date).
        single = [array for value in values if (array := self.array([value])) is not None]
        return pa.concat_arrays(single) if len(single) == len(values) else None

    def problem(self, value: object) -> str | None:
        """Return what is wrong with one value, or None."""
        if self.array([value]) is not None:
            return None
        expected = str(self.type) if self.kind is None else self.kind.replace("int", "int of 64 bits")
        shown = repr(value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        return (
            f"field {self.name!r}: expected {expected} ({self.origin}), got {kind_of(value)} {shown}; make "
            "the "
            f"values of the field one type, give it a type that holds them all "
            f"(metadata={{{self.name!r}: pyarrow.string()}}), or leave it out of metadata=[...]"
        )

    def _given(self, values: Sequence[object], kinds: set[str]) -> "pa.Array":
        """Convert to a type the caller gave, refusing what Arrow would change without a word."""
        import pyarrow as pa

        if kinds <= {"null"}:
            return pa.nulls(len(values), self.type)
        if pa.types.is_string(self.type) or pa.types.is_large_string(self.type):
            if not kinds <= {"null", "string", "bool", "int", "float"}:
                raise TypeError("only scalars have one spelling")
            return pa.array([_spelled(value) for value in values], self.type)
        if "bool" in kinds and not pa.types.is_boolean(self.type):
            raise TypeError("a bool is no number")
        if "float" in kinds and pa.types.is_integer(self.type):
            raise TypeError("the fraction would be cut off")
        if kinds <= {"null", "string"}:
            return pa.array(values, pa.string()).cast(self.type)
        return pa.array(values, self.type)


def given_columns(fields: Fields) -> list[Column] | None:
    """Return the metadata columns if the caller has given all their types, else None."""
    if fields.metadata is None or (fields.metadata and not isinstance(fields.metadata, Mapping)):
        return None
    types = fields.metadata if isinstance(fields.metadata, Mapping) else {}
    return [Column(name, kind, None, "given by metadata=") for name, kind in types.items()]


def infer_columns(
    rows: Iterable[tuple[int, Mapping[str, Any]]], fields: Fields, where: Callable[[int], str], *, whole: bool
) -> list[Column]:
    """Return the metadata columns of rows, in the order of their first appearance.

    A field whose values are whole numbers and floats becomes float64; one without any value becomes string. A
    value of another kind than the first one does not change the type: the pass that gives rows out reports
    it.

    Parameters
    ----------
    rows : iterable of (ordinal, row)
    fields : Fields
    where : callable of int to str
        Names the place of an ordinal.
    whole : bool
        Whether these are all rows, so that a named field which none of them has is a mistake.

    Raises
    ------
    InvalidInputError
        A named field does not occur, a field takes the name of another column, or holds what no column can.
    """
    kinds: dict[str, tuple[str, int]] = {}
    skipped = fields.core
    wanted = None if fields.metadata is None else frozenset(fields.metadata)
    any_row = False
    for ordinal, row in rows:
        any_row = True
        if skipped.issuperset(row):
            continue
        for name, value in row.items():
            if name in skipped or (wanted is not None and name not in wanted):
                continue
            kind = kind_of(value)
            known = kinds.get(name)
            if known is None:
                kinds[name] = (kind, ordinal)
            elif known[0] != kind:
                joined = _join(known[0], kind)
                if joined is not None and joined != known[0]:
                    kinds[name] = (joined, ordinal if known[0] == "null" else known[1])
    if wanted is not None:
        missing = [name for name in fields.metadata or () if name not in kinds]
        if missing and whole and any_row:
            raise InvalidInputError(
                f"metadata: expected fields that occur in the rows, but no row has {missing[0]!r}; "
                f"found {', '.join(sorted(kinds)) or 'none of the named ones'}"
            )
        kinds = {name: kinds.get(name, ("null", 0)) for name in fields.metadata or ()}
    return list(_columns(kinds, fields, where))


def _columns(
    kinds: Mapping[str, tuple[str, int]], fields: Fields, where: Callable[[int], str]
) -> Iterator[Column]:
    for name, (kind, ordinal) in kinds.items():
        fields.check_name(name)
        if kind.startswith("unsupported"):
            raise InvalidInputError(
                f"{where(ordinal)}: field {name!r}: expected null, a bool, a number, a string, a date or a "
                "list "
                f"of one of these, got {kind.removeprefix('unsupported ')}; flatten it into fields of their "
                "own, "
                "or leave it out by naming the fields to keep with metadata=[...]"
            )
        # A field without any value yet is a string field: every value to come can be said as one.
        full = kind.replace("null", "string")
        yield Column(name, _arrow_type(full), full, f"as in {where(ordinal)}")


_KINDS: Final[dict[type, str]] = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "float",
    str: "string",
}


def kind_of(value: object) -> str:
    """Return the kind of a metadata value: what decides whether two values can share a column."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    if isinstance(value, list | tuple):
        inner: str | None = "null"
        for item in value:
            inner = None if inner is None else _join(inner, kind_of(item))
        return "unsupported list of mixed kinds" if inner is None else f"list of {inner}"
    for types, name in (
        ((bool, np.bool_), "bool"),
        ((int, np.integer), "int"),
        ((float, np.floating), "float"),
        (str, "string"),
    ):
        if isinstance(value, types):
            return name
    if isinstance(value, datetime.datetime):
        return "time" if value.tzinfo is None else "time with zone"
    if isinstance(value, datetime.date):
        return "date"
    return "unsupported object" if isinstance(value, Mapping) else f"unsupported {type(value).__name__}"


def _join(a: str, b: str) -> str | None:
    """Return the kind that holds values of both kinds, None if there is none."""
    if b in (a, "null"):
        return a
    if a == "null":
        return b
    if {a, b} == {"int", "float"}:
        return "float"
    if a.startswith("list of ") and b.startswith("list of "):
        inner = _join(a[8:], b[8:])
        return None if inner is None else f"list of {inner}"
    return None


def _arrow_type(kind: str) -> "pa.DataType":
    import pyarrow as pa

    if kind.startswith("list of "):
        return pa.list_(_arrow_type(kind[8:]))
    return {
        "null": pa.string(),
        "bool": pa.bool_(),
        "int": pa.int64(),
        "float": pa.float64(),
        "string": pa.string(),
        "date": pa.date32(),
        "time": pa.timestamp("us"),
        "time with zone": pa.timestamp("us", "UTC"),
    }[kind]


def _kinds(values: Sequence[object]) -> set[str]:
    """Return the kinds of many values; only those whose type does not say it are looked at one by one."""
    types = set(map(type, values))
    kinds = {_KINDS[known] for known in types & _KINDS.keys()}
    if types - _KINDS.keys():
        kinds.update(kind_of(value) for value in values if type(value) not in _KINDS)
    return kinds


def _spelled(value: object) -> str | None:
    """Return a scalar as text: strings as they are, all else as JSON writes it."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value.item() if isinstance(value, np.generic) else value)
