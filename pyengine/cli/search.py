"""``pyengine search``: one query, answered."""

from pathlib import Path
from typing import Any

import click

from pyengine.cli.console import print_json
from pyengine.cli.hits_view import print_result, result_json
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
    strict_option,
    syntax_option,
)
from pyengine.cli.profile_view import show_profile
from pyengine.cli.sources import opened, split_index

__all__ = ["command"]


@click.command("search")
@click.argument("arguments", nargs=-1, metavar="[INDEX] QUERY")
@depth_option(10)
@mode_option
@filter_option
@collapse_option
@syntax_option
@strict_option
@literal_option
@fusion_option
@click.option("--explain", is_flag=True, help="Show what each query term adds to each score.")
@click.option(
    "--profile", is_flag=True, help="Show what the lexical branch does for this query, and its time."
)
@corpus_option
@build_options
@json_option
def command(
    *,
    arguments: tuple[str, ...],
    k: int,
    mode: Any,
    condition: str | None,
    collapse: bool,
    syntax: Any,
    strict: bool,
    literal: Any,
    fusion: Any,
    explain: bool,
    profile: bool,
    corpus: Path | None,
    as_json: bool,
    **build: Any,
) -> None:
    """Answer one QUERY from INDEX, or from --corpus indexed for the one call."""
    index, query = split_index(arguments, corpus, rest="QUERY")
    with opened(index, corpus, BuildSettings(**build)) as engine:
        if profile:
            if syntax != "plain" or literal != "off":
                raise click.UsageError("--profile: expected neither --syntax query nor --literal beside it")
            allowed = None if condition is None else engine.admitted(condition)
            show_profile(engine.lexical, query, k, allowed=allowed, as_json=as_json)
            return
        result = engine.search(
            query,
            k=k,
            mode=mode,
            filter=condition,
            collapse=collapse,
            syntax=syntax,
            strict=strict,
            literal=literal,
            fusion=fusion,
            explain=explain,
        )
        if as_json:
            print_json(result_json(result))
        else:
            print_result(result)
