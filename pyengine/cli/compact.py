"""``pyengine compact``: one segment, nothing deleted."""

from pathlib import Path

import click

from pyengine.cli.console import integer, print_json, print_line, progress, size
from pyengine.cli.options import cores, json_option, path_type

__all__ = ["command"]


@click.command("compact")
@click.argument("index", type=path_type)
@json_option
def command(*, index: Path, as_json: bool) -> None:
    """Write INDEX anew as one segment without what was deleted. Readers are not disturbed."""
    from pyengine.engine import Engine  # noqa: PLC0415 - loaded late: --help does without

    with Engine.open(index) as engine:
        before = engine.info()
        with progress("indexing") as callback:
            engine.compact(n_threads=cores(), progress=callback)
        after = engine.info()
        summary = {
            "index": str(index),
            "generation": engine.generation,
            "documents": engine.n_documents,
            "segments_before": len(before["segments"]),
            "bytes_before": sum(before["files"].values()),
            "bytes": sum(after["files"].values()),
        }
    if as_json:
        print_json(summary)
    elif engine.generation == before["generation"]:
        print_line(f"{index}: one segment already, {integer(summary['documents'])} documents")
    else:
        print_line(
            f"{index}: {integer(summary['segments_before'])} segments are one, "
            f"{integer(summary['documents'])} documents, {size(summary['bytes_before'])} before, "
            f"{size(summary['bytes'])} now"
        )
