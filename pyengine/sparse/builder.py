"""From a stream of documents to a `Bm25Index`: `Bm25Builder`."""

import os
import tempfile
from collections.abc import Iterable, Sized
from typing import Any, Final, Literal

from pyengine import _core
from pyengine.config import MAX_BUILD_THREADS, Bm25Config
from pyengine.errors import InvalidInputError
from pyengine.sparse.index import Bm25Index
from pyengine.sparse.inputs import Documents, Kind, Progress, document_batches, require_count
from pyengine.sparse.saved import dump_analyzer
from pyengine.text import Analyzer

__all__ = ["Bm25Builder", "memory_budget"]

_LEAST_MEMORY_MB: Final = 64
_BYTES_PER_MB: Final = 1 << 20


class Bm25Builder:
    """Collects documents for a `Bm25Index`; made by `Bm25Index.builder`.

    One thread at a time. The rows are numbered in the order of `add`. If `add` raises, the batch at hand
    is lost and those before it are in: the builder then refuses to go on, rather than to number the rows
    of later documents otherwise than its caller thinks.

    Parameters
    ----------
    analyzer : Analyzer, optional
        As in `Bm25Index.build`.
    k1, b : float, optional
        As in `Bm25Index.build`.
    config : Bm25Config, optional
        As in `Bm25Index.build`.
    n_threads : int, 1 to 1024
        As in `Bm25Index.build`.
    memory_mb : int, >= 64, optional
        As in `Bm25Index.build`.
    scratch : path-like, optional
        As in `Bm25Index.build`.

    Raises
    ------
    InvalidInputError
        A parameter outside its range.
    """

    __slots__ = ("_analyzer", "_core", "_kind", "_n_threads", "_state")

    def __init__(
        self,
        *,
        analyzer: Analyzer | None = None,
        k1: float | None = None,
        b: float | None = None,
        config: Bm25Config | None = None,
        n_threads: int = 1,
        memory_mb: int | None = None,
        scratch: str | os.PathLike[str] | None = None,
    ) -> None:
        config = _one_config(k1, b, config)
        if analyzer is not None and not isinstance(analyzer, Analyzer):
            raise InvalidInputError(f"analyzer: expected pyengine.Analyzer, got {type(analyzer).__name__}")
        self._n_threads = require_count("n_threads", n_threads, MAX_BUILD_THREADS)
        variant, k1, b, delta = config._core
        self._core = _core.LexicalBuilder(
            k1,
            b,
            variant,
            delta,
            n_threads=self._n_threads,
            memory=memory_budget(memory_mb),
            scratch=os.fsencode(tempfile.gettempdir() if scratch is None else scratch),
        )
        self._analyzer = analyzer
        self._kind: Kind | None = None if analyzer is None else "texts"
        self._state: Literal["open", "failed", "finished"] = "open"

    def __len__(self) -> int:
        """Documents added so far."""
        return self._core.documents

    def add(self, docs: Documents, *, progress: Progress | None = None) -> None:
        """Add documents; each gets the next row.

        Parameters
        ----------
        docs : as in `Bm25Index.build`
            All calls together must be texts or all token lists.
        progress : callable, optional
            As in `Bm25Index.build`; counts the documents of this call.

        Raises
        ------
        InvalidInputError
            As in `Bm25Index.build`; or the builder has failed or finished.
        StorageError
            As in `Bm25Index.build`.
        """
        self._require_open()
        if isinstance(docs, str | bytes):
            raise InvalidInputError(
                f"docs: expected an iterable of texts, got a single {type(docs).__name__}; pass [text]"
            )
        if not isinstance(docs, Iterable):
            raise InvalidInputError(
                f"docs: expected an iterable of texts or of token lists, got {type(docs).__name__}"
            )
        self._state = "failed"
        before = len(self)
        total = len(docs) if isinstance(docs, Sized) else None
        for kind, batch in document_batches(docs, self._n_threads):
            self._add_batch(kind, batch)
            if self._core.over_budget:
                self._stem()
                self._core.spill()
            if progress is not None:
                progress(len(self) - before, total)
        self._state = "open"

    def add_pairs(self, analyzer: Analyzer, titles: Any, texts: Any) -> None:
        """Add documents by the pairs of words beside their literals, for phrases; each gets the next row.

        The pairs of neighbouring words, those of ``Analyzer("words")``, that are no neighbouring tokens,
        because a literal holds or changes one. Where tokens stand `PositionsBuilder` says. The term of a pair
        is ``f"{first}\\t{second}"``. No pair reaches from a title into a text. The index answers token lists.

        Parameters
        ----------
        analyzer : Analyzer
            One without a stemmer and stop words.
        titles, texts : Arrow arrays of strings, of one length

        Raises
        ------
        InvalidInputError
            Texts were added before, or the builder has failed or finished.
        StorageError
            As in `Bm25Index.build`.
        """
        self._require_open()
        if self._kind not in (None, "tokens"):
            raise InvalidInputError(
                "docs: expected texts, got pairs: an analyzer was given or texts were added"
            )
        self._state, self._kind = "failed", "tokens"
        self._core.add_pairs(analyzer._core, titles, texts)
        if self._core.over_budget:
            self._core.spill()
        self._state = "open"

    def finish(self) -> Bm25Index:
        """Return the index of everything added. The builder cannot be used afterwards.

        Raises
        ------
        InvalidInputError
            The builder has failed or finished.
        StorageError
            As in `Bm25Index.build`.

        Notes
        -----
        The GIL is released; Ctrl-C is honoured.
        """
        self._require_open()
        self._state = "finished"
        if self._kind == "tokens":
            return Bm25Index(self._core.finish(""), None)
        analyzer = Analyzer("domain") if self._analyzer is None else self._analyzer
        self._stem()
        return Bm25Index(self._core.finish(dump_analyzer(analyzer)), analyzer)

    def _stem(self) -> None:
        """Stem the terms that are new since the last time, each once."""
        if self._analyzer is not None and self._analyzer.stemmer is not None:
            self._core.replace_terms(self._analyzer._stem(self._core.terms()))

    def _require_open(self) -> None:
        if self._state != "open":
            raise InvalidInputError(f"builder: it has {self._state}; make a new one")

    def _add_batch(self, kind: Kind, batch: Any) -> None:
        if self._kind not in (None, kind):
            mend = (
                "an analyzer was given or texts were added before"
                if kind == "tokens"
                else "token lists were added before"
            )
            raise InvalidInputError(f"docs: expected {self._kind}, got {kind}: {mend}")
        self._kind = kind
        if kind == "tokens":
            self._core.add_token_lists(batch)
            return
        if self._analyzer is None:
            self._analyzer = Analyzer("domain")
        self._core.add_texts(self._analyzer._core, batch)


def memory_budget(memory_mb: int | None) -> int:
    """Return a bound as the core takes it, 0 for none, or raise `InvalidInputError`."""
    if memory_mb is None:
        return 0
    count = require_count("memory_mb", memory_mb)
    if count < _LEAST_MEMORY_MB:
        raise InvalidInputError(
            f"memory_mb: expected at least {_LEAST_MEMORY_MB}, got {count}; or None for no bound"
        )
    return count * _BYTES_PER_MB


def _one_config(k1: float | None, b: float | None, config: Bm25Config | None) -> Bm25Config:
    """Return the settings of a build from the two ways to give them."""
    if config is None:
        defaults = Bm25Config()
        return Bm25Config(k1=defaults.k1 if k1 is None else k1, b=defaults.b if b is None else b)
    if k1 is not None or b is not None:
        raise InvalidInputError("config: expected either config or k1 and b, got both")
    if not isinstance(config, Bm25Config):
        raise InvalidInputError(f"config: expected pyengine.Bm25Config, got {type(config).__name__}")
    return config
