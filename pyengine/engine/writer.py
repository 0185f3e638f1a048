"""Staging and committing: what `Engine.add` writes down, and what `Engine.commit` builds from it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine.corpus import Corpus, StoredCorpus, admitted_of, indexed_text, write_ipc
from pyengine.dense import DenseIndex
from pyengine.engine.settings import EmbedderRecord, Settings
from pyengine.engine.snapshot import CORPUS, Snapshot
from pyengine.errors import BackendError, InvalidInputError, NotFoundError, StorageError
from pyengine.sparse import Bm25Builder, Bm25Index
from pyengine.store import Store
from pyengine.store.writer import refused
from pyengine.types import NO_ROW, Embedder

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

__all__ = ["Transaction", "write_empty"]

Progress = Callable[[int, int | None], None]

# Texts handed to the embedder at a time: enough to sort by length, few enough for progress and Ctrl-C.
_TEXTS_PER_STEP: Final = 1024
# Vectors held in memory at a time while those that stay are copied.
_ROWS_PER_STEP: Final = 8192
_INTACT: Final = "the last generation is in force and intact"
# What float16 arithmetic in a model may leave; the vector index asks for the same.
_UNIT_TOLERANCE: Final = 0.01


@dataclass(frozen=True, slots=True)
class _Source:
    """Documents on disk, committed or of one `add`, and which of them the next generation leaves out."""

    corpus: StoredCorpus
    state: str  # as errors call it
    dead: npt.NDArray[np.bool_]  # by row; changed in place
    vectors: Path | None = None  # of staged documents, in an index with vectors

    @classmethod
    def of(cls, corpus: StoredCorpus, state: str, vectors: Path | None = None) -> Self:
        return cls(corpus, state, np.zeros(len(corpus), dtype=np.bool_), vectors)

    def batches(self) -> "Iterator[pa.RecordBatch]":
        """Yield the documents that stay, in order."""
        import pyarrow as pa  # noqa: PLC0415  (importing pyengine must not import pyarrow)

        done = 0
        for batch in self.corpus.batches():
            dead = self.dead[done : done + batch.num_rows]
            done += batch.num_rows
            yield batch.filter(pa.array(~dead)) if dead.any() else batch

    def live_rows(self, ids: Sequence[str]) -> npt.NDArray[np.uint32]:
        """Return the row of every id that stays, `NO_ROW` for the others."""
        rows = self.corpus.rows_of(ids)
        there = np.flatnonzero(rows != NO_ROW)
        rows[there[self.dead[rows[there]]]] = NO_ROW
        return rows


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
        self._committed = _Source.of(snapshot.corpus, "committed")
        self._staged: list[_Source] = []
        self._calls = 0
        self._writer = store.writer().__enter__()
        try:
            if store.generation != snapshot.generation:
                raise InvalidInputError(
                    f"{store.path}: another writer committed generation {store.generation} since this engine "
                    f"opened generation {snapshot.generation}; refresh() it, or open it again, and repeat"
                )
            self._folder = self._writer.scratch()
        except BaseException:
            self.close()
            raise

    @property
    def empty(self) -> bool:
        """Whether a commit would change nothing."""
        return not self._staged and not self._committed.dead.any()

    def close(self) -> None:
        """Remove what was staged and release the lock."""
        self._staged.clear()
        self._writer.__exit__(None, None, None)

    def add(self, documents: Any, *, progress: Progress | None) -> int:
        """Check, write down and embed ``documents``: all of them or none. Return how many."""
        staged = self._stage(documents, self._new, progress)
        self._take(staged)
        return len(staged.corpus)

    def update(self, documents: Any, *, progress: Progress | None) -> tuple[int, int]:
        """As `add`, in the place of documents with the same ids. Return how many, and how many those were."""
        staged = self._stage(documents, Corpus.batches, progress)
        # Nothing below can fail half way: the old documents go only once the new ones are whole.
        replaced = [
            (source, rows[rows != NO_ROW])
            for batch in staged.corpus.batches()
            for ids in [batch.column("id").to_pylist()]
            for source in self._sources()
            for rows in [source.live_rows(ids)]
        ]
        for source, rows in replaced:
            source.dead[rows] = True
        self._take(staged)
        return len(staged.corpus), sum(len(rows) for _, rows in replaced)

    def delete(self, ids: Sequence[str], *, missing_ok: bool) -> int:
        """Leave ``ids`` out of the next generation: all or, on an error, none. Return how many."""
        found = [(source, source.live_rows(ids)) for source in self._sources()]
        known = np.zeros(len(ids), dtype=np.bool_)
        for _, rows in found:
            known |= rows != NO_ROW
        if not missing_ok and not known.all():
            unknown = [ids[int(i)] for i in np.flatnonzero(~known)]
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            raise NotFoundError(
                f"ids: no document has the id {unknown[0]!r}{more}; nothing was deleted; "
                "missing_ok=True passes over such ids"
            )
        before = sum(int(source.dead.sum()) for source, _ in found)
        for source, rows in found:
            source.dead[rows[rows != NO_ROW]] = True
        return sum(int(source.dead.sum()) for source, _ in found) - before

    def delete_matching(self, condition: "str | pc.Expression") -> int:
        """Leave out the documents that a filter admits, committed or staged. Return how many."""
        schema = self._unified_schema()
        masks = [
            (source, admitted_of(schema, _conform(source.corpus.batches(), schema), condition))
            for source in self._sources()
        ]
        count = 0
        for source, mask in masks:
            count += int((mask & ~source.dead).sum())
            source.dead[mask] = True
        return count

    def _sources(self) -> list[_Source]:
        return [self._committed, *self._staged]

    def _stage(
        self, documents: Any, read: "Callable[[Corpus], Iterator[pa.RecordBatch]]", progress: Progress | None
    ) -> _Source:
        """Check, write down and embed documents; nothing is staged yet."""
        corpus = _as_corpus(documents)
        self._calls += 1
        path = self._folder / f"{self._calls:06d}.arrow"
        vectors = None if self._snapshot.settings.embedder is None else path.with_suffix(".f32")
        with _saying(path, "write"):
            write_ipc(read(corpus), path, schema=corpus.schema)
            staged = Corpus.open_ipc(path)
            self._unified_schema(staged)
            if vectors is not None:
                self._embed(staged, vectors, progress)
        return _Source.of(staged, "staged by an earlier add", vectors)

    def _take(self, staged: _Source) -> None:
        if len(staged.corpus):
            self._staged.append(staged)

    def commit(self, *, n_threads: int, memory_mb: int | None, progress: Progress | None) -> None:
        """Build the next generation over all documents that stay and publish it."""
        snapshot = self._snapshot
        schema = self._unified_schema()
        folder = self._writer.begin()
        try:
            with _saying(folder, "write"):
                live = chain.from_iterable(source.batches() for source in self._sources())
                write_ipc(_conform(live, schema), folder / CORPUS, schema=schema)
                corpus = Corpus.open_ipc(folder / CORPUS)
                builder = _lexical_builder(
                    snapshot.settings, n_threads=n_threads, memory_mb=memory_mb, scratch=self._folder
                )
                _build_lexical(corpus, builder, progress).save(folder)
                if snapshot.settings.embedder is not None:
                    self._build_dense(folder)
            _publish(self._writer, snapshot.settings, len(corpus))
        except BaseException:
            self._writer.abort()
            raise

    def _new(self, corpus: Corpus) -> "Iterator[pa.RecordBatch]":
        """Yield the batches of ``corpus``; refuse an id that is committed or staged already."""
        for batch in corpus.batches():
            ids = batch.column("id").to_pylist()
            for source in self._sources():
                there = np.flatnonzero(source.live_rows(ids) != NO_ROW)
                if len(there):
                    raise InvalidInputError(
                        f"id {ids[there[0]]!r} is {source.state} already; ids must be unique: leave the "
                        "document out, give it another id, or replace the old one with update"
                    )
            yield batch

    def _unified_schema(self, *more: StoredCorpus) -> "pa.Schema":
        """Columns of all documents; a column that one source lacks is null there."""
        import pyarrow as pa  # noqa: PLC0415  (importing pyengine must not import pyarrow)

        schemas = [corpus.schema for corpus in (*(s.corpus for s in self._sources()), *more)]
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
        """Extend a copy of the committed vectors with the staged ones, or lay all out anew after deletions.

        A graph keeps its edges to what is deleted, so it is built again: the answer then is that of an
        index which never had those documents.
        """
        record = self._snapshot.settings.embedder
        assert record is not None  # asked for only in an index with vectors
        committed = DenseIndex.load(self._snapshot.folder)
        kept = np.flatnonzero(~self._committed.dead)
        if len(kept) == len(committed):
            for staged in self._staged:
                # In one call: the index spreads its rows over the graph, which a sorted corpus needs.
                committed.add(_live_vectors(staged, record.dim))
            committed.save(folder)
            return
        path = self._folder / "kept.f32"
        with path.open("wb") as file:
            for start in range(0, len(kept), _ROWS_PER_STEP):
                file.write(committed.vectors(kept[start : start + _ROWS_PER_STEP]).tobytes())
            for staged in self._staged:
                file.write(_live_vectors(staged, record.dim).tobytes())
        DenseIndex.build(_mapped(path, record.dim), config=self._snapshot.settings.dense).save(folder)
        path.unlink()


def _mapped(path: Path, dim: int) -> npt.NDArray[np.float32]:
    """Map a file of raw vectors; an empty file cannot be mapped."""
    if path.stat().st_size == 0:
        return np.empty((0, dim), dtype=np.float32)
    return np.memmap(path, dtype=np.float32, mode="r").reshape(-1, dim)


def _live_vectors(staged: _Source, dim: int) -> npt.NDArray[np.float32]:
    """Return the vectors of the documents that stay; a view where all do."""
    assert staged.vectors is not None  # written when the documents were staged
    vectors = _mapped(staged.vectors, dim)
    return vectors[~staged.dead] if staged.dead.any() else vectors


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


def _build_lexical(corpus: StoredCorpus, builder: Bm25Builder, progress: Progress | None) -> Bm25Index:
    done = 0
    for batch in corpus.batches():
        builder.add(_text(batch))
        done += batch.num_rows
        if progress is not None:
            progress(done, len(corpus))
    return builder.finish()


def _lexical_builder(settings: Settings, **resources: Any) -> Bm25Builder:
    return Bm25Index.builder(analyzer=settings.analyzer, k1=settings.bm25.k1, b=settings.bm25.b, **resources)


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


def _conform(batches: "Iterable[pa.RecordBatch]", schema: "pa.Schema") -> "Iterator[pa.RecordBatch]":
    """Yield all batches with the columns of ``schema``, null where one lacks one."""
    import pyarrow as pa  # noqa: PLC0415  (as above)

    for batch in batches:
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
