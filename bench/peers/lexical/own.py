"""What has no peer to be held against: filters, threads, presets, the way from Python to the core, growth."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers.lexical.workloads import Workload
from pyengine import Analyzer, Bm25Index, RowFilter

__all__ = ["measure_own"]

DEPTH = 10
SHARES = {"50 %": 0.5, "1 %": 0.01, "0.1 %": 0.001, "0.01 %": 0.0001}
K1, B = 1.2, 0.75


def seconds(call: Callable[[], object], rounds: int = 3) -> float:
    """Median wall time of some calls."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def microseconds(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Median wall time of each call over rounds; a round makes all calls once."""
    times = np.zeros((rounds, len(calls)))
    for turn in range(rounds):
        for i, call in enumerate(calls):
            started = time.perf_counter_ns()
            call()
            times[turn, i] = time.perf_counter_ns() - started
    return [float(t) for t in np.median(times, axis=0) / 1000]


def filters(index: Bm25Index, queries: Sequence[list[str]], rounds: int) -> dict[str, float]:
    """Mean latency without a filter and with random ones, the same query under each in turn."""
    random = np.random.default_rng(5)
    made: dict[str, RowFilter | None] = {"none": None}
    made |= {name: RowFilter(random.random(len(index)) < share, len(index)) for name, share in SHARES.items()}

    def search(query: list[str], admitted: RowFilter | None) -> Callable[[], object]:
        return lambda: index.search([query], DEPTH, filter=admitted)

    calls = [search(query, admitted) for query in queries for admitted in made.values()]
    times = np.reshape(microseconds(calls, rounds), (len(queries), len(made)))
    return dict(zip(made, times.mean(axis=0).tolist(), strict=True))


def overhead(queries: Sequence[list[str]], rounds: int) -> dict[str, float]:
    """Microseconds of a search of one query, and of it in the core, in an index that fits the cache."""
    index = Bm25Index.build([query * 2 for query in queries])
    some = list(queries[:50])
    index.search(some, DEPTH)
    inside = [[cost.nanoseconds for cost in index.profile(some, DEPTH)[1]] for _ in range(20 * rounds)]
    outside = microseconds([lambda q=query: index.search([q], DEPTH) for query in some], 20 * rounds)
    return {"call": float(np.median(outside)), "core": float(np.median(inside)) / 1000}


def builds(workload: Workload) -> dict[str, float]:
    """Seconds from texts in memory to an index in memory."""
    with (workload.folder / "docs.txt").open(encoding="utf-8") as file:
        texts = [line.rstrip("\n") for line in file]

    def build(preset: str, n_threads: int) -> float:
        analyzer = Analyzer(preset)
        return seconds(lambda: Bm25Index.build(texts, analyzer=analyzer, k1=K1, b=B, n_threads=n_threads))

    return {"words": build("words", 1), "words, 2 threads": build("words", 2), "domain": build("domain", 1)}


def measure_own(workload: Workload, cache: Path, *, rounds: int, limit: int, build: bool) -> dict[str, Any]:
    """Measure pyengine alone on a workload whose index an earlier run built.

    Parameters
    ----------
    workload : Workload
    cache : Path
        Where the runner keeps its indexes.
    rounds, limit : int
        How often each query is put, and how many of them.
    build : bool
        Also build the index in several ways; takes the texts into memory.
    """
    index = Bm25Index.load(cache / "indexes" / f"{workload.folder.name}-pyengine_index")
    queries = workload.queries["mixed"][:limit]
    index.search(queries, DEPTH)
    calls = [lambda q=query: index.search([q], DEPTH) for query in queries]
    single = float(np.mean(microseconds(calls, rounds)))
    every = workload.queries["mixed"]
    batches = [lambda n=n: index.search(every, DEPTH, n_threads=n) for n in (1, 2)]
    batch = [time / len(every) for time in microseconds(batches, 5 * rounds)]
    stats = index.stats
    result: dict[str, Any] = {
        "documents": len(index),
        "postings": stats.postings,
        "sections": {name: size / stats.postings for name, size in stats.section_bytes.items()},
        "single us": single,
        "batch us": {"1": batch[0], "2": batch[1]},
        "filters us": filters(index, queries, rounds),
        "overhead us": overhead(workload.queries["mixed"], rounds),
    }
    if build:
        result["build s"] = builds(workload)
    return result
