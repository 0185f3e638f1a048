"""Results as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["render"]

OURS = "pyengine_index"


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def render(result: Mapping[str, Any]) -> str:
    """Return all tables of one result."""
    parts = [f"## {result['workload']}: {result['documents']:,} documents, {result['postings']:,} postings"]
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
