"""``pyengine index``: a corpus becomes an index."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from pyengine.cli.build import build_engine, say_skipped, say_truncated, truncated
from pyengine.cli.console import duration, integer, print_json, print_line, size
from pyengine.cli.options import (
    BuildSettings,
    build_options,
    index_fusion_option,
    json_option,
    new_corpus_option,
    path_type,
)
from pyengine.cli.sources import read_corpus

__all__ = ["command"]


@click.command("index")
@click.argument("out", type=path_type)
@new_corpus_option
@build_options
@index_fusion_option
@json_option
def command(*, out: Path, corpus: Path, as_json: bool, **build: Any) -> None:
    """Build the index OUT, a folder, from a corpus.

    Without --embedder the index is lexical only: no model is needed, and none is asked when searching.
    """
    settings = BuildSettings(**build)
    started = time.monotonic()
    rows = read_corpus(corpus, on_error=settings.on_error)
    with _removed_on_failure(out), build_engine(out, rows, settings) as engine:
        elapsed = time.monotonic() - started
        hybrid = engine.dense is not None
        n_documents = engine.n_documents
        n_chunks = None if engine.chunker is None else len(engine)
        summary: dict[str, Any] = {
            "index": str(out),
            "documents": n_documents,
            "chunks": n_chunks,
            "generation": engine.generation,
            "dense": hybrid,
            "skipped": dict(rows.report.skipped),
            "truncated": truncated(engine),
            "seconds": round(elapsed, 3),
        }
        if settings.phrases:
            files = engine.info()["files"]
            summary["phrases_bytes"] = sum(
                files.get(name, 0) for name in ("positions.seg", "pairs/lexical.seg")
            )
            summary["lexical_bytes"] = files.get("lexical.seg", 0)
        say_skipped(rows)
        say_truncated(engine)
    if as_json:
        print_json(summary)
        return
    branches = "lexical and dense" if hybrid else "lexical only; --embedder adds the dense branch"
    chunks = "" if n_chunks is None else f" in {integer(n_chunks)} chunks"
    print_line(f"{out}: {integer(n_documents)} documents{chunks}, {branches}, in {duration(elapsed)}")
    if settings.phrases:
        cost, words = summary["phrases_bytes"], summary["lexical_bytes"]
        print_line(f"phrases take {size(cost)} beside the {size(words)} of the lexical index", indent=2)


@contextmanager
def _removed_on_failure(out: Path) -> Iterator[None]:
    """Remove the folder if the block made it and failed: the corrected command must find its place free."""
    existed = out.exists()
    try:
        yield
    except BaseException:
        if not existed:
            shutil.rmtree(out, ignore_errors=True)
        raise
