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
    with opened(index, corpus, BuildSettings(**build)) as engine:
        facts = engine.info()
        stats, dense = engine.lexical.stats, engine.dense
        facts["bytes_per_posting"] = stats.total_bytes / stats.postings if stats.postings else None
        facts["dense"] = None if dense is None else {"vectors": len(dense), "graph": dense.has_graph}
        if recall:
            found = None if dense is None else float(dense.recall(k=RECALL_K))
            facts["recall"] = None if found is None else {"k": RECALL_K, "recall": found}
    if as_json:
        print_json(facts)
        return
    _print_facts(facts, asked_recall=recall)


def _print_facts(facts: Mapping[str, Any], *, asked_recall: bool) -> None:
    settings, lexical = facts["settings"], facts["lexical"]
    print_line(one_line(str(facts["path"])), style="bold")
    rows = [
        ("documents", integer(facts["documents"])),
        *([] if facts["chunks"] is None else [("chunks", integer(facts["chunks"]))]),
        (
            "generation",
            f"{facts['generation']}, made {facts['created_at']} by pyengine {facts['pyengine_version']}",
        ),
        ("analyzer", _named(settings["analyzer"]["config"])),
        ("", f"fingerprint {settings['analyzer']['fingerprint']}"),
        (
            "lexical",
            f"{integer(lexical['terms'])} terms, {integer(lexical['postings'])} postings, "
            f"{integer(lexical['tokens'])} tokens, {lexical['average_length']:.1f} a "
            f"{'document' if facts['chunks'] is None else 'chunk'}",
        ),
        ("", f"BM25 k1 = {settings['bm25']['k1']:g}, b = {settings['bm25']['b']:g}"),
        *([] if settings["chunker"] is None else [("chunker", _cutting(settings["chunker"]["config"]))]),
        *_dense_rows(facts["dense"], settings),
        *([] if facts["dense"] is None else _tuned(settings["tuned"], facts["fingerprints"])),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print_line(f"{name:<{width}}  {value}", indent=2)
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
    _print_sections(lexical, facts["bytes_per_posting"])
    if asked_recall:
        _print_recall(facts["recall"], facts["dense"])


def _print_sections(lexical: Mapping[str, Any], bytes_per_posting: float | None) -> None:
    """Print where the bytes of the lexical index are."""
    if bytes_per_posting is None:
        return
    print_line()
    sections = sorted(lexical["section_bytes"].items(), key=lambda item: -item[1])
    print_table(
        ("section of the lexical index", "size", "bytes per posting"),
        [(name, size(n), f"{n / lexical['postings']:.2f}") for name, n in sections if n]
        + [("all", size(sum(n for _, n in sections)), f"{bytes_per_posting:.2f}")],
        right=(1, 2),
    )


def _dense_rows(dense: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    if dense is None:
        return [("dense", "none, lexical only")]
    config, record = settings["dense"], settings["embedder"]
    how = f"HNSW M = {config['connectivity']}" if dense["graph"] else "searched exactly"
    return [
        ("dense", f"{integer(dense['vectors'])} vectors, {record['dim']} x {config['dtype']}, {how}"),
        ("embedder", _source(record["source"])),
        ("", f"fingerprint {record['fingerprint']}"),
        ("fusion", _fusion(settings["fusion"])),
        *_calibration(settings["calibration"], record["fingerprint"]),
    ]


def _tuned(tuned: Mapping[str, Any] | None, fingerprints: Mapping[str, str]) -> list[tuple[str, str]]:
    """Say where tuned fusion settings come from, and whether they still hold."""
    if tuned is None:
        return []
    interval = f"{100 * tuned['gain']:+.1f} points [{100 * tuned['low']:+.1f}, {100 * tuned['high']:+.1f}]"
    said = f"tuned on {integer(tuned['queries'])} queries: {interval} of {tuned['metric']}"
    other = sorted(part for part, known in tuned["fingerprints"].items() if fingerprints.get(part) != known)
    return [("", said if not other else f"{said}, with another {' and '.join(other)}: tune again")]


def _calibration(known: Mapping[str, Any] | None, embedder: str) -> list[tuple[str, str]]:
    """Say what the fusion "auto" knows of the collection, and whether it is of these vectors."""
    if known is None:
        return []
    shares = f"lexical {known['lexical_success']:.0%}, dense {known['dense_success']:.0%}"
    said = f"found of {integer(known['queries'])} known items: {shares}"
    return [("", said if known["embedder"] == embedder else f"{said}, with another embedder")]


def _fusion(fusion: Mapping[str, Any]) -> str:
    """Say how hybrid answers are made."""
    method = fusion["method"]
    weights = f"weights {fusion['lexical_weight']:g} lexical, {fusion['dense_weight']:g} dense"
    hits = f"{fusion['window']} hits of each branch"
    if method == "auto":
        return f"auto, {hits}"
    if method == "convex":
        return f"convex, {fusion['normalisation']} scores, {weights}, {hits}"
    return f"RRF k = {fusion['k']}, {hits}" + (f", {weights}" if method == "wrrf" else "")


def _source(source: Mapping[str, Any] | None) -> str:
    """Name the model an index was made with, as far as it was recorded."""
    return "the caller's own" if source is None else str(source.get("path_or_name", "recorded"))


def _print_recall(recall: Mapping[str, Any] | None, dense: Mapping[str, Any] | None) -> None:
    if recall is None or dense is None:
        print_line("recall: the index has no vectors to measure", indent=2)
        return
    how = "" if dense["graph"] else " (an index of this size is searched exactly)"
    print_line(
        f"recall@{recall['k']} of the vector index against exact search: {recall['recall']:.4f}{how}",
        indent=2,
    )


def _cutting(config: Mapping[str, Any]) -> str:
    """Return a chunker's settings as words."""
    if "tokens" not in config:
        return "chunks of the caller's own"
    where = "sentence ends" if config["sentences"] else "any token"
    return f"{config['tokens']} tokens, {config['overlap']} repeated, cut at {where}"


def _named(config: Mapping[str, Any]) -> str:
    """Return an analyzer's settings as words, those that are off left out."""
    preset = str(config.get("preset", "custom"))
    extras = [f"{key} {value}" for key, value in config.items() if key in ("stemmer", "stopwords") and value]
    return ", ".join([preset, *extras])
