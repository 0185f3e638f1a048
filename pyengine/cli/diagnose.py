"""``pyengine diagnose``: has the embedder hit its plateau on this corpus?"""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyengine.cli.console import note, print_json, print_line
from pyengine.cli.judged import judged_queries
from pyengine.cli.options import BuildSettings, build_options, corpus_option, make_embedder, path_type
from pyengine.cli.queries import read_queries
from pyengine.cli.sources import opened

if TYPE_CHECKING:
    from pyengine.eval import EvalSet

__all__ = ["command"]


@click.command("diagnose")
@click.argument("index", type=path_type, required=False)
@click.option(
    "--queries", type=path_type, metavar="FILE_OR_DIR", help="Queries; a BEIR folder brings its judgements."
)
@click.option("--qrels", type=path_type, metavar="FILE", help="Judgements, BEIR .tsv or TREC.")
@click.option("--split", default="test", show_default=True, help="Judgements of a BEIR folder to use.")
@click.option(
    "--mode", type=click.Choice(["calibrated", "playbook"]), default="calibrated", show_default=True
)
@click.option("--all", "run_all", is_flag=True, help="Run every test, also once the matter is settled.")
@click.option(
    "--tests", help="Only these, with commas: census, divergence, lift, location, blindness, triage."
)
@click.option(
    "--reference", type=path_type, metavar="FILE", help="Ordinary text, as `reference build` makes it."
)
@click.option(
    "--embedders",
    metavar="A,B",
    help="Other embedders to set beside the index's own; each embeds the corpus.",
)
@click.option(
    "--leaderboard",
    metavar="1,5,2",
    help="Places on a board: of the index's own embedder, then of --embedders.",
)
@click.option(
    "--observed",
    multiple=True,
    metavar="NAME=NUMBER",
    help="What an index cannot know, as answers_right=0.7; docs/diagnostics.md lists the names.",
)
@click.option(
    "--sample",
    type=float,
    metavar="SHARE",
    help="Count literals in about this share of the documents.",
)
@click.option(
    "--history", type=path_type, metavar="FILE", help="Readings of `monitor record`, for the report."
)
@click.option("--report", type=path_type, metavar="FILE", help="Write the report, one HTML file.")
@click.option(
    "--json",
    "as_json",
    is_flag=False,
    flag_value="-",
    metavar="[FILE]",
    help="One JSON document, on standard output or into FILE.",
)
@corpus_option
@build_options
def command(
    *,
    index: Path | None,
    queries: Path | None,
    qrels: Path | None,
    split: str,
    mode: Any,
    run_all: bool,
    tests: str | None,
    reference: Path | None,
    embedders: str | None,
    leaderboard: str | None,
    observed: tuple[str, ...],
    sample: float | None,
    history: Path | None,
    report: Path | None,
    as_json: str | None,
    corpus: Path | None,
    **build: Any,
) -> None:
    """Say whether INDEX (or --corpus) lies beyond its embedder, how sure that is, and what to do next."""
    from pyengine.diagnose import History, Reference, diagnose  # noqa: PLC0415 - loaded late: --help does without
    from pyengine.diagnose.report import write_report  # noqa: PLC0415 - as above

    evalset, asked = _asked(queries, qrels, corpus, split)
    names = _split(embedders)
    places = _places(leaderboard, names)
    told = _observed(observed)
    runs = None if history is None else History.open(history)
    with opened(index, corpus, BuildSettings(**build)) as engine:
        found = diagnose(
            engine,
            evalset,
            queries=asked,
            mode=mode,
            all=run_all,
            tests=None if tests is None else _split(tests),
            reference=None if reference is None else Reference.load(reference),
            embedders={name: made for name in names if (made := make_embedder(name)) is not None},
            leaderboard=places,
            observed=told,
            sample=sample,
            history=runs,
            progress=lambda test: note(f"{test} …") if sys.stderr.isatty() else None,
        )
        if report is not None:
            write_report(found, report, command=shlex.join(["pyengine", *sys.argv[1:]]))
    if as_json == "-":
        print_json(found.to_json())
    else:
        if as_json is not None:
            found.to_json(as_json)
        for line in found.summary().splitlines():
            print_line(line)
        if report is not None:
            print_line(f"report: {report}")


def _asked(
    queries: Path | None, qrels: Path | None, corpus: Path | None, split: str
) -> tuple["EvalSet | None", list[str] | None]:
    """Return judged queries where there are judgements, and else queries alone, which the census takes."""
    folder = queries if queries is not None else corpus
    if qrels is not None or (folder is not None and (folder / "qrels").is_dir()):
        from pyengine.eval import EvalSet  # noqa: PLC0415 - loaded late: --help does without

        return EvalSet.of(*judged_queries(queries, qrels, corpus, split)), None
    return None, None if queries is None else list(read_queries(queries)[1])


def _split(text: str | None) -> list[str]:
    return [] if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _places(text: str | None, names: list[str]) -> dict[str, int] | None:
    """Read the places on a board: of the index's own embedder, then of the others, in their order."""
    if text is None:
        return None
    parts = _split(text)
    if len(parts) != len(names) + 1 or not all(part.isdigit() for part in parts):
        raise click.UsageError(
            f"--leaderboard: expected {len(names) + 1} numbers, of the index's own embedder and then of "
            f"--embedders, got {text!r}"
        )
    return {name: int(part) for name, part in zip(["index", *names], parts, strict=True)}


def _observed(given: tuple[str, ...]) -> dict[str, float]:
    told = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            told[name.strip()] = float(number)
        except ValueError:
            raise click.UsageError(
                f"--observed: expected NAME=NUMBER, such as answers_right=0.7, got {text!r}"
            ) from None
    return told
