"""``pyengine info``: what an index is, and what it costs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from pyengine.cli.console import integer, one_line, print_json, print_line, print_table, size
from pyengine.cli.options import (
    BuildSettings,
    build_options,
    corpus_option,
    json_option,
    path_type,
)
from pyengine.cli.sources import opened

__all__ = ["command"]

RECALL_K = 10


@click.command("info")
@click.argument("index", type=path_type, required=False)
@click.option(
    "--recall", is_flag=True, help="Measure the vector index against exact search; reads every vector."
)
@corpus_option
@build_options
@json_option
def command(*, index: Path | None, recall: bool, corpus: Path | None, as_json: bool, **build: Any) -> None:
    """Describe INDEX (or --corpus, indexed for the one call): contents, settings, sizes, recall."""
    with opened(index, corpus, BuildSettings(**build), mode="lexical") as engine:
        facts = engine.info()
        stats = engine.lexical.stats
        facts["bytes_per_posting"] = stats.total_bytes / stats.postings if stats.postings else None
        if recall:
            dense = engine.dense
            facts["recall"] = (
                None if dense is None else {"k": RECALL_K, "recall": float(dense.recall(k=RECALL_K))}
            )
    if as_json:
        print_json(facts)
        return
    _print_facts(facts, asked_recall=recall)


def _print_facts(facts: Mapping[str, Any], *, asked_recall: bool) -> None:
    settings, lexical = facts["settings"], facts["lexical"]
    print_line(one_line(str(facts["path"])), style="bold")
    rows = [
        ("documents", integer(facts["documents"])),
        (
            "generation",
            f"{facts['generation']}, made {facts['created_at']} by pyengine {facts['pyengine_version']}",
        ),
        ("analyzer", _named(settings["analyzer"]["config"]), _short(settings["analyzer"]["fingerprint"])),
        (
            "lexical",
            f"{integer(lexical['terms'])} terms, {integer(lexical['postings'])} postings, "
            f"{integer(lexical['tokens'])} tokens, {lexical['average_length']:.1f} a document",
        ),
        ("BM25", f"k1 = {settings['bm25']['k1']:g}, b = {settings['bm25']['b']:g}"),
        *_dense_rows(settings),
    ]
    print_table(("", "", "fingerprint"), [(*row, "")[:3] for row in rows], indent=2)
    print_line()
    sizes = sorted(facts["files"].items(), key=lambda item: -item[1])
    total = sum(facts["files"].values())
    print_table(
        ("part", "size", "a document"),
        [
            (name, size(n), size(n / facts["documents"]) if facts["documents"] else "")
            for name, n in [*sizes, ("total", total)]
        ],
        right=(1, 2),
    )
    if facts["bytes_per_posting"] is not None:
        print_line(f"lexical index: {facts['bytes_per_posting']:.2f} bytes per posting", indent=2)
    if asked_recall:
        _print_recall(facts["recall"])


def _dense_rows(settings: Mapping[str, Any]) -> list[tuple[str, ...]]:
    record = settings["embedder"]
    if record is None:
        return [("dense", "none, lexical only")]
    dense, fusion = settings["dense"], settings["fusion"]
    return [
        ("dense", f"{record['dim']} dimensions, {dense['dtype']}, HNSW M = {dense['connectivity']}"),
        ("embedder", _source(record["source"]), _short(record["fingerprint"])),
        ("fusion", f"RRF k = {fusion['k']}, {fusion['window']} hits of each branch"),
    ]


def _source(source: Mapping[str, Any] | None) -> str:
    """Name the model an index was made with, as far as it was recorded."""
    if source is None:
        return "of the caller's own"
    return str(source.get("path_or_name") or source.get("name") or "recorded")


def _print_recall(recall: Mapping[str, Any] | None) -> None:
    if recall is None:
        print_line("recall: the index has no vectors to measure", indent=2)
    else:
        print_line(
            f"recall@{recall['k']} of the vector index against exact search: {recall['recall']:.4f}", indent=2
        )


def _named(config: Mapping[str, Any]) -> str:
    """Return an analyzer's settings as words, those that are off left out."""
    preset = str(config.get("preset", "custom"))
    extras = [f"{key} {value}" for key, value in config.items() if key in ("stemmer", "stopwords") and value]
    return ", ".join([preset, *extras])


def _short(fingerprint: str) -> str:
    return fingerprint[:16]
