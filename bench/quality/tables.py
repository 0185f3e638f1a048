"""The tables of README.md and docs/quality.md, made from the YAML files alone."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.pages import renew, renew_file
from bench.quality.spec import AUTO, Collection, Settings

__all__ = ["render", "rewrite"]

NOT_RUN = "not run"
FEWEST_QUERIES = 20
"""Collections with fewer are held to their figures too, but a mean over so few says nothing about quality."""


def _cell(value: Any, form: str = "{:.3f}") -> str:
    return NOT_RUN if value is None else form.format(value)


def _at(figures: Any, *path: str) -> Any:
    """Walk down a nested mapping; None where the path ends early."""
    for key in path:
        if not isinstance(figures, dict) or key not in figures:
            return None
        figures = figures[key]
    return figures


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *rows]) + "\n"


def _cases(collections: Sequence[Collection]) -> Iterable[tuple[Collection, str, str]]:
    """Yield (collection, query set, label), query sets beyond the first with their names."""
    for collection in collections:
        for i, name in enumerate(collection.query_sets):
            if (_at(collection.expected, "counts", "queries", name) or 0) < FEWEST_QUERIES:
                continue
            yield collection, name, collection.name if i == 0 else f"{collection.name}, {name}"


def headline(collections: Sequence[Collection], settings: Settings) -> str:
    """Render NDCG@10 and Recall@100 of the engine's three modes.

    Parameters
    ----------
    collections : sequence of Collection
    settings : Settings
    """
    top, stem = settings.headline, settings.stemmed
    head = [
        "collection", "documents", "queries", "lexical", "dense", "hybrid", "hybrid, auto",
        "lexical, stemmed", "hybrid, stemmed",
        "lexical R@100", "dense R@100", "hybrid R@100",
    ]  # fmt: skip
    rows = []
    for c, queries, label in _cases(collections):
        ways = [
            ("lexical", queries, top), ("dense", queries), ("hybrid", queries, top),
            ("hybrid", queries, AUTO), ("lexical", queries, stem), ("hybrid", queries, stem),
        ]  # fmt: skip
        ndcg = [_at(c.expected, *way, "ndcg@10") for way in ways]
        best = max((round(v, 3) for v in ndcg if v is not None), default=None)
        shown = [f"**{_cell(v)}**" if v is not None and round(v, 3) == best else _cell(v) for v in ndcg]
        recall = [_cell(_at(c.expected, *way, "recall@100")) for way in ways[:3]]
        counts = [
            _cell(_at(c.expected, "counts", "documents"), "{:,}"),
            _cell(_at(c.expected, "counts", "queries", queries), "{:,}"),
        ]
        rows.append([label, *counts, *shown, *recall])
    return _table(head, rows)


def analyzers(collections: Sequence[Collection], settings: Settings) -> str:
    """Render NDCG@10 of the lexical branch per analyzer, beside published figures.

    Parameters
    ----------
    collections : sequence of Collection
    settings : Settings
    """
    names = list(settings.analyzers)
    published = list(dict.fromkeys(name for c in collections for name in c.published))
    rows = []
    for c, queries, label in _cases(collections):
        ours = [_cell(_at(c.expected, "lexical", queries, name, "ndcg@10")) for name in names]
        first = queries == next(iter(c.query_sets))
        others = [_cell(c.published[name]) if first and name in c.published else "" for name in published]
        rows.append([label, *ours, *others])
    return _table(["collection", *names, *published], rows)


def statistics(collections: Sequence[Collection], settings: Settings) -> str:
    """Render the sizes of the lexical index per analyzer.

    Parameters
    ----------
    collections : sequence of Collection
    settings : Settings
    """
    rows = [
        [
            c.name,
            name,
            *(
                _cell(_at(c.expected, "statistics", name, key), "{:,}")
                for key in ("documents", "terms", "postings", "tokens")
            ),
            _cell(_at(c.expected, "statistics", name, "avgdl"), "{:.2f}"),
        ]
        for c in collections
        for name in settings.analyzers
        if "stop" not in name
    ]
    return _table(
        ["collection", "analyzer", "documents", "terms", "postings", "tokens", "average length"], rows, 2
    )


def graph(collections: Sequence[Collection], settings: Settings) -> str:
    """Render the HNSW graph beside exact search over the same vectors.

    Parameters
    ----------
    collections : sequence of Collection
    settings : Settings
    """
    rows = []
    for c, queries, label in _cases(collections):
        exact = _at(c.expected, "exact", queries, "ndcg@10")
        approximate = _at(c.expected, "graph", queries, "ndcg@10")
        change = None if exact is None or approximate is None else approximate - exact
        rows.append(
            [
                label,
                _cell(_at(c.expected, "graph", queries, "overlap@10"), "{:.4f}"),
                _cell(_at(c.expected, "graph", queries, "overlap@100"), "{:.4f}"),
                _cell(exact, "{:.4f}"),
                _cell(approximate, "{:.4f}"),
                _cell(change, "{:+.4f}"),
            ]
        )
    return _table(
        ["collection", "overlap@10", "overlap@100", "exact NDCG@10", "graph NDCG@10", "change"], rows
    )


def lift(collections: Sequence[Collection], settings: Settings) -> str:
    """Render what fusion adds to each branch, in points of NDCG@10 with intervals.

    Parameters
    ----------
    collections : sequence of Collection
    settings : Settings
    """
    pairs = ("hybrid - dense", "hybrid - lexical")
    rows = []
    for c, queries, label in _cases(collections):
        cells = []
        for pair in pairs:
            value = _at(c.expected, "lift", queries, pair)
            cells.append(
                NOT_RUN
                if value is None
                else "{:+.1f} [{:+.1f}, {:+.1f}]".format(
                    *(100 * value[k] for k in ("difference", "low", "high"))
                )
            )
        rows.append([label, *cells])
    return _table(["collection", *pairs], rows)


BLOCKS: dict[str, Callable[[Sequence[Collection], Settings], str]] = {
    "headline": headline,
    "analyzers": analyzers,
    "statistics": statistics,
    "graph": graph,
    "lift": lift,
}
PAGES = {
    "README.md": {"quality": "headline"},
    "docs/quality.md": {f"quality:{name}": name for name in BLOCKS},
}
"""Page to the markers it has, and the block between each."""


def render(page: str, text: str, collections: Sequence[Collection], settings: Settings) -> str:
    """Return the text of a page with its generated blocks renewed.

    Parameters
    ----------
    page : str
        Key of `PAGES`.
    text : str
        The page as it is.
    collections : sequence of Collection
    settings : Settings

    Raises
    ------
    InvalidInputError
        A marker is missing.
    """
    return renew(page, text, blocks_of(page, collections, settings))


def blocks_of(page: str, collections: Sequence[Collection], settings: Settings) -> dict[str, str]:
    """Return the generated blocks of a page by marker."""
    return {marker: BLOCKS[name](collections, settings) for marker, name in PAGES[page].items()}


def rewrite(root: Path, collections: Sequence[Collection], settings: Settings) -> list[str]:
    """Renew the generated blocks of every page; return the pages that changed.

    Parameters
    ----------
    root : Path
        The repository.
    collections : sequence of Collection
    settings : Settings
    """
    return [page for page in PAGES if renew_file(root, page, blocks_of(page, collections, settings))]
