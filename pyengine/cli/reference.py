"""``pyengine reference``: what ordinary text looks like, made of a corpus of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyengine.cli.console import integer, print_json, print_line
from pyengine.cli.options import json_option, on_error_option, path_type
from pyengine.cli.sources import OnError, read_corpus

if TYPE_CHECKING:
    from pyengine.diagnose import Reference

__all__ = ["command"]


@click.group("reference")
def command() -> None:
    """Make a table of words with their shares, to hold corpora against in the place of web text.

    Each command takes --json.
    """


@command.command("build")
@click.argument("corpus", type=path_type)
@click.option("-o", "--out", type=path_type, required=True, metavar="FILE", help="Parquet file to write.")
@on_error_option
@json_option
def build(*, corpus: Path, out: Path, on_error: OnError, as_json: bool) -> None:
    """Make a reference of CORPUS: a BEIR folder, or a .jsonl, .parquet or .arrow file."""
    from pyengine.corpus import indexed_text  # noqa: PLC0415 - loaded late: --help does without
    from pyengine.diagnose import Reference  # noqa: PLC0415 - as above

    batches = read_corpus(corpus, on_error=on_error).batches()
    made = Reference.build(
        corpus.name, (indexed_text(batch.column("title"), batch.column("text")) for batch in batches)
    )
    made.save(out)
    _print(out, made, as_json=as_json)


@command.command("show")
@click.argument("file", type=path_type)
@json_option
def show(*, file: Path, as_json: bool) -> None:
    """Say what FILE holds."""
    from pyengine.diagnose import Reference  # noqa: PLC0415 - loaded late: --help does without

    _print(file, Reference.load(file), as_json=as_json)


def _print(path: Path, made: "Reference", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "file": str(path),
                "name": made.name,
                "language": made.language,
                "words": len(made.words),
                "unknown_share": made.unknown,
                "fingerprint": made.fingerprint,
            }
        )
    else:
        print_line(
            f"{path}: {made.name}, {integer(len(made.words))} words, {made.unknown:.1%} of tokens expected "
            f"beyond them, fingerprint {made.fingerprint}"
        )
