"""Staging and committing: what `Engine.add` writes down, and what `Engine.commit` builds from it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.corpus import Corpus, StoredCorpus, indexed_text, write_ipc
from pyengine.dense import DenseIndex
from pyengine.engine.settings import EmbedderRecord, Settings
from pyengine.engine.snapshot import CORPUS, Snapshot
from pyengine.errors import BackendError, InvalidInputError, StorageError
from pyengine.sparse import Bm25Builder, Bm25Index
from pyengine.store import Store
from pyengine.store.writer import refused
from pyengine.types import NO_ROW, Embedder

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Transaction", "write_empty"]

Progress = Callable[[int, int | None], None]

# Texts handed to the embedder at a time: enough to sort by length, few enough for progress and Ctrl-C.
_TEXTS_PER_STEP: Final = 1024
_INTACT: Final = "the last generation is in force and intact"
# What float16 arithmetic in a model may leave; the vector index asks for the same.
_UNIT_TOLERANCE: Final = 0.01


@dataclass(frozen=True, slots=True)
class _Staged:
    """One successful `add`: its documents and, in an index with vectors, their vectors, on disk."""

    corpus: StoredCorpus
    vectors: Path | None


class Transaction:
    """Everything between the first `add` and the commit or rollback; holds the write lock meanwhile.

    Parameters
    ----------
    store : Store
        The directory; moved to the newest generation by taking the lock.
    snapshot : Snapshot
        The generation that the staged documents are added to.
    embedder : callable
        Returns the embedder; called only when the index has vectors.

    Raises
    ------
    LockedError
        Another writer holds the directory.
    InvalidInputError
        Another writer committed since ``snapshot`` was opened.
    """

    def __init__(self, store: Store, snapshot: Snapshot, embedder: Callable[[], Embedder]) -> None:
        self._snapshot = snapshot
        self._embedder = embedder
        self._staged: list[_Staged] = []
        self._calls = 0
        self._writer = store.writer().__enter__()
        try:
            if store.generation != snapshot.generation:
                raise InvalidInputError(
                    f"{store.path}: another writer committed generation {store.generation} since this engine "
                    f"opened generation {snapshot.generation}; open the index again and repeat"
                )
            self._folder = self._writer.scratch()
        except BaseException:
            self.close()
            raise

    @property
    def empty(self) -> bool:
        """Whether nothing is staged."""
        return not self._staged

    def close(self) -> None:
        """Remove what was staged and release the lock."""
        self._staged.clear()
        self._writer.__exit__(None, None, None)

    def add(self, documents: Any, *, progress: Progress | None) -> int:
        """Check, write down and embed ``documents``: all of them or none. Return how many."""
        corpus = _as_corpus(documents)
        self._calls += 1
        path = self._folder / f"{self._calls:06d}.arrow"
        vectors = None if self._snapshot.settings.embedder is None else path.with_suffix(".f32")
        with _saying(path, "write"):
            write_ipc(self._new(corpus), path, schema=corpus.schema)
            staged = Corpus.open_ipc(path)
            self._unified_schema(staged)
            if vectors is not None:
                self._embed(staged, vectors, progress)
        if len(staged):
            self._staged.append(_Staged(staged, vectors))
        return len(staged)

    def commit(self, *, progress: Progress | None) -> None:
        """Build the next generation over all documents and publish it."""
        snapshot = self._snapshot
        sources = [snapshot.corpus, *(staged.corpus for staged in self._staged)]
        schema = self._unified_schema()
        folder = self._writer.begin()
        try:
            with _saying(folder, "write"):
                write_ipc(_conform(sources, schema), folder / CORPUS, schema=schema)
                corpus = Corpus.open_ipc(folder / CORPUS)
                _build_lexical(corpus, snapshot.settings, progress).save(folder)
                if snapshot.settings.embedder is not None:
                    self._build_dense(folder)
            _publish(self._writer, snapshot.settings, len(corpus))
        except BaseException:
            self._writer.abort()
            raise

    def _new(self, corpus: Corpus) -> "Iterator[pa.RecordBatch]":
        """Yield the batches of ``corpus``; refuse an id that is committed or staged already."""
        known = [("committed", self._snapshot.corpus)]
        known += [("staged by an earlier add", staged.corpus) for staged in self._staged]
        known = [(state, other) for state, other in known if len(other)]
        for batch in corpus.batches():
            ids = batch.column("id").to_pylist()
            for state, other in known:
                there = np.flatnonzero(other.rows_of(ids) != NO_ROW)
                if len(there):
                    raise InvalidInputError(
                        f"id {ids[there[0]]!r} is {state} already; ids must be unique: leave the document "
                        "out, or give it another id"
                    )
            yield batch

    def _unified_schema(self, *more: StoredCorpus) -> "pa.Schema":
        """Columns of all documents; a column that one source lacks is null there."""
        import pyarrow as pa  # noqa: PLC0415  (importing pyengine must not import pyarrow)

        schemas = [s.schema for s in (self._snapshot.corpus, *(st.corpus for st in self._staged), *more)]
        types: dict[str, pa.DataType] = {}
        for schema in schemas:
            for field in schema:
                before = types.setdefault(field.name, field.type)
                if before != field.type:
                    raise InvalidInputError(
                        f"metadata column {field.name!r}: expected {before}, as in the documents added "
                        f"before, got {field.type}; convert it, or name its type with Corpus's metadata="
                    )
        return pa.unify_schemas(schemas)

    def _embed(self, corpus: StoredCorpus, path: Path, progress: Progress | None) -> None:
        """Write the vectors of ``corpus`` to ``path`` as raw float32, row after row."""
        record, embedder = self._snapshot.settings.embedder, self._embedder()
        assert record is not None  # asked for only in an index with vectors
        done = 0
        with path.open("wb") as file:
            for batch in corpus.batches(max_rows=_TEXTS_PER_STEP):
                texts = _text(batch).to_pylist()
                vectors = _checked(embedder.embed(texts, kind="passage"), len(texts), record)
                file.write(vectors.tobytes())
                done += len(texts)
                if progress is not None:
                    progress(done, len(corpus))

    def _build_dense(self, folder: Path) -> None:
        """Extend a copy of the committed vectors with the staged ones."""
        record = self._snapshot.settings.embedder
        assert record is not None  # as above
        index = DenseIndex.load(self._snapshot.folder)
        for staged in self._staged:
            assert staged.vectors is not None  # written by the add that staged the documents
            # In one call: the index spreads the rows of a call over the graph, which a sorted corpus needs.
            index.add(np.memmap(staged.vectors, dtype=np.float32, mode="r").reshape(-1, record.dim))
        index.save(folder)


def write_empty(store: Store, settings: Settings) -> None:
    """Publish a generation without documents."""
    with store.writer() as writer:
        folder = writer.begin()
        with _saying(folder, "write"):
            write_ipc((), folder / CORPUS)
            _lexical_builder(settings).finish().save(folder)
            if settings.embedder is not None:
                empty = np.empty((0, settings.embedder.dim), dtype=np.float32)
                DenseIndex.build(empty, config=settings.dense).save(folder)
        _publish(writer, settings, 0)


def _publish(writer: Any, settings: Settings, documents: int) -> None:
    fingerprints = {"analyzer": settings.analyzer.fingerprint}
    if settings.embedder is not None:
        fingerprints["embedder"] = settings.embedder.fingerprint
    writer.publish(fingerprints=fingerprints, config=settings.to_json(), counts={"documents": documents})


def _build_lexical(corpus: StoredCorpus, settings: Settings, progress: Progress | None) -> Bm25Index:
    builder = _lexical_builder(settings)
    done = 0
    for batch in corpus.batches():
        builder.add(_text(batch))
        done += batch.num_rows
        if progress is not None:
            progress(done, len(corpus))
    return builder.finish()


def _lexical_builder(settings: Settings) -> Bm25Builder:
    return Bm25Index.builder(analyzer=settings.analyzer, k1=settings.bm25.k1, b=settings.bm25.b)


def _text(batch: "pa.RecordBatch") -> "pa.StringArray":
    return indexed_text(batch.column("title"), batch.column("text"))


def _as_corpus(documents: Any) -> Corpus:
    if isinstance(documents, Corpus):
        return documents
    if isinstance(documents, str | bytes):
        raise InvalidInputError(
            "documents: expected a Corpus, an Arrow table or dicts, got text; "
            "for files use Corpus.from_beir, from_jsonl or from_parquet"
        )
    if hasattr(documents, "__arrow_c_stream__") or hasattr(documents, "__arrow_c_array__"):
        return Corpus.from_arrow(documents)
    return Corpus.from_rows(documents)


def _conform(sources: Sequence[StoredCorpus], schema: "pa.Schema") -> "Iterator[pa.RecordBatch]":
    """Yield all batches with the columns of ``schema``, null where a source lacks one."""
    import pyarrow as pa  # noqa: PLC0415  (as above)

    for source in sources:
        for batch in source.batches():
            if batch.schema.equals(schema):
                yield batch
                continue
            names = set(batch.schema.names)
            columns = [
                batch.column(field.name) if field.name in names else pa.nulls(batch.num_rows, field.type)
                for field in schema
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _checked(vectors: Any, rows: int, record: EmbedderRecord) -> npt.NDArray[np.float32]:
    """Refuse what an embedder should not return, before it is stored."""
    if not isinstance(vectors, np.ndarray) or vectors.shape != (rows, record.dim):
        got = vectors.shape if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise BackendError(
            f"embedder.embed: expected float32 vectors of shape {(rows, record.dim)}, got {got}; "
            "the embedder must return one vector of its own dim per text"
        )
    unit: npt.NDArray[np.float32] = np.ascontiguousarray(vectors, dtype=np.float32)
    if not np.isfinite(unit).all():
        bad = int(np.flatnonzero(~np.isfinite(unit).all(axis=1))[0])
        raise BackendError(f"embedder.embed: text {bad} of the batch got a vector with NaN or infinity")
    lengths = np.linalg.norm(unit, axis=1)
    if (np.abs(lengths - 1.0) > _UNIT_TOLERANCE).any():
        bad = int(np.argmax(np.abs(lengths - 1.0)))
        raise BackendError(
            f"embedder.embed: text {bad} of the batch got a vector of length {lengths[bad]:.3g}; "
            "the index holds unit vectors: divide each by its length"
        )
    return unit


@contextmanager
def _saying(path: Path, doing: str) -> Iterator[None]:
    """Turn what the system refuses into a `StorageError` that says what is intact."""
    try:
        yield
    except StorageError as error:
        said = StorageError(f"{error}; {_INTACT}")
        said.errno = error.errno
        raise said from error
    except OSError as error:
        raise refused(error, path, doing, _INTACT) from error
