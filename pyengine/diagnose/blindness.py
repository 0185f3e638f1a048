"""Test 5, not of the playbook: does the embedder see literals at all? Needs no judgements."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.diagnose.finding import Estimate, Finding, Threshold, Verdict
from pyengine.diagnose.sampling import Spot, draw_spots
from pyengine.eval.stats import bootstrap_intervals
from pyengine.types import Embedder, Hits

if TYPE_CHECKING:
    from pyengine.engine import Engine

__all__ = ["blindness"]

QUESTION: Final = "Does the embedder tell one code, citation or identifier from another?"
PER_FAMILY: Final = 200
MOST: Final = 5
"""Documents that may have the term: of so few, one among the first ten is what anybody expects."""
TOP: Final = 10
DEPTH: Final = 1000
LEAST: Final = 20
CONFIRMED: Final = 0.5
SUSPECT: Final = 0.2
_N_BOOT: Final = 5000

F64 = npt.NDArray[np.float64]


def blindness(
    engine: "Engine",
    embedder: Embedder,
    *,
    per_family: int = PER_FAMILY,
    level: float = 0.95,
    seed: int = 0,
) -> Finding:
    """Ask for literals that few documents have, and swap them for others: what does the dense branch notice?

    For each literal drawn: the literal alone is the query, and a document that has it should be among the
    first ten. Ordinary words that as few documents have are asked the same way: the control. Then the
    passage around it is embedded, once as it stands, once with another literal of the family in its place,
    once with an ordinary word swapped for another: how far does the vector move, and how far does the
    passage's document fall among the answers to it?

    Parameters
    ----------
    engine : Engine
        With vectors.
    embedder : Embedder
        The engine's.
    per_family : int
        Literals of each family, and words, at most.
    level : float
        Of the intervals.
    seed : int
        Of the draws.

    Returns
    -------
    Finding
        The estimate: the share of literals that BM25 finds among its first ten and the dense branch does not,
        less that share of the words. ``details["families"]``: for each family n, both branches' shares found,
        the median dense rank, and what swaps do: ``swap_moves`` and ``control_moves`` (1 - cosine),
        ``swap_falls`` and ``control_falls`` (binary logarithm of rank after by rank before: 1 is twice as
        deep), and ``moves_less`` and ``falls_less``, swap minus control of the same passage, each with the
        interval of resampled literals. ``details["swaps"]``: the same over all literals.
    """
    started = time.perf_counter()
    spots = draw_spots(engine, per_family=per_family, most=MOST, seed=seed)
    words = spots.pop("word", [])
    literals = [spot for found in spots.values() for spot in found]
    if len(literals) < LEAST or len(words) < LEAST:
        return Finding(
            test="blindness",
            question=QUESTION,
            mode="calibrated",
            verdict="not run",
            reason=f"the corpus has {len(literals)} literals and {len(words)} words that at most {MOST} "
            f"documents have; {LEAST} of each are needed",
            seconds=time.perf_counter() - started,
        )
    asked = {"literal": _asked(engine, literals), "word": _asked(engine, words)}
    missed = {kind: found["lexical"] & ~found["dense"] for kind, found in asked.items()}
    value, low, high = _difference(missed["literal"], missed["word"], level, seed)
    swapped = _swapped(engine, embedder, [*literals, *words], words, seed)
    place = 0
    families: dict[str, Any] = {}
    for family, found in [*spots.items(), ("word", words)]:
        here = slice(place, place + len(found))
        place += len(found)
        part = asked["word"] if family == "word" else _part(asked["literal"], here)
        families[family] = {
            "n": len(found),
            "found_lexical": float(part["lexical"].mean()),
            "found_dense": float(part["dense"].mean()),
            "median_dense_rank": float(np.median(part["rank"])),
            **_noticed(_part(swapped, here), level, seed),
            "examples": [spot.written for spot in found[:5]],
        }
    noticed = _noticed(_part(swapped, slice(len(literals))), level, seed)
    verdict, reason = _verdict(value, low, high, asked)
    return Finding(
        test="blindness",
        question=QUESTION,
        mode="calibrated",
        verdict=verdict,
        reason=reason,
        estimate=Estimate(
            value=value,
            low=low,
            high=high,
            n=len(literals),
            unit="share of literals that only BM25 finds, less that of words",
            unit_of_n="literals",
            level=level,
        ),
        thresholds=(
            Threshold(
                value=CONFIRMED, meaning="surely above: confirmed", provenance="ours: half of the codes lost"
            ),
            Threshold(
                value=SUSPECT, meaning="surely above: suspect; surely below: healthy", provenance="ours"
            ),
        ),
        seconds=time.perf_counter() - started,
        notes=_notes(noticed),
        details={
            "families": families,
            "swaps": noticed,
            "top": TOP,
            "depth": DEPTH,
            "most_documents": MOST,
        },
    )


def _asked(engine: "Engine", spots: Sequence[Spot]) -> dict[str, Any]:
    """Return for each spot whether each branch finds a document with it, and the dense rank of the first."""
    queries = [spot.written for spot in spots]
    lexical = engine.search_batch(queries, TOP, mode="lexical", collapse=False)
    dense = engine.search_batch(queries, min(DEPTH, len(engine)), mode="dense", collapse=False)
    holders = [_holders(engine, spot) for spot in spots]
    ranks = np.array([_first(dense, i, rows) for i, rows in enumerate(holders)])
    found = np.array([_first(lexical, i, rows) <= TOP for i, rows in enumerate(holders)])
    return {"lexical": found, "dense": ranks <= TOP, "rank": ranks}


def _holders(engine: "Engine", spot: Spot) -> set[int]:
    """Return the rows that have the term itself, not only its parts."""
    rows, _ = engine.lexical.search([[spot.term]], k=MOST).query(0)
    return {spot.row, *rows.tolist()}


def _first(hits: Hits, i: int, rows: set[int]) -> int:
    return next(
        (rank for rank, row in enumerate(hits.query(i)[0].tolist(), start=1) if row in rows), DEPTH + 1
    )


def _part(asked: Mapping[str, Any], here: slice) -> dict[str, Any]:
    return {name: values[here] for name, values in asked.items()}


def _swapped(
    engine: "Engine", embedder: Embedder, spots: Sequence[Spot], words: Sequence[Spot], seed: int
) -> dict[str, F64]:
    """Return what swapping the spot does to its passage, and what swapping a word beside it does."""
    random = np.random.default_rng(seed)
    by_family: dict[str, list[str]] = {}
    for spot in spots:
        by_family.setdefault(spot.family, []).append(spot.written)
    swapped, controls = [], []
    for spot in spots:
        others = [other for other in by_family[spot.family] if other != spot.written]
        swapped.append(spot.with_(others[int(random.integers(len(others)))] if others else ""))
        controls.append(_control(spot, words[int(random.integers(len(words)))].written, random))
    plain, swap, control = (
        embedder.embed(texts, kind="passage")
        for texts in ([spot.passage for spot in spots], swapped, controls)
    )
    rows = [spot.row for spot in spots]
    before = _depths(engine, plain, rows)
    return {
        "swap_moves": 1 - np.einsum("ij,ij->i", plain, swap).astype(np.float64),
        "control_moves": 1 - np.einsum("ij,ij->i", plain, control).astype(np.float64),
        "swap_falls": np.log2(_depths(engine, swap, rows) / before),
        "control_falls": np.log2(_depths(engine, control, rows) / before),
    }


def _depths(engine: "Engine", vectors: npt.NDArray[np.float32], rows: Sequence[int]) -> F64:
    """Return the rank from 1 of each row among the answers to its vector; `DEPTH` + 1 where it is not."""
    assert engine.dense is not None  # blindness is asked of indexes with vectors
    hits = engine.dense.search(vectors, min(DEPTH, len(engine)))
    same = hits.rows == np.asarray(rows, dtype=np.uint32)[:, None]
    return np.where(same.any(axis=1), same.argmax(axis=1) + 1, DEPTH + 1).astype(np.float64)


def _noticed(swapped: Mapping[str, F64], level: float, seed: int) -> dict[str, Any]:
    """Return the means of what swaps do, and swap minus control with the interval of resampled passages."""
    pairs = {
        "moves_less": swapped["swap_moves"] - swapped["control_moves"],
        "falls_less": swapped["swap_falls"] - swapped["control_falls"],
    }
    intervals = bootstrap_intervals(
        np.stack(list(pairs.values()), axis=1), level=level, seed=seed, method="percentile"
    )
    return {
        **{name: float(values.mean()) for name, values in swapped.items()},
        **{
            name: {
                "value": float(values.mean()),
                "low": None if np.isnan(low) else low,
                "high": None if np.isnan(high) else high,
            }
            for (name, values), (low, high) in zip(pairs.items(), intervals, strict=True)
        },
    }


def _notes(noticed: Mapping[str, Any]) -> tuple[str, ...]:
    moves, falls = noticed["moves_less"], noticed["falls_less"]
    said = (
        f"a literal swapped for another moves a passage by {noticed['swap_moves']:.3f}, a word beside it by "
        f"{noticed['control_moves']:.3f} (1 - cosine); its document falls by a factor of "
        f"{2 ** noticed['swap_falls']:.2f} and {2 ** noticed['control_falls']:.2f}"
    )
    surely = [
        what
        for what, pair in (("moves less", moves), ("falls less", falls))
        if pair["high"] is not None and pair["high"] < 0
    ]
    return (f"{said}: it surely {' and '.join(surely)} for a literal" if surely else said,)


def _control(spot: Spot, word: str, random: np.random.Generator) -> str:
    """Return the passage with one ordinary word beside the spot swapped for another."""
    pieces = [
        piece for piece in (spot.before + " " + spot.after).split() if piece.isalpha() and len(piece) >= 4
    ]
    if not pieces:
        return spot.passage + " " + word
    old = pieces[int(random.integers(len(pieces)))]
    if old in spot.before:
        return f"{spot.before.replace(old, word, 1)}{spot.written}{spot.after}"
    return f"{spot.before}{spot.written}{spot.after.replace(old, word, 1)}"


def _difference(
    literal: npt.NDArray[np.bool_], word: npt.NDArray[np.bool_], level: float, seed: int
) -> tuple[float, float, float]:
    random = np.random.default_rng(seed)
    # Resampling a share of yes and no is a binomial draw.
    apart = random.binomial(len(literal), literal.mean(), _N_BOOT) / len(literal) - random.binomial(
        len(word), word.mean(), _N_BOOT
    ) / len(word)
    low, high = np.percentile(apart, [50 * (1 - level), 100 - 50 * (1 - level)])
    return float(literal.mean() - word.mean()), float(low), float(high)


def _verdict(
    value: float, low: float, high: float, asked: Mapping[str, Mapping[str, Any]]
) -> tuple[Verdict, str]:
    share = float(asked["literal"]["dense"].mean())
    said = (
        f"asked for a literal that at most {MOST} documents have, the dense branch finds one in {share:.0%}, "
        f"BM25 in {float(asked['literal']['lexical'].mean()):.0%} (words: "
        f"{float(asked['word']['dense'].mean()):.0%} and {float(asked['word']['lexical'].mean()):.0%})"
    )
    if low > CONFIRMED:
        return "confirmed", f"{said}: it is blind to them"
    if low > SUSPECT:
        return "suspect", f"{said}: it sees them badly"
    if high < SUSPECT:
        return "healthy", f"{said}: it sees them about as well as words"
    return "inconclusive", f"{said}; the difference of {value:.2f} lies between {low:.2f} and {high:.2f}"
