"""Measure the branches of an engine on judged queries, compare them, and say what that means."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyengine.cli.console import ProgressCallback, integer, print_line, print_table
from pyengine.cli.options import FUSIONS

if TYPE_CHECKING:
    from pyengine.engine import Engine
    from pyengine.eval import Comparisons, Evaluation, Qrels
    from pyengine.types import Hits

__all__ = ["Measured", "depth_for", "label", "measure", "print_evaluations", "summary"]

BLOCK = 64
"""Queries asked at a time; see `pyengine.cli.batch`."""

ARM_NAMES = {"hybrid": "hybrid search", "lexical": "lexical search", "dense": "dense search"} | {
    fusion: f"hybrid search by {fusion}" for fusion in FUSIONS
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What each arm found, its scores, and how the arms differ.

    Parameters
    ----------
    hits : dict of arm to Hits
        Answers to the queries, in their order.
    evaluations : dict of arm to Evaluation
        Scores by arm.
    comparisons : Comparisons or None
        Every pair of arms on the first metric, corrected for being several; None for one arm.
    """

    hits: "dict[str, Hits]"
    evaluations: "dict[str, Evaluation]"
    comparisons: "Comparisons | None"

    def to_json(self) -> dict[str, Any]:
        """Return evaluations, comparisons and the sentence as a JSON-able dict."""
        return {
            "arms": {arm: evaluation.to_json() for arm, evaluation in self.evaluations.items()},
            "comparisons": [] if self.comparisons is None else self.comparisons.to_json(),
            "summary": summary(self.evaluations, self.comparisons),
        }


def depth_for(metrics: Sequence[str]) -> int:
    """Return the hits a query needs for these metrics: the deepest cutoff, 1000 for one without."""
    from pyengine.eval import Metric  # noqa: PLC0415 - NumPy and Numba, which --help does without

    return max(Metric.parse(metric).cutoff or 1000 for metric in metrics)


def measure(
    engine: "Engine",
    query_ids: Sequence[str],
    queries: Sequence[str],
    qrels: "Qrels",
    *,
    arms: Sequence[Any],
    metrics: Sequence[str],
    k: int,
    progress: ProgressCallback,
) -> Measured:
    """Ask every query in every arm, score the answers and compare the arms.

    Parameters
    ----------
    engine : Engine
        What is measured.
    query_ids, queries : sequence of str, length n
        Ids and texts.
    qrels : Qrels
        Judgements by query and document id.
    arms : sequence of "lexical", "dense", "hybrid" or the name of a fusion method
        In the order they are shown. "hybrid" fuses as the index says, a method as it does.
    metrics : sequence of str
        As `pyengine.evaluate` takes them; the first is the one the arms are compared on.
    k : int
        Hits asked for.
    progress : callable
        Called with queries asked and in all, over all arms.
    """
    from pyengine.eval import compare_many, evaluate  # noqa: PLC0415 - see depth_for

    total = len(arms) * len(queries)
    hits: dict[str, Hits] = {}
    for i, arm in enumerate(arms):
        blocks = []
        for start in range(0, len(queries), BLOCK):
            block = list(queries[start : start + BLOCK])
            named = {"mode": "hybrid", "fusion": arm} if arm in FUSIONS else {"mode": arm}
            blocks.append(engine.search_batch(block, k=k, **named))
            progress(i * len(queries) + min(start + BLOCK, len(queries)), total)
        hits[arm] = _joined(blocks)
    evaluations = {
        arm: evaluate(found, qrels, metrics, query_ids=query_ids, doc_ids=engine.ids)
        for arm, found in hits.items()
    }
    answered = {arm: e for arm, e in evaluations.items() if e.n_answered}
    comparisons = compare_many(answered, metrics=[metrics[0]]) if len(answered) > 1 else None
    return Measured(hits, evaluations, comparisons)


def _joined(blocks: "Sequence[Hits]") -> "Hits":
    import numpy as np  # noqa: PLC0415 - see depth_for

    from pyengine.types import Hits  # noqa: PLC0415 - see depth_for

    return Hits(
        np.concatenate([block.rows for block in blocks]),
        np.concatenate([block.scores for block in blocks]),
        np.concatenate([block.counts for block in blocks]),
    )


def print_evaluations(evaluations: "Mapping[str, Evaluation]") -> None:
    """Print a row per arm with each metric's mean and interval, and what a careful reader should know."""
    first = next(iter(evaluations.values()))
    level = first.settings["level"]
    rows = []
    for arm, evaluation in evaluations.items():
        cells = [arm]
        for name, mean in evaluation.means.items():
            low, high = evaluation.intervals[name]
            cells.append(f"{mean:.3f}" if math.isnan(low) else f"{mean:.3f} [{low:.3f}, {high:.3f}]")
        rows.append(cells)
    print_table(["", *map(label, first.means)], rows, right=range(1, len(first.means) + 1))
    print_line(f"{integer(first.n)} queries; in brackets the {level:.0%} interval", indent=2, style="dim")
    for arm, evaluation in evaluations.items():
        for count, what in (
            (evaluation.n_missing, "judged queries without an answer, scored 0"),
            (evaluation.n_empty, "queries answered with nothing, scored 0"),
            (evaluation.n_without_relevant, "queries without a relevant document, scored 0"),
            (evaluation.n_ignored, "answers without judgements, not counted"),
            (evaluation.n_unknown_documents, "judged documents that are not in the corpus"),
        ):
            if count:
                print_line(f"{arm}: {integer(count)} {what}", indent=2, style="dim")


def label(metric: str) -> str:
    """Return a metric as papers write it: ``NDCG@10``, ``Recall@100``."""
    name, at, cutoff = metric.partition("@")
    written = name.upper() if name in ("ndcg", "mrr", "map") else name.capitalize()
    return written + at + cutoff


def summary(evaluations: "Mapping[str, Evaluation]", comparisons: "Comparisons | None") -> str:
    """Return one sentence on what the numbers say, and no more than they say.

    Parameters
    ----------
    evaluations : mapping of arm to Evaluation
        The first metric counts.
    comparisons : Comparisons or None
        Of the arms on that metric.
    """
    first = next(iter(evaluations.values()))
    metric = next(iter(first.means))
    best = max(evaluations, key=lambda arm: evaluations[arm].means[metric])
    value = evaluations[best].means[metric]
    opening = f"{ARM_NAMES.get(best, best).capitalize()} reads {label(metric)} {value:.3f}"
    if comparisons is None or not len(comparisons):
        low, high = evaluations[best].intervals[metric]
        between = "" if math.isnan(low) else f" ({low:.3f} to {high:.3f} with 95% confidence)"
        return f"{opening}{between} over {integer(first.n)} queries, with no second arm to compare it to."
    clauses = []
    beaten = set()
    for comparison in comparisons:
        if best not in (comparison.a, comparison.b):
            continue
        other = comparison.a if comparison.b == best else comparison.b
        against = f"{other} ({evaluations[other].means[metric]:.3f}, p {_p(comparison.p_adjusted)})"
        if comparison.significant:
            beaten.add(other)
            clauses.append(f"it beats {against}")
        else:
            clauses.append(f"these {integer(comparison.n)} queries cannot tell it from {against}")
    return f"{opening}, the highest: {' and '.join(clauses)}{_moral(best, beaten, set(evaluations))}."


def _moral(best: str, beaten: set[str], arms: set[str]) -> str:
    if not {"hybrid", "lexical", "dense"} <= arms:
        return ""
    if best == "hybrid":
        return "; each branch finds what the other misses, and fusing them pays" if len(beaten) == 2 else ""
    return "; fusing the branches costs on this collection" if "hybrid" in beaten else ""


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.2g}"
