"""Run the lexical and the dense branch of a query batch, side by side when that pays."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from pyengine.engine.results import Mode
from pyengine.engine.snapshot import Snapshot
from pyengine.rows import RowFilter
from pyengine.types import Hits

__all__ = ["PARALLEL_POSTINGS", "BranchHits", "run_branches"]

T = TypeVar("T")

PARALLEL_POSTINGS: Final = 500_000
"""Postings from which a second thread pays: about a millisecond of scoring, ten times the thread's cost."""


@dataclass(frozen=True, slots=True)
class BranchHits:
    """What each branch that ran found, and the branches dropped for being late."""

    hits: dict[str, Hits] = field(default_factory=dict)
    late: tuple[str, ...] = ()


def run_branches(
    snapshot: Snapshot,
    vectors: Callable[[], npt.NDArray[np.float32]],
    queries: Sequence[str] | Sequence[Sequence[str]],
    depth: int,
    mode: Mode,
    *,
    allowed: RowFilter | None = None,
    n_threads: int = 1,
    timeout_s: float | None = None,
) -> BranchHits:
    """Search ``snapshot`` for ``queries`` in the branches of ``mode``; only ``allowed`` rows are hits.

    ``vectors`` makes the vectors of the queries, and is called in the dense branch only.

    The dense branch moves to a thread of its own when a deadline has to be kept or when the lexical branch
    is long enough to be worth it; the thread is joined before this returns unless it is late. A late
    branch's thread ends by itself when the model returns, and its answer is dropped.
    """

    def lexical() -> Hits:
        return snapshot.lexical.search(queries, depth, filter=allowed, n_threads=n_threads)

    def dense() -> Hits:
        return snapshot.require_dense().search(vectors(), depth, filter=allowed, n_threads=n_threads)

    if mode == "lexical":
        return BranchHits({"lexical": lexical()})
    beside = timeout_s is not None or (
        mode == "hybrid" and int(snapshot.lexical.postings_count(queries).sum()) >= PARALLEL_POSTINGS
    )
    if not beside:
        found = {"lexical": lexical()} if mode == "hybrid" else {}
        found["dense"] = dense()
        return BranchHits(found)

    started = time.monotonic()
    future = _start(dense)
    found = {"lexical": lexical()} if mode == "hybrid" else {}
    left_s = None if timeout_s is None else max(0.0, timeout_s - (time.monotonic() - started))
    try:
        found["dense"] = future.result(left_s)
    except TimeoutError:
        if future.done():  # the embedder's own time-out, not ours
            raise
        return BranchHits(found, late=("dense",))
    return BranchHits(found)


def _start(work: Callable[[], T]) -> "Future[T]":
    """Run ``work`` in a thread that never keeps the process alive."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            # Handed to the caller by Future.result; a thread has nobody else to tell.
            future.set_exception(error)

    threading.Thread(target=run, name="pyengine-dense", daemon=True).start()
    return future
