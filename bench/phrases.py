"""``python -m bench.phrases FOLDER``: phrases and fields over a collection in BEIR format.

Phrases are the words of documents, so each is somewhere; an engine with positions and one without have to
find the same documents before a time counts. Prints what docs/query-language.md says: bytes beside the
lexical index, and the median over queries of the best time of three.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import pyengine as pe

__all__ = ["main"]

LENGTHS = (2, 3, 5)
K = 10
ROUNDS = 3


def queries_of(corpus: "pe.Corpus", n: int, seed: int) -> dict[str, list[str]]:
    """Return ``n`` queries of each kind, from random places of random documents.

    Parameters
    ----------
    corpus : pyengine.Corpus
    n : int
    seed : int
    """
    random = np.random.default_rng(seed)
    texts = [text for batch in corpus.batches() for text in batch.column("text").to_pylist()]
    words = [found for text in texts if len(found := text.replace('"', " ").split()) > max(LENGTHS)]
    found: dict[str, list[str]] = {f"phrase of {length} words": [] for length in LENGTHS}
    found["field:word"] = []
    for document in random.choice(len(words), n).tolist():
        at = int(random.integers(len(words[document]) - max(LENGTHS)))
        taken = words[document][at : at + max(LENGTHS)]
        for length in LENGTHS:
            found[f"phrase of {length} words"].append(f'"{" ".join(taken[:length])}"')
        found["field:word"].append(f"text:{taken[0].strip('+-*:') or 'the'}")
    return found


def times_of(engine: pe.Engine, queries: Sequence[str]) -> tuple[list[float], list[tuple[str, ...]]]:
    """Return the seconds of each query and the ids it found.

    Parameters
    ----------
    engine : pyengine.Engine
    queries : sequence of str
    """
    seconds, found = [], []
    for query in queries:
        rounds = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            hits = engine.search(query, K, mode="lexical", syntax="query").hits
            rounds.append(time.perf_counter() - start)
        seconds.append(min(rounds))
        found.append(tuple(hit.id for hit in hits))
    return seconds, found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line.
    """
    parser = argparse.ArgumentParser(prog="bench.phrases", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-n", type=int, default=200, help="queries of each kind")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    asked = queries_of(pe.Corpus.from_beir(options.folder), options.n, options.seed)
    medians: dict[str, list[float]] = {kind: [] for kind in asked}
    answers: dict[str, list[tuple[str, ...]]] = {}
    for phrases in (False, True):
        with (
            tempfile.TemporaryDirectory() as where,
            pe.Engine.create(Path(where) / "i", phrases=phrases) as engine,
        ):
            engine.add(pe.Corpus.from_beir(options.folder))
            start = time.perf_counter()
            engine.commit()
            built = time.perf_counter() - start
            files = engine.info()["files"]
            lexical = files["lexical.seg"]
            beside = {name: files[name] for name in ("positions.seg", "pairs/lexical.seg") if name in files}
            share = sum(beside.values()) / lexical
            print(f"phrases={phrases}: built in {built:.1f} s; lexical.seg {lexical:,} bytes")
            print(f"  beside it {beside}, {share:.2f} times")
            for kind, queries in asked.items():
                seconds, found = times_of(engine, queries)
                if answers.setdefault(kind, found) != found:
                    raise SystemExit(f"{kind}: the two engines find different documents")
                medians[kind].append(statistics.median(seconds))
    print(f"\n| {len(asked['field:word'])} queries | texts are read | `phrases=True` |\n|---|---|---|")
    for kind, (without, beside_it) in medians.items():
        print(f"| {kind} | {1000 * without:.2f} ms | {1000 * beside_it:.2f} ms |")


if __name__ == "__main__":
    main()
