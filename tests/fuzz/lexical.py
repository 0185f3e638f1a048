"""Differential fuzzing of lexical search: random collections, layouts, queries and options, until time is up.

``python tests/fuzz/lexical.py --seconds 600 --seed 7``; a difference is printed with its seed, exit code 1.
"""

import argparse
import random
import sys
import time

import numpy as np

from pyengine import Hits, _core

DEPTHS = (1, 2, 10, 31, 32, 33, 100, 1000)
CHUNKS = (1, 3, 64, 2048)
QUERIES = 20


def documents(draw: random.Random) -> list[list[str]]:
    """Return documents with a skewed vocabulary and lengths from none to many."""
    words, lengths = draw.choice([2, 5, 20, 100]), draw.choice([[0, 1, 2], [0, 3, 10, 40], [5], [200, 1]])
    return [
        [f"t{int(draw.paretovariate(0.7)) % words}" for _ in range(draw.choice(lengths))]
        for _ in range(draw.choice([1, 2, 5, 20, 100, 700, 3000]))
    ]


def difference(seed: int) -> str | None:
    """Search one random collection in every way and say where two ways differ."""
    draw = random.Random(seed)
    docs = documents(draw)
    builder = _core.LexicalBuilder(
        draw.choice([0.0, 0.9, 1.5]),
        draw.choice([0.0, 0.4, 0.75, 1.0]),
        draw.randrange(5),
        draw.choice([0.0, 0.5, 1.0]),
        tail_limit=draw.choice([0, 1, 3, 10]),
        dense_divisor=draw.choice([2, 4, 16]),
        range_postings=draw.choice([1, 2, 3, 8]),
    )
    builder.add_token_lists(docs)
    index = builder.finish("")
    index.verify()
    if draw.random() < 0.3:
        dead = np.flatnonzero([draw.random() < 0.3 for _ in docs]).astype(np.uint32)
        index = _core.LexicalIndex.union_of([index, index.without(dead)])
    tokens = [
        [f"t{int(draw.paretovariate(0.7)) % 100}" for _ in range(draw.choice([1, 2, 3, 5, 10, 30]))]
        for _ in range(QUERIES)
    ]
    queries = _core.Queries.from_tokens(tokens)
    for k in DEPTHS:
        params = None
        if draw.random() < 0.4:
            params = (draw.randrange(5), draw.choice([0, 0.5, 1.2, 3]), draw.choice([0, 0.3, 0.75, 1]), 0.7)
        allowed = None
        if draw.random() < 0.4:
            share = draw.choice([0.01, 0.1, 0.5, 0.9])
            mask = np.array([draw.random() < share for _ in range(len(index))] + [False] * (-len(index) % 64))
            few = np.flatnonzero(mask).astype(np.uint32) if draw.random() < 0.5 else None
            allowed = (np.packbits(mask, bitorder="little").view("<u8"), few)
        expected = Hits(*index.search(queries, k, 1, True, allowed, params))
        for chunk in CHUNKS:
            found = Hits(*index.search(queries, k, 1, False, allowed, params, chunk=chunk))
            if not found.equals(expected):
                filtered = allowed is not None
                return f"seed {seed}: k = {k}, chunk = {chunk}, params = {params}, filter = {filtered}"
    return None


def main(arguments: list[str] | None = None) -> int:
    """Run until time is up; 1 if anything differed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    end = time.monotonic() + options.seconds
    seed = options.seed
    while time.monotonic() < end:
        found = difference(seed)
        if found is not None:
            print(found)
            return 1
        seed += 1
    searches = len(DEPTHS) * len(CHUNKS) * QUERIES
    print(f"{seed - options.seed} collections, {searches} searches each: no difference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
