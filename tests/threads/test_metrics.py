"""Evaluations in several threads at once: same numbers, and the process lives.

A Numba kernel with ``parallel=True`` aborts here ("workqueue threading layer is not threadsafe").
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np

import pyengine as pe


def test_four_threads_get_the_answer_of_one() -> None:
    random = np.random.default_rng(0)
    a, b = (
        pe.Hits.from_lists(
            [[(int(r), -float(i)) for i, r in enumerate(random.permutation(200)[:50])] for _ in range(200)]
        )
        for _ in range(2)
    )
    qrels = {i: {int(r): int(random.integers(0, 4)) for r in random.integers(0, 200, 10)} for i in range(200)}
    barrier = Barrier(4)

    def work(_: int) -> list[object]:
        barrier.wait()
        return [
            (
                pe.evaluate(a, qrels, ["ndcg@10", "map", "recall@50"]).to_json(),
                pe.compare(a, b, qrels).to_json(),
            )
            for _ in range(5)
        ]

    alone = (
        pe.evaluate(a, qrels, ["ndcg@10", "map", "recall@50"]).to_json(),
        pe.compare(a, b, qrels).to_json(),
    )
    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(work, range(4)):
            assert all(result == alone for result in results)
