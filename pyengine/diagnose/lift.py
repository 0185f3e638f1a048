"""Test 2: does BM25 close the gap that the dense branch leaves, and what is the most any ranking could do?"""

import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.diagnose.arms import DEPTH, F64, WINDOW, Arms, Judged
from pyengine.diagnose.finding import Estimate, Finding, Mode, Threshold, Verdict
from pyengine.eval import Comparison, compare_values, evaluate
from pyengine.eval.stats import bootstrap_intervals, queries_for_effect
from pyengine.types import Hits

__all__ = ["SUSPECT_POINTS", "lift", "queries_to_settle"]

QUESTION: Final = "Does fusing BM25 with the dense branch find what the dense branch misses?"
SUSPECT_POINTS: Final = 3.0
"""Points of NDCG@10 from which a lift is one: where the playbook begins to suspect."""
LEAST_QUERIES: Final = 10
"""Judged queries below which no verdict is given: resampling so few says nothing of the others."""
MOST_TO_JUDGE: Final = 10_000
"""Queries beyond which nobody judges on: the reading then says that the lift is too near the limit."""
_CALIBRATED: Final = (
    Threshold(
        value=SUSPECT_POINTS,
        meaning="the whole interval above it: confirmed; the whole interval below it: healthy",
        provenance="the playbook's limit of 'suspect', held against the interval and not the estimate",
    ),
    Threshold(
        value=0.0,
        meaning="the whole interval above it, but not above 3: suspect",
        provenance="a gain that is not noise",
    ),
)
_PLAYBOOK: Final = (
    Threshold(value=1.0, meaning="below: healthy", provenance="the playbook's table"),
    Threshold(value=3.0, meaning="from here on: suspect", provenance="the playbook's table"),
    Threshold(value=5.0, meaning="above: confirmed", provenance="the playbook's table"),
)


def lift(arms: Arms, *, mode: Mode = "calibrated", level: float = 0.95, seed: int = 0) -> Finding:
    """Return what fusion gains over the dense branch, and the ceilings of all rankings of these candidates.

    Parameters
    ----------
    arms : Arms
    mode : "playbook" or "calibrated"
        Whether the estimate alone decides, by the playbook's limits, or its interval.
    level : float
        Of the interval.
    seed : int
        Of the resampling.

    Returns
    -------
    Finding
        ``details``: means by arm and metric, the comparison with each branch, ranks of the relevant documents
        and how far apart the branches place them, overlap of errors, ceilings, intervals of the means and
        the ceilings, how many queries more would settle the verdict, and a row for each query.
    """
    started = time.perf_counter()

    def compared(a: str, b: str, metric: str = "ndcg@10") -> Comparison:
        by_arm = arms.values[metric]
        return compare_values(by_arm[a], by_arm[b], names=(a, b), metric=metric, level=level, seed=seed)

    against = {arm: compared(arm, "fused") for arm in ("dense", "lexical")}
    branches = compared("dense", "lexical")
    gain = against["dense"]
    points, low, high = 100 * gain.difference, 100 * gain.low, 100 * gain.high
    reachable = ceilings(arms)
    verdict, reason = _of_interval(gain) if mode == "calibrated" else _of_estimate(points)
    notes = _notes(arms, against, branches, mode)
    return Finding(
        test="lift",
        question=QUESTION,
        mode=mode,
        verdict=verdict,
        reason=reason,
        estimate=Estimate(
            value=points,
            low=None if np.isnan(low) else low,
            high=None if np.isnan(high) else high,
            n=gain.n,
            unit="points of NDCG@10, fused minus dense",
            unit_of_n="judged queries",
            level=level,
        ),
        thresholds=_CALIBRATED if mode == "calibrated" else _PLAYBOOK,
        notes=tuple(notes),
        seconds=time.perf_counter() - started,
        details={
            "means": {
                metric: {arm: float(found.mean()) for arm, found in by_arm.items()}
                for metric, by_arm in arms.values.items()
            },
            "fused_minus_dense": gain.to_json(),
            "fused_minus_lexical": against["lexical"].to_json(),
            "lexical_minus_dense": branches.to_json(),
            "recall_fused_minus_dense": compared("dense", "fused", "recall@100").to_json(),
            "recall_fused_minus_lexical": compared("lexical", "fused", "recall@100").to_json(),
            "queries_to_settle": queries_to_settle(gain),
            "ranks": ranks(arms),
            "errors": errors(arms),
            "ceilings": {name: float(found.mean()) for name, found in reachable.items()},
            "intervals": {
                **{metric: _intervals(by_arm, level, seed) for metric, by_arm in arms.values.items()},
                "ceilings": _intervals(reachable, level, seed),
            },
            "queries": per_query(arms),
        },
    )


def _of_interval(gain: Comparison) -> tuple[Verdict, str]:
    points, low, high = 100 * gain.difference, 100 * gain.low, 100 * gain.high
    if np.isnan(low):
        return "inconclusive", "one query has no interval; judge more"
    said = f"fusion gains {points:+.1f} points over the dense branch ({low:+.1f} to {high:+.1f})"
    if gain.n < LEAST_QUERIES:
        return "inconclusive", f"{said}: {gain.n} judged queries, a verdict takes {LEAST_QUERIES}"
    if low > SUSPECT_POINTS:
        return "confirmed", f"{said}: surely more than {SUSPECT_POINTS:g}"
    if high < SUSPECT_POINTS:
        return "healthy", f"{said}: surely less than {SUSPECT_POINTS:g}"
    still = queries_to_settle(gain)
    more = "" if not still else f"; about {still:,} more judged queries would settle it"
    if still is None or still > MOST_TO_JUDGE:
        more = f"; it lies too near {SUSPECT_POINTS:g} for judged queries to settle it"
    if low > 0:
        return "suspect", f"{said}: a gain, which may be small{more}"
    return "inconclusive", f"{said}: too uncertain to say{more}"


def queries_to_settle(gain: Comparison) -> int | None:
    """Return how many judged queries more would put the whole interval on one side of `SUSPECT_POINTS`.

    Parameters
    ----------
    gain : Comparison
        Fused against dense.

    Returns
    -------
    int or None
        For a true lift as observed, with the comparison's power (0.8): an order of magnitude. 0 where the
        interval is on one side already; None where the lift is the limit itself, or for one query.
    """
    limit = SUSPECT_POINTS / 100
    if np.isnan(gain.low):
        return None
    if not gain.low <= limit <= gain.high:
        return 0
    level, power = gain.settings["level"], gain.settings["power"]
    needed = queries_for_effect(gain.sd, gain.difference - limit, level=level, power=power)
    return None if needed is None else max(0, needed - gain.n)


def _intervals(columns: Mapping[str, F64], level: float, seed: int) -> dict[str, dict[str, float | None]]:
    """Return the bootstrap interval of each mean; None where one query allows none."""
    table = np.stack(list(columns.values()), axis=1)
    found = bootstrap_intervals(table, level=level, seed=seed, method="percentile")
    return {
        name: {"low": None if np.isnan(low) else low, "high": None if np.isnan(high) else high}
        for name, (low, high) in zip(columns, found, strict=True)
    }


def _of_estimate(points: float) -> tuple[Verdict, str]:
    """Hold the estimate to the playbook's table; `docs/diagnostics.md` says how its gaps are closed."""
    said = f"fusion gains {points:+.1f} points over the dense branch"
    if points > 5:
        return "confirmed", f"{said}: over 5"
    if points >= 3:
        return "suspect", f"{said}: 3 to 5"
    if points < 1:
        return "healthy", f"{said}: under 1" + (", fusion hurts" if points < 0 else "")
    return "inconclusive", f"{said}: between 1 and 3 the playbook says nothing"


def _notes(arms: Arms, against: dict[str, Comparison], branches: Comparison, mode: Mode) -> list[str]:
    notes = []
    if mode == "playbook":
        notes += [
            "the playbook's limits look at the estimate alone; the calibrated mode at its interval",
            "as in the playbook's code every branch ranks every document, documents without a common term in "
            "the order they stand in, and the fusion counts ranks from 0; searches of this index do neither",
        ]
    if arms.judged.unknown:
        first = ", ".join(map(repr, arms.judged.unknown[:3]))
        notes.append(
            f"{len(arms.judged.unknown)} judged documents are not in the corpus ({first}): they count as "
            "missed"
        )
    if against["lexical"].high < 0:
        notes.append(
            "the lexical branch alone is better than the fusion by "
            f"{-100 * against['lexical'].difference:.1f} points: fuse with weights, or search it alone"
        )
    if against["dense"].high < 0:
        notes.append(
            f"fusion costs {-100 * against['dense'].difference:.1f} points: the lexical branch is weaker "
            f"({branches.mean_b:.3f} against {branches.mean_a:.3f}) and drags the answer down; weigh it less"
        )
    return notes


def ranks(arms: Arms) -> dict[str, Any]:
    """Return where the branches place each relevant document, and how far apart.

    A document that a branch did not find within `DEPTH` counts at `DEPTH` + 1, so differences are lower
    bounds there; how many those are is said. Where every document was ranked, all are found.
    """
    missing = DEPTH + 1
    found = {arm: arms.ranks(arm) for arm in ("lexical", "dense", "fused")}
    places: dict[str, npt.NDArray[np.int64]] = {}
    for arm, by_query in found.items():
        places[arm] = np.array(
            [
                by_row.get(row, missing)
                for by_row, relevant in zip(by_query, arms.judged.relevant, strict=True)
                for row in relevant
            ],
            dtype=np.int64,
        )
    apart = np.abs(places["dense"] - places["lexical"])
    edges = [0, 1, 3, 10, 30, 60, 100, 300, max(missing, int(apart.max(initial=0)) + 1)]
    return {
        "documents": len(apart),
        "depth": DEPTH,
        "mean": {arm: float(place.mean()) for arm, place in places.items()},
        "median": {arm: float(np.median(place)) for arm, place in places.items()},
        "not_found": {
            arm: 0 if arms.places is not None else int((place == missing).sum())
            for arm, place in places.items()
        },
        "displacement": {
            "median": float(np.median(apart)),
            "quartiles": [float(q) for q in np.percentile(apart, [25, 75])],
            "edges": edges,
            "counts": np.histogram(apart, bins=edges)[0].tolist(),
            "lexical_first": int((places["lexical"] < places["dense"]).sum()),
            "dense_first": int((places["dense"] < places["lexical"]).sum()),
        },
    }


def errors(arms: Arms) -> dict[str, Any]:
    """Return how the branches' failures overlap; a query fails if nothing relevant is among the first ten."""
    failed = {arm: arms.values["ndcg@10"][arm] == 0 for arm in ("lexical", "dense")}
    both = failed["lexical"] & failed["dense"]
    either = failed["lexical"] | failed["dense"]
    return {
        "both": int(both.sum()),
        "only_dense": int((failed["dense"] & ~failed["lexical"]).sum()),
        "only_lexical": int((failed["lexical"] & ~failed["dense"]).sum()),
        "neither": int((~either).sum()),
        "jaccard": float(both.sum() / either.sum()) if either.any() else None,
    }


def ceilings(arms: Arms) -> dict[str, F64]:
    """Return what no ranking of the same candidates can pass, query by query.

    ``union_recall@100``: relevant documents among the first 100 of either branch. ``oracle_fusion``: NDCG@10
    if each query took its better branch. ``perfect_rerank``: NDCG@10 if those candidates were in the best
    order, which no reranker over them can pass; ``perfect_rerank_dense`` over the dense branch's alone.
    """
    judged, hits = arms.judged, arms.hits
    union, dense, recalled = [], [], []
    for i, relevant in enumerate(judged.relevant):
        candidates = {arm: set(hits[arm].query(i)[0][:WINDOW].tolist()) for arm in ("lexical", "dense")}
        union.append(_best_order(relevant, candidates["lexical"] | candidates["dense"]))
        dense.append(_best_order(relevant, candidates["dense"]))
        recalled.append(len(union[-1]) / len(relevant) if relevant else 0.0)
    values = arms.values["ndcg@10"]
    return {
        "union_recall@100": np.array(recalled),
        "oracle_fusion": np.maximum(values["lexical"], values["dense"]),
        "perfect_rerank": _ndcg(union, judged),
        "perfect_rerank_dense": _ndcg(dense, judged),
    }


def _best_order(relevant: dict[int, int], candidates: set[int]) -> list[tuple[int, float]]:
    return [(row, float(grade)) for row, grade in relevant.items() if row in candidates]


def _ndcg(lists: list[list[tuple[int, float]]], judged: Judged) -> F64:
    by_position = {i: dict(relevant) for i, relevant in enumerate(judged.relevant) if relevant}
    found = evaluate(Hits.from_lists(lists, 10), by_position, ["ndcg@10"], n_boot=0)
    # A query without a relevant document in the corpus reads 0, as in every branch.
    values = np.zeros(len(lists))
    values[list(by_position)] = found.per_query["ndcg@10"]
    return values


def per_query(arms: Arms) -> list[dict[str, Any]]:
    """Return each query with its values and the best rank of a relevant document in each arm."""
    values = arms.values["ndcg@10"]
    best = {
        arm: [min(places.values(), default=None) for places in arms.ranks(arm)]
        for arm in ("lexical", "dense", "fused")
    }
    return [
        {
            "id": str(id_),
            "text": text,
            "ndcg@10": {arm: float(values[arm][i]) for arm in values},
            "rank": {arm: best[arm][i] for arm in best},
        }
        for i, (id_, text) in enumerate(zip(arms.judged.query_ids, arms.judged.queries, strict=True))
    ]
