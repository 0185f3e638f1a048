"""``pyengine batch``: a file of queries, answered into a run."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from pyengine.cli.console import duration, integer, print_json, print_line, progress
from pyengine.cli.options import (
    BuildSettings,
    build_options,
    collapse_option,
    corpus_option,
    depth_option,
    filter_option,
    fusion_option,
    json_option,
    literal_option,
    mode_option,
    path_type,
    strict_option,
    syntax_option,
)
from pyengine.cli.queries import read_queries
from pyengine.cli.sources import opened
from pyengine.errors import InvalidInputError

if TYPE_CHECKING:
    from pyengine.engine import Engine
    from pyengine.types import Hits

__all__ = ["command"]

BLOCK = 256
"""Queries searched at a time: enough for the engine to work in bulk, few enough for a bar that moves."""


@click.command("batch")
@click.argument("index", type=path_type, required=False)
@click.option(
    "--queries",
    type=path_type,
    metavar="FILE",
    help="Queries as .jsonl, .tsv or one a line. Default: those of the BEIR folder given as --corpus.",
)
@depth_option(100)
@mode_option
@filter_option
@collapse_option
@syntax_option
@strict_option
@literal_option
@fusion_option
@click.option("--output", type=path_type, help="Write here. Default: standard output.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("trec", "jsonl")),
    default="trec",
    show_default=True,
    help="A TREC run, or one JSON object a query.",
)
@click.option("--tag", default="pyengine", show_default=True, help="Name of the run, TREC's last column.")
@corpus_option
@build_options
@json_option
def command(
    *,
    index: Path | None,
    queries: Path | None,
    k: int,
    mode: Any,
    condition: str | None,
    collapse: bool,
    syntax: Any,
    strict: bool,
    literal: Any,
    fusion: Any,
    output: Path | None,
    form: str,
    tag: str,
    corpus: Path | None,
    as_json: bool,
    **build: Any,
) -> None:
    """Answer a file of queries from INDEX, or from --corpus indexed for the one call."""
    source = queries if queries is not None else corpus
    if source is None:
        raise click.UsageError("expected --queries FILE, got nothing to ask")
    if as_json and output is None:
        raise click.UsageError("--json prints a summary, so the run needs a file: add --output FILE")
    if not collapse and form == "trec":
        raise click.UsageError(
            "a TREC run names each document once; use --format jsonl beside --no-collapse, or leave it out"
        )
    ids, texts = read_queries(source)
    with opened(index, corpus, BuildSettings(**build)) as engine:
        started = time.monotonic()
        n_hits = 0
        with _destination(output) as file, progress("searching", len(texts)) as callback:
            for start in range(0, len(texts), BLOCK):
                block = slice(start, start + BLOCK)
                hits = engine.search_batch(
                    texts[block],
                    k=k,
                    mode=mode,
                    filter=condition,
                    collapse=collapse,
                    syntax=syntax,
                    strict=strict,
                    literal=literal,
                    fusion=fusion,
                )
                write = _write_trec if form == "trec" else _write_jsonl
                n_hits += write(file, ids[block], hits, engine, tag)
                callback(min(start + BLOCK, len(texts)), len(texts))
        elapsed = time.monotonic() - started
    if output is None:
        return
    if as_json:
        print_json({"output": str(output), "queries": len(ids), "hits": n_hits, "seconds": round(elapsed, 3)})
    else:
        print_line(f"{output}: {integer(n_hits)} hits for {integer(len(ids))} queries in {duration(elapsed)}")


@contextmanager
def _destination(path: Path | None) -> Iterator[TextIO]:
    """Yield standard output, or a file that takes the place of ``path`` only when the block succeeds."""
    if path is None:
        yield sys.stdout
        return
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            yield file
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _write_trec(file: TextIO, ids: Sequence[str], hits: "Hits", engine: "Engine", tag: str) -> int:
    names = engine.ids
    written = 0
    for query_id, (rows, scores) in zip(ids, hits, strict=True):
        for rank, (row, score) in enumerate(zip(rows.tolist(), scores, strict=True), start=1):
            fields = (query_id, names[row], tag)
            for field in fields:
                if not field or field.split() != [field]:
                    raise InvalidInputError(
                        f"id {field!r}: expected no white space, which separates the columns of a TREC run; "
                        "use --format jsonl"
                    )
            # repr of a float32 is the shortest text that reads back as the same number.
            file.write(f"{query_id} Q0 {names[row]} {rank} {score!s} {tag}\n")
            written += 1
    return written


def _write_jsonl(file: TextIO, ids: Sequence[str], hits: "Hits", engine: "Engine", tag: str) -> int:
    names, corpus = engine.ids, engine.corpus
    written = 0
    for query_id, (rows, scores) in zip(ids, hits, strict=True):
        found: list[dict[str, Any]] = []
        for row, score in zip(rows.tolist(), scores.tolist(), strict=True):
            found.append({"id": names[row], "score": score})
            if (place := corpus.chunk(row)) is not None:
                found[-1] |= {"chunk": place.chunk, "span": [place.start, place.end]}
        file.write(json.dumps({"query": query_id, "run": tag, "hits": found}) + "\n")
        written += len(found)
    return written
