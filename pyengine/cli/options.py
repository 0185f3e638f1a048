"""Options several commands share, and what they turn into."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from pyengine.config import FusionMethod
    from pyengine.corpus import Chunker
    from pyengine.embed import OnnxEmbedder
    from pyengine.text import Analyzer

__all__ = [
    "FUSIONS",
    "MODES",
    "BuildSettings",
    "analyzer_options",
    "build_options",
    "collapse_option",
    "cores",
    "corpus_option",
    "depth_option",
    "filter_option",
    "fusion_option",
    "index_fusion_option",
    "json_option",
    "literal_option",
    "make_analyzer",
    "make_chunker",
    "make_embedder",
    "mode_option",
    "new_corpus_option",
    "on_error_option",
    "path_type",
    "strict_option",
    "syntax_option",
]

F = TypeVar("F", bound=Callable[..., Any])

MODES = ("hybrid", "lexical", "dense")
FUSIONS = ("rrf", "wrrf", "convex", "auto")
PRESETS = ("domain", "words", "whitespace")


class _PathType(click.Path):
    """A path of any kind; whether it exists is the engine's to judge, which says what it expected there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        # Files beside it are written by libraries that know UTF-8 only.
        if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            self.fail(f"expected a name in UTF-8, got {value!r}", param, ctx)
        return super().convert(value, param, ctx)


path_type = _PathType(path_type=Path)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document only.")
corpus_option = click.option(
    "--corpus",
    type=path_type,
    metavar="DIR_OR_FILE",
    help="Index this corpus for the one call, in place of INDEX: a BEIR folder, .jsonl or .parquet.",
)
new_corpus_option = click.option(
    "--corpus",
    type=path_type,
    required=True,
    metavar="DIR_OR_FILE",
    help="A BEIR folder, or a .jsonl, .parquet or .arrow file.",
)
on_error_option = click.option(
    "--on-error",
    type=click.Choice(("raise", "skip")),
    default="raise",
    show_default=True,
    help="A bad row of the corpus: stop there, or leave it out and count it.",
)
mode_option = click.option(
    "--mode",
    type=click.Choice(MODES),
    help="Branches to ask. Default: hybrid where the index has vectors, else lexical.",
)
collapse_option = click.option(
    "--collapse/--no-collapse",
    default=True,
    show_default=True,
    help="Where documents are in chunks: answer with documents and their best chunk, or with chunks.",
)
syntax_option = click.option(
    "--syntax",
    type=click.Choice(("plain", "query")),
    default="plain",
    show_default=True,
    help='Read queries as words, or in the query language: +must -mustnot "a phrase" title:word prefix*.',
)
strict_option = click.option(
    "--strict", is_flag=True, help="With --syntax query: refuse a query that is not well formed."
)
literal_option = click.option(
    "--literal",
    type=click.Choice(("off", "boost", "require")),
    default="off",
    show_default=True,
    help="What literals of the query that some document has do: nothing more, count twice, be in every hit.",
)
fusion_option = click.option(
    "--fusion",
    type=click.Choice(FUSIONS),
    help="How hybrid answers are made: reciprocal ranks, scores, or scores with weights found without "
    "judgements (auto). Default: what the index says, rrf unless it was set.",
)
index_fusion_option = click.option(
    "--fusion",
    type=click.Choice(FUSIONS),
    help="How hybrid answers of this index are made; auto is measured now. Default: rrf.",
)
filter_option = click.option(
    "--filter",
    "condition",
    metavar="TEXT",
    help="Only documents that this admits, as \"year >= 2020 and lang == 'en'\".",
)


def depth_option(default: int) -> Callable[[F], F]:
    """Return the option ``-k`` with this default."""
    return click.option(
        "-k", type=click.IntRange(min=1), default=default, show_default=True, help="Hits a query."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """How to turn a corpus into an index: the options of `build_options`, by name."""

    embedder: str | None
    preset: Literal["domain", "words", "whitespace"]
    stemmer: str | None
    stopwords: str | None
    k1: float
    b: float
    on_error: Literal["raise", "skip"]
    chunk_tokens: int | None = None
    chunk_overlap: int | None = None
    chunk_sentences: bool = True
    title_boost: int = 1
    phrases: bool = False
    fusion: "FusionMethod | None" = None

    def __post_init__(self) -> None:
        if self.fusion is not None and self.embedder in (None, "none"):
            raise click.UsageError("expected --embedder beside --fusion: one branch has nothing to fuse")
        if self.chunk_tokens is None and (self.chunk_overlap is not None or not self.chunk_sentences):
            raise click.UsageError("expected --chunk-tokens N beside the other --chunk options")


def analyzer_options(command: F) -> F:
    """Add the options that choose an analyzer."""
    for option in (
        click.option(
            "--stopwords", metavar="LANGUAGE", help="Leave out the stop words of a language; literals stay."
        ),
        click.option("--stemmer", metavar="LANGUAGE", help="Stem words, as 'english'; literals stay."),
        click.option(
            "--preset", type=click.Choice(PRESETS), default="domain", show_default=True, help="The analyzer."
        ),
    ):
        command = option(command)
    return command


def build_options(command: F) -> F:
    """Add the options that say how a corpus is indexed; they arrive as the fields of `BuildSettings`."""
    for option in (
        on_error_option,
        click.option(
            "--chunk-sentences/--no-chunk-sentences",
            default=True,
            show_default=True,
            help="End chunks where a sentence ends, if one does.",
        ),
        click.option(
            "--chunk-overlap",
            type=click.IntRange(min=0),
            metavar="N",
            help="Tokens that a chunk repeats of the one before. Default: an eighth of --chunk-tokens.",
        ),
        click.option(
            "--title-boost",
            type=click.IntRange(1, 16),
            default=1,
            show_default=True,
            help="Times that a title counts in the lexical branch.",
        ),
        click.option(
            "--phrases",
            is_flag=True,
            help="Index where words stand: phrases and fields of the query language get fast.",
        ),
        click.option(
            "--chunk-tokens",
            type=click.IntRange(min=1),
            metavar="N",
            help="Cut documents into chunks of N tokens. Default: index them whole.",
        ),
        click.option(
            "--b",
            type=click.FloatRange(0, 1),
            default=0.75,
            show_default=True,
            help="BM25: weight of length.",
        ),
        click.option(
            "--k1", type=click.FloatRange(0, 1e6), default=1.5, show_default=True, help="BM25: saturation."
        ),
    ):
        command = option(command)
    command = analyzer_options(command)
    return click.option(
        "--embedder",
        metavar="minilm|DIR|none",
        help="Dense branch: 'minilm' (packaged), a folder with model.onnx and tokenizer.json, or none.",
    )(command)


def make_analyzer(preset: str, stemmer: str | None, stopwords: str | None) -> "Analyzer":
    """Return the analyzer that `analyzer_options` describe.

    Parameters
    ----------
    preset, stemmer, stopwords : str or None
        As the options give them.
    """
    from pyengine.text import Analyzer  # noqa: PLC0415 - loads the native core, which --help does without

    return Analyzer(preset, stemmer=stemmer, stopwords=stopwords)


def make_chunker(settings: BuildSettings) -> "Chunker | None":
    """Return the chunker that the ``--chunk`` options describe, or None for whole documents.

    Parameters
    ----------
    settings : BuildSettings
    """
    if settings.chunk_tokens is None:
        return None
    from pyengine.corpus import Chunker  # noqa: PLC0415 - as above

    return Chunker(settings.chunk_tokens, settings.chunk_overlap, sentences=settings.chunk_sentences)


def cores() -> int:
    """Return how many threads a command uses: it owns the machine while it runs, which a service does not."""
    return len(os.sched_getaffinity(0))


def make_embedder(name: str | None) -> "OnnxEmbedder | None":
    """Return the embedder ``--embedder`` names, or None for ``none`` and nothing."""
    if name is None or name == "none":
        return None
    from pyengine.embed import OnnxEmbedder  # noqa: PLC0415 - the runtime comes with an extra

    return OnnxEmbedder(name, n_threads=cores())
