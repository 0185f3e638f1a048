"""What we hold ourselves to, beside what was measured: each a ratio to a named peer of the same run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.peers.lexical.tables import OURS, exact_peers, grid

__all__ = ["Line", "targets"]

LATENCY = {  # k: (mean against bm25s, mean and p99 against the best exact peer), each (must, goal)
    10: ((10, 25), (3.5, 8), (3, 6)),
    100: ((7, 15), (3, 7), (2.5, 5)),
    1000: ((3, 7), (2.5, 5), (2, 4)),
}
BOUNDED_GROWTH = 4
PASSAGE = 30
"""Postings a document from which texts are passages."""


@dataclass(frozen=True)
class Line:
    """One target.

    Parameters
    ----------
    what, unit : str
        In words.
    must, goal : float, optional
        Bounds; None: none.
    measured : float
        The figure.
    at_most : bool
        Whether less is better.
    note : str
        The peer, or what the figure is made of.
    """

    what: str
    must: float | None
    goal: float | None
    measured: float
    at_most: bool = False
    unit: str = "x"
    note: str = ""

    def cells(self) -> list[str]:
        """Return the line for a Markdown table."""
        sign = "at most " if self.at_most else ""

        def bound(value: float | None) -> str:
            return "" if value is None else f"{sign}{value:g}{self.unit}"

        return [
            self.what,
            bound(self.must),
            bound(self.goal),
            f"{self.measured:.3g}{self.unit}" if self.measured < 100 else f"{self.measured:,.0f}{self.unit}",
            self.verdict(),
            self.note,
        ]

    def verdict(self) -> str:
        """Say which of the bounds hold."""

        def holds(bound: float | None) -> bool:
            if bound is None:
                return False
            return self.measured <= bound if self.at_most else self.measured >= bound

        if holds(self.goal):
            return "goal"
        if self.must is None:
            return "" if self.goal is None else "short of the goal"
        return "must" if holds(self.must) else "**short**"


def latency(result: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the targets for single calls."""
    for k, (bm25s, best, tail) in LATENCY.items():
        cell = result["latency"].get(f"mixed k={k}")
        if cell is None:
            continue
        ours = cell[OURS]
        if "bm25s_numba" in cell:
            ratio = cell["bm25s_numba"]["mean"] / ours["mean"]
            yield Line(f"k = {k}: mean against bm25s (Numba)", *bm25s, ratio)
        for figure, bounds in (("mean", best), ("p99", tail)):
            peer = min(exact_peers(result, cell), key=lambda name: cell[name][figure], default=None)
            if peer is not None:
                ratio = cell[peer][figure] / ours[figure]
                yield Line(f"k = {k}: {figure} against the best exact peer", *bounds, ratio, note=peer)
    for name, bounds, words in (
        ("long k=10", (2, 4), "8 to 12 terms, k = 10: mean against the best peer"),
        ("long k=100", (2, 4), "8 to 12 terms, k = 100: mean against the best peer"),
        ("single k=10", (2, 5), "one term, k = 10: mean against the best peer"),
    ):
        cell = result["latency"].get(name)
        if cell is not None and len(cell) > 1:
            peer = min((n for n in cell if n != OURS), key=lambda n: cell[n]["mean"])
            yield Line(words, *bounds, cell[peer]["mean"] / cell[OURS]["mean"], note=peer)
    worst = max(
        (
            (cell[OURS][figure] / times[figure], f"{name}, {figure}, {peer}")
            for name, cell in result["latency"].items()
            for peer, times in cell.items()
            if peer != OURS
            for figure in ("mean", "p99")
        ),
        default=None,
    )
    if worst is not None:
        yield Line("any cell above: time over the peer's", 1, None, worst[0], at_most=True, note=worst[1])
    batch = result["batch"]
    if "2" in batch.get("pisa_bmm", {}):
        ratio = batch[OURS]["2"] / batch["pisa_bmm"]["2"]
        yield Line("batch on two threads against PISA's", 3, None, ratio, note="queries a second")


def building(result: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the targets for building, size and opening."""
    built, peers = result["build"], result["peers"]
    if "tantivy_py" in built:
        ratio = built["tantivy_py"]["seconds"] / built[OURS]["seconds"]
        yield Line("building from text on one thread against tantivy", 1.5, 4, ratio)
    yield Line("peak memory of building", 1126, None, built[OURS]["peak_mb"], at_most=True, unit=" MiB")
    size = peers[OURS]["open"]["bytes"] / result["postings"]
    # Of short texts most bytes are vocabulary, in any engine: the bound is for passages.
    long = result["postings"] > PASSAGE * result["documents"]
    bounds = (6.5, 3) if long else (None, None)
    yield Line("bytes a posting, all included", *bounds, size, at_most=True, unit="")
    yield Line("opening", 10, None, peers[OURS]["open"]["seconds"] * 1000, at_most=True, unit=" ms")


def own(facts: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the targets that have no peer."""
    batch, filters = facts["batch us"], facts["filters us"]
    yield Line("batch against single calls, one thread", 1.3, None, facts["single us"] / batch["1"])
    yield Line("batch on two threads against one", 1.85, None, batch["1"] / batch["2"])
    for name, must, goal in (("50 %", 1.5, None), ("1 %", None, 1), ("0.1 %", 1, None), ("0.01 %", 1, None)):
        ratio = filters[name] / filters["none"]
        yield Line(f"a filter that admits {name}: time over that without", must, goal, ratio, at_most=True)
    above = facts["overhead us"]["call"] - facts["overhead us"]["core"]
    yield Line("a call from Python above the core", 6, None, above, at_most=True, unit=" us")
    if "build s" in facts:
        built = facts["build s"]
        threads = built["words"] / built["words, 2 threads"]
        yield Line("building on two threads against one", 1.7, None, threads)
        domain = built["domain"] / built["words"]
        yield Line("building with `domain` over `words`", 1.5, None, domain, at_most=True)


def growth(facts: Mapping[str, Any], larger: Mapping[str, Any]) -> Line:
    """Return how much longer a query takes with more documents; the bound is for four times as many."""
    times = larger["documents"] / facts["documents"]
    words = f"{times:.2g} times the documents: mean over that of one, k = 10"
    must = 2.5 if times <= BOUNDED_GROWTH else None
    return Line(words, must, None, larger["single us"] / facts["single us"], at_most=True)


def targets(result: Mapping[str, Any], larger: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the table of one workload.

    Parameters
    ----------
    result : mapping
        As ``run`` and ``own`` wrote it.
    larger : sequence of mapping
        The ``own`` figures of the same workload with more documents.
    """
    lines: list[Line] = [*latency(result), *building(result)]
    if "own" in result:
        lines.extend(own(result["own"]))
        lines.extend(growth(result["own"], facts) for facts in larger)
    rows: Sequence[Sequence[str]] = [line.cells() for line in lines]
    return grid(["target", "must", "goal", "measured", "holds", "peer or cell"], rows)
