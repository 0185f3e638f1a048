"""What the index takes as documents and as queries, cut into batches that the core takes in one call each."""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from pyengine.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

__all__ = ["Documents", "Kind", "Progress", "Queries", "document_batches", "query_batch", "require_count"]

Documents: TypeAlias = "Iterable[str] | Iterable[Sequence[str]] | pa.Array | pa.ChunkedArray"
Queries: TypeAlias = (
    "Sequence[str] | Sequence[Sequence[str]] | Sequence[npt.NDArray[Any]] | pa.Array | pa.ChunkedArray"
)
Progress: TypeAlias = Callable[[int, int | None], None]
Kind: TypeAlias = Literal["texts", "tokens"]
QueryKind: TypeAlias = Literal["texts", "tokens", "ids"]

_FIRST_DOCUMENTS: Final = 1024
_MOST_DOCUMENTS: Final = 16_384
_BATCH_SIZE: Final = 4 << 20


def is_arrow(source: object) -> bool:
    """Whether ``source`` offers its memory through the Arrow C data interface."""
    return hasattr(source, "__arrow_c_array__") or hasattr(source, "__arrow_c_stream__")


def kind_of(first: object) -> Kind:
    """What a batch with this first element is taken for; the core then checks every element."""
    return "tokens" if isinstance(first, list | tuple) else "texts"


def document_batches(docs: Any, n_threads: int = 1) -> Iterator[tuple[Kind, Any]]:
    """Cut documents into batches that the core takes in one call each.

    A batch is about 4 MiB of text (or 4 million tokens) a thread, judged by the batch before or the whole
    array: large enough for threads to be worth starting, small enough for progress and a budget.
    """
    if is_arrow(docs) and not hasattr(docs, "slice"):
        yield "texts", docs
        return
    most = _MOST_DOCUMENTS * n_threads
    if is_arrow(docs):
        count = _next_count(len(docs), getattr(docs, "nbytes", 0), n_threads, most)
        for start in range(0, len(docs), count):
            yield "texts", docs.slice(start, count)
        return
    count = _FIRST_DOCUMENTS
    iterator = iter(docs)
    while batch := list(islice(iterator, count)):
        yield kind_of(batch[0]), batch
        count = _next_count(len(batch), sum(map(len, batch)), n_threads, most)


def _next_count(documents: int, size: int, n_threads: int, most: int) -> int:
    wanted = documents * _BATCH_SIZE * n_threads // max(size, 1)
    return max(1, min(wanted, 4 * documents, most))


def query_batch(queries: Any) -> tuple[QueryKind, Any]:
    """Return queries as one batch for the core, or raise `InvalidInputError`."""
    if isinstance(queries, str | bytes):
        raise InvalidInputError(
            f"queries: expected a sequence of queries, got a single {type(queries).__name__}; pass [query]"
        )
    if is_arrow(queries):
        return "texts", queries
    try:
        batch = queries if isinstance(queries, list | tuple) else list(queries)
    except TypeError as error:
        raise InvalidInputError(
            f"queries: expected a sequence of str or of token lists, got {type(queries).__name__}"
        ) from error
    if not batch:
        return "tokens", batch
    return ("ids" if isinstance(batch[0], np.ndarray) else kind_of(batch[0])), batch


def require_count(name: str, value: int, most: int | None = None) -> int:
    """Return ``value`` as an int from 1 to ``most`` (2**31 - 1), or raise `InvalidInputError` naming it."""
    try:
        count = operator.index(value)
    except TypeError as error:
        raise InvalidInputError(f"{name}: expected an integer, got {type(value).__name__}") from error
    if isinstance(value, bool):
        raise InvalidInputError(f"{name}: expected an integer, got bool")
    if not 1 <= count <= (most or 2**31 - 1):
        raise InvalidInputError(f"{name}: expected 1 to {most or '2**31 - 1'}, got {count}")
    return count
