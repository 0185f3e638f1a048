"""What changes cost: commit, open, refresh (milliseconds), and searches while another thread commits.

Corpus model: 50,000 documents of 40 Zipf words with 5 % literals, seed 0, lexical only; a change adds,
replaces or deletes 500 of them. Searches are 2 to 5 words, k = 10, one thread; their p50 and p99 in
microseconds, idle and during commits, stand in the benchmark's extra info (``--benchmark-json``).
"""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pyengine as pe
from bench.micro.text import documents

N_DOCUMENTS, N_CHANGED, N_COMMITS, N_SEARCHES = 50_000, 500, 20, 3000


def rows(first: int, texts: list[str]) -> list[dict[str, Any]]:
    return [{"id": str(first + i), "text": text, "n": i % 7} for i, text in enumerate(texts)]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return documents(N_DOCUMENTS, words=40)


@pytest.fixture
def engine(texts: list[str], tmp_path: Path) -> Iterator[pe.Engine]:
    with pe.Engine.create(tmp_path / "idx") as made:
        made.add(rows(0, texts))
        made.commit()
        yield made


@pytest.fixture(scope="module")
def queries() -> list[str]:
    return [" ".join(text.split()[: 2 + i % 4]) for i, text in enumerate(documents(200, words=5, seed=1))]


def add(engine: pe.Engine) -> None:
    engine.add(rows(len(engine) + 10**6, documents(N_CHANGED, words=40, seed=len(engine))))


def update(engine: pe.Engine) -> None:
    engine.update([{"id": id_, "text": "renewed"} for id_ in engine.ids[:N_CHANGED]])


def delete(engine: pe.Engine) -> None:
    engine.delete(engine.ids[:N_CHANGED])


@pytest.mark.parametrize("change", [add, update, delete])
def test_commit(benchmark: Any, engine: pe.Engine, change: Any) -> None:
    before = engine.generation
    benchmark.pedantic(engine.commit, setup=lambda: change(engine), rounds=5)
    assert engine.generation > before


def test_open(benchmark: Any, engine: pe.Engine, tmp_path: Path) -> None:
    def opened() -> int:
        with pe.Engine.open(tmp_path / "idx") as reader:
            return len(reader)

    assert benchmark(opened) == N_DOCUMENTS


def test_refresh(benchmark: Any, engine: pe.Engine, tmp_path: Path) -> None:
    with pe.Engine.open(tmp_path / "idx") as reader:

        def commit() -> None:
            add(engine)
            engine.commit()

        benchmark.pedantic(reader.refresh, setup=commit, rounds=5)
        assert len(reader) == len(engine) > N_DOCUMENTS


def test_filter_evaluated(benchmark: Any, engine: pe.Engine) -> None:
    """A filter that is new: later searches of the generation take it from the snapshot."""
    numbers = iter(range(10**9))
    benchmark.pedantic(lambda: engine.search("the", filter=f"n >= 3 and n != -{next(numbers)}"), rounds=30)


@pytest.mark.parametrize("n_segments", [1, 7, 28])
def test_search_over_segments(
    benchmark: Any, texts: list[str], queries: list[str], tmp_path: Path, n_segments: int
) -> None:
    """The same documents in more segments, a tenth of them deleted: 200 searches, one by one."""
    with pe.Engine.create(tmp_path / "idx", auto_compact=False) as engine:
        for start in range(n_segments):
            part = range(start * N_DOCUMENTS // n_segments, (start + 1) * N_DOCUMENTS // n_segments)
            engine.add(rows(part.start, texts[part.start : part.stop]))
            engine.commit()
        engine.delete(engine.ids[::10])
        engine.commit()
        benchmark(lambda: [engine.search_batch([query], k=10) for query in queries])


def write(engine: pe.Engine) -> None:
    """Commit over and over: each adds a hundredth of the documents and deletes a few; some of them merge."""
    # Made beforehand: the interpreter would share its time between searches and this, which is no commit.
    batches = [rows((i + 2) * 10**6, documents(N_CHANGED, words=40, seed=i + 2)) for i in range(N_COMMITS)]
    for i, batch in enumerate(batches):
        engine.add(batch)
        engine.delete(engine.ids[i * 10 : i * 10 + 5])
        engine.commit()


def write_from_outside(path: str) -> None:
    with pe.Engine.open(path) as engine:
        write(engine)


@pytest.mark.parametrize("writer", ["thread", "process"])
def test_search_under_write(
    benchmark: Any, engine: pe.Engine, queries: list[str], writer: str, tmp_path: Path
) -> None:
    """Searches, one by one, beside a writer that never rests; the reader follows each commit."""
    reader = engine if writer == "thread" else pe.Engine.open(tmp_path / "idx")
    context = multiprocessing.get_context("spawn")

    def search_for_a_while(until: Any) -> list[float]:
        times = []
        while len(times) < N_SEARCHES or (until is not None and until.is_alive()):
            if writer == "process" and len(times) % 100 == 0:
                reader.refresh()
            started = time.perf_counter()
            found = reader.search_batch([queries[len(times) % len(queries)]], k=10)
            times.append(time.perf_counter() - started)
            assert found.counts[0] > 0
        return times

    def under_write() -> list[float]:
        other = (
            threading.Thread(target=write, args=(engine,))
            if writer == "thread"
            else context.Process(target=write_from_outside, args=(str(tmp_path / "idx"),))
        )
        other.start()
        while writer == "process" and other.is_alive() and not reader.refresh() > 2:
            time.sleep(0.001)  # it is importing, and making its documents
        times = search_for_a_while(other)
        other.join()
        return times

    idle = search_for_a_while(None)
    busy = benchmark.pedantic(under_write, rounds=1)
    assert reader.refresh() >= N_COMMITS
    reader.close()
    for name, times in (("idle", idle), ("during commits", busy)):
        for percentile in (50, 99):
            benchmark.extra_info[f"p{percentile} {name}, us"] = round(
                np.percentile(times, percentile) * 1e6, 1
            )
