"""Counting tokens: the byte census against awk, grep and plain Python, and the typed census.

Text: 20,000 documents of 100 Zipf words with 5 % literals, seed 0, in one Arrow array. The benchmark's extra
info has the text's bytes, so that bytes a second follow.
"""

import subprocess
import time
from typing import Any

import pyarrow as pa
import pytest

import pyengine as pe
from bench.micro.text import documents
from pyengine.diagnose.census import Census, count_mixed
from pyengine.diagnose.reference import word_counts


@pytest.fixture(scope="module")
def texts() -> pa.Array:
    return pa.array(documents(20_000, words=100))


def pipeline(texts: pa.Array) -> tuple[int, int]:
    script = (
        "awk '{ for(i=1;i<=NF;i++) print tolower($i) }' | grep -E '^[a-z0-9]+$' | "
        "awk '/[0-9]/ && /[a-z]/ { mixed++ } { total++ } END { print mixed+0, total+0 }'"
    )
    done = subprocess.run(
        ["bash", "-c", script], input="\n".join(texts.to_pylist()).encode(), capture_output=True, check=True
    )
    mixed, total = done.stdout.split()
    return int(mixed), int(total)


def plain(texts: pa.Array) -> tuple[int, int]:
    mixed = total = 0
    for text in texts.to_pylist():
        for token in text.lower().split():
            if token.isascii() and token.isalnum():
                total += 1
                mixed += any(c.isdigit() for c in token) and any(c.isalpha() for c in token)
    return mixed, total


def test_bytes(benchmark: Any, texts: pa.Array) -> None:
    size = sum(len(text.encode()) for text in texts.to_pylist())
    times = {}
    for name, other in (("awk and grep", pipeline), ("plain Python", plain)):
        started = time.perf_counter()
        found = other(texts)
        times[name] = time.perf_counter() - started
        assert found == count_mixed(texts)
    benchmark(count_mixed, texts)
    took = benchmark.stats.stats.median
    benchmark.extra_info["GB a second"] = round(size / took / 1e9, 2)
    for name, seconds in times.items():
        benchmark.extra_info[f"times as fast as {name}"] = round(seconds / took)


def test_kinds(benchmark: Any, texts: pa.Array) -> None:
    size = sum(len(text.encode()) for text in texts.to_pylist())

    def counted() -> int:
        taken = Census()
        taken.add(texts)
        return taken.documents

    assert benchmark(counted) == len(texts)
    benchmark.extra_info["MB a second"] = round(size / benchmark.stats.stats.median / 1e6)
    analyzer = pe.Analyzer("domain")
    few = texts.slice(0, 500).to_pylist()
    started = time.perf_counter()
    for text in few:
        analyzer.tokens(text)
    slow = (time.perf_counter() - started) * len(texts) / len(few)
    benchmark.extra_info["times as fast as tokens() in Python"] = round(
        slow / benchmark.stats.stats.median, 1
    )


def test_words(benchmark: Any, texts: pa.Array) -> None:
    benchmark(word_counts, [texts])
