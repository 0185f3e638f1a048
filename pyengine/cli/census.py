"""``pyengine census``: how much of a corpus and its queries is literals; no index, no labels, no model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyengine.cli.console import integer, print_json, print_line, print_table
from pyengine.cli.options import json_option, make_embedder, on_error_option, path_type
from pyengine.cli.queries import read_queries
from pyengine.cli.sources import OnError, read_corpus

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from pyengine.diagnose import Mode

__all__ = ["command"]

_READ = 1 << 24


@click.command("census")
@click.argument("corpus", type=path_type)
@click.option("--queries", type=path_type, metavar="FILE", help="What is asked, one a line or JSON lines.")
@click.option(
    "--mode", type=click.Choice(["calibrated", "playbook"]), default="calibrated", show_default=True
)
@click.option(
    "--sample", type=float, metavar="SHARE", help="Count about this share of the documents, as 0.1."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sample.")
@click.option(
    "--embedder", metavar="minilm|DIR", help="Show into how many pieces its tokenizer breaks literals."
)
@on_error_option
@json_option
def command(
    *,
    corpus: Path,
    queries: Path | None,
    mode: "Mode",
    sample: float | None,
    seed: int,
    embedder: str | None,
    on_error: OnError,
    as_json: bool,
) -> None:
    """Count the literals of CORPUS by family: a BEIR folder, a .jsonl, .parquet or .arrow file, or .txt.

    A .txt file has one document a line.
    """
    from pyengine.diagnose.census import census, take_census  # noqa: PLC0415 - loaded late: --help does without

    lines = corpus.suffix.lower() == ".txt" and corpus.is_file()
    batches = _lines(corpus) if lines else read_corpus(corpus, on_error=on_error).batches()
    taken = take_census(batches, sample=sample, seed=seed)
    asked = None if queries is None else list(read_queries(queries)[1])
    found = census(taken, asked, mode=mode, embedder=make_embedder(embedder), seed=seed)
    if as_json:
        print_json(found.to_json())
        return
    print_line(f"{found.verdict.upper()}: {found.reason}")
    if found.details:
        print_line()
        _print_families(found.details)
        print_line()
        print_line(
            f"{integer(found.details['documents'])} documents, "
            f"{integer(found.details['with_literal'])} with a literal"
        )


def _lines(path: Path) -> "Iterator[pa.RecordBatch]":
    """Yield the lines of a text file as documents; bytes that are no UTF-8 become replacement characters."""
    import pyarrow as pa  # noqa: PLC0415 - loaded late: --help does without

    with path.open("rb") as file:
        while lines := file.readlines(_READ):
            texts = [line.rstrip(b"\n").decode("utf-8", "replace") for line in lines]
            yield pa.record_batch(
                {"title": pa.array([""] * len(texts)), "text": pa.array(texts, pa.string())}
            )


def _print_families(details: Any) -> None:
    pieces = details["pieces"] or {}
    asked = (details["queries"] or {}).get("shares", {})
    families = sorted(details["families"].items(), key=lambda item: -item[1]["share"])
    rows = [
        (
            name,
            f"{family['share']:.2%}",
            f"{family['low']:.2%} to {family['high']:.2%}",
            f"{asked[name]['share']:.2%}" if name in asked else "",
            f"{pieces[name]['pieces_each']:.1f}" if name in pieces else "",
            ", ".join(family["examples"]),
        )
        for name, family in families
    ]
    header = ("family", "of tokens", "95 % interval", "of query tokens", "pieces", "most frequent")
    print_table(header, rows, right=(1, 2, 3, 4), indent=0)
