"""``pyengine add``: more documents for an index, or new ones in the place of old."""

import time
from pathlib import Path
from typing import Any, Literal

import click

from pyengine.cli.build import say_skipped, say_truncated
from pyengine.cli.console import duration, integer, print_json, print_line, progress
from pyengine.cli.options import cores, json_option, new_corpus_option, on_error_option, path_type
from pyengine.cli.sources import read_corpus

__all__ = ["command"]


@click.command("add")
@click.argument("index", type=path_type)
@new_corpus_option
@click.option(
    "--update", is_flag=True, help="Replace documents whose ids are in the index. Default: that is an error."
)
@on_error_option
@json_option
def command(
    *, index: Path, corpus: Path, update: bool, on_error: Literal["raise", "skip"], as_json: bool
) -> None:
    """Add a corpus to INDEX and commit: all of its documents or, on an error, none."""
    from pyengine.engine import Engine  # noqa: PLC0415 - see read_corpus

    started = time.monotonic()
    rows = read_corpus(corpus, on_error=on_error)
    with Engine.open(index) as engine:
        before = engine.n_documents
        with progress("reading" if engine.dense is None else "embedding") as callback:
            change = engine.update if update else engine.add
            result = change(rows, progress=callback)
        with progress("indexing") as callback:
            engine.commit(n_threads=cores(), progress=callback)
        replaced = result if update else 0
        summary: dict[str, Any] = {
            "index": str(index),
            "added": engine.n_documents - before,
            "replaced": replaced,
            "documents": engine.n_documents,
            "generation": engine.generation,
            "skipped": dict(rows.report.skipped),
            "seconds": round(time.monotonic() - started, 3),
        }
        say_skipped(rows)
        say_truncated(engine)
    if as_json:
        print_json(summary)
        return
    print_line(
        f"{index}: {integer(summary['added'])} documents added, {integer(replaced)} replaced, "
        f"{integer(summary['documents'])} now, in {duration(summary['seconds'])}"
    )
