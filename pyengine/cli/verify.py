"""``pyengine verify``: is an index whole?"""

from pathlib import Path

import click

from pyengine.cli.app import EXIT_FAILED
from pyengine.cli.console import integer, note, print_json, print_line
from pyengine.cli.options import json_option, path_type

__all__ = ["command"]


@click.command("verify")
@click.argument("index", type=path_type)
@click.option(
    "--deep", is_flag=True, help="Read every byte: checksums, and that all parts hold the same rows."
)
@json_option
@click.pass_context
def command(ctx: click.Context, *, index: Path, deep: bool, as_json: bool) -> None:
    """Check INDEX: its manifest, and that its files are there and of their sizes.

    Exit code 1 if anything is wrong, with a line for each problem.
    """
    from pyengine.engine import Engine  # noqa: PLC0415 - loaded late: --help does without

    with Engine.open(index) as engine:
        problems = engine.verify() if deep else []
        summary = {
            "index": str(index),
            "generation": engine.generation,
            "documents": engine.n_documents,
            "deep": deep,
            "problems": problems,
        }
    if as_json:
        print_json(summary)
    elif problems:
        for problem in problems:
            note(problem)
    else:
        how = "every byte read" if deep else "manifest and sizes; --deep reads every byte"
        print_line(f"{index}: whole, {integer(engine.n_documents)} documents ({how})")
    if problems:
        ctx.exit(EXIT_FAILED)
