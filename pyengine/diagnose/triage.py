"""Test 6, not of the playbook: a first reading without judgements, from queries made of the corpus itself."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.diagnose.arms import WINDOW, fused
from pyengine.diagnose.finding import Estimate, Finding, Threshold, Verdict
from pyengine.diagnose.sampling import Spot, draw_spots
from pyengine.types import Hits

if TYPE_CHECKING:
    from pyengine.engine import Engine

__all__ = ["known_items", "triage"]

QUESTION: Final = "Do the branches find a document again by a piece of it, with a literal or without?"
N_QUERIES: Final = 300
LEAST: Final = 50
TOP: Final = 10
SUSPECT: Final = 0.1
_WORDS_AROUND: Final = 3
_N_BOOT: Final = 5000

F64 = npt.NDArray[np.float64]


def known_items(engine: "Engine", *, n: int = N_QUERIES, seed: int = 0) -> dict[str, list[tuple[str, int]]]:
    """Return queries made of pieces of documents, and the row each should find.

    Parameters
    ----------
    engine : Engine
    n : int
        Of each kind, at most.
    seed : int

    Returns
    -------
    dict of str to list of (str, int)
        "literal": a literal with the words around it; "word": an ordinary word of like frequency with the
        words around it. Both are rare words' neighbourhoods, so that what differs is the literal.
    """
    spots = draw_spots(engine, per_family=n, most=max(5, len(engine) // 200), seed=seed)
    words = spots.pop("word", [])
    literals = [spot for found in spots.values() for spot in found]
    random = np.random.default_rng(seed)
    chosen = [literals[i] for i in random.permutation(len(literals))[:n].tolist()]
    return {
        "literal": [(_query(spot), spot.row) for spot in chosen],
        "word": [(_query(spot), spot.row) for spot in words[:n]],
    }


def _query(spot: Spot) -> str:
    before, after = spot.before.split(), spot.after.split()
    return " ".join([*before[-_WORDS_AROUND:], spot.written, *after[:_WORDS_AROUND]])


def triage(engine: "Engine", *, n: int = N_QUERIES, level: float = 0.95, seed: int = 0) -> Finding:
    """Return how well each branch finds documents again by pieces of them.

    Exact pieces favour BM25 everywhere, so its lead alone says nothing. The estimate is by how much more it
    leads on pieces with a literal than on pieces without: the same lead twice cancels out.

    Parameters
    ----------
    engine : Engine
        With vectors.
    n : int
        Queries of each kind, at most.
    level : float
        Of the interval.
    seed : int

    Returns
    -------
    Finding
        Never "confirmed": known items are not users' queries. ``details``: for each kind of query n, the
        share each branch finds among its first ten, and how many of the first ten the branches share.
    """
    started = time.perf_counter()
    items = known_items(engine, n=n, seed=seed)
    short = {kind: len(found) for kind, found in items.items() if len(found) < LEAST}
    if short:
        return Finding(
            test="triage",
            question=QUESTION,
            mode="calibrated",
            verdict="not run",
            reason=f"{LEAST} queries of each kind are needed; the corpus gives "
            + ", ".join(f"{count} with a {kind}" for kind, count in short.items()),
            seconds=time.perf_counter() - started,
        )
    found = {kind: _branches(engine, asked) for kind, asked in items.items()}
    leads = {kind: result["lexical"] - result["dense"] for kind, result in found.items()}
    value = float(leads["literal"].mean() - leads["word"].mean())
    low, high = _interval(leads["literal"], leads["word"], level, seed)
    verdict: Verdict = "suspect" if low > SUSPECT else "healthy" if high < SUSPECT else "inconclusive"
    reason = (
        f"BM25 leads by {leads['literal'].mean():.0%} on pieces with a literal and by "
        f"{leads['word'].mean():.0%} on pieces without"
    )
    return Finding(
        test="triage",
        question=QUESTION,
        mode="calibrated",
        verdict=verdict,
        reason=reason,
        estimate=Estimate(
            value=value,
            low=low,
            high=high,
            n=sum(len(asked) for asked in items.values()),
            unit="BM25's lead in success@10 on pieces with a literal, less that on pieces without",
            unit_of_n="queries made from documents",
            level=level,
        ),
        thresholds=(
            Threshold(
                value=SUSPECT,
                meaning="surely above: suspect; surely below: healthy",
                provenance="ours; docs/diagnostics.md shows how it agrees with judgements",
            ),
        ),
        notes=("queries made from documents are not users' queries: judge some before you act on this",),
        seconds=time.perf_counter() - started,
        details={
            kind: {
                "n": len(items[kind]),
                **{arm: float(result[arm].mean()) for arm in ("lexical", "dense", "fused")},
                "shared_of_first_ten": result["shared"],
                "examples": [query for query, _ in items[kind][:5]],
            }
            for kind, result in found.items()
        },
    )


def _branches(engine: "Engine", asked: Sequence[tuple[str, int]]) -> dict[str, Any]:
    queries = [query for query, _ in asked]
    rows = np.array([row for _, row in asked], dtype=np.uint32)
    lexical = engine.search_batch(queries, WINDOW, mode="lexical", collapse=False)
    dense = engine.search_batch(queries, WINDOW, mode="dense", collapse=False)
    both = [
        len(set(a.tolist()) & set(b.tolist())) / TOP
        for (a, _), (b, _) in zip(lexical.truncate(TOP), dense.truncate(TOP), strict=True)
    ]
    return {
        "lexical": _success(lexical, rows),
        "dense": _success(dense, rows),
        "fused": _success(fused([lexical, dense]), rows),
        "shared": float(np.mean(both)),
    }


def _success(hits: Hits, rows: npt.NDArray[np.uint32]) -> F64:
    found: F64 = (hits.rows[:, :TOP] == rows[:, None]).any(axis=1).astype(np.float64)
    return found


def _interval(a: F64, b: F64, level: float, seed: int) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    apart = random.choice(a, (_N_BOOT, len(a))).mean(axis=1) - random.choice(b, (_N_BOOT, len(b))).mean(
        axis=1
    )
    low, high = np.percentile(apart, [50 * (1 - level), 100 - 50 * (1 - level)])
    return float(low), float(high)
