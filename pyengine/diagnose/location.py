"""Test 3: where does the lift sit, in queries with rare words, with literals, or everywhere?"""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.diagnose import playbook
from pyengine.diagnose.arms import Arms
from pyengine.diagnose.finding import Estimate, Finding, Threshold, Verdict
from pyengine.eval import compare_values
from pyengine.text import Analyzer

if TYPE_CHECKING:
    from pyengine.engine import Engine

__all__ = ["LEAST", "RARE_SHARE", "location", "location_of_playbook", "traits"]

QUESTION: Final = "Does the lift sit in queries with rare words or literals?"
LEAST: Final = 20
"""Queries a bucket needs: the interval of a smaller one is wider than any lift."""
RARE_SHARE: Final = 0.001
"""A term is rare in the corpus if at most so large a share of its documents have it, and five in any case."""
WEB_RARE_ZIPF: Final = 3.0
"""A word is rare on the web below one occurrence in a million, Zipf 3 (van Heuven et al. 2014)."""
N_BOOT: Final = 10_000
EVEN_POINTS: Final = 5.0
"""Points by which kinds of queries may differ and still read alike: the playbook confirms a lift above."""

F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def traits(engine: "Engine", queries: Sequence[str]) -> dict[str, Bools]:
    """Return for each query whether it has a literal, a term rare in the corpus, a word rare on the web.

    Parameters
    ----------
    engine : Engine
        Its lexical index says how many documents have a term.
    queries : sequence of str

    Returns
    -------
    dict of str to bool (n,)
        "literal"; "corpus rare", for terms that occur at all; and "web rare" where the package wordfreq is
        installed, for words.
    """
    literals = Analyzer("domain")
    analyzer = engine.analyzer
    literal = np.zeros(len(queries), dtype=np.bool_)
    terms: dict[str, None] = {}
    of_query: list[list[str]] = []
    for i, query in enumerate(queries):
        literal[i] = any(token.kind != "word" for token in literals.tokens(query))
        of_query.append(list(dict.fromkeys(analyzer.terms(query))))
        terms |= dict.fromkeys(of_query[-1])
    listed = list(terms)
    counts = engine.lexical.postings_count([[term] for term in listed]) if listed else np.zeros(0)
    frequency = dict(zip(listed, counts.tolist(), strict=True))
    limit = max(5, RARE_SHARE * len(engine))
    rare = np.array(
        [any(0 < frequency[term] <= limit for term in found) for found in of_query], dtype=np.bool_
    )
    found = {"literal": literal, "corpus rare": rare}
    web = _web_rare(queries)
    if web is not None:
        found["web rare"] = web
    return found


def _web_rare(queries: Sequence[str]) -> Bools | None:
    try:
        import wordfreq
    except ModuleNotFoundError:
        return None
    words = Analyzer("words")
    return np.array(
        [
            any(
                wordfreq.zipf_frequency(term, "en", wordlist="best") < WEB_RARE_ZIPF
                for term in words.terms(query)
                if term.isalpha()
            )
            for query in queries
        ],
        dtype=np.bool_,
    )


def location(engine: "Engine", arms: Arms, *, level: float = 0.95, seed: int = 0) -> Finding:
    """Return the lift by kind of query, and whether the kinds differ.

    Parameters
    ----------
    engine : Engine
    arms : Arms
    level : float
        Of the intervals of the buckets. Those of the differences are wider, for looking at several traits
        (Bonferroni), so that all of them hold together at this level.
    seed : int
        Of the resampling.

    Returns
    -------
    Finding
        ``details["axes"]``: for each trait the buckets "with" and "without", n, lift and interval in points,
        None where a bucket has fewer than `LEAST` queries, and the difference of the lifts with its interval.
    """
    started = time.perf_counter()
    gains = 100 * (arms.values["ndcg@10"]["fused"] - arms.values["ndcg@10"]["dense"])
    found = traits(engine, arms.judged.queries)
    several = sum(min(with_it.sum(), (~with_it).sum()) >= LEAST for with_it in found.values())
    wide = 1 - (1 - level) / max(several, 1)
    axes = {name: _axis(gains, with_it, level, wide, seed) for name, with_it in found.items()}
    verdict, reason, decided = _verdict(axes)
    estimate = None
    if decided is not None:
        difference = axes[decided]["difference"]
        estimate = Estimate(
            value=difference["value"],
            low=difference["low"],
            high=difference["high"],
            n=len(gains),
            unit=f"points of lift, queries with trait {decided!r} minus those without",
            unit_of_n="judged queries",
            level=wide,
        )
    notes = [f"bucket of fewer than {LEAST} queries: not reported" for _ in range(1) if _suppressed(axes)]
    if "web rare" not in axes:
        notes.append("frequency on the web: not looked at, the package wordfreq is not installed")
    return Finding(
        test="location",
        question=QUESTION,
        mode="calibrated",
        verdict=verdict,
        reason=reason,
        estimate=estimate,
        thresholds=(
            Threshold(
                value=0.0,
                meaning="a difference of lifts surely above it: the lift sits there",
                provenance="a difference that is not noise, corrected for the traits looked at",
            ),
            Threshold(
                value=EVEN_POINTS,
                meaning="every difference surely below it: no kind of query gains much more than another",
                provenance="the lift that the playbook confirms a plateau at",
            ),
        ),
        notes=tuple(notes),
        seconds=time.perf_counter() - started,
        details={"axes": axes, "least": LEAST, "rare_share": RARE_SHARE, "difference_level": wide},
    )


def location_of_playbook(frequency: Mapping[str, int], arms: Arms, *, level: float = 0.95) -> Finding:
    """Return the lift of queries with a rare term and without, by the playbook's rule for rare.

    A term is rare if its document frequency is at or below the 20th percentile of all; a query that has one
    is a rare query. Where more than a fifth of the terms stand in one document, which is nearly always, rare
    means "in one document", and long queries are rare for being long: that is said.

    Parameters
    ----------
    frequency : mapping of str to int
        Documents that have each of the playbook's tokens: `pyengine.diagnose.playbook_arms.Bm25.frequency`.
    arms : Arms
        From `pyengine.diagnose.playbook_arms.run_playbook_arms`.
    level : float
        Not used by the playbook, which has no intervals.
    """
    started = time.perf_counter()
    rare, limit = playbook.rare_terms_of(frequency)
    is_rare = np.array([playbook.is_rare(query, rare) for query in arms.judged.queries], dtype=np.bool_)
    gains = arms.values["ndcg@10"]["fused"] - arms.values["ndcg@10"]["dense"]
    buckets = {
        name: {"n": int(chosen.sum()), "lift": float(gains[chosen].mean()) if chosen.any() else None}
        for name, chosen in (("rare", is_rare), ("common", ~is_rare))
    }
    lift = buckets["rare"]["lift"]
    notes = []
    if limit <= 1:
        share = len(rare) / max(len(frequency), 1)
        notes.append(
            f"the 20th percentile of document frequencies is {limit:g}: rare means in one document, as "
            f"{share:.0%} of the terms are"
        )
    said = "no query has a rare term" if lift is None else f"rare queries gain {lift:+.3f} NDCG@10"
    verdict: Verdict = "inconclusive"
    if lift is not None:
        verdict = (
            "healthy"
            if lift < 0.05
            else "confirmed"
            if lift > 0.25
            else "suspect"
            if lift >= 0.1
            else verdict
        )
    return Finding(
        test="location",
        question=QUESTION,
        mode="playbook",
        verdict=verdict,
        reason=f"{said} (n = {buckets['rare']['n']}), common ones n = {buckets['common']['n']}",
        estimate=None
        if lift is None
        else Estimate(
            value=float(lift),
            low=None,
            high=None,
            n=int(buckets["rare"]["n"] or 0),
            unit="NDCG@10 of rare queries, fused minus dense",
            unit_of_n="rare queries",
            level=level,
        ),
        thresholds=(
            Threshold(value=0.05, meaning="below: healthy", provenance="the playbook's table"),
            Threshold(value=0.10, meaning="from here on: suspect", provenance="the playbook's table"),
            Threshold(value=0.25, meaning="above: confirmed", provenance="the playbook's table"),
        ),
        notes=tuple(notes),
        seconds=time.perf_counter() - started,
        details={"buckets": buckets, "threshold": limit, "rare_terms": len(rare), "terms": len(frequency)},
    )


def _axis(gains: F64, with_it: Bools, level: float, wide: float, seed: int) -> dict[str, Any]:
    buckets = {"with": gains[with_it], "without": gains[~with_it]}
    result: dict[str, Any] = {name: _bucket(values, level, seed) for name, values in buckets.items()}
    if all(len(values) >= LEAST for values in buckets.values()):
        random = np.random.default_rng(seed)
        means = {
            name: random.choice(values, (N_BOOT, len(values))).mean(axis=1)
            if len(values) * N_BOOT <= 2**24
            else random.normal(values.mean(), values.std() / np.sqrt(len(values)), N_BOOT)
            for name, values in buckets.items()
        }
        apart = means["with"] - means["without"]
        low, high = np.percentile(apart, [50 * (1 - wide), 100 - 50 * (1 - wide)])
        result["difference"] = {
            "value": float(buckets["with"].mean() - buckets["without"].mean()),
            "low": float(low),
            "high": float(high),
        }
    else:
        result["difference"] = None
    return result


def _bucket(values: F64, level: float, seed: int) -> dict[str, Any]:
    if len(values) < LEAST:
        return {"n": len(values), "lift": None, "low": None, "high": None}
    found = compare_values(np.zeros(len(values)), values, level=level, seed=seed)
    return {"n": len(values), "lift": found.difference, "low": found.low, "high": found.high}


def _suppressed(axes: dict[str, dict[str, Any]]) -> bool:
    return any(axis[side]["lift"] is None for axis in axes.values() for side in ("with", "without"))


def _verdict(axes: dict[str, dict[str, Any]]) -> tuple[Verdict, str, str | None]:
    looked = {name: axis["difference"] for name, axis in axes.items() if axis["difference"] is not None}
    if not looked:
        present = [
            f"{name}: {axes[name]['with']['n']} with, {axes[name]['without']['n']} without" for name in axes
        ]
        return (
            "inconclusive",
            f"no trait splits the queries into two buckets of {LEAST} ({'; '.join(present)})",
            None,
        )
    above = [name for name, d in looked.items() if d["low"] > 0 and (axes[name]["with"]["low"] or 0) > 0]
    if above:
        name = max(above, key=lambda trait: looked[trait]["low"])
        d = looked[name]
        return (
            "confirmed",
            f"queries with trait {name!r} gain {d['value']:.1f} points more "
            f"({d['low']:+.1f} to {d['high']:+.1f})",
            name,
        )
    name = max(looked, key=lambda trait: looked[trait]["value"])
    d = looked[name]
    said = f"{name!r} differs by {d['value']:+.1f} points ({d['low']:+.1f} to {d['high']:+.1f})"
    lifts = [axes[n][side]["low"] for n in looked for side in ("with", "without")]
    if all(low is not None and low > 0 for low in lifts):
        return "suspect", f"the lift is everywhere, {said}: the model knows the domain badly as a whole", name
    if all(looked[trait]["high"] < EVEN_POINTS for trait in looked):
        return "healthy", f"no kind of query gains much more than another: {said}", name
    return "inconclusive", f"the kinds of queries cannot be told apart: {said}", name
