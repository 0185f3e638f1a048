"""`Engine`: one directory, two branches, one answer."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pyengine.config import Bm25Config, DenseConfig, FusionCalibration, FusionConfig, FusionMethod
from pyengine.corpus import Chunker
from pyengine.engine.building import write_empty
from pyengine.engine.calibrating import KNOWN_ITEMS, assumed, calibrate, still_holds
from pyengine.engine.changing import Changing
from pyengine.engine.checking import check
from pyengine.engine.fusing import check_fusion
from pyengine.engine.ids import CorpusIds
from pyengine.engine.merging import MergePolicy, TieredMerge
from pyengine.engine.segments import PAIRS
from pyengine.engine.settings import EmbedderRecord, Settings, check_title_boost, reopen_embedder
from pyengine.engine.snapshot import Snapshot
from pyengine.errors import IncompatibleIndexError, InvalidInputError
from pyengine.store import Manifest, Store
from pyengine.text import Analyzer
from pyengine.types import Embedder

if TYPE_CHECKING:
    from pyengine.corpus import JoinedCorpus, StoredCorpus
    from pyengine.dense import DenseIndex, DenseUnion
    from pyengine.sparse import Bm25Index

__all__ = ["Engine"]

Progress = Callable[[int, int | None], None]


class Engine(Changing):
    """A hybrid search engine in a directory: BM25 and dense vectors over the same rows.

    Made by `Engine.create` and `Engine.open`, not by its constructor. One engine at a time may write to a
    directory, from its first `add` until `commit`, `rollback` or `close`; any number may read it.

    Parameters
    ----------
    store : Store
        The directory.
    snapshot : Snapshot
        The generation that searches see.
    policy : MergePolicy or None
        Which segments a commit merges.

    Notes
    -----
    Threads: searches may run in any number of threads, also while one thread adds and commits; each search
    sees one generation. `add`, `commit`, `rollback` and `close` belong to one thread at a time. The GIL is
    released in BM25, fusion, HNSW and the model. A search may use one thread of its own where that pays; no
    thread outlives a call, except a dense branch that ``timeout_s`` dropped, which ends with the model's run.
    """

    def __init__(self, store: Store, snapshot: Snapshot, policy: MergePolicy | None) -> None:
        self._store = store
        self._snapshot = snapshot
        self._opened: tuple[str, Embedder] | None = None
        self._calibration: FusionCalibration | None = None
        self._policy = policy
        self._transaction = None
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
        fusion: FusionConfig | FusionMethod | None = None,
        chunker: Chunker | None = None,
        title_boost: int = 1,
        phrases: bool = False,
        auto_compact: bool | MergePolicy = True,
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
        bm25, dense : Bm25Config, DenseConfig, optional
            Parameters of the parts; their defaults say why.
        fusion : FusionConfig or the name of a method, optional
            How hybrid answers are made: RRF by default, whose numbers others measure with. With "auto",
            `commit` measures what that needs.
        chunker : Chunker, optional
            Cuts the documents into chunks, which are the rows of the index. None (the default) indexes every
            document whole.
        title_boost : int, 1 to 16
            How many times a title counts in the lexical branch, in term frequencies and in lengths: BM25F
            with the weights of its fields in front of the saturation (Robertson, Zaragoza and Taylor 2004).
        phrases : bool
            Write down where terms stand, so that phrases and fields are looked up and not looked for in the
            stored text. Costs a third to a half of the bytes of the lexical index; `info` says how many.
        auto_compact : bool or MergePolicy
            Which segments each `commit` brings together, in the same call: by default those that
            `TieredMerge` names, False none, so that only `compact` does. Not recorded.

        Raises
        ------
        InvalidInputError
            ``path`` holds an index or something else, or ``embedder`` does not keep the protocol.
        StorageError
            The system refused.
        """
        policy = _policy_of(auto_compact)
        settings = Settings(
            analyzer or Analyzer("domain"),
            bm25 or Bm25Config(),
            dense or DenseConfig(),
            check_fusion(fusion, FusionConfig()),
            None if embedder is None else EmbedderRecord.of(embedder),
            _checked_chunker(chunker),
            check_title_boost(title_boost),
            phrases,
        )
        store = Store.create(path, exist_ok=True)
        with _closed_on_error(store):
            if store.generation > 0:
                raise InvalidInputError(
                    f"path: expected a directory without an index, but {store.path} holds one; "
                    "use Engine.open, or choose another directory"
                )
            write_empty(store, settings)
            return cls(store, Snapshot.of(store, given=embedder), policy)

    @classmethod
    def open(
        cls,
        path: str | PathLike[str],
        *,
        embedder: Embedder | None = None,
        analyzer: Analyzer | None = None,
        fusion: FusionConfig | FusionMethod | None = None,
        chunker: Chunker | None = None,
        auto_compact: bool | MergePolicy = True,
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
        fusion : FusionConfig or the name of a method, optional
            For the searches of this engine, in place of what is stored, which stays what it is.
        chunker : Chunker, optional
            Only compared with the stored one, as ``analyzer``.
        auto_compact : bool or MergePolicy
            As in `create`.

        Raises
        ------
        NotFoundError
            There is no index at ``path``.
        CorruptIndexError
            A file is missing, half-written or damaged; the message names it.
        IncompatibleIndexError
            Another format version, analyzer, chunker or embedder.
        StorageError
            The system refused to read it.
        """
        store = Store.open(path)
        with _closed_on_error(store):
            snapshot = Snapshot.of(store, given=embedder)
            settings = snapshot.settings
            if fusion is not None:
                snapshot = replace(snapshot, own_fusion=check_fusion(fusion, settings.fusion))
            if analyzer is not None:
                settings.check_analyzer(analyzer, str(store.path))
            if (given := _checked_chunker(chunker)) is not None:
                settings.check_chunker(given, str(store.path))
            if embedder is not None and settings.embedder is None:
                raise IncompatibleIndexError(
                    f"{store.path}: the index was made without an embedder and has no vectors; "
                    "leave embedder out, or give it vectors with reembed"
                )
            return cls(store, snapshot, _policy_of(auto_compact))

    def __len__(self) -> int:
        """Number of committed rows: documents or, in a chunked index, chunks."""
        return len(self._snapshot.corpus)

    @property
    def n_documents(self) -> int:
        """Number of committed documents."""
        return self._snapshot.corpus.n_documents

    @property
    def generation(self) -> int:
        """Number of the generation that searches see; each commit adds one."""
        return self._snapshot.generation

    @property
    def corpus(self) -> "StoredCorpus | JoinedCorpus":
        """The committed documents, by row."""
        return self._snapshot.corpus

    @property
    def ids(self) -> Sequence[str]:
        """The documents' ids, by row; read from the mapped corpus when asked for.

        In a chunked index all chunks of a document have its id.
        """
        return CorpusIds(self._snapshot.corpus)

    @property
    def lexical(self) -> "Bm25Index":
        """The lexical branch."""
        return self._snapshot.lexical

    @property
    def dense(self) -> "DenseIndex | DenseUnion | None":
        """The dense branch, or None in a lexical-only index."""
        return self._snapshot.dense

    @property
    def analyzer(self) -> Analyzer:
        """The analyzer of documents and queries."""
        return self._snapshot.settings.analyzer

    @property
    def chunker(self) -> Chunker | None:
        """What cuts documents into chunks; None where every document is one row."""
        return self._snapshot.settings.chunker

    @property
    def fusion(self) -> FusionConfig:
        """How hybrid answers are made unless a search says otherwise."""
        return self._snapshot.fusion

    @property
    def embedder(self) -> Embedder | None:
        """The embedder, made again from the index's record when it is first needed; None if lexical-only.

        Raises
        ------
        IncompatibleIndexError
            What the record names is not here any more, or makes other vectors.
        """
        if self._snapshot.settings.embedder is None:
            return None
        return self._embedder_of(self._snapshot)

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
        snapshot = self._snapshot
        manifest = snapshot.manifest
        return {
            "path": str(self._store.path),
            "generation": snapshot.generation,
            "created_at": manifest.created_at,
            "pyengine_version": manifest.pyengine_version,
            "documents": self.n_documents,
            "chunks": None if snapshot.settings.chunker is None else len(snapshot.corpus),
            "settings": snapshot.settings.to_json(),
            "fingerprints": snapshot.settings.fingerprints,
            "lexical": asdict(snapshot.lexical.stats),
            "segments": [segment.entry.to_json() for segment in snapshot.segments],
            "files": _bytes_by_name(manifest),
        }

    def verify(self) -> list[str]:
        """Read every byte of the generation; check checksums, and that all parts hold the same documents.

        Takes about a second per gigabyte for the checksums, and once more for the postings and ids.

        Returns
        -------
        list of str
            One sentence per problem, naming the file; empty when all is well.

        Raises
        ------
        StorageError
            The system refused to read a file.
        """
        self._check_open()
        return check(self._store, self._snapshot)

    def _embedder_of(self, snapshot: Snapshot) -> Embedder:
        record = snapshot.settings.embedder
        if record is None:
            snapshot.require_dense()
            raise AssertionError("an index with vectors has a recorded embedder")
        if snapshot.given is not None:
            return snapshot.given
        opened = self._opened
        if opened is None or opened[0] != record.fingerprint:
            opened = self._opened = record.fingerprint, reopen_embedder(record, str(self._store.path))
        return opened[1]

    def _calibration_of(self, snapshot: Snapshot, *, wait: bool) -> FusionCalibration:
        for known in (snapshot.settings.calibration, self._calibration):
            if known is not None and still_holds(known, snapshot):
                return known
        if not wait:
            return assumed(snapshot)
        self._calibration = calibrate(snapshot, self._embedder_of(snapshot), KNOWN_ITEMS)
        return self._calibration

    def _check_open(self) -> None:
        if self._closed:
            raise InvalidInputError(f"{self._store.path}: this engine was closed; open it again")


def _checked_chunker(given: Any) -> Chunker | None:
    if given is not None and not isinstance(given, Chunker):
        raise InvalidInputError(
            f"chunker: expected a pyengine.Chunker, got {type(given).__name__}; use Chunker(tokens=...), or "
            "Chunker.given() for chunks of your own"
        )
    return given


@contextmanager
def _closed_on_error(store: Store) -> Iterator[None]:
    """Let go of the files at once: an error may be kept for long, and what it was raised in with it."""
    try:
        yield
    except BaseException:
        store.close()
        raise


def _policy_of(auto_compact: "bool | MergePolicy") -> MergePolicy | None:
    if isinstance(auto_compact, bool):
        return TieredMerge() if auto_compact else None
    if not isinstance(auto_compact, MergePolicy):
        raise InvalidInputError(
            "auto_compact: expected True, False or a merge policy such as pyengine.TieredMerge(), got "
            f"{type(auto_compact).__name__}"
        )
    return auto_compact


def _bytes_by_name(manifest: Manifest) -> dict[str, int]:
    """Return the bytes of each kind of file, over all segments."""
    sizes: dict[str, int] = {}
    for entry in manifest.files:
        name = entry.path.rpartition("/")[2]
        name = "deletions" if name.startswith("deleted-") else name
        name = f"{PAIRS}/{name}" if f"/{PAIRS}/" in entry.path else name
        sizes[name] = sizes.get(name, 0) + entry.bytes
    return sizes
