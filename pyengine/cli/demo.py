"""``pyengine demo``: the main job on real input, with no account and no download."""

import platform
import re
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyengine.cli.build import truncated
from pyengine.cli.console import duration, integer, one_line, print_json, print_line, print_table, progress
from pyengine.cli.demo_index import LANGUAGE, DemoFolder, DemoSettings
from pyengine.cli.demo_story import Example, pick_examples, token_census
from pyengine.cli.hits_view import hit_json, print_hit
from pyengine.cli.judged import judged_queries
from pyengine.cli.measure import Measured, measure, print_evaluations
from pyengine.cli.options import json_option, make_analyzer, make_embedder, path_type
from pyengine.cli.stdlib_collection import SAMPLE_DOCUMENTS, build_stdlib_collection
from pyengine.errors import CorruptIndexError, IncompatibleIndexError, NotFoundError

if TYPE_CHECKING:
    from pyengine.engine import Engine, SearchResult

__all__ = ["command"]

METRICS = ("ndcg@10", "recall@100", "mrr@10")
DEPTH = 100
CENSUS_DOCUMENTS = 500
TERMS_SHOWN = 4
PROSE = re.compile(r"[A-Z][a-z]*( [\w',-]+){4,}\.?")


@click.command("demo")
@click.option("--full", is_flag=True, help="Take every function, not a sample; embedding them takes minutes.")
@click.option(
    "--size",
    type=click.IntRange(min=10),
    default=SAMPLE_DOCUMENTS,
    show_default=True,
    help="Documents of the sample; three in ten are the answer to a query.",
)
@click.option(
    "--dir",
    "path",
    type=path_type,
    default=Path("pyengine-demo"),
    show_default=True,
    help="Folder for collection and index.",
)
@click.option("--rebuild", is_flag=True, help="Build anew what the folder holds already.")
@click.option(
    "--embedder",
    default="minilm",
    show_default=True,
    metavar="minilm|DIR|none",
    help="Model of the dense branch; none shows the lexical branch alone.",
)
@json_option
def command(*, full: bool, size: int, path: Path, rebuild: bool, embedder: str, as_json: bool) -> None:
    """Build, search and measure an index of Python's own standard library.

    A document is a function, its docstring removed; a query is the first sentence of a docstring, the
    function's name masked out; the function is the one right answer. A second run opens what the first built.
    """
    settings = DemoSettings(python=platform.python_version(), size=None if full else size, embedder=embedder)
    folder = DemoFolder(path)
    story = _Story(silent=as_json)
    engine, trouble = (None, "") if rebuild else _open(folder, settings)
    built = engine is None
    if built:
        # A model that is missing is said before anything is read or removed.
        make_embedder(settings.embedder)
        folder.prepare(settings)
    story.line(
        f"pyengine demo: find the functions of Python {settings.python} by what their docstrings say",
        style="bold",
    )
    if trouble:
        story.line(f"what an earlier run built cannot be opened and is built anew: {trouble}", style="yellow")
    if engine is None:
        engine = _build(folder, settings, story)
    else:
        story.heading("Index")
        story.line(
            f"opened {folder.index}, built by an earlier run: {integer(len(engine))} documents "
            "(--rebuild starts over)",
            indent=2,
        )
    with engine:
        facts = _ask(engine, folder)
        examples = _tell_examples(engine, facts, story)
        found = facts.measured.to_json()
        story.heading("Quality")
        story.quality(facts.measured, found["summary"])
        commands = _next_commands(folder, facts)
        story.heading("Next, try")
        for line in commands:
            story.line(line, indent=2, wrap=False)
    if as_json:
        print_json(
            {
                "collection": folder.saved_report(settings),
                "built": built,
                "examples": examples,
                **found,
                "next": commands,
            }
        )


class _Story:
    """Prints the demo as it goes, or nothing when one JSON document is to come at the end."""

    def __init__(self, *, silent: bool) -> None:
        self.silent = silent

    def heading(self, text: str) -> None:
        if not self.silent:
            print_line()
            print_line(text, style="bold cyan")

    def line(self, text: str, *, indent: int = 0, style: str = "", wrap: bool = True) -> None:
        if not self.silent:
            print_line(text, indent=indent, style=style, wrap=wrap)

    def quality(self, measured: Measured, sentence: str) -> None:
        if not self.silent:
            print_evaluations(measured.evaluations)
            print_line()
            print_line(sentence, indent=2, style="bold")


def _open(folder: DemoFolder, settings: DemoSettings) -> "tuple[Engine | None, str]":
    """Open what an earlier run built of these settings; or return None, and why where there is a reason."""
    from pyengine.engine import Engine  # noqa: PLC0415 - loads the engine, which --help does without

    if folder.saved_report(settings) is None:
        return None, ""
    try:
        return Engine.open(folder.index), ""
    except (CorruptIndexError, IncompatibleIndexError, NotFoundError) as error:
        return None, str(error)


def _build(folder: DemoFolder, settings: DemoSettings, story: _Story) -> "Engine":
    started = time.monotonic()
    with progress("reading the library") as callback:
        collection = build_stdlib_collection(size=settings.size, progress=callback)
    report = collection.report
    story.heading("Collection")
    unreadable = f" ({integer(report.files_unreadable)} unreadable)" if report.files_unreadable else ""
    for text in (
        f"{integer(report.files)} source files{unreadable}, {integer(report.functions)} functions, "
        f"{integer(report.docstrings)} with a docstring of four words or more",
        f"queries left out: {integer(report.skipped_short)} under four words once the name is masked, "
        f"{integer(report.skipped_ambiguous_query)} asked of several functions, "
        f"{integer(report.skipped_ambiguous_document)} whose function another equals word for word",
        f"taken: {_part(report.documents, report.functions)} documents and "
        f"{_part(report.queries, report.queries_available)} queries"
        f"{'' if settings.size is None else ' (--full takes all)'}, "
        f"in {duration(time.monotonic() - started)}",
    ):
        story.line(text, indent=2)
    _tell_census([document["text"] for document in collection.documents], story)
    story.heading("Index")
    started = time.monotonic()
    engine = folder.build(collection, settings)
    branches = "lexical" if engine.dense is None else f"lexical and dense ({settings.embedder})"
    story.line(
        f"{folder.index}: {integer(len(engine))} documents, {branches}, "
        f"in {duration(time.monotonic() - started)}",
        indent=2,
    )
    cut = truncated(engine)
    if cut:
        story.line(f"{integer(cut)} documents are longer than the model reads: their start counts", indent=2)
    return engine


def _part(taken: int, available: int) -> str:
    return integer(taken) if taken == available else f"{integer(taken)} of {integer(available)}"


def _tell_census(texts: list[str], story: _Story) -> None:
    """Show which kinds of token the index sees: literals kept whole are half of what it is for."""
    if story.silent:
        return
    sample = texts[:: max(1, len(texts) // CENSUS_DOCUMENTS)]
    census = token_census(make_analyzer("domain", LANGUAGE, LANGUAGE), sample)
    total = sum(kind.tokens for kind in census)
    story.heading("What the index sees")
    print_table(
        ("kind", "tokens", "share", "distinct", "most frequent"),
        [
            (
                kind.kind,
                integer(kind.tokens),
                f"{kind.tokens / total:.1%}",
                integer(kind.distinct),
                "  ".join(one_line(term)[:24] for term in kind.examples),
            )
            for kind in census
        ],
        right=(1, 2, 3),
    )
    story.line(f"in {integer(len(sample))} documents; literals are indexed whole and by parts", indent=2)


class _Facts:
    """The queries and what every arm answered."""

    def __init__(self, texts: list[str], ids: list[str], answers: list[int], measured: Measured) -> None:
        self.texts = texts
        self.ids = ids
        self.answers = answers
        self.measured = measured


def _ask(engine: "Engine", folder: DemoFolder) -> _Facts:
    query_ids, texts, judged = judged_queries(folder.collection, None, None, "test")
    arms = ["lexical"] if engine.dense is None else ["lexical", "dense", "hybrid"]
    with progress("asking", len(arms) * len(texts)) as callback:
        measured = measure(
            engine, query_ids, texts, judged, arms=arms, metrics=METRICS, k=DEPTH, progress=callback
        )
    rows = {document_id: row for row, document_id in enumerate(engine.ids)}
    answers = [rows[str(next(iter(judged[query_id])))] for query_id in query_ids]
    return _Facts(texts, query_ids, answers, measured)


def _tell_examples(engine: "Engine", facts: _Facts, story: _Story) -> list[dict[str, Any]]:
    """Search the example queries and explain each answer; return what was found."""
    story.heading("Three queries, picked to show the branches at work")
    told = []
    # Some docstrings begin with a call's signature: fair to measure with, dull to look at.
    prose = [i for i, text in enumerate(facts.texts) if PROSE.fullmatch(text)]
    examples = pick_examples(facts.measured.hits, facts.answers, among=prose or None)
    for number, example in enumerate(examples, start=1):
        query = facts.texts[example.query]
        result = engine.search(query, k=DEPTH, explain=True)
        answer = facts.answers[example.query]
        position = next((i for i, hit in enumerate(result) if hit.row == answer), None)
        story.line("")
        story.line(f"{number}. “{one_line(query)}”", indent=2, style="bold")
        story.line(f"{example.why}: {_places(example)}", indent=5)
        if not story.silent and len(result):
            what = "the right answer" if position is not None else "what stands first instead"
            story.line(f"{what}, explained:", indent=5)
            hit = result[position or 0]
            print_hit((position or 0) + 1, hit, result.mode, terms_shown=TERMS_SHOWN, indent=5)
        told.append(_example_json(query, facts.ids[example.query], example, result, position or 0))
    return told


def _example_json(
    query: str, query_id: str, example: Example, result: "SearchResult", position: int
) -> dict[str, Any]:
    return {
        "query": query,
        "query_id": query_id,
        "why": example.why,
        "ranks": example.ranks,
        "hit": hit_json(position + 1, result[position]) if len(result) else None,
    }


def _places(example: Example) -> str:
    return ", ".join(
        f"{arm} #{rank}" if rank is not None else f"{arm} beyond #{DEPTH}"
        for arm, rank in example.ranks.items()
    )


def _next_commands(folder: DemoFolder, facts: _Facts) -> list[str]:
    """Return three commands that work as they stand."""
    index, collection = shlex.quote(str(folder.index)), shlex.quote(str(folder.collection))
    return [
        f'pyengine search {index} "split a path into root and extension" --explain -k 3',
        f"pyengine evaluate {index} --queries {collection} --modes lexical,dense,rrf,auto",
        'pyengine tokens "os.path.splitext() per PEP 8, F33.1 and 28 USC § 1331"',
    ]
