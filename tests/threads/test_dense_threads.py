"""Searching from many threads, built and loaded; and the GIL is free meanwhile."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from vectors import clustered

from pyengine import DenseIndex
from pyengine.config import DenseConfig

VECTORS = clustered(3000, 32)
QUERIES = clustered(40, 32, seed=1)
THREADS = 24  # more than cores: usearch keeps a fixed number of search contexts


@pytest.fixture(params=["f16", "i8", "scan"])
def index(request: pytest.FixtureRequest) -> DenseIndex:
    below = 10**6 if request.param == "scan" else 0
    dtype = "f16" if request.param == "scan" else request.param
    return DenseIndex.build(VECTORS, config=DenseConfig(dtype=dtype, exact_below=below))


def in_threads(work: Callable[[], None]) -> None:
    """Run ``work`` in all threads at once and raise what any of them raised."""
    failures: list[BaseException] = []
    start = threading.Barrier(THREADS)

    def run() -> None:
        try:
            start.wait()
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize("loaded", [False, True], ids=["built", "loaded"])
def test_many_threads_get_the_answer_of_one(index: DenseIndex, loaded: bool, tmp_path: Path) -> None:
    if loaded:
        index.save(tmp_path)
        index = DenseIndex.load(tmp_path)
    expected = index.search(QUERIES, 10)

    def work() -> None:
        for n_threads in (1, 2, 5):
            assert index.search(QUERIES, 10, n_threads=n_threads).equals(expected)
        for i in range(5):
            assert index.search(QUERIES[i : i + 1], 10).rows.tolist() == [expected.rows[i].tolist()]

    in_threads(work)


def test_loaded_then_added_to_then_many_threads(index: DenseIndex, tmp_path: Path) -> None:
    index.save(tmp_path)
    index = DenseIndex.load(tmp_path)
    index.add(VECTORS[:10])
    expected = index.search(QUERIES, 10)

    def work() -> None:
        assert index.search(QUERIES, 10, n_threads=3).equals(expected)

    in_threads(work)


def test_adds_from_two_threads_do_not_mix(tmp_path: Path) -> None:
    index = DenseIndex.build(VECTORS[:0], config=DenseConfig(exact_below=0))
    got: list[range] = []

    def work() -> None:
        got.append(index.add(VECTORS[:7]))

    in_threads(work)
    assert sorted(rows.start for rows in got) == [7 * i for i in range(THREADS)]
    assert all(np.array_equal(index.vectors(rows), index.vectors(range(7))) for rows in got)


def ticks_during(work: Callable[[], object]) -> tuple[int, float]:
    """Return how often another thread ran while ``work`` did, and the seconds that took."""
    ticks = 0
    stop = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not stop.is_set():
            time.sleep(0.001)
            ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    started = time.perf_counter()
    before = ticks
    work()
    seconds, counted = time.perf_counter() - started, ticks - before
    stop.set()
    thread.join()
    return counted, seconds


@pytest.mark.parametrize("what", ["graph add", "graph search", "exact search"])
def test_another_thread_runs_meanwhile(what: str) -> None:
    """The pinned usearch, and our core, release the GIL: a call of half a second leaves room for ticks."""
    graph = DenseIndex.build(VECTORS, config=DenseConfig(exact_below=0))
    work: dict[str, Callable[[], object]] = {
        # One call into usearch each, so that ticks between calls prove nothing.
        "graph add": lambda: graph._graph.add(np.tile(VECTORS[:1000], (2, 1)).astype(np.float16)),
        "graph search": lambda: graph._graph.search(np.tile(QUERIES, (150, 1)), 100, 1),
        "exact search": lambda: graph.search(np.tile(QUERIES, (250, 1)), 10, exact=True),
    }
    ticks, seconds = ticks_during(work[what])
    # A tick is 1 ms of sleep; a busy machine makes it several. With the GIL held there would be none.
    assert ticks >= 5, f"{ticks} ticks in {seconds:.2f} s"
