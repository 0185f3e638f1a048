"""``pyengine reembed``: the same documents, vectors of another model."""

from pathlib import Path

import click

from pyengine.cli.console import integer, print_json, print_line, progress
from pyengine.cli.options import json_option, make_embedder, path_type

__all__ = ["command"]


@click.command("reembed")
@click.argument("index", type=path_type)
@click.option(
    "--model", required=True, metavar="NAME_OR_DIR", help="The new embedder, as --embedder of index takes it."
)
@json_option
def command(*, index: Path, model: str, as_json: bool) -> None:
    """Give the documents of INDEX vectors of another model, as a new generation.

    Readers stay on the old vectors meanwhile. A call that was interrupted goes on where it was.
    """
    embedder = make_embedder(model)
    if embedder is None:
        raise click.UsageError("--model: expected a model, got none; an index keeps the vectors it has")
    from pyengine.engine import Engine  # noqa: PLC0415 - loaded late: --help does without

    with Engine.open(index) as engine:
        before = engine.generation
        with progress("embedding") as callback:
            engine.reembed(embedder, progress=callback)
        documents = engine.n_documents
        summary = {
            "index": str(index),
            "generation": engine.generation,
            "documents": documents,
            "embedder": embedder.fingerprint,
            "changed": engine.generation != before,
        }
    if as_json:
        print_json(summary)
    elif summary["changed"]:
        print_line(f"{index}: {integer(documents)} documents have vectors of {model}")
    else:
        print_line(f"{index}: its vectors are of {model} already")
