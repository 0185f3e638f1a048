"""``python -m bench.diagnose``: what the diagnostics say of labelled collections, and how sure a verdict is.

Writes the tables of docs/diagnostics.md. Vectors come from the cache that bench.quality fills (``--cache``).
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import pyengine as pe
from bench.diagnose_verdicts import ROUNDS, VERDICTS, verdicts
from bench.pages import renew_file
from bench.quality.spec import HERE, load_collection
from bench.quality.vectors import CachedEmbedder
from pyengine.diagnose import Diagnosis, diagnose
from pyengine.diagnose.location import traits

__all__ = ["main", "reliability"]

ROOT = Path(__file__).parents[1]
PAGE = "docs/diagnostics.md"
SIZES = (10, 25, 50, 100, 200)
# Judged queries below which the whole collection does not show what is true of it.
FEWEST = 50
# A lift of so many points and more is one, of so many and less is none; between them any verdict is fair.
LIFT, NO_LIFT = 3.0, 1.0


class _Embedder:
    """The cached embedder, with the tokenizer of the one behind it."""

    def __init__(self, name: str, cache: Path) -> None:
        self._inner = pe.OnnxEmbedder(name)
        self._cached = CachedEmbedder(self._inner, cache)
        self.dim = self._cached.dim
        self.fingerprint = self._cached.fingerprint
        self.embed = self._cached.embed
        self.pieces = self._inner.pieces


Traits = dict[str, npt.NDArray[np.bool_]]


def _diagnosed(folder: Path, embedder: Any, seed: int) -> Iterator[tuple[str, Diagnosis, Traits]]:
    """Yield the diagnosis of each query set of a collection, as bench.quality names them, and its traits."""
    spec = HERE / f"{folder.name}.yaml"
    collection = load_collection(spec) if spec.is_file() else None
    split = "test" if collection is None else collection.split
    sets = {"test": "queries.jsonl"} if collection is None else collection.query_sets
    analyzer = pe.Analyzer("domain", stemmer="english", stopwords="english")
    with (
        tempfile.TemporaryDirectory() as where,
        pe.Engine.create(Path(where) / "i", embedder=embedder, analyzer=analyzer) as engine,
    ):
        engine.add(pe.Corpus.from_beir(folder))
        engine.commit(n_threads=2)
        for i, (name, file) in enumerate(sets.items()):
            evalset = pe.EvalSet.from_beir(folder, split, queries=file)
            label = folder.name if i == 0 else f"{folder.name}, {name}"
            found = diagnose(engine, evalset, all=True, seed=seed)
            asked = [row["text"] for row in found.findings["lift"].details["queries"]]
            yield label, found, traits(engine, asked)


def reliability(gains: npt.NDArray[np.float64], n: int, seed: int = 0) -> dict[str, dict[str, float]]:
    """Return how often samples of ``n`` judged queries read each verdict, by fixed limits and by intervals.

    Parameters
    ----------
    gains : float64 (queries,)
        Points of NDCG@10 of each query, fused minus dense.
    n : int
        Queries a sample.
    seed : int
    """
    random = np.random.default_rng(seed)
    drawn = random.choice(gains, (ROUNDS, n))
    means = drawn.mean(axis=1)
    half = 1.959964 * drawn.std(axis=1, ddof=1) / np.sqrt(n)
    low, high = means - half, means + half
    fixed = {"confirmed": means > 5, "healthy": means < 1}
    interval = {"confirmed": low > 3, "healthy": high < 3}
    return {
        "fixed": {name: float(found.mean()) for name, found in fixed.items()},
        "interval": {name: float(found.mean()) for name, found in interval.items()},
    }


def _table(found: dict[str, Diagnosis]) -> list[str]:
    lines = [
        "| collection | verdict | lift over dense | over BM25 | where it sits | queries with a literal | "
        "blindness | triage | excess KL | mixed share | next step |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, d in found.items():
        cells = [name, f"**{d.verdict}**", _lift(d), _over_lexical(d), _where(d), _queries(d)]
        cells += [_reading(d, "blindness"), _reading(d, "triage"), _reading(d, "divergence")]
        cells += [
            f"{100 * (d.findings['census'].details['mixed']['share'] or 0):.2f} %",
            d.next_step.treatment,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _lift(d: Diagnosis) -> str:
    estimate = d.findings["lift"].estimate
    assert estimate is not None  # every collection has judgements
    return f"{estimate.value:+.1f} [{estimate.low:+.1f}, {estimate.high:+.1f}] {d.findings['lift'].verdict}"


def _over_lexical(d: Diagnosis) -> str:
    c = d.findings["lift"].details["fused_minus_lexical"]
    return f"{100 * c['difference']:+.1f}"


def _where(d: Diagnosis) -> str:
    """Return the reading of the location test, with the difference of lifts that decided."""
    finding = d.findings["location"]
    if finding.estimate is None:
        return finding.verdict
    trait = finding.estimate.unit.split("'")[1]
    return f"{trait} {finding.estimate.value:+.1f} {finding.verdict}"


def _queries(d: Diagnosis) -> str:
    asked = d.findings["census"].details["queries"]
    return f"{100 * asked['with_literal'] / asked['queries']:.0f} % {d.findings['census'].verdict}"


def _reading(d: Diagnosis, test: str) -> str:
    finding = d.findings[test]
    return finding.verdict if finding.estimate is None else f"{finding.estimate.value:.2f} {finding.verdict}"


def _gains(d: Diagnosis) -> npt.NDArray[np.float64]:
    """Return what fusion gains over the dense branch, in points of NDCG@10, by query."""
    rows = d.findings["lift"].details["queries"]
    return 100 * np.array([row["ndcg@10"]["fused"] - row["ndcg@10"]["dense"] for row in rows])


def _sizes(n: int) -> list[int]:
    return sorted({*(size for size in SIZES if size < n), n})


def _wrong(verdict: str, true: float) -> bool:
    """Whether the whole collection shows that a reading is wrong."""
    return (verdict == "confirmed" and true <= NO_LIFT) or (verdict == "healthy" and true >= LIFT)


def _verdict_table(found: dict[str, Diagnosis], asked: dict[str, Traits]) -> list[str]:
    lines = [
        f"| collection | true lift | all queries read | judged queries | {' | '.join(VERDICTS)} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, d in found.items():
        gains = _gains(d)
        if len(gains) < FEWEST:
            continue
        for n in _sizes(len(gains)):
            rates = verdicts(gains, asked[name], d.findings.get("blindness"), n)
            shares = [(v, f"{100 * rates[v]:.1f} %") for v in VERDICTS]
            cells = [name, f"{gains.mean():+.1f}", d.verdict, str(n)]
            cells += [f"**{share}**" if _wrong(v, gains.mean()) else share for v, share in shares]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def _reliability_table(found: dict[str, Diagnosis]) -> list[str]:
    lines = [
        "| collection | true lift | judged queries | limits: confirmed | limits: healthy | "
        "intervals: confirmed | intervals: healthy |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, d in found.items():
        gains = _gains(d)
        if len(gains) < FEWEST:
            continue
        for n in _sizes(len(gains)):
            rates = reliability(gains, n)
            cells = [name, f"{gains.mean():+.1f}", str(n)]
            for kind in ("fixed", "interval"):
                for verdict in ("confirmed", "healthy"):
                    share = f"{100 * rates[kind][verdict]:.1f} %"
                    cells.append(f"**{share}**" if _wrong(verdict, gains.mean()) else share)
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def agreement(found: dict[str, Diagnosis]) -> str:
    """Return a sentence on how far triage, which needs no judgements, goes with what judgements say.

    Parameters
    ----------
    found : dict of str to Diagnosis
        By collection and query set. Triage does not see the queries, so only the first set of each counts.
    """
    pairs = [
        (triage, lift, d.verdict)
        for name, d in found.items()
        for triage, lift in [(d.findings["triage"], d.findings["lift"])]
        if "," not in name and triage.estimate and lift.estimate and lift.estimate.n >= FEWEST
    ]
    if len(pairs) < 3:
        return "Fewer than three collections have both readings.\n"
    decided = [
        (triage.verdict == "suspect", lift.verdict != "healthy", verdict in ("suspect", "confirmed"))
        for triage, lift, verdict in pairs
        if triage.verdict != "inconclusive" and lift.verdict != "inconclusive"
    ]
    of_lift = sum(a == b for a, b, _ in decided)
    of_verdict = sum(a == b for a, _, b in decided)
    false = sum(a and not b for a, b, _ in decided)
    values = np.array([[f.estimate.value for f in pair[:2] if f.estimate] for pair in pairs])
    places = np.argsort(np.argsort(values, axis=0), axis=0)
    return (
        f"Triage beside judgements: {len(pairs)} collections have both readings, and on {len(decided)} of "
        f"them both decide. Triage is suspect exactly where the lift is a gain on {of_lift} of those, and "
        f"exactly where the verdict is at least suspect on {of_verdict}; it raises {false} false alarms. "
        f"Rank correlation (Spearman) of triage's estimate with the lift: "
        f"{np.corrcoef(places.T)[0, 1]:.2f}.\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line; the process's own by default.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.diagnose", description=__doc__)
    data = os.environ.get("PYENGINE_DATA", str(ROOT / "../shared/data"))
    parser.add_argument(
        "--data", type=Path, default=Path(data), help="folder of BEIR folders (PYENGINE_DATA)"
    )
    parser.add_argument(
        "--cache", type=Path, default=ROOT / "bench" / "quality" / "cache", help="where vectors are kept"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these collections")
    parser.add_argument("--embedder", default="minilm")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--update", action="store_true", help="write the tables into docs/diagnostics.md")
    options = parser.parse_args(arguments)
    folders = sorted(path.parent for path in options.data.glob("*/corpus.jsonl"))
    chosen = [folder for folder in folders if not options.only or folder.name in options.only]
    if not chosen:
        print(f"no collection in {options.data}; give --data", file=sys.stderr)
        return 2
    embedder = _Embedder(options.embedder, options.cache)
    found: dict[str, Diagnosis] = {}
    asked: dict[str, Traits] = {}
    for folder in chosen:
        for name, diagnosis, found_traits in _diagnosed(folder, embedder, options.seed):
            found[name], asked[name] = diagnosis, found_traits
            print(f"{name}\n{diagnosis.summary()}\n", flush=True)
    tables = {
        "collections": "\n".join([*_table(found), ""]),
        "agreement": agreement(found),
        "reliability": "\n".join([*_reliability_table(found), ""]),
        "verdicts": "\n".join([*_verdict_table(found, asked), ""]),
    }
    for text in tables.values():
        print(text, end="\n\n")
    if options.update:
        renew_file(ROOT, PAGE, tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
