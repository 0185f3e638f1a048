"""The report: one HTML file that needs nothing else, for people who will decide."""

from collections.abc import Mapping
from datetime import datetime
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyengine.diagnose.plots import history_plot, plots
from pyengine.errors import MissingExtraError, StorageError
from pyengine.text import Analyzer

if TYPE_CHECKING:
    from pyengine.diagnose.diagnosis import Diagnosis

__all__ = ["write_report"]

_QUERIES: Final = 25
_TITLES: Final = {
    "census": "Literals in the text",
    "lift": "Does BM25 close the gap?",
    "location": "Where does the lift sit?",
    "divergence": "Distance from web text",
    "blindness": "Does the embedder see literals?",
    "triage": "Without judgements",
}


def write_report(diagnosis: "Diagnosis", path: "str | PathLike[str]", *, command: str = "") -> None:
    """Write a diagnosis as one HTML file: no script, no network, readable on a phone and printed.

    Text of the corpus and of queries is escaped by the template engine, and a content security policy lets
    nothing run.

    Parameters
    ----------
    diagnosis : Diagnosis
    path : path-like
    command : str
        What made it, for the reader who wants to make it again.

    Raises
    ------
    MissingExtraError
        Jinja2 or matplotlib is not installed.
    StorageError
        The system refused to write.
    """
    try:
        import jinja2
    except ModuleNotFoundError as error:
        raise MissingExtraError("the report is made with Jinja2: pip install 'pyengine[diagnose]'") from error
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["marked"] = _marked
    environment.filters["sentence"] = _sentence
    environment.filters["amount"] = _amount
    source = resources.files("pyengine.diagnose").joinpath("report.html.j2").read_text(encoding="utf-8")
    page = environment.from_string(source).render(
        diagnosis=diagnosis,
        titles=_TITLES,
        plots=plots(diagnosis.findings),
        queries=_queries(diagnosis.findings),
        history=_history(diagnosis),
        command=command,
    )
    try:
        Path(path).write_text(page, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise StorageError(
            f"{path}: cannot write the report ({error.strerror}); check folder and space"
        ) from error


def _history(diagnosis: "Diagnosis") -> str:
    """Return the picture of the readings over time; empty where there is none."""
    if not diagnosis.history:
        return ""
    return history_plot(
        [datetime.fromisoformat(reading.time) for reading in diagnosis.history],
        [(reading.excess, reading.low, reading.high) for reading in diagnosis.history],
    )


def _queries(findings: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the queries that gained and lost most by fusion."""
    if "lift" not in findings or "queries" not in findings["lift"].details:
        return {}
    rows = [
        {**row, "gain": row["ndcg@10"]["fused"] - row["ndcg@10"]["dense"]}
        for row in findings["lift"].details["queries"]
    ]
    rows.sort(key=lambda row: (-row["gain"], row["id"]))
    gained = [row for row in rows if row["gain"] > 0][:_QUERIES]
    lost = [row for row in rows[::-1] if row["gain"] < 0][:_QUERIES]
    return {"gained most": gained, "lost most": lost}


def _sentence(text: str) -> str:
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]


def _amount(value: float | None, unit: str) -> str:
    """Return a value as people write it: shares as percentages."""
    if value is None:
        return ""
    return f"{100 * value:.2f} %" if unit.startswith("share") else f"{value:.3g}"


def _marked(text: str) -> list[tuple[str, bool]]:
    """Return a text in pieces, and of each whether it is a literal."""
    pieces, at = [], 0
    for token in Analyzer("domain").tokens(text):
        if token.kind == "word" or token.part or token.start < at:
            continue
        pieces += [(text[at : token.start], False), (text[token.start : token.end], True)]
        at = token.end
    return [piece for piece in [*pieces, (text[at:], False)] if piece[0]]
