"""One embedder, many threads: right answers, honest counters, and a free GIL."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")

from concurrent.futures import ThreadPoolExecutor

from onnx_folders import WORDS, Tiny

from pyengine import OnnxEmbedder
from pyengine.errors import MissingExtraError

TEXTS = [" ".join(WORDS[4 + (i * j) % 5] for j in range(1 + i % 6)) for i in range(40)]


def test_many_threads_get_the_vectors_of_one(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(Tiny().write(tmp_path), cache_size=7, batch_tokens=16)
    expected = OnnxEmbedder(tmp_path, cache_size=0).embed(TEXTS)

    def work(seed: int) -> None:
        for turn in range(10):
            rows = np.random.default_rng((seed, turn)).permutation(len(TEXTS))[: 1 + turn]
            vectors = embedder.embed([TEXTS[i] for i in rows], kind="query" if turn % 2 else "passage")
            assert np.array_equal(vectors, expected[rows])
            vectors[:] = 0  # the caller's own: spoils nobody else's

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    stats = embedder.stats
    assert stats.cache_hits + stats.cache_misses == 8 * (2 + 4 + 6 + 8 + 10)
    assert stats.texts == 8 * (1 + 3 + 5 + 7 + 9) + stats.cache_misses


def test_another_thread_runs_while_the_model_does() -> None:
    try:
        embedder = OnnxEmbedder("minilm")
    except MissingExtraError as error:
        pytest.skip(str(error))
    ticks = 0
    stop = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not stop.is_set():
            time.sleep(0.001)
            ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    before = ticks
    embedder.embed(["word " * 250] * 4)
    counted = ticks - before
    stop.set()
    thread.join()
    # Four runs of 60 ms and more: with the GIL held there would be a tick between two of them at most.
    assert counted >= 10


def test_a_huge_text_lets_other_threads_run(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(Tiny().write(tmp_path))
    longest = 0.0
    stop = threading.Event()

    def tick() -> None:
        nonlocal longest
        last = time.perf_counter()
        while not stop.is_set():
            time.sleep(0.001)
            now = time.perf_counter()
            longest = max(longest, now - last)
            last = now

    text = "alpha beta " * 300_000
    thread = threading.Thread(target=tick)
    thread.start()
    started = time.perf_counter()
    embedder.embed([text])
    seconds = time.perf_counter() - started
    stop.set()
    thread.join()
    assert embedder.stats.truncated == 1
    assert longest < seconds / 2, f"one gap of {longest:.2f} s in {seconds:.2f} s"
