"""The report's pictures: SVG text, drawn by matplotlib without a display or a global state."""

import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pyengine.diagnose.finding import Finding
from pyengine.errors import InvalidInputError, MissingExtraError

__all__ = ["draw_history", "history_plot", "plots"]

_WIDTH: Final = 5.2
_FEWEST: Final = 20
"""Literals of a family below which a mean is drawn by chance."""
_COLOURS: Final = {"dense": "#3b6ea8", "lexical": "#b5651d", "fused": "#2e7d5b", "grey": "#8a8f98"}


def plots(findings: Mapping[str, Finding]) -> dict[str, list[tuple[str, str]]]:
    """Return the pictures of each test: (what it shows, SVG).

    Parameters
    ----------
    findings : mapping of test to Finding

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.

    Notes
    -----
    Letters are drawn as paths, so that nothing of the corpus becomes markup. Threads: safe; no pyplot.
    """
    drawn: dict[str, list[tuple[str, str]]] = {}
    for test, finding in findings.items():
        if finding.verdict == "not run" or test not in _DRAW:
            continue
        drawn[test] = [(title, svg) for title, svg in _DRAW[test](finding.details) if svg]
    return drawn


def _figure(height: float) -> tuple[Any, Any]:
    try:
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "the report draws with matplotlib: pip install 'pyengine[diagnose]'"
        ) from error
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Any) -> str:
    out = io.BytesIO()
    # No date and no random ids: the same findings are the same report.
    figure.savefig(out, format="svg", metadata={"Date": None}, transparent=True)
    text = out.getvalue().decode("utf-8")
    return text[text.index("<svg") :]


def _bars(rows: Sequence[tuple[str, float, float | None, float | None]], label: str, colour: str) -> str:
    """Draw horizontal bars with intervals, the first row on top."""
    if not rows:
        return ""
    figure, axes = _figure(0.9 + 0.28 * len(rows))
    names = [_short(row[0]) for row in rows]
    values = [row[1] for row in rows]
    places = range(len(rows))
    axes.barh(places, values, color=colour, height=0.6)
    for place, (_, value, low, high) in zip(places, rows, strict=True):
        if low is not None and high is not None:
            axes.errorbar(value, place, xerr=[[value - low], [high - value]], color="#222", capsize=3, lw=1)
    axes.set_yticks(list(places), names)
    axes.invert_yaxis()
    axes.axvline(0, color="#222", lw=0.8)
    axes.set_xlabel(label)
    return _svg(figure)


def _short(text: str, most: int = 32) -> str:
    # matplotlib reads $...$ as formulas.
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(char if char.isprintable() else "·" for char in cut).replace("$", r"\$")


def _census(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    families = sorted(details["families"].items(), key=lambda item: -item[1]["share"])
    rows = [(name, 100 * f["share"], 100 * f["low"], 100 * f["high"]) for name, f in families]
    pieces = details.get("pieces") or {}
    broken = [
        (name, found["pieces_each"], None, None)
        for name, found in sorted(pieces.items(), key=lambda item: -item[1]["pieces_each"])
    ]
    return [
        ("Literals in the corpus, by family", _bars(rows, "% of tokens, with interval", _COLOURS["lexical"])),
        (
            "Pieces that the model's tokenizer makes of each",
            _bars(broken, "pieces a literal or word", _COLOURS["dense"]),
        ),
    ]


def _divergence(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [(driver["word"], driver["nats"], None, None) for driver in details.get("drivers", [])[:15]]
    return [("Words that drive the divergence", _bars(rows, "nats of KL", _COLOURS["grey"]))]


def _lift(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    means = details["means"]["ndcg@10"]
    figure, axes = _figure(2.2)
    names = ["lexical", "dense", "fused"]
    axes.barh(range(3), [means[name] for name in names], color=[_COLOURS[name] for name in names], height=0.6)
    axes.set_yticks(range(3), names)
    axes.invert_yaxis()
    for name, label in (("oracle_fusion", "better branch each"), ("perfect_rerank", "best order")):
        axes.axvline(
            details["ceilings"][name], color="#222", lw=1, ls="--" if "oracle" in name else ":", label=label
        )
    axes.set_xlabel("NDCG@10, and its ceilings")
    axes.set_xlim(0, 1)
    axes.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    gains = [
        (f"fused minus {arm}", 100 * c["difference"], _times(c["low"]), _times(c["high"]))
        for arm, c in (("dense", details["fused_minus_dense"]), ("lexical", details["fused_minus_lexical"]))
    ]
    return [
        ("Each branch, their fusion, and what no ranking can pass", _svg(figure)),
        ("What fusion gains", _bars(gains, "points of NDCG@10, with interval", _COLOURS["fused"])),
        ("How far apart the branches place a relevant document", _displacement(details["ranks"])),
    ]


def _times(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _displacement(ranks: Mapping[str, Any]) -> str:
    apart = ranks["displacement"]
    edges = apart["edges"]
    names = [f"{a} to {b - 1}" if b - a > 1 else str(a) for a, b in itertools.pairwise(edges)]
    figure, axes = _figure(2.4)
    axes.bar(range(len(names)), apart["counts"], color=_COLOURS["grey"])
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_xlabel("ranks apart")
    axes.set_ylabel("documents")
    return _svg(figure)


def _location(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "axes" not in details:  # the playbook's buckets
        found = [
            (name, b["lift"], None, None) for name, b in details["buckets"].items() if b["lift"] is not None
        ]
        return [("Lift by bucket", _bars(found, "NDCG@10 over dense", _COLOURS["fused"]))]
    rows = [
        (f"{name}: {side} (n = {axis[side]['n']})", axis[side]["lift"], axis[side]["low"], axis[side]["high"])
        for name, axis in details["axes"].items()
        for side in ("with", "without")
        if axis[side]["lift"] is not None
    ]
    return [("Lift by kind of query", _bars(rows, "points of NDCG@10 over dense", _COLOURS["fused"]))]


def _blindness(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    families = sorted(details["families"].items(), key=lambda item: item[1]["found_dense"])
    if not families:
        return []
    figure, axes = _figure(1.2 + 0.34 * len(families))
    for place, (_, found) in enumerate(families):
        axes.plot(
            [found["found_dense"], found["found_lexical"]], [place, place], color="#ccc", lw=2, zorder=1
        )
        axes.scatter(found["found_dense"], place, color=_COLOURS["dense"], zorder=2)
        axes.scatter(found["found_lexical"], place, color=_COLOURS["lexical"], zorder=2)
    axes.set_yticks(range(len(families)), [f"{name} (n = {found['n']})" for name, found in families])
    axes.invert_yaxis()
    axes.set_xlim(-0.03, 1.03)
    axes.set_xlabel("found among the first ten: dense (blue), BM25 (brown)")
    moved = [
        (f"{name} (n = {found['n']})", found["swap_moves"] / max(found["control_moves"], 1e-9), None, None)
        for name, found in families
        if found["n"] >= _FEWEST
    ]
    return [
        ("Asked for a literal that few documents have", _svg(figure)),
        (
            "How far swapping one moves a passage's vector, a word beside it being 1 (families of "
            f"{_FEWEST} and more)",
            _bars(moved, "times as far as a word", _COLOURS["dense"]),
        ),
    ]


def _triage(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [
        (f"{arm}, piece with a {kind}", found[arm], None, None)
        for kind, found in details.items()
        for arm in ("lexical", "dense", "fused")
    ]
    return [
        (
            "Documents found again by a piece of them",
            _bars(rows, "share among the first ten", _COLOURS["grey"]),
        )
    ]


_DRAW: Final = {
    "census": _census,
    "divergence": _divergence,
    "lift": _lift,
    "location": _location,
    "blindness": _blindness,
    "triage": _triage,
}


def draw_history(times: Sequence[Any], values: Sequence[tuple[float, float, float]], path: Path) -> None:
    """Draw excess KL over time with its intervals into a file of the kind its ending names.

    Parameters
    ----------
    times : sequence of datetime
    values : sequence of (value, low, high)
    path : Path
    """
    if path.suffix.lower() not in (".svg", ".png", ".pdf"):
        raise InvalidInputError(f"plot: expected a file that ends in .svg, .png or .pdf, got {path.name}")
    figure = _history(times, values)
    figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def history_plot(times: Sequence[Any], values: Sequence[tuple[float, float, float]]) -> str:
    """Return the picture of `draw_history` as SVG text.

    Parameters
    ----------
    times : sequence of datetime
    values : sequence of (value, low, high)
    """
    return _svg(_history(times, values))


def _history(times: Sequence[Any], values: Sequence[tuple[float, float, float]]) -> Any:
    figure, axes = _figure(2.8)
    lows, highs = [low for _, low, _ in values], [high for _, _, high in values]
    middles = [value for value, _, _ in values]
    axes.fill_between(times, lows, highs, color=_COLOURS["grey"], alpha=0.3, lw=0)
    axes.plot(times, middles, color=_COLOURS["dense"], marker="o", ms=4)
    axes.vlines(times, lows, highs, color=_COLOURS["dense"], lw=0.8)
    axes.set_ylabel("excess KL, nats")
    axes.tick_params(axis="x", rotation=30)
    return figure
