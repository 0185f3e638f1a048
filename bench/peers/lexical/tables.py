"""Results as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["OURS", "exact_peers", "grid", "headline", "render"]

OURS = "pyengine_index"
TITLES = {
    "pyengine_index": "**pyengine**",
    "pisa_bmm": "PISA, block-max MaxScore",
    "pisa_bmw": "PISA, block-max WAND",
    "lucene_jvm": "Lucene 9.9.1, timed inside the JVM",
    "bm25s_numba": "bm25s 0.3.16, Numba",
    "bm25s_numpy": "bm25s 0.3.16, NumPy",
    "tantivy_py": "tantivy-py 0.27",
    "bm25_turbo": "bm25-turbo 0.2.0, exact search",
    "lancedb_fts": "LanceDB 0.40 FTS",
    "sqlite_fts5": "SQLite FTS5",
    "rank_bm25_okapi": "rank_bm25 0.2.2",
}


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def exact_peers(result: Mapping[str, Any], cell: Mapping[str, Any]) -> list[str]:
    """Return the peers of a cell whose answers were right by their own formula."""

    def wrong(name: str) -> int:
        return sum(check["wrong"] for check in result["peers"][name].get("checks", {}).values())

    return [
        name for name in cell if name != OURS and result["peers"][name].get("checks") and wrong(name) == 0
    ]


def headline(results: Sequence[Mapping[str, Any]]) -> str:
    """Return one table of mean and p99 latency: a line a peer, two columns a workload and depth."""
    columns = [
        (result, k, f"{label(result)} k={k}")
        for result in results
        for k in (10, 100, 1000)
        if f"mixed k={k}" in result["latency"]
    ]
    names = dict.fromkeys(name for result, k, _ in columns for name in result["latency"][f"mixed k={k}"])
    first, depth, _ = columns[0]
    order = sorted(
        names, key=lambda name: first["latency"][f"mixed k={depth}"].get(name, {"mean": 1e9})["mean"]
    )
    rows = []
    for name in order:
        cells = []
        for result, k, _ in columns:
            times = result["latency"][f"mixed k={k}"].get(name)
            shown = "" if times is None else f"{times['mean']:,.0f} / {times['p99']:,.0f}"
            cells.append(f"**{shown}**" if name == OURS else shown)
        rows.append([TITLES.get(name, name), *cells])
    return grid(["mean / p99 us", *(title for _, _, title in columns)], rows)


def label(result: Mapping[str, Any]) -> str:
    """Return what a workload is called in a heading."""
    return str(result.get("title", result["workload"]))


def render(result: Mapping[str, Any]) -> str:
    """Return all tables of one result."""
    parts = [f"**{label(result)}**: {result['documents']:,} documents, {result['postings']:,} postings."]
    for name, cell in result["latency"].items():
        ours = cell[OURS]
        rows = [
            [
                peer,
                *(f"{times[p]:,.0f}" for p in ("mean", "p50", "p95", "p99")),
                f"{times['mean'] / ours['mean']:.1f}x",
                f"{times['p99'] / ours['p99']:.1f}x",
                verdict(result["peers"][peer], name.rpartition("=")[2]),
            ]
            for peer, times in sorted(cell.items(), key=lambda item: item[1]["mean"])
        ]
        header = [f"{name}, us", "mean", "p50", "p95", "p99", "mean / ours", "p99 / ours", "answers"]
        parts.append(grid(header, rows))
    header = [
        "peer",
        "documents/s",
        "peak MB",
        "bytes/posting",
        "open ms",
        "RSS MB",
        "batch q/s, 1 thread",
        "2 threads",
    ]
    rows = []
    for peer, facts in result["peers"].items():
        built, opened = result["build"].get(peer, {}), facts["open"]
        batch = result["batch"].get(peer, {})
        rows.append(
            [
                peer,
                f"{result['documents'] / built['seconds']:,.0f}" if built else "",
                f"{built['peak_mb']:,.0f}" if built else "",
                f"{opened['bytes'] / result['postings']:.2f}" if opened["bytes"] else "",
                f"{opened['seconds'] * 1000:,.1f}",
                f"{opened['rss_mb']:,.0f}",
                *(f"{batch[t]:,.0f}" if t in batch else "" for t in ("1", "2")),
            ]
        )
    parts.append(grid(header, rows))
    return "\n\n".join(parts) + "\n"


def verdict(facts: Mapping[str, Any], k: str) -> str:
    """Say how a peer's answers compare with the oracle's."""
    found = facts.get("checks", {}).get(k)
    if found is None:
        return "another formula, not checked"
    idf = "" if facts["idf"] == "lucene" else f" for {facts['idf']}'s idf"
    if found["wrong"]:
        return f"{found['wrong']} of {found['queries']} differ"
    return f"exact{idf}" if facts["lengths"] == "exact" else f"exact for one-byte lengths{idf}"
