"""Columns of documents that were added at different times, brought together."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pyengine.errors import InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["conform", "unified"]


def unified(schemas: "Iterable[pa.Schema]") -> "pa.Schema":
    """Return the columns of all schemas, in order of first occurrence.

    Parameters
    ----------
    schemas : iterable of pyarrow.Schema
        One or more.

    Raises
    ------
    InvalidInputError
        Two give a column different types.
    """
    import pyarrow as pa

    listed = list(schemas)
    types: dict[str, pa.DataType] = {}
    for schema in listed:
        for field in schema:
            before = types.setdefault(field.name, field.type)
            if before != field.type:
                raise InvalidInputError(
                    f"metadata column {field.name!r}: expected {before}, as in the documents added "
                    f"before, got {field.type}; convert it, or name its type with Corpus's metadata="
                )
    return pa.unify_schemas(listed)


def conform(batches: "Iterable[pa.RecordBatch]", schema: "pa.Schema") -> "Iterator[pa.RecordBatch]":
    """Yield all batches with the columns of ``schema``, null where one lacks one.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
    schema : pyarrow.Schema
        Has the columns of each.
    """
    import pyarrow as pa

    for batch in batches:
        if batch.schema.equals(schema):
            yield batch
            continue
        names = set(batch.schema.names)
        columns = [
            batch.column(field.name) if field.name in names else pa.nulls(batch.num_rows, field.type)
            for field in schema
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
