"""Many threads, one index: the same answers, no waiting for the GIL, no two builders at once."""

import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pyengine import Analyzer, Bm25Index, Hits, rrf
from pyengine.errors import InvalidInputError


def texts(n: int, length: int, seed: int) -> list[str]:
    draws = np.random.default_rng(seed).zipf(1.3, (n, length)) % 5000
    return [" ".join(f"t{x}" for x in row) for row in draws.tolist()]


@pytest.fixture(scope="module")
def index() -> Bm25Index:
    return Bm25Index.build(texts(5000, 30, seed=1), analyzer=Analyzer("whitespace", stemmer="english"))


QUERIES = texts(60, 6, seed=2)


@pytest.mark.parametrize("n_threads", [1, 2, 3, 4, 200])
def test_the_number_of_threads_changes_nothing(index: Bm25Index, n_threads: int) -> None:
    assert index.search(QUERIES, k=20, n_threads=n_threads).equals(index.search(QUERIES, k=20))


def test_many_callers_at_once_get_the_same_answers(index: Bm25Index) -> None:
    expected = index.search(QUERIES, k=20)
    rows = expected.rows[:, :5].copy()
    scores = index.score(QUERIES, rows)
    start = threading.Barrier(8)

    def caller(i: int) -> bool:
        start.wait()
        same = True
        for round_ in range(5):
            same &= index.search(QUERIES, k=20, n_threads=1 + (i + round_) % 3).equals(expected)
            same &= np.array_equal(index.score(QUERIES, rows), scores)
            same &= index.explain(QUERIES[i], int(rows[i, 0])) == index.explain(QUERIES[i], int(rows[i, 0]))
        return same

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(caller, range(8)))


def progress_during(call: Callable[[], object]) -> tuple[int, float]:
    """How often another Python thread ran during one call, and how long the call took."""
    ticks = 0
    running = True

    def count() -> None:
        nonlocal ticks
        while running:
            ticks += 1
            time.sleep(0.0005)

    other = threading.Thread(target=count)
    other.start()
    # A thread waiting for the GIL would otherwise be let in after this long.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(5.0)
    try:
        before, start = ticks, time.perf_counter()
        call()
        return ticks - before, time.perf_counter() - start
    finally:
        running = False
        sys.setswitchinterval(interval)
        other.join()


def test_the_gil_is_released_while_searching(index: Bm25Index) -> None:
    queries = QUERIES * 50
    ticks, seconds = progress_during(lambda: index.search(queries, k=10))
    assert seconds > 0.005, "the search is too short to tell"
    assert ticks >= 2


def test_the_gil_is_released_while_building() -> None:
    docs = [" ".join(texts(200, 50, seed=3))] * 40
    ticks, seconds = progress_during(lambda: Bm25Index.build(docs, analyzer=Analyzer("whitespace")))
    assert seconds > 0.005, "the build is too short to tell"
    assert ticks >= 2


def test_the_gil_is_released_while_fusing() -> None:
    rows = np.random.default_rng(4).permuted(np.tile(np.arange(400, dtype=np.uint32), (4000, 1)), axis=1)
    hits = Hits(rows, np.zeros(rows.shape, np.float32), np.full(len(rows), 400, np.uint32))
    ticks, seconds = progress_during(lambda: rrf([hits, hits]))
    assert seconds > 0.005, "the fusion is too short to tell"
    assert ticks >= 2


def test_no_thread_outlives_a_search(index: Bm25Index) -> None:
    def threads() -> int:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("Threads:"))

    before = threads()
    index.search(QUERIES, n_threads=4)
    assert threads() == before


def test_a_builder_in_two_threads_is_refused_not_raced() -> None:
    builder = Bm25Index.builder(analyzer=Analyzer("whitespace"))
    docs = [" ".join(texts(200, 50, seed=5))] * 20
    start = threading.Barrier(4)

    def add() -> str:
        start.wait()
        try:
            builder._core.add_texts(Analyzer("whitespace")._core, docs)
        except InvalidInputError as error:
            return str(error)
        return "added"

    with ThreadPoolExecutor(4) as pool:
        outcomes = [future.result() for future in [pool.submit(add) for _ in range(4)]]
    assert "added" in outcomes
    assert set(outcomes) <= {"added", "builder: expected one thread at a time, another is using it"}
    assert builder._core.documents == outcomes.count("added") * len(docs)


@pytest.mark.parametrize("work", ["search", "build", "finish"])
def test_control_c_ends_long_work(work: str) -> None:
    """In a process of its own, since the signal goes to the main thread."""
    code = textwrap.dedent(
        f"""
        import pyarrow as pa
        from pyengine import Analyzer, Bm25Index

        text = " ".join(f"t{{i}}" for i in range(1000))
        docs = pa.array([text] * 1000)
        work = {work!r}
        if work == "search":
            index = Bm25Index.build(docs, analyzer=Analyzer("whitespace"))
            call = lambda: index.search([text] * 10_000, k=1)
        elif work == "build":
            docs = pa.array([text] * 16_000)
            call = lambda: [Bm25Index.build(docs, analyzer=Analyzer("whitespace")) for _ in range(1000)]
        else:
            def call():
                while True:
                    builder = Bm25Index.builder()
                    builder.add([["a"]] * 100_000)
                    builder.finish()
        print("ready", flush=True)
        try:
            call()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(1.0)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert out == "interrupted\n"
    assert process.returncode == 0
