"""``pyengine tokens``: what the index sees of a text."""

import sys
from pathlib import Path

import click

from pyengine.cli.console import note, print_json, print_line, print_table
from pyengine.cli.options import analyzer_options, json_option, make_analyzer, path_type
from pyengine.errors import InvalidInputError, NotFoundError

__all__ = ["command"]


@click.command("tokens")
@click.argument("text", nargs=-1)
@click.option("--file", "path", type=path_type, help="Read the text from a file instead.")
@analyzer_options
@json_option
def command(
    *,
    text: tuple[str, ...],
    path: Path | None,
    preset: str,
    stemmer: str | None,
    stopwords: str | None,
    as_json: bool,
) -> None:
    """Show what the index sees of TEXT (or of --file, or of standard input): terms, offsets, kinds.

    A part is a piece of a literal that is indexed beside it: "1331" of "28 USC § 1331".
    """
    source = _text(text, path)
    analyzer = make_analyzer(preset, stemmer, stopwords)
    tokens = analyzer.tokens(source)
    if as_json:
        print_json(
            {
                "analyzer": analyzer.config(),
                "fingerprint": analyzer.fingerprint,
                "tokens": [
                    {"term": t.term, "start": t.start, "end": t.end, "kind": t.kind, "part": t.part}
                    for t in tokens
                ],
            }
        )
        return
    if not tokens:
        print_line("no tokens: the index sees nothing of this text")
        return
    rows = [
        (t.term, source[t.start : t.end], f"{t.start}-{t.end}", t.kind, "part" if t.part else "")
        for t in tokens
    ]
    print_table(("term", "text", "offsets", "kind", ""), rows, right=(2,), indent=0)


def _text(words: tuple[str, ...], path: Path | None) -> str:
    if words and path is not None:
        raise click.UsageError("expected TEXT or --file, got both")
    if words:
        return " ".join(words)
    if path is not None and (not path.exists() or path.is_dir()):
        raise NotFoundError(f"--file: {path} is not a file")
    name = "standard input" if path is None else str(path)
    raw = _standard_input() if path is None else path.read_bytes()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"{name}: expected UTF-8, got {error.reason} at byte {error.start}; convert the text first"
        ) from None


def _standard_input() -> bytes:
    # Python has none where whoever started it closed it.
    if sys.stdin is None:
        raise click.UsageError("expected TEXT, --file or standard input, got none of them")
    if sys.stdin.isatty():
        note("reading the text from the terminal; Ctrl-D ends it")
    return sys.stdin.buffer.read()
