"""What a lexical query costs, to people and as JSON."""

from dataclasses import asdict
from statistics import median
from typing import TYPE_CHECKING

from pyengine.cli.console import integer, print_json, print_line

if TYPE_CHECKING:
    from pyengine.rows import RowFilter
    from pyengine.sparse import Bm25Index

__all__ = ["show_profile"]

RUNS = 9
COUNTS = {
    "postings": "of the query's terms; an exhaustive search visits them all",
    "scanned": "codes looked at",
    "survivors": "rows that had to be looked up in other lists",
    "lookups": "of a row in a list",
    "rescored": "rows scored from frequency and length",
}
TIMES = {
    "nanoseconds": ("time", "in the core, of which"),
    "prepare_ns": ("  prepare", "lists in order and a first threshold"),
    "scan_ns": ("  scan", "codes compared"),
    "lookup_ns": ("  look up", "rows in other lists"),
    "rescore_ns": ("  rescore", "exact scores, offered to the k best"),
}


def show_profile(
    index: "Bm25Index", query: str, k: int, *, allowed: "RowFilter | None", as_json: bool
) -> None:
    """Answer one query several times and print what the core counted, with the median time.

    Parameters
    ----------
    index : Bm25Index
        The lexical branch.
    query : str
        One query.
    k : int
        Hits wanted; deeper is dearer.
    allowed : RowFilter or None
        The rows that may be hits.
    as_json : bool
        Print one JSON document.
    """
    costs = [index.profile([query], k, filter=allowed)[1][0] for _ in range(RUNS)]
    cost = asdict(costs[0])
    times = {name: median(getattr(run, name) for run in costs) / 1000 for name in TIMES}
    for name in TIMES:
        del cost[name]
    if as_json:
        microseconds = {name.removesuffix("_ns"): time for name, time in times.items()}
        total = microseconds.pop("nanoseconds")
        print_json(
            {"query": query, "k": k, **cost, "microseconds": total, "by_phase": microseconds, "runs": RUNS}
        )
        return
    print_line(f"algorithm  {cost['algorithm']}")
    for name, meaning in COUNTS.items():
        print_line(f"{name:<9}  {integer(cost[name]):>13}  {meaning}")
    for name, (label, meaning) in TIMES.items():
        print_line(f"{label:<9}  {times[name]:>10.1f} us  {meaning}")
    print_line(f"{'':<9}  {'':>13}  medians of {RUNS} runs")
