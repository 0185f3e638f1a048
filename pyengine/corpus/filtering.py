"""Which documents a filter admits: evaluated over the columns of the stored corpus, batch by batch."""

import decimal
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.corpus import filter_syntax as syntax
from pyengine.corpus.joined import JoinedCorpus
from pyengine.corpus.stored import StoredCorpus
from pyengine.errors import CorruptIndexError, InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["admitted", "admitted_of"]

_FUNCTIONS: Final = {
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}


def admitted(
    corpus: StoredCorpus | JoinedCorpus, condition: "str | pa.compute.Expression"
) -> npt.NDArray[np.bool_]:
    """Return for each row whether a filter admits it.

    Parameters
    ----------
    corpus : StoredCorpus or JoinedCorpus
        Any of its columns may be named: metadata, ``id``, ``title``, ``text``.
    condition : str or pyarrow.compute.Expression
        A filter in the language of `filter_syntax.parse`, or an Arrow expression, evaluated by Arrow.

    Returns
    -------
    bool, shape (len(corpus),)
        A comparison with a missing value is neither true nor false, as in SQL: its row is not admitted, and
        ``not`` does not change that. ``is null`` asks for missing values.

    Raises
    ------
    InvalidInputError
        The filter is malformed, names a column that is not there, or compares it with a value of another
        kind; the message says which.
    CorruptIndexError
        A stored column is damaged.
    """
    return admitted_of(corpus.schema, corpus.batches(), condition)


def admitted_of(
    schema: "pa.Schema", batches: "Iterable[pa.RecordBatch]", condition: "str | pa.compute.Expression"
) -> npt.NDArray[np.bool_]:
    """As `admitted`, for batches that need not be stored.

    Parameters
    ----------
    schema : pyarrow.Schema
    batches : iterable of pyarrow.RecordBatch
        All of ``schema``.
    condition : str or pyarrow.compute.Expression

    Raises
    ------
    InvalidInputError
    CorruptIndexError
        As `admitted`.
    """
    evaluate = _of_text(schema, condition) if isinstance(condition, str) else _of_expression(condition)
    masks = [_as_bools(evaluate(batch), batch.num_rows) for batch in batches]
    return np.concatenate(masks) if masks else np.zeros(0, dtype=np.bool_)


def _as_bools(mask: Any, rows: int) -> npt.NDArray[np.bool_]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_boolean(mask.type):
        raise InvalidInputError(f"filter: expected a condition, true or false, got {mask.type}")
    if isinstance(mask, pa.Scalar):
        return np.full(rows, bool(mask.as_py()))
    filled: npt.NDArray[np.bool_] = pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
    return filled


def _of_text(schema: "pa.Schema", text: str) -> "Callable[[pa.RecordBatch], Any]":
    tree = syntax.parse(text)
    evaluator = _Evaluator(schema)
    # The schema alone shows most mistakes, also where there is no document.
    evaluator.mask(tree, _empty(schema))
    return lambda batch: evaluator.mask(tree, batch)


def _empty(schema: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def _of_expression(expression: Any) -> "Callable[[pa.RecordBatch], Any]":
    import pyarrow as pa
    import pyarrow.compute as pc

    if not isinstance(expression, pc.Expression):
        raise InvalidInputError(
            "filter: expected text such as \"year >= 2020 and lang == 'en'\", a pyarrow.compute expression, "
            f"a bool for each row, row numbers or a RowFilter, got {type(expression).__name__}"
        )

    def evaluate(batch: "pa.RecordBatch") -> Any:
        import pyarrow.dataset as ds

        _validate(batch, "the stored documents")
        try:
            scanner = ds.InMemoryDataset(batch).scanner(columns={"admitted": expression}, use_threads=False)
            return scanner.to_table().column(0).combine_chunks()
        except (pa.ArrowException, KeyError, TypeError) as error:
            raise InvalidInputError(f"filter: Arrow cannot evaluate {expression}: {error}") from error

    return evaluate


def _validate(stored: Any, what: str) -> None:
    """Check what offsets point at before it is followed: the bytes come from a file."""
    import pyarrow as pa

    try:
        stored.validate(full=True)
    except (pa.ArrowException, ValueError) as error:
        raise CorruptIndexError(
            f"{what}: {error}; restore the index from a copy or build it again"
        ) from error


class _Evaluator:
    """Evaluates a tree over record batches of one schema, with the three-valued logic of SQL."""

    def __init__(self, schema: "pa.Schema") -> None:
        self._schema = schema

    def mask(self, node: syntax.Node, batch: "pa.RecordBatch") -> Any:
        import pyarrow.compute as pc

        match node:
            case syntax.And(left, right):
                return pc.and_kleene(self.mask(left, batch), self.mask(right, batch))
            case syntax.Or(left, right):
                return pc.or_kleene(self.mask(left, batch), self.mask(right, batch))
            case syntax.Not(inner):
                return pc.invert(self.mask(inner, batch))
        return self._test(node, self._column(node.column, batch))

    def _test(self, node: syntax.Test, column: Any) -> Any:
        import pyarrow.compute as pc

        if isinstance(node, syntax.IsNull):
            return pc.is_null(column)
        if isinstance(node, syntax.Contains):
            return _contains(node.column, column, node.value)
        self._refuse_nested(node.column, column.type)
        if isinstance(node, syntax.Compare):
            return _compared(node.column, column, node.operator, node.value)
        return _one_of(node.column, column, node.values)

    def _column(self, name: str, batch: "pa.RecordBatch") -> Any:
        import pyarrow as pa

        if name not in self._schema.names:
            known = ", ".join(self._schema.names[:40])
            raise InvalidInputError(f"filter: there is no column {name!r}; there are {known}")
        column = batch.column(name)
        _validate(column, f"column {name!r}")
        return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column

    def _refuse_nested(self, name: str, kind: "pa.DataType") -> None:
        import pyarrow as pa

        if pa.types.is_nested(kind):
            raise InvalidInputError(
                f"filter: column {name!r} holds {kind}, which cannot be compared; "
                f'ask for an element of a list with "{name} contains value"'
            )


def _compared(name: str, column: Any, operator: str, value: syntax.Value) -> Any:
    """Return ``column operator value``, exact also where one side is an integer and the other is not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    _check_kind(name, column.type, value)
    if pa.types.is_integer(column.type) and not isinstance(value, str):
        decided = _of_integers(column.type, operator, value)
        if isinstance(decided, bool):
            return pc.if_else(pc.is_null(column), pa.scalar(None, pa.bool_()), pa.scalar(decided))
        operator, value = decided
    return pc.call_function(_FUNCTIONS[operator], [column, _scalar(name, column.type, value)])


def _of_integers(kind: "pa.DataType", operator: str, value: float) -> tuple[str, int] | bool:
    """Return the same comparison with an integer of the type, or what it says of all integers of it."""
    least = 0 if str(kind).startswith("u") else -(1 << (kind.bit_width - 1))
    most = least + (1 << kind.bit_width) - 1
    if value < least or value > most:
        return operator in ("!=", ">", ">=") if value < least else operator in ("!=", "<", "<=")
    whole = math.floor(value)
    if whole == value:
        return operator, whole
    if operator in ("==", "!="):
        return operator == "!="
    return ("<=", whole) if operator in ("<", "<=") else (">=", whole + 1)


def _one_of(name: str, column: Any, values: tuple[syntax.Value, ...]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    wanted = []
    for value in values:
        _check_kind(name, kind, value)
        if pa.types.is_integer(kind) and not isinstance(value, str):
            decided = _of_integers(kind, "==", value)
            if not isinstance(decided, bool):
                wanted.append(_scalar(name, kind, decided[1]))
        else:
            wanted.append(_scalar(name, kind, value))
    found = pc.is_in(column, value_set=pa.array([scalar.as_py() for scalar in wanted], kind))
    return pc.if_else(pc.is_null(column), pa.scalar(None, pa.bool_()), found)


def _check_kind(name: str, kind: "pa.DataType", value: syntax.Value) -> None:
    """Refuse a literal that values of a type do not compare with."""
    import pyarrow as pa

    types = pa.types
    if types.is_boolean(kind):
        expected: type | tuple[type, ...] = bool
        said = "true or false"
    elif types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        expected, said = (int, float), "a number"
    elif types.is_string(kind) or types.is_large_string(kind) or types.is_temporal(kind):
        expected, said = str, "a text in quotes"
    else:
        expected, said = (), "'is null' only"
    fits = isinstance(value, expected) and (isinstance(value, bool) == (expected is bool))
    if not fits:
        got = (
            "true or false" if isinstance(value, bool) else "a text" if isinstance(value, str) else "a number"
        )
        raise InvalidInputError(
            f"filter: column {name!r} holds {kind}, which compares with {said}, got {got}: {value!r}"
        )


def _scalar(name: str, kind: "pa.DataType", value: syntax.Value) -> Any:
    """Return a literal that fits as a scalar of a type."""
    import pyarrow as pa

    try:
        if pa.types.is_decimal(kind):
            return pa.scalar(decimal.Decimal(repr(value)))
        if pa.types.is_temporal(kind):
            return pa.scalar(value).cast(kind)
        return pa.scalar(float(value) if pa.types.is_floating(kind) else value, kind)
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise InvalidInputError(f"filter: column {name!r} holds {kind}, got {value!r}: {error}") from error


def _contains(name: str, column: Any, value: syntax.Value) -> Any:
    """Return whether lists have an element, or texts a part."""
    import pyarrow as pa
    import pyarrow.compute as pc

    types = pa.types
    kind = column.type
    if types.is_string(kind) or types.is_large_string(kind):
        if not isinstance(value, str):
            raise InvalidInputError(
                f"filter: column {name!r} holds text, which contains text in quotes, got {value!r}"
            )
        return pc.match_substring(column, value)
    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        raise InvalidInputError(
            f"filter: column {name!r} holds {kind}; "
            "'contains' asks for an element of a list or a part of a text"
        )
    elements = pc.list_flatten(column)
    equal = pc.fill_null(_compared(name, elements, "==", value), False)
    found = np.zeros(len(column), dtype=np.bool_)
    parents = pc.list_parent_indices(column)
    found[pc.filter(parents, equal).to_numpy(zero_copy_only=False).astype(np.int64)] = True
    return pc.if_else(pc.is_null(column), pa.scalar(None, pa.bool_()), pa.array(found))
