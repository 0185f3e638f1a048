"""What a lexical query costs, to people and as JSON."""

from dataclasses import asdict
from statistics import median
from typing import TYPE_CHECKING

from pyengine.cli.console import integer, print_json, print_line

if TYPE_CHECKING:
    from pyengine.sparse import Bm25Index

__all__ = ["show_profile"]

RUNS = 9


def show_profile(index: "Bm25Index", query: str, k: int, *, as_json: bool) -> None:
    """Answer one query several times and print what the core counted, with the median time.

    Parameters
    ----------
    index : Bm25Index
        The lexical branch.
    query : str
        One query.
    k : int
        Hits wanted; deeper is dearer.
    as_json : bool
        Print one JSON document.
    """
    costs = [index.profile([query], k)[1][0] for _ in range(RUNS)]
    cost = asdict(costs[0])
    microseconds = median(run.nanoseconds for run in costs) / 1000
    del cost["nanoseconds"]
    if as_json:
        print_json({"query": query, "k": k, **cost, "microseconds": microseconds, "runs": RUNS})
        return
    print_line(f"algorithm  {cost['algorithm']}")
    for name, meaning in (
        ("postings", "of the query's terms; an exhaustive search visits them all"),
        ("scanned", "codes looked at"),
        ("survivors", "rows that had to be looked up in other lists"),
        ("lookups", "of a row in a list"),
        ("rescored", "rows scored from frequency and length"),
    ):
        print_line(f"{name:<9}  {integer(cost[name]):>13}  {meaning}")
    print_line(f"time       {microseconds:>11.1f} us  in the core, median of {RUNS} runs")
