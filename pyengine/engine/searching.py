"""Asking an engine: the half of `Engine` that answers queries."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial

import numpy as np

from pyengine.config import FusionCalibration, FusionConfig, FusionMethod
from pyengine.engine.answer import answer
from pyengine.engine.arguments import check_collapse, check_k, check_mode, check_queries, check_query
from pyengine.engine.asked import Asked
from pyengine.engine.conditions import admitted_rows
from pyengine.engine.filtering import Filter
from pyengine.engine.fusing import check_fusion
from pyengine.engine.results import Mode, SearchResult
from pyengine.engine.snapshot import Snapshot
from pyengine.engine.understanding import (
    UNREAD,
    LiteralMode,
    Syntax,
    check_syntax,
    grouped,
    understand,
)
from pyengine.errors import InvalidInputError
from pyengine.rows import RowFilter
from pyengine.types import Embedder, Hits

__all__ = ["Searching"]


class Searching(ABC):
    """What answers queries from a snapshot; see `Engine`, its one subclass."""

    _snapshot: Snapshot

    @abstractmethod
    def _check_open(self) -> None:
        """Raise `InvalidInputError` if the engine was closed."""

    @abstractmethod
    def _embedder_of(self, snapshot: Snapshot) -> Embedder:
        """Return the embedder of a snapshot, or raise `InvalidInputError` if it has no vectors."""

    @abstractmethod
    def _calibration_of(self, snapshot: Snapshot, *, wait: bool) -> FusionCalibration:
        """Return what the fusion "auto" knows of a snapshot; measure it if need be and ``wait`` allows."""

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        mode: Mode | None = None,
        filter: "Filter | None" = None,
        collapse: bool | None = None,
        syntax: Syntax = "plain",
        strict: bool = False,
        literal: LiteralMode = "off",
        fusion: FusionConfig | FusionMethod | None = None,
        explain: bool = False,
        timeout_s: float | None = None,
    ) -> SearchResult:
        """Return the ``k`` best documents for one query.

        Parameters
        ----------
        query : str
            Any text. An empty query has no hits; one without a term the corpus knows is answered by the dense
            branch alone, and the result's notes say so.
        k : int, 1 or more
            Documents wanted; fewer come back when fewer match.
        mode : "hybrid", "lexical" or "dense", optional
            Hybrid where the index has vectors, lexical where it has none.
        filter : str, pyarrow.compute.Expression, bool or int array, or RowFilter, optional
            Which documents may be hits. Text such as ``"year >= 2020 and lang == 'en'"`` over the metadata
            columns (``docs/engine.md`` has the language), evaluated once a generation; an Arrow expression;
            a bool for each row; row numbers. Both branches keep to it, scores stay those of the whole index,
            and ``k`` hits come back whenever so many admitted documents match.
        collapse : bool, optional
            In a chunked index: hits are documents, each with its best chunk (True, the default), or chunks
            (False). ``k`` documents come back whenever so many match, however many chunks each has. Without
            chunks it changes nothing.
        syntax : "plain" or "query"
            Words alone, the default, so that ``find . -name`` is what it says; or the query language of
            ``docs/query-language.md``: ``+must -mustnot "a phrase" title:word prefix*``.
        strict : bool
            With ``syntax="query"``: raise for a query that is not well formed, which else is one of words.
        literal : "off", "boost" or "require"
            What literals in the query do that some document has (``F33.1``, ``28 USC § 1331``): nothing more
            than a word; count twice in the lexical branch; or every hit of both branches has to have them.
        fusion : "rrf", "wrrf", "convex", "auto" or FusionConfig, optional
            How hybrid answers are made, in place of what the index or `Engine.open` says: a method with the
            other settings as they are, or all settings.
        explain : bool
            Add each hit's term contributions and fusion parts.
        timeout_s : float, optional
            Seconds the dense branch (the model) may take, counted from the call. A late branch is dropped and
            the result is ``degraded``. BM25 is not interrupted. None waits.

        Raises
        ------
        InvalidInputError
            ``query`` is not text, ``k`` or ``timeout_s`` is out of range, the mode needs vectors the index
            does not have, the filter is malformed or does not fit the columns, or, with ``strict``, the query
            is not well formed.

        Notes
        -----
        Order: score descending, then row ascending. Fusion: RRF over ``window`` hits a branch unless another
        is chosen, see `FusionConfig`.
        """
        self._check_open()
        check_query(query)
        snapshot = self._snapshot
        mode = check_mode(mode, snapshot)
        k = check_k(k)
        config = check_fusion(fusion, snapshot.fusion)
        collapsed = check_collapse(collapse, snapshot)
        if timeout_s is not None and not timeout_s > 0:
            raise InvalidInputError(f"timeout_s: expected a number above 0, got {timeout_s!r}")
        if not query.strip():
            return SearchResult(query, (), mode, notes=("the query is empty",))
        apart = check_syntax(syntax, literal, strict=strict)
        read = understand(snapshot, query, syntax, literal, strict=strict) if apart else UNREAD
        allowed = None if filter is None else snapshot.filters.rows(filter)
        if allowed is not None and allowed.count == 0:
            return SearchResult(query, (), mode, notes=("the filter admits no document",))
        allowed = admitted_rows(snapshot, read.conditions, allowed, collapsed=collapsed)
        if allowed is not None and allowed.count == 0:
            said = "no document that the filter admits" if filter is not None else "no document"
            notes = (*read.notes, f"{said} fulfils the query's conditions")
            return SearchResult(query, (), mode, notes=notes)
        if apart and not read.words.strip():
            return SearchResult(query, (), mode, notes=read.notes)
        terms = None if read.terms is None else [read.terms]
        embedder = partial(self._embedder_of, snapshot)
        asked = Asked(
            snapshot,
            embedder,
            [read.words if apart else query],
            mode,
            fusion=config,
            calibration=partial(self._calibration_of, snapshot, wait=timeout_s is None),
            terms=terms,
            allowed=allowed,
            timeout_s=timeout_s,
        )
        best, found = asked.best(k, collapsed=collapsed)
        return answer(
            snapshot,
            query,
            mode,
            best,
            found,
            terms=read.terms,
            share=asked.fusing.share(found.hits) if explain and mode == "hybrid" else None,
            explain=explain,
            filtered=allowed is not None,
            notes=read.notes,
        )

    async def asearch(
        self,
        query: str,
        k: int = 10,
        *,
        mode: Mode | None = None,
        filter: "Filter | None" = None,
        collapse: bool | None = None,
        syntax: Syntax = "plain",
        strict: bool = False,
        literal: LiteralMode = "off",
        fusion: FusionConfig | FusionMethod | None = None,
        explain: bool = False,
        timeout_s: float | None = None,
    ) -> SearchResult:
        """`search` for asyncio: runs in the event loop's default thread pool, so the loop stays free.

        Parameters
        ----------
        query, k, mode, filter, collapse, syntax, strict, literal, fusion, explain, timeout_s
            As in `search`, which also says what is raised.
        """
        import asyncio  # noqa: PLC0415  (a tenth of the package's import time)

        return await asyncio.to_thread(
            self.search,
            query,
            k,
            mode=mode,
            filter=filter,
            collapse=collapse,
            syntax=syntax,
            strict=strict,
            literal=literal,
            fusion=fusion,
            explain=explain,
            timeout_s=timeout_s,
        )

    def search_batch(
        self,
        queries: Sequence[str],
        k: int = 100,
        *,
        mode: Mode | None = None,
        filter: "Filter | None" = None,
        collapse: bool | None = None,
        syntax: Syntax = "plain",
        strict: bool = False,
        literal: LiteralMode = "off",
        fusion: FusionConfig | FusionMethod | None = None,
        n_threads: int = 1,
    ) -> Hits:
        """Return the ``k`` best rows of every query, as arrays; nothing runs per query in Python.

        Parameters
        ----------
        queries : sequence of str, length n
            Empty ones get no hits.
        k : int, 1 or more
            Depth.
        mode : "hybrid", "lexical" or "dense", optional
            As in `search`.
        filter : optional
            As in `search`; the same for all queries.
        collapse : bool, optional
            As in `search`. The row of a collapsed hit is that of the document's best chunk.
        syntax, strict, literal
            As in `search`. Queries with the same conditions are answered together, the groups one after the
            other.
        fusion : optional
            As in `search`.
        n_threads : int, 1 or more
            Threads for BM25 and the vector search. The answers do not depend on it.

        Returns
        -------
        Hits
            rows and scores of shape (n, k), counts of shape (n,).

        Raises
        ------
        InvalidInputError
            As in `search`.
        """
        self._check_open()
        snapshot = self._snapshot
        mode = check_mode(mode, snapshot)
        queries = check_queries(queries)
        k = check_k(k, len(queries))
        config = check_fusion(fusion, snapshot.fusion)
        collapsed = check_collapse(collapse, snapshot)
        asked = [i for i, query in enumerate(queries) if query.strip()]
        hits = Hits.empty(len(queries), k)
        allowed = None if filter is None else snapshot.filters.rows(filter)
        if not asked or (allowed is not None and allowed.count == 0):
            return hits
        embedder = partial(self._embedder_of, snapshot)
        calibration = partial(self._calibration_of, snapshot, wait=True)
        if not check_syntax(syntax, literal, strict=strict):
            call = Asked(
                snapshot,
                embedder,
                [queries[i] for i in asked],
                mode,
                fusion=config,
                calibration=calibration,
                allowed=allowed,
                n_threads=n_threads,
            )
            _put(hits, asked, call.best(k, collapsed=collapsed)[0])
            return hits
        read = [understand(snapshot, queries[i], syntax, literal, strict=strict) for i in asked]
        for group in grouped(read):
            chosen = [read[i] for i in group]
            admitted = admitted_rows(snapshot, chosen[0].conditions, allowed, collapsed=collapsed)
            if admitted is not None and admitted.count == 0:
                continue
            call = Asked(
                snapshot,
                embedder,
                [one.words for one in chosen],
                mode,
                fusion=config,
                calibration=calibration,
                terms=[one.terms or [] for one in chosen],
                allowed=admitted,
                n_threads=n_threads,
            )
            _put(hits, [asked[i] for i in group], call.best(k, collapsed=collapsed)[0])
        return hits

    def admitted(self, filter: "Filter") -> RowFilter:
        """Return the rows of this generation that a filter admits, for searches of `lexical` and `dense`.

        Parameters
        ----------
        filter : str, pyarrow.compute.Expression, bool or int array, or RowFilter
            As in `search`.

        Raises
        ------
        InvalidInputError
            The filter is malformed or does not fit the columns or the number of rows.
        """
        self._check_open()
        return self._snapshot.filters.rows(filter)

    def warm_up(self) -> None:
        """Load what the first search would: the model, and the pages a search touches."""
        self.search("warm up")


def _put(hits: Hits, where: list[int], found: Hits) -> None:
    """Write the answers to some queries into those to all."""
    places = np.asarray(where)
    hits.rows[places, : found.k] = found.rows
    hits.scores[places, : found.k] = found.scores
    hits.counts[places] = found.counts
