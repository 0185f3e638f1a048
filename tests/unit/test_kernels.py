"""Each compiled kernel gives the bits of its own Python body, on the one set of types the wrappers pass."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pyengine as pe
from pyengine import kernels

Case = tuple[list[Any], list[int]]


def csr(random: np.random.Generator, queries: int) -> tuple[Any, ...]:
    sizes = random.integers(0, 12, queries)
    start = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    total = int(start[-1])
    found = np.array([random.integers(0, size + 1) for size in sizes], dtype=np.int64)
    positions, grades = np.zeros(total, np.int64), random.integers(-2, 5, total).astype(np.int32)
    ideal = np.zeros(total)
    for i, size in enumerate(sizes):
        positions[start[i] : start[i] + size] = np.sort(random.choice(40, size, replace=False))
        ideal[start[i] : start[i] + size] = np.sort(random.integers(-2, 5, size))[::-1]
    return start, found, positions, grades, ideal


def find_judged(random: np.random.Generator) -> Case:
    n, k = 20, 30
    rows = np.stack([random.choice(5000, k, replace=False) for _ in range(n)]).astype(np.uint32)
    if random.random() < 0.5:
        rows[7, 3] = rows[7, 4]  # may be judged: then the answer is refused
    counts = random.integers(0, k + 1, n).astype(np.uint32)
    answers = random.permutation(n).astype(np.int64)
    answers[random.random(n) < 0.1] = -1
    judged = [
        np.sort(np.unique(np.concatenate((random.choice(rows[max(a, 0)], 6), [-1 - i, 4999])))).astype(
            np.int64
        )
        for i, a in enumerate(answers)
    ]
    start = np.concatenate(([0], np.cumsum([len(j) for j in judged]))).astype(np.int64)
    flat = np.concatenate(judged)
    grades = random.integers(-1, 4, len(flat)).astype(np.int32)
    out = [np.zeros(len(flat), np.int64), np.zeros(len(flat), np.int32), np.zeros(n, np.int64)]
    return [rows, counts, answers, start, flat, grades, *out], [6, 7, 8]


def dcg_ratio(random: np.random.Generator) -> Case:
    start, found, positions, grades, ideal = csr(random, 30)
    return [positions, grades.astype(np.float64), start, found, ideal, 10, np.empty(30)], [6]


def average_precision(random: np.random.Generator) -> Case:
    start, found, positions, grades, _ = csr(random, 30)
    n_relevant = random.integers(12, 20, 30).astype(np.int64)
    return [positions, grades, start, found, n_relevant, 1, 25, np.empty(30)], [7]


def reciprocal_rank(random: np.random.Generator) -> Case:
    start, found, positions, grades, _ = csr(random, 30)
    return [positions, grades, start, found, 2, 10, np.empty(30)], [6]


def relevant_within(random: np.random.Generator) -> Case:
    start, found, positions, grades, _ = csr(random, 30)
    return [positions, grades, start, found, 1, 20, np.empty(30, np.int64)], [6]


def resampled_means(random: np.random.Generator) -> Case:
    draws = random.integers(0, 17, (40, 17), dtype=np.uint32)
    return [random.random((17, 3)), draws, np.empty((40, 3))], [2]


def sign_flip_sums(random: np.random.Generator) -> Case:
    bits = random.integers(0, 256, (40, 3), dtype=np.uint8)
    return [random.normal(size=19), bits, np.empty(40)], [2]


MAKERS: list[Callable[[np.random.Generator], Case]] = [
    find_judged,
    dcg_ratio,
    average_precision,
    reciprocal_rank,
    relevant_within,
    resampled_means,
    sign_flip_sums,
]


def test_every_kernel_has_a_case() -> None:
    assert sorted(maker.__name__ for maker in MAKERS) == sorted(kernels.__all__)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_compiled_equals_plain_python(maker: Callable[[np.random.Generator], Case], seed: int) -> None:
    kernel: Any = getattr(kernels, maker.__name__)
    arguments, written = maker(np.random.default_rng(seed))
    plain = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    assert kernel(*arguments) == kernel.py_func(*plain)
    for i in written:
        assert arguments[i].tobytes() == plain[i].tobytes()


def test_the_wrappers_pass_one_set_of_types() -> None:
    """A second compiled version of a kernel means that a caller passes other types than documented."""
    hits = pe.Hits.from_lists([[(i, 1.0)] for i in range(30)])
    other = pe.Hits.from_lists([[(i + i % 2, 1.0)] for i in range(30)])
    named = {"query_ids": [f"q{i}" for i in range(30)], "doc_ids": [f"d{i}" for i in range(40)]}
    qrels = {f"q{i}": {f"d{i}": 1} for i in range(30)}
    every = ["ndcg@10", "ndcg_exp", "map", "mrr", "recall@10", "precision", "success@3"]
    for arm in (hits, other):
        for metric in every:
            pe.compare(arm, pe.Run.from_hits(hits, **named), qrels, metric, **named, n_boot=100)
    pe.evaluate(hits, {i: {i: 1} for i in range(30)}, every)
    for name in kernels.__all__:
        assert len(getattr(kernels, name).nopython_signatures) == 1, name


def test_numba_runs_no_threads_of_its_own() -> None:
    """parallel=True aborts the process when two threads of a service enter it."""
    for name in kernels.__all__:
        options = getattr(kernels, name).targetoptions
        assert not options.get("parallel", False)
        assert not options.get("fastmath", False)
        assert options["nogil"]


def test_without_a_folder_to_cache_in_kernels_still_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(_: Any) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr("numba.core.dispatcher.FunctionCache", nowhere)
    kernel: Any = kernels._kernel(lambda x: x + 1)
    assert kernel(1) == 2
    assert kernel.targetoptions["nogil"]
