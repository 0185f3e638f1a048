"""`Engine`: one directory, two branches, one answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pyengine.config import Bm25Config, DenseConfig, FusionConfig
from pyengine.engine.answer import answer, fuse
from pyengine.engine.arguments import branch_depth, check_mode, check_queries, check_query
from pyengine.engine.branches import run_branches
from pyengine.engine.ids import CorpusIds
from pyengine.engine.results import Mode, SearchResult
from pyengine.engine.settings import EmbedderRecord, Settings, reopen_embedder
from pyengine.engine.snapshot import Snapshot
from pyengine.engine.writer import Transaction, write_empty
from pyengine.errors import IncompatibleIndexError, InvalidInputError
from pyengine.store import Store
from pyengine.text import Analyzer
from pyengine.types import Embedder, Hits

if TYPE_CHECKING:
    from pyengine.corpus import Corpus, StoredCorpus
    from pyengine.dense import DenseIndex
    from pyengine.sparse import Bm25Index

__all__ = ["Engine"]

Progress = Callable[[int, int | None], None]


class Engine:
    """A hybrid search engine in a directory: BM25 and dense vectors over the same rows.

    Made by `Engine.create` and `Engine.open`, not by its constructor. One engine at a time may write to a
    directory, from its first `add` until `commit`, `rollback` or `close`; any number may read it.

    Parameters
    ----------
    store : Store
        The directory.
    snapshot : Snapshot
        The generation that searches see.
    embedder : Embedder or None
        As given; None to make it again when it is needed.

    Notes
    -----
    Threads: searches may run in any number of threads, also while one thread adds and commits; each search
    sees one generation. `add`, `commit`, `rollback` and `close` belong to one thread at a time. The GIL is
    released in BM25, fusion, HNSW and the model. A search may use one thread of its own where that pays; no
    thread outlives a call, except a dense branch that ``timeout_s`` dropped, which ends with the model's run.
    """

    def __init__(self, store: Store, snapshot: Snapshot, embedder: Embedder | None) -> None:
        self._store = store
        self._snapshot = snapshot
        self._embedder = embedder
        self._transaction: Transaction | None = None
        self._closed = False

    @classmethod
    def create(
        cls,
        path: str | PathLike[str],
        *,
        embedder: Embedder | None = None,
        analyzer: Analyzer | None = None,
        bm25: Bm25Config | None = None,
        dense: DenseConfig | None = None,
        fusion: FusionConfig | None = None,
    ) -> Self:
        """Make a new index in a directory and commit it, empty, as its first generation.

        Parameters
        ----------
        path : path-like
            A directory that does not exist or is empty.
        embedder : Embedder, optional
            Makes the vectors of documents and queries. None (the default) makes a lexical-only index: no
            model and no runtime needed.
        analyzer : Analyzer, optional
            Makes the terms. ``Analyzer("domain")`` by default, which keeps literals whole.
        bm25, dense, fusion : Bm25Config, DenseConfig, FusionConfig, optional
            Parameters of the parts; their defaults say why.

        Raises
        ------
        InvalidInputError
            ``path`` holds an index or something else, or ``embedder`` does not keep the protocol.
        StorageError
            The system refused.
        """
        settings = Settings(
            analyzer or Analyzer("domain"),
            bm25 or Bm25Config(),
            dense or DenseConfig(),
            fusion or FusionConfig(),
            None if embedder is None else EmbedderRecord.of(embedder),
        )
        store = Store.create(path, exist_ok=True)
        if store.generation > 0:
            raise InvalidInputError(
                f"path: expected a directory without an index, but {store.path} holds one; "
                "use Engine.open, or choose another directory"
            )
        write_empty(store, settings)
        return cls(store, Snapshot.of(store), embedder)

    @classmethod
    def open(
        cls,
        path: str | PathLike[str],
        *,
        embedder: Embedder | None = None,
        analyzer: Analyzer | None = None,
        fusion: FusionConfig | None = None,
    ) -> Self:
        """Open the newest generation of an index: files are mapped, not read, so this takes milliseconds.

        Parameters
        ----------
        path : path-like
            A directory that `create` made.
        embedder : Embedder, optional
            Must be the one the index was made with. None (the default) makes it again from what the index
            recorded, at the first search that needs it.
        analyzer : Analyzer, optional
            Only compared with the stored one, for callers who want to be sure.
        fusion : FusionConfig, optional
            In place of the stored parameters; fusion is decided at query time.

        Raises
        ------
        NotFoundError
            There is no index at ``path``.
        CorruptIndexError
            A file is missing, half-written or damaged; the message names it.
        IncompatibleIndexError
            Another format version, analyzer or embedder.
        StorageError
            The system refused to read it.
        """
        store = Store.open(path)
        snapshot = Snapshot.of(store, fusion=fusion)
        settings = snapshot.settings
        if analyzer is not None and analyzer.fingerprint != settings.analyzer.fingerprint:
            raise IncompatibleIndexError(
                f"{store.path}: the index was made with analyzer {settings.analyzer.config()}, "
                f"the one given is {analyzer.config()}; leave analyzer out to use the stored one, or "
                "build a new index"
            )
        if embedder is not None:
            if settings.embedder is None:
                raise IncompatibleIndexError(
                    f"{store.path}: the index was made without an embedder and has no vectors; "
                    "leave embedder out, or build a new index with it"
                )
            settings.embedder.check(embedder, str(store.path))
        return cls(store, snapshot, embedder)

    def __len__(self) -> int:
        """Number of committed documents."""
        return len(self._snapshot.corpus)

    @property
    def generation(self) -> int:
        """Number of the generation that searches see; each commit adds one."""
        return self._snapshot.generation

    @property
    def corpus(self) -> "StoredCorpus":
        """The committed documents, by row."""
        return self._snapshot.corpus

    @property
    def ids(self) -> Sequence[str]:
        """The documents' ids, by row; read from the mapped corpus when asked for."""
        return CorpusIds(self._snapshot.corpus)

    @property
    def lexical(self) -> "Bm25Index":
        """The lexical branch."""
        return self._snapshot.lexical

    @property
    def dense(self) -> "DenseIndex | None":
        """The dense branch, or None in a lexical-only index."""
        return self._snapshot.dense

    @property
    def analyzer(self) -> Analyzer:
        """The analyzer of documents and queries."""
        return self._snapshot.settings.analyzer

    @property
    def embedder(self) -> Embedder | None:
        """The embedder, made again from the index's record when it is first needed; None if lexical-only.

        Raises
        ------
        IncompatibleIndexError
            What the record names is not here any more, or makes other vectors.
        """
        record = self._snapshot.settings.embedder
        if self._embedder is None and record is not None:
            self._embedder = reopen_embedder(record, str(self._store.path))
        return self._embedder

    def add(
        self,
        documents: "Corpus | Iterable[Mapping[str, Any]] | Any",
        *,
        progress: Progress | None = None,
    ) -> int:
        """Stage documents for the next `commit`; streaming, so they need not fit in memory.

        Documents are checked, written beside the index and embedded now; searches see them after `commit`.
        A failed call stages nothing and leaves earlier calls' documents staged.

        Parameters
        ----------
        documents : Corpus, iterable of dict, or Arrow table or reader
            Dicts hold ``id`` and ``text``, optionally ``title``, and any metadata.
        progress : callable, optional
            Called with (documents done, None).

        Returns
        -------
        int
            Number of documents staged by this call.

        Raises
        ------
        InvalidInputError
            A bad row, a duplicate id (in the input, staged or committed), or a metadata column of another
            type than before. The message says where and what to do.
        LockedError
            Another writer holds the directory.
        StorageError
            The system refused, for example because the disk is full.
        """
        return self._writing().add(documents, progress=progress)

    def commit(self, *, progress: Progress | None = None) -> int:
        """Publish everything staged as the next generation, all or nothing, and search it from now on.

        The lexical index is built anew over all documents; vectors already indexed are kept. On failure the
        last generation stays in force and what was staged stays staged, so that the call can be repeated.

        Parameters
        ----------
        progress : callable, optional
            Called with (documents indexed, documents in all).

        Returns
        -------
        int
            The generation now in force; the same as before if nothing was staged.

        Raises
        ------
        StorageError
            The system refused, for example because the disk is full.
        """
        self._check_open()
        if self._transaction is not None and not self._transaction.empty:
            self._transaction.commit(progress=progress)
            self._snapshot = Snapshot.of(self._store, fusion=self._snapshot.settings.fusion)
        self.rollback()
        return self.generation

    def rollback(self) -> None:
        """Forget what was staged since the last commit and let other writers in."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            transaction.close()

    def close(self) -> None:
        """Roll back what was staged and release the index; a second call does nothing."""
        if not self._closed:
            self.rollback()
            self._store.close()
            self._closed = True

    def __enter__(self) -> Self:
        """Return the engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine."""
        self.close()

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        mode: Mode | None = None,
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
        explain : bool
            Add each hit's term contributions and fusion parts.
        timeout_s : float, optional
            Seconds the dense branch (the model) may take, counted from the call. A late branch is dropped and
            the result is ``degraded``. BM25 is not interrupted. None waits.

        Raises
        ------
        InvalidInputError
            ``query`` is not text, ``k`` or ``timeout_s`` is out of range, or the mode needs vectors the index
            does not have.

        Notes
        -----
        Order: score descending, then row ascending. Fusion: RRF over ``window`` hits a branch, see
        `FusionConfig`.
        """
        self._check_open()
        check_query(query)
        snapshot = self._snapshot
        mode = check_mode(mode, snapshot)
        depth = branch_depth(k, mode, snapshot)
        if timeout_s is not None and not timeout_s > 0:
            raise InvalidInputError(f"timeout_s: expected a number above 0, got {timeout_s!r}")
        if not query.strip():
            return SearchResult(query, (), mode, notes=("the query is empty",))
        found = run_branches(snapshot, self._need_embedder, [query], depth, mode, timeout_s=timeout_s)
        return answer(snapshot, query, k, mode, found, explain=explain)

    async def asearch(
        self,
        query: str,
        k: int = 10,
        *,
        mode: Mode | None = None,
        explain: bool = False,
        timeout_s: float | None = None,
    ) -> SearchResult:
        """`search` for asyncio: runs in the event loop's default thread pool, so the loop stays free.

        Parameters
        ----------
        query, k, mode, explain, timeout_s
            As in `search`, which also says what is raised.
        """
        import asyncio  # noqa: PLC0415  (a tenth of the package's import time)

        return await asyncio.to_thread(self.search, query, k, mode=mode, explain=explain, timeout_s=timeout_s)

    def search_batch(
        self, queries: Sequence[str], k: int = 100, *, mode: Mode | None = None, n_threads: int = 1
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
        depth = branch_depth(k, mode, snapshot)
        queries = check_queries(queries)
        asked = [i for i, query in enumerate(queries) if query.strip()]
        hits = Hits.empty(len(queries), k)
        if not asked:
            return hits
        texts = [queries[i] for i in asked]
        found = run_branches(snapshot, self._need_embedder, texts, depth, mode, n_threads=n_threads).hits
        best = fuse(found, snapshot.settings.fusion, k) if mode == "hybrid" else found[mode].truncate(k)
        where = np.asarray(asked)
        hits.rows[where, : best.k] = best.rows
        hits.scores[where, : best.k] = best.scores
        hits.counts[where] = best.counts
        return hits

    def warm_up(self) -> None:
        """Load what the first search would: the model, and the pages a search touches."""
        self.search("warm up")

    def info(self) -> dict[str, Any]:
        """Return what the index is, as JSON-able facts: generation, documents, settings, bytes by part."""
        snapshot, manifest = self._snapshot, self._store.manifest
        assert manifest is not None  # create and open leave no engine without a generation
        return {
            "path": str(self._store.path),
            "generation": snapshot.generation,
            "created_at": manifest.created_at,
            "pyengine_version": manifest.pyengine_version,
            "documents": len(snapshot.corpus),
            "settings": snapshot.settings.to_json(),
            "lexical": asdict(snapshot.lexical.stats),
            "files": {entry.path.rpartition("/")[2]: entry.bytes for entry in manifest.files},
        }

    def verify(self) -> list[str]:
        """Read every file of the generation and compare checksums; return one sentence per problem."""
        return self._store.verify(deep=True)

    def _writing(self) -> Transaction:
        self._check_open()
        if self._transaction is None:
            self._transaction = Transaction(self._store, self._snapshot, self._need_embedder)
        return self._transaction

    def _need_embedder(self) -> Embedder:
        embedder = self.embedder
        if embedder is None:
            self._snapshot.require_dense()
            raise AssertionError("an index with vectors has a recorded embedder")
        return embedder

    def _check_open(self) -> None:
        if self._closed:
            raise InvalidInputError(f"{self._store.path}: this engine was closed; open it again")
