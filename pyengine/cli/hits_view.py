"""How hits look, to people and as JSON."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyengine.cli.console import one_line, print_line, print_table, stdout_width

if TYPE_CHECKING:
    from pyengine.engine import SearchHit, SearchResult
    from pyengine.sparse import TermContribution

__all__ = ["hit_json", "print_hit", "print_result", "result_json"]

TERMS_SHOWN = 12


def result_json(result: "SearchResult") -> dict[str, Any]:
    """Return a result as a JSON-able dict."""
    return {
        "query": result.query,
        "mode": result.mode,
        "degraded": result.degraded,
        "notes": list(result.notes),
        "hits": [hit_json(rank, hit) for rank, hit in enumerate(result, start=1)],
    }


def hit_json(rank: int, hit: "SearchHit") -> dict[str, Any]:
    """Return a hit as a JSON-able dict."""
    fields: dict[str, Any] = {
        "rank": rank,
        "id": hit.id,
        "score": hit.score,
        "ranks": dict(hit.ranks),
        "scores": dict(hit.scores),
        "title": hit.title,
        "text": hit.text,
        "metadata": dict(hit.metadata),
    }
    if hit.span is not None:
        fields |= {"chunk": hit.chunk, "span": list(hit.span)}
    if hit.explanation is not None:
        fields["explanation"] = {
            "terms": [
                {
                    "term": t.term,
                    "weight": t.weight,
                    "tf": t.tf,
                    "df": t.df,
                    "idf": t.idf,
                    "contribution": t.contribution,
                }
                for t in hit.explanation.terms
            ],
            "fusion": dict(hit.explanation.fusion),
            "weights": dict(hit.explanation.weights),
            "why": hit.explanation.why,
        }
    return fields


def print_result(result: "SearchResult") -> None:
    """Print the hits with rank and score in every branch, and why where that was asked."""
    for text in result.notes:
        print_line(f"note: {text}", style="yellow")
    if result.degraded:
        print_line("note: the dense branch was too late and was left out", style="yellow")
    if not len(result):
        print_line("no document matches")
    for rank, hit in enumerate(result, start=1):
        print_hit(rank, hit, result.mode)


def print_hit(
    rank: int, hit: "SearchHit", mode: str, *, terms_shown: int = TERMS_SHOWN, indent: int = 0
) -> None:
    """Print one hit.

    Parameters
    ----------
    rank : int
        From 1.
    hit : SearchHit
        Explained or not.
    mode : str
        How the query was answered.
    terms_shown : int
        Terms of the explanation to list; the others are summed up.
    indent : int
        Columns before every line.
    """
    place = "" if hit.span is None else f"  chunk {hit.chunk}, characters {hit.span[0]} to {hit.span[1]}"
    print_line(f"{rank:>2}. {one_line(hit.id)}{place}", style="bold", indent=indent)
    inner = indent + 4
    print_line(_standing(mode, hit), indent=inner)
    width = stdout_width() - inner
    # Words do not fill their lines: a little less than two lines of text stays on two lines.
    print_line(_shortened(f"{hit.title} {hit.text[: 8 * width]}", 2 * width - 16), indent=inner, style="dim")
    if hit.metadata:
        fields = " · ".join(f"{key}: {value}" for key, value in hit.metadata.items() if value is not None)
        print_line(_shortened(fields, width), indent=inner, style="dim")
    if hit.explanation is not None:
        _print_terms(hit.explanation.terms, terms_shown, inner)
        _print_fusion(hit, inner)


def _standing(mode: str, hit: "SearchHit") -> str:
    """Say the score and the place in each branch that ran: ``score 0.0325   lexical #1 (12.31)``."""
    places = []
    for branch, rank in hit.ranks.items():
        score = hit.scores.get(branch)
        places.append(
            f"{branch} not found" if rank is None or score is None else f"{branch} #{rank} ({score:.3f})"
        )
    return f"score {hit.score:.5f}   " + "   ".join(places) if mode == "hybrid" else "   ".join(places)


def _shortened(text: str, length: int) -> str:
    """Return the start of ``text`` on one line."""
    line = one_line(text)
    return line if len(line) <= length else line[: length - 1] + "…"


def _print_terms(terms: "Sequence[TermContribution]", shown: int, indent: int) -> None:
    if not any(t.tf for t in terms):
        print_line("no query term occurs in it: the dense branch found it alone", indent=indent)
        return
    ordered = sorted(terms, key=lambda t: (-t.contribution, t.term))
    rows = [
        (t.term, f"{t.weight:g}", f"{t.tf:g}", f"{t.df:g}", f"{t.idf:.3f}", f"{t.contribution:.3f}")
        for t in ordered[:shown]
    ]
    if len(ordered) > shown:
        rest = math.fsum(t.contribution for t in ordered[shown:])
        rows.append((f"({len(ordered) - shown} more)", "", "", "", "", f"{rest:.3f}"))
    rows.append(("(sum: BM25)", "", "", "", "", f"{math.fsum(t.contribution for t in terms):.3f}"))
    print_table(
        ("term", "in query", "in document", "documents", "idf", "adds"),
        rows,
        right=(1, 2, 3, 4, 5),
        indent=indent,
    )


def _print_fusion(hit: "SearchHit", indent: int) -> None:
    if hit.explanation is None or not hit.explanation.fusion:
        return
    parts = " + ".join(
        f"{value:.5f} ({branch}{'' if (rank := hit.ranks.get(branch)) is None else f' #{rank}'})"
        for branch, value in hit.explanation.fusion.items()
    )
    weights = ", ".join(f"{branch} {weight:.4g}" for branch, weight in hit.explanation.weights.items())
    print_line(f"fused {hit.score:.5f} = {parts}", indent=indent)
    print_line(f"weights: {weights}; {hit.explanation.why}", indent=indent, style="dim")
