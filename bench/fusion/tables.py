"""The figures as tables of a page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.fusion.measure import FUSIONS, HALVES, TABLE, WINDOWED, WINDOWS

__all__ = ["blocks"]

Figures = Mapping[str, Mapping[str, Any]]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *(["---:"] * (len(head) - 1))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *rows]) + "\n"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def gains(figures: Figures) -> str:
    """Render what each fusion gains over the better branch, and the means that matter.

    Parameters
    ----------
    figures : mapping
        Label of a query set to its figures.
    """
    sets = [label for label in figures if not label.endswith(", literals")]
    rows = []
    for half, names in HALVES.items():
        for label in sets:
            if label.partition(",")[0] in names:
                branches = figures[label]["branches"]
                cells = [_points(figures[label]["fusions"][name]["gain"]) for name in FUSIONS]
                best = _points(figures[label]["best convex"]["gain"])
                rows.append(
                    [
                        f"{label} ({half})",
                        f"{branches['lexical']:.3f}",
                        f"{branches['dense']:.3f}",
                        *cells,
                        best,
                    ]
                )
    for title, chosen in (
        ("mean of the five of the table", TABLE),
        ("mean of all", sets),
        ("worst of all", sets),
    ):
        known = [label for label in chosen if label in figures]
        fold = min if title.startswith("worst") else np.mean
        cells = [_points(float(fold([figures[s]["fusions"][n]["gain"] for s in known]))) for n in FUSIONS]
        best = _points(float(fold([figures[s]["best convex"]["gain"] for s in known])))
        rows.append([f"**{title}**", "", "", *cells, best])
    return _table(["queries", "BM25", "dense", *FUSIONS, "convex, best w, with labels"], rows)


def intervals(figures: Figures) -> str:
    """Render RRF and auto with their intervals.

    Parameters
    ----------
    figures : mapping
    """
    rows = []
    for label, found in figures.items():
        cells = []
        for name in ("rrf", "auto"):
            gain = found["fusions"][name]
            cells.append("{} [{}, {}]".format(*(_points(gain[key]) for key in ("gain", "low", "high"))))
        rows.append([label, f"{found['queries']:,}", *cells])
    return _table(["queries", "n", "rrf", "auto"], rows)


def buckets(figures: Figures) -> str:
    """Render the gain over the better branch by kind of query.

    Parameters
    ----------
    figures : mapping
    """
    rows = [
        [label, name, f"{bucket['queries']:,}", _points(bucket["rrf"]), _points(bucket["auto"])]
        for label, found in figures.items()
        for name, bucket in found["buckets"].items()
    ]
    return _table(["queries", "bucket", "n", "rrf", "auto"], rows)


def literals(figures: Figures) -> str:
    """Render Recall@10 where queries hold a literal that documents have.

    Parameters
    ----------
    figures : mapping
    """
    rows = [
        [label, *(f"{found['recall@10'][name]:.3f}" for name in ("lexical", "dense", "rrf", "auto"))]
        for label, found in figures.items()
        if label.endswith((", literals", ", code"))
    ]
    return _table(["queries", "BM25", "dense", "rrf", "auto"], rows)


def windows(figures: Figures) -> str:
    """Render NDCG@10 by the window: of auto for each query set, of others in the mean.

    Parameters
    ----------
    figures : mapping
    """
    rows = [
        [label, *(f"{found['windows']['auto'][str(window)]:.3f}" for window in WINDOWS)]
        for label, found in figures.items()
    ]
    for name in WINDOWED:
        means = [np.mean([found["windows"][name][str(w)] for found in figures.values()]) for w in WINDOWS]
        rows.append([f"**mean of `{name}`**", *(f"{mean:.4f}" for mean in means)])
    return _table(["queries", *map(str, WINDOWS)], rows)


def calibrations(figures: Figures) -> str:
    """Render what auto measured of each collection.

    Parameters
    ----------
    figures : mapping
    """
    rows = []
    for label, found in figures.items():
        if "," not in label:
            known = found["calibration"]
            cells = [f"{known[key]:.2f}" for key in ("lexical_success", "dense_success", "spread")]
            rows.append([label, str(known["queries"]), *cells])
    return _table(["collection", "known items", "lexical success", "dense success", "spread"], rows)


def tuning(figures: Figures) -> str:
    """Render what tuning gains over RRF by the number of judged queries.

    Parameters
    ----------
    figures : mapping
    """
    counts = (5, 10, 25, 50, 100)
    rows = []
    for label, found in figures.items():
        if "tuning" not in found:
            continue
        tuned = found["tuning"]
        curve = {point["labels"]: point["gain"] for point in tuned["curve"]}
        gain = "{} [{}, {}]".format(*(_points(tuned[key]) for key in ("gain", "low", "high")))
        share = f"{curve[50] / tuned['gain']:.0%}" if 50 in curve and tuned["accepted"] else ""
        cells = [_points(curve[n]) if n in curve else "" for n in counts]
        verdict = "yes" if tuned["accepted"] else "no"
        rows.append([label, *cells, gain, share, f"{tuned['config']['lexical_weight']:g}", verdict])
    head = [
        "collection",
        *(f"{n} labels" for n in counts),
        "all labels",
        "50 of all",
        "lexical weight",
        "accepted",
    ]
    return _table(head, rows)


def blocks(figures: Figures) -> dict[str, str]:
    """Return the generated blocks of docs/fusion.md by marker.

    Parameters
    ----------
    figures : mapping
    """
    tables = (gains, intervals, buckets, literals, windows, tuning, calibrations)
    return {f"fusion:{table.__name__}": table(figures) for table in tables}
