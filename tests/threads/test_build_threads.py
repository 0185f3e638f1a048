"""Building with threads: they end with the call, Ctrl-C reaches them, and several builds may run at once."""

import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pyengine import Analyzer, Bm25Index
from pyengine.errors import InvalidInputError


def texts(n: int, length: int, seed: int) -> list[str]:
    draws = np.random.default_rng(seed).zipf(1.3, (n, length)) % 5000
    return [" ".join(f"t{x}" for x in row) for row in draws.tolist()]


def native_threads() -> int:
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Threads:"))


def test_no_thread_is_started_unasked_or_outlives_the_call() -> None:
    docs = texts(3000, 30, seed=1)
    before = native_threads()
    most = 0

    def watch(done: int, total: int | None) -> None:
        nonlocal most
        most = max(most, native_threads())

    Bm25Index.build(docs, progress=watch)
    assert most == before
    Bm25Index.build(docs, n_threads=4, progress=watch)
    assert native_threads() == most == before


def test_threads_are_used() -> None:
    docs = texts(8000, 60, seed=2) * 3
    builder = Bm25Index.builder(analyzer=Analyzer("words"), n_threads=3)
    most = 0
    running = True

    def watch() -> None:
        nonlocal most
        while running:
            most = max(most, native_threads())
            time.sleep(0.0005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    before = native_threads()
    try:
        builder.add(docs)
    finally:
        running = False
        watcher.join()
    assert most == before + 2


def test_builds_at_once_make_the_same_index() -> None:
    docs = texts(2000, 40, seed=3)
    expected = Bm25Index.build(docs, analyzer=Analyzer("words", stemmer="english"))
    queries = texts(20, 4, seed=4)
    analyzer = Analyzer("words", stemmer="english")

    def build(n_threads: int) -> bool:
        index = Bm25Index.build(docs, analyzer=analyzer, n_threads=n_threads)
        return index.stats == expected.stats and index.search(queries).equals(expected.search(queries))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(build, [1, 2, 3, 4, 2, 2]))


def test_a_failing_iterable_and_a_failing_progress_end_the_build() -> None:
    def broken() -> Iterator[str]:
        yield from texts(3000, 5, seed=5)
        raise RuntimeError("the source broke")

    def complain(done: int, total: int | None) -> None:
        raise RuntimeError("no progress")

    builder = Bm25Index.builder(n_threads=2)
    with pytest.raises(RuntimeError, match="the source broke"):
        builder.add(broken())
    with pytest.raises(InvalidInputError, match="has failed"):
        builder.add(["a"])
    with pytest.raises(RuntimeError, match="no progress"):
        Bm25Index.build(["a"], n_threads=2, progress=complain)


@pytest.mark.parametrize("work", ["texts", "token lists", "finish"])
def test_control_c_reaches_the_threads(work: str) -> None:
    """In a process of its own, since the signal goes to the main thread."""
    code = textwrap.dedent(
        f"""
        import itertools
        from pyengine import Analyzer, Bm25Index

        text = " ".join(f"t{{i}}" for i in range(1000))
        work = {work!r}
        if work == "texts":
            call = lambda: Bm25Index.build(itertools.repeat(text), analyzer=Analyzer("words"), n_threads=2)
        elif work == "token lists":
            call = lambda: Bm25Index.build(itertools.repeat(text.split()), n_threads=2)
        else:
            def call():
                while True:
                    builder = Bm25Index.builder(n_threads=2)
                    builder.add([["a", "b"]] * 100_000)
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
            time.sleep(0.7)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert out == "interrupted\n"
    assert process.returncode == 0
