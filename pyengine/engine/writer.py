"""Staging and committing: what `Engine.add` writes down, and what `Engine.commit` makes of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pyengine.corpus import Corpus, StoredCorpus, admitted_of, conform, embedded_text, unified, write_ipc
from pyengine.engine.building import (
    Building,
    Progress,
    generation_name,
    publish,
    saying,
    text_columns,
    writing,
)
from pyengine.engine.embedding import TEXTS_PER_STEP, checked_vectors
from pyengine.engine.merging import MergePolicy, SegmentSize, checked_ranges
from pyengine.engine.segments import SegmentEntry
from pyengine.engine.snapshot import Snapshot
from pyengine.engine.sources import Source
from pyengine.errors import InvalidInputError, NotFoundError
from pyengine.store import Store
from pyengine.types import NO_ROW, Embedder

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

__all__ = ["Transaction"]


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
        self._committed = [Source.committed(segment) for segment in snapshot.segments]
        self._staged: list[Source] = []
        self._calls = 0
        self._stack = ExitStack()
        self._writer = self._stack.enter_context(writing(store, snapshot.generation))
        try:
            self._folder = self._writer.scratch()
        except BaseException:
            self.close()
            raise

    @property
    def empty(self) -> bool:
        """Whether a commit would change nothing."""
        return not self._staged and not any(source.changed for source in self._committed)

    def close(self) -> None:
        """Remove what was staged and release the lock."""
        self._staged.clear()
        self._stack.close()

    def add(self, documents: Any, *, progress: Progress | None) -> int:
        """Check, write down and embed ``documents``: all of them or none. Return how many."""
        staged = self._stage(documents, self._new, progress)
        self._take(staged)
        return staged.corpus.n_documents

    def update(self, documents: Any, *, progress: Progress | None) -> tuple[int, int]:
        """As `add`, in the place of documents with the same ids. Return how many, and how many those were."""
        staged = self._stage(documents, Corpus.batches, progress)
        # Nothing below can fail half way: the old documents go only once the new ones are whole.
        replaced = [
            (source, rows[rows != NO_ROW])
            for ids in staged.ids()
            for source in self._sources()
            for rows in [source.live_rows(ids)]
        ]
        count = sum(source.leave_out(rows) for source, rows in replaced)
        self._take(staged)
        return staged.corpus.n_documents, count

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
        return sum(source.leave_out(rows[rows != NO_ROW]) for source, rows in found)

    def delete_matching(self, condition: "str | pc.Expression") -> int:
        """Leave out the documents that a filter admits, or a chunk of them. Return how many."""
        schema = self._unified_schema()
        masks = [
            (source, admitted_of(schema, conform(source.corpus.batches(), schema), condition))
            for source in self._sources()
        ]
        return sum(source.leave_out(np.flatnonzero(mask)) for source, mask in masks)

    def _sources(self) -> list[Source]:
        return [*self._committed, *self._staged]

    def _stage(
        self, documents: Any, read: "Callable[[Corpus], Iterator[pa.RecordBatch]]", progress: Progress | None
    ) -> Source:
        """Check, write down and embed documents; nothing is staged yet."""
        corpus = _as_corpus(documents)
        self._calls += 1
        path = self._folder / f"{self._calls:06d}.arrow"
        vectors = None if self._snapshot.settings.embedder is None else path.with_suffix(".f32")
        chunker = self._snapshot.settings.chunker
        with saying(path, "write"):
            if chunker is None:
                write_ipc(read(corpus), path, schema=corpus.schema)
            else:
                write_ipc(chunker.batches(read(corpus)), path, schema=chunker.schema(corpus.schema))
            staged = Corpus.open_ipc(path)
            self._unified_schema(staged)
            if vectors is not None:
                self._embed(staged, vectors, progress)
        return Source.staged(staged, vectors)

    def _take(self, staged: Source) -> None:
        if len(staged.corpus):
            self._staged.append(staged)

    def commit(
        self,
        *,
        policy: MergePolicy | None,
        n_threads: int,
        memory_mb: int | None,
        progress: Progress | None,
    ) -> None:
        """Publish the next generation: what is staged as a segment, and the merges that ``policy`` names."""
        plan = self._plan(policy)
        writer, snapshot = self._writer, self._snapshot
        schema = self._unified_schema()
        folder = writer.begin()
        try:
            building = Building(
                snapshot.settings,
                folder,
                generation_name(writer),
                self._folder,
                n_threads=n_threads,
                memory_mb=memory_mb,
            )
            report = _Progress(progress, sum(part.documents for part in plan if part.rewrite))
            entries: list[SegmentEntry] = []
            carried: list[str] = []
            for part in plan:
                if part.rewrite:
                    entries.append(building.write(part.sources, len(entries), schema, report.part()))
                    continue
                entry = building.delete(part.sources[0]) if part.sources[0].changed else part.entry
                entries.append(entry)
                carried += entry.files(snapshot.manifest)
            publish(writer, snapshot.settings, entries, carried)
        except BaseException:
            writer.abort()
            raise

    def _plan(self, policy: MergePolicy | None) -> "list[_Part]":
        """Return what becomes of all sources: the segments of the next generation, in order of rows."""
        parts = [_Part([source], rewrite=False) for source in self._committed if source.size.documents]
        staged = [source for source in self._staged if source.size.documents]
        if staged:
            parts.append(_Part(staged, rewrite=True))
        if policy is not None:
            sizes = [part.size for part in parts]
            for places in reversed(checked_ranges(policy.merges(sizes), len(parts))):
                merged = [source for part in parts[places.start : places.stop] for source in part.sources]
                parts[places.start : places.stop] = [_Part(merged, rewrite=True)]
        return parts or [_Part([], rewrite=True)]

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
        return unified(corpus.schema for corpus in (*(s.corpus for s in self._sources()), *more))

    def _embed(self, corpus: StoredCorpus, path: Path, progress: Progress | None) -> None:
        """Write the vectors of ``corpus`` to ``path`` as raw float32, row after row."""
        record, embedder = self._snapshot.settings.embedder, self._embedder()
        assert record is not None  # asked for only in an index with vectors
        done = 0
        with path.open("wb") as file:
            for batch in corpus.batches(max_rows=TEXTS_PER_STEP):
                texts = embedded_text(*text_columns(batch)).to_pylist()
                vectors = checked_vectors(embedder.embed(texts, kind="passage"), len(texts), record)
                file.write(vectors.tobytes())
                done += len(texts)
                if progress is not None:
                    progress(done, len(corpus))


@dataclass(frozen=True, slots=True)
class _Part:
    """A segment of the next generation: a committed one that stays, or what is written of some sources."""

    sources: list[Source]
    rewrite: bool

    @property
    def entry(self) -> SegmentEntry:
        segment = self.sources[0].segment
        assert segment is not None  # what is not rewritten is committed
        return segment.entry

    @property
    def size(self) -> SegmentSize:
        sizes = [source.size for source in self.sources]
        if self.rewrite:  # staged documents that are left out are never written
            return SegmentSize(sum(size.documents for size in sizes), 0)
        return sizes[0]

    @property
    def documents(self) -> int:
        return self.size.documents


class _Progress:
    """Adds the progress of several segments up."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._before = 0

    def part(self) -> Progress | None:
        """Return what one segment reports to."""
        progress, before = self._progress, self._before
        if progress is None:
            return None

        def report(done: int, _: int | None) -> None:
            self._before = before + done
            progress(before + done, self._total)

        return report


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
