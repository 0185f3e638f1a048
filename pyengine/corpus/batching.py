"""Cutting and joining record batches, so that all sources give batches of like size."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MAX_BYTES", "MAX_ROWS", "halves", "rebatch"]

MAX_ROWS: Final = 8192
MAX_BYTES: Final = 1 << 24


def rebatch(batches: "Iterable[pa.RecordBatch]", max_rows: int, max_bytes: int) -> "Iterator[pa.RecordBatch]":
    """Yield the same rows in batches as large as the limits allow; slices are copied only to be joined.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Of one schema.
    max_rows, max_bytes : int
        Limits of a batch; a single row may exceed ``max_bytes``.
    """
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        for part in halves(batch, max_rows, max_bytes):
            if held and (rows + part.num_rows > max_rows or size + part.nbytes > max_bytes):
                yield _joined(held)
                held, rows, size = [], 0, 0
            held.append(part)
            rows += part.num_rows
            size += part.nbytes
    if held:
        yield _joined(held)


def halves(batch: "pa.RecordBatch", max_rows: int, max_bytes: int) -> "Iterator[pa.RecordBatch]":
    """Yield slices of a batch within the limits.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
    max_rows, max_bytes : int
        Limits of a slice; a single row may exceed ``max_bytes``.
    """
    if batch.num_rows > max_rows:
        for start in range(0, batch.num_rows, max_rows):
            yield from halves(batch.slice(start, max_rows), max_rows, max_bytes)
    elif batch.num_rows > 1 and batch.nbytes > max_bytes:
        middle = batch.num_rows // 2
        yield from halves(batch.slice(0, middle), max_rows, max_bytes)
        yield from halves(batch.slice(middle), max_rows, max_bytes)
    elif batch.num_rows:
        yield batch


def _joined(batches: "list[pa.RecordBatch]") -> "pa.RecordBatch":
    import pyarrow as pa

    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
