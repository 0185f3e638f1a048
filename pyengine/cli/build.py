"""Turn a corpus into an index, showing how far it is and saying what was left out."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pyengine.cli.console import integer, note, progress
from pyengine.cli.options import BuildSettings, cores, make_analyzer, make_chunker, make_embedder

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pyengine.corpus import Corpus
    from pyengine.embed import OnnxEmbedder
    from pyengine.engine import Engine

__all__ = ["build_engine", "say_skipped", "say_truncated", "truncated"]

PROBLEMS_SHOWN = 5


class _Reporting:
    """An embedder that says after every run of the model how many texts it has done.

    The engine hands texts over by the thousand, which on a small machine is half a minute without a sign.
    """

    def __init__(self, inner: "OnnxEmbedder") -> None:
        self._inner = inner
        self._done = 0
        self.report: Callable[[int], None] | None = None
        self.fingerprint = inner.fingerprint
        self.dim = inner.dim

    @property
    def stats(self) -> Any:
        return self._inner.stats

    def config(self) -> dict[str, Any]:
        return self._inner.config()

    def embed(
        self, texts: Sequence[str], *, kind: Literal["query", "passage"] = "passage"
    ) -> "npt.NDArray[np.float32]":
        report, before = self.report, self._done
        if report is None:
            return self._inner.embed(texts, kind=kind)
        vectors = self._inner.embed(texts, kind=kind, progress=lambda done, _: report(before + done))
        self._done += len(texts)
        return vectors


def build_engine(folder: Path, corpus: "Corpus", settings: BuildSettings) -> "Engine":
    """Index a corpus and return the engine, committed.

    Parameters
    ----------
    folder : Path
        Of the index; made when missing.
    corpus : Corpus
        What to index.
    settings : BuildSettings
        How.
    """
    from pyengine.config import Bm25Config  # noqa: PLC0415 - see read_corpus
    from pyengine.engine import Engine  # noqa: PLC0415 - see read_corpus

    model = make_embedder(settings.embedder)
    embedder = None if model is None else _Reporting(model)
    engine = Engine.create(
        folder,
        embedder=embedder,
        analyzer=make_analyzer(settings.preset, settings.stemmer, settings.stopwords),
        bm25=Bm25Config(k1=settings.k1, b=settings.b),
        chunker=make_chunker(settings),
        title_boost=settings.title_boost,
        phrases=settings.phrases,
        fusion=settings.fusion,
    )
    try:
        if embedder is None:
            with progress("reading") as callback:
                engine.add(corpus, progress=callback)
        else:
            with progress("embedding") as callback, _without_truncation_warnings():
                # The engine has read all rows when it embeds the first: the length is known by then, unless
                # documents are cut.
                embedder.report = lambda done: callback(
                    done, len(corpus) if settings.chunk_tokens is None else None
                )
                engine.add(corpus)
                embedder.report = None
        with progress("indexing") as callback:
            engine.commit(n_threads=cores(), progress=callback)
    except BaseException:
        engine.close()
        raise
    return engine


@contextmanager
def _without_truncation_warnings() -> Iterator[None]:
    """Keep the embedder from warning of long texts batch by batch: `truncated` has the sum."""
    logger = logging.getLogger("pyengine.embed.embedder")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def truncated(engine: "Engine") -> int:
    """Return how many of the texts embedded so far were longer than the model reads."""
    stats = getattr(engine.embedder, "stats", None) if engine.dense is not None else None
    return int(getattr(stats, "truncated", 0))


def say_truncated(engine: "Engine") -> None:
    """Say on standard error how many texts the model did not read to their end, if any."""
    cut = truncated(engine)
    if cut:
        what = "documents" if engine.chunker is None else "chunks"
        note(
            f"{integer(cut)} of {integer(len(engine))} {what} are longer than the model reads; "
            "only their beginning was embedded"
        )


def say_skipped(corpus: "Corpus") -> None:
    """Say on standard error which rows were left out, the first few by name: none goes in silence."""
    report = corpus.report
    for problem in report.problems[:PROBLEMS_SHOWN]:
        note(f"left out: {problem.message}")
    total = sum(report.skipped.values())
    if total > PROBLEMS_SHOWN:
        reasons = ", ".join(f"{integer(n)} {reason}" for reason, n in report.skipped.items())
        note(f"left out {integer(total)} rows in all: {reasons}")
