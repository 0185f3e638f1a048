"""`Engine`: one directory, two branches, one answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pyengine.config import Bm25Config, DenseConfig, FusionConfig
from pyengine.engine.ids import CorpusIds
from pyengine.engine.searching import Searching
from pyengine.engine.settings import EmbedderRecord, Settings, reopen_embedder
from pyengine.engine.snapshot import Snapshot
from pyengine.engine.writer import Transaction, write_empty
from pyengine.errors import IncompatibleIndexError, InvalidInputError
from pyengine.store import Store
from pyengine.text import Analyzer
from pyengine.types import Embedder

if TYPE_CHECKING:
    import pyarrow.compute as pc

    from pyengine.corpus import Corpus, StoredCorpus
    from pyengine.dense import DenseIndex
    from pyengine.sparse import Bm25Index

__all__ = ["Engine"]

Progress = Callable[[int, int | None], None]


class Engine(Searching):
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

    def update(
        self,
        documents: "Corpus | Iterable[Mapping[str, Any]] | Any",
        *,
        progress: Progress | None = None,
    ) -> int:
        """Stage documents in the place of those with the same ids; ids that are new are added.

        An updated document gets a new row, behind those added before, and a new vector. As with `add`, a
        failed call changes nothing, and searches see the change after `commit`.

        Parameters
        ----------
        documents, progress
            As in `add`.

        Returns
        -------
        int
            How many documents were replaced.

        Raises
        ------
        InvalidInputError
            A bad row, an id that comes twice in the input, or a metadata column of another type than before.
        LockedError, StorageError
            As in `add`.
        """
        return self._writing().update(documents, progress=progress)[1]

    def delete(
        self,
        ids: "Iterable[str] | None" = None,
        *,
        filter: "str | pc.Expression | None" = None,
        missing_ok: bool = False,
    ) -> int:
        """Leave documents out of the next generation, committed ones and those staged before this call.

        After `commit` nothing shows that they were there: statistics, scores, rows and ties are those of an
        index built from the documents left, in their order.

        Parameters
        ----------
        ids : iterable of str, optional
            Their ids.
        filter : str or pyarrow.compute.Expression, optional
            In place of ids: all documents that it admits, as in `search`.
        missing_ok : bool
            Pass over ids that no document has; by default they are an error and nothing is deleted.

        Returns
        -------
        int
            How many documents were deleted.

        Raises
        ------
        InvalidInputError
            Both of ``ids`` and ``filter`` or neither, an id that is no text, or a filter that does not fit.
        NotFoundError
            No document has one of the ids.
        LockedError
            Another writer holds the directory.
        """
        if (ids is None) == (filter is None):
            raise InvalidInputError("delete: expected ids or filter=, one of the two")
        if ids is None:
            return self._writing().delete_matching(filter)
        if isinstance(ids, str):
            raise InvalidInputError(f"ids: expected an iterable of ids, got one str; pass [{ids!r}]")
        return self._writing().delete(list(ids), missing_ok=missing_ok)

    def refresh(self) -> int:
        """Move on to the newest generation, which another engine or process may have committed.

        Searches that run meanwhile finish on the generation they began with. Milliseconds, as `open`.

        Returns
        -------
        int
            The generation that searches see now.

        Raises
        ------
        InvalidInputError
            Something is staged: commit it or roll it back first.
        CorruptIndexError, StorageError
            As in `open`; the engine stays on its generation.
        IncompatibleIndexError
            The newest generation was made with another embedder than the one this engine was given.
        """
        self._check_open()
        if self._transaction is not None:
            raise InvalidInputError("refresh: documents are staged; commit them or roll them back first")
        self._store.refresh()
        if self._store.generation != self._snapshot.generation:
            snapshot = Snapshot.of(self._store, fusion=self._snapshot.settings.fusion)
            if self._embedder is not None and snapshot.settings.embedder is not None:
                snapshot.settings.embedder.check(self._embedder, str(self._store.path))
            self._snapshot = snapshot
        return self.generation

    def commit(
        self, *, n_threads: int = 1, memory_mb: int | None = None, progress: Progress | None = None
    ) -> int:
        """Publish everything staged as the next generation, all or nothing, and search it from now on.

        The corpus is written and the lexical index built anew over all documents that stay; vectors already
        made are kept, and after deletions their graph is laid out anew. On failure the last generation stays
        in force and what was staged stays staged, so that the call can be repeated.

        Parameters
        ----------
        n_threads : int, >= 1
            Threads that share the lexical build; the index is the same bytes for any number.
        memory_mb : int, >= 64, optional
            Bound on the memory of the lexical build, as in `Bm25Index.build`; sorted runs go to a file in the
            index's directory.
        progress : callable, optional
            Called with (documents indexed, documents in all).

        Returns
        -------
        int
            The generation now in force; the same as before if nothing was staged.

        Raises
        ------
        InvalidInputError
            ``n_threads`` or ``memory_mb`` is out of range.
        StorageError
            The system refused, for example because the disk is full.
        """
        self._check_open()
        if self._transaction is not None and not self._transaction.empty:
            self._transaction.commit(n_threads=n_threads, memory_mb=memory_mb, progress=progress)
            self._snapshot = Snapshot.of(self._store, fusion=self._snapshot.settings.fusion)
        self.rollback()
        return self.generation

    def rollback(self) -> None:
        """Forget what was staged or deleted since the last commit, and let other writers in."""
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
