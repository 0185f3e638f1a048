"""From documents to the files of a segment, and from a commit's plan to a generation."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pyengine.corpus import Corpus, StoredCorpus, conform, indexed_text, write_ipc
from pyengine.dense import DenseIndex
from pyengine.engine.segments import CORPUS, PAIRS, POSITIONS, VECTORS, SegmentEntry
from pyengine.engine.settings import Settings
from pyengine.engine.sources import Source, mapped_vectors
from pyengine.errors import InvalidInputError, StorageError
from pyengine.sparse import Bm25Builder, Bm25Index, PositionsBuilder
from pyengine.store import Store, Writer
from pyengine.store.writer import refused
from pyengine.text import Analyzer

if TYPE_CHECKING:
    import pyarrow as pa

    from pyengine.engine.snapshot import Snapshot

__all__ = [
    "Building",
    "Progress",
    "generation_name",
    "publish",
    "publish_settings",
    "saying",
    "text_columns",
    "write_empty",
    "writing",
]

Progress = Callable[[int, int | None], None]

_INTACT: Final = "the last generation is in force and intact"
# Up to this share of a segment, deleted documents are analysed again to learn what its statistics lose;
# beyond it, reading all postings is faster.
_FEW_DELETED: Final = 1 / 16


@dataclass(frozen=True, slots=True)
class Building:
    """One commit at work: writes segments and deletions into the folder of the next generation.

    Parameters
    ----------
    settings : Settings
    folder : Path
        Of the next generation, while it is not published.
    name : str
        What the folder will be called.
    scratch : Path
        For working files.
    n_threads, memory_mb
        Of the lexical build.
    """

    settings: Settings
    folder: Path
    name: str
    scratch: Path
    n_threads: int = 1
    memory_mb: int | None = None

    def write(
        self, sources: Sequence[Source], number: int, schema: "pa.Schema | None", progress: Progress | None
    ) -> SegmentEntry:
        """Write the documents that stay of some sources as one new segment.

        Parameters
        ----------
        sources : sequence of Source
            In order of their rows; none makes an empty segment.
        number : int
            Of the segment within the generation.
        schema : pyarrow.Schema or None
            Columns of the documents; None without sources.
        progress : callable or None
            Called with (documents indexed, documents of the segment).
        """
        folder = self.folder / str(number)
        with saying(folder, "write"):
            folder.mkdir()
            live = chain.from_iterable(source.batches() for source in sources)
            write_ipc(() if schema is None else conform(live, schema), folder / CORPUS, schema=schema)
            corpus = Corpus.open_ipc(folder / CORPUS)
            self._build_lexical(corpus, progress).save(folder)
            if self.settings.phrases:
                self._write_positions(Bm25Index.load(folder), corpus, folder / POSITIONS)
                self._build_pairs(corpus).save(folder / PAIRS)
            if self.settings.embedder is not None:
                self._build_dense(sources, self.settings.embedder.dim, folder / VECTORS)
        path = f"{self.name}/{number}"
        return SegmentEntry(path=path, vectors=f"{path}/{VECTORS}", documents=len(corpus))

    def delete(self, source: Source) -> SegmentEntry:
        """Write down which documents of a committed segment are deleted now; return its new entry."""
        segment = source.segment
        assert segment is not None  # staged documents are left out when they are written
        fresh = source.dead.copy()
        fresh[segment.deleted] = False
        rows = np.flatnonzero(fresh).astype(np.uint32)
        few = len(rows) <= _FEW_DELETED * len(fresh)
        texts = self._lexical_text(segment.corpus.take(rows)) if few else None
        entry = segment.entry
        file = self.folder / f"deleted-{entry.path.replace('/', '-')}.bin"
        with saying(file, "write"):
            segment.lexical.without(rows, texts).save_deletions(file)
        return SegmentEntry(
            path=entry.path,
            vectors=entry.vectors,
            documents=entry.documents,
            deleted=int(source.dead.sum()),
            deletions=f"{self.name}/{file.name}",
        )

    def _build_lexical(self, corpus: StoredCorpus, progress: Progress | None) -> Bm25Index:
        builder = self._lexical_builder()
        done = 0
        for batch in corpus.batches():
            builder.add(self._lexical_text(batch))
            done += batch.num_rows
            if progress is not None:
                progress(done, len(corpus))
        return builder.finish()

    def _write_positions(self, lexical: Bm25Index, corpus: StoredCorpus, file: Path) -> None:
        """Write down where the terms of the documents stand; reads the documents once more."""
        builder = PositionsBuilder(
            lexical,
            self.settings.seam,
            n_threads=self.n_threads,
            memory_mb=self.memory_mb,
            scratch=self.scratch,
        )
        for batch in corpus.batches():
            builder.add(batch.column("title"), batch.column("text"))
        builder.save(file)

    def _build_pairs(self, corpus: StoredCorpus) -> Bm25Index:
        """Index the pairs of words that literals make other tokens, exactly: neither stems nor stop words."""
        builder = Bm25Index.builder(n_threads=self.n_threads, memory_mb=self.memory_mb, scratch=self.scratch)
        plain = Analyzer(self.settings.analyzer.preset)
        builder.add([])  # token lists, also where there is no document
        for batch in corpus.batches():
            builder.add_pairs(plain, batch.column("title"), batch.column("text"))
        return builder.finish()

    def _lexical_text(self, batch: "pa.RecordBatch | pa.Table") -> Any:
        """Return what is indexed of each document; a title that is boosted stands there as often."""
        title, text = text_columns(batch)
        for _ in range(self.settings.title_boost):
            text = indexed_text(title, text, self.settings.seam)
        return text

    def _lexical_builder(self) -> Bm25Builder:
        return Bm25Index.builder(
            analyzer=self.settings.analyzer,
            config=self.settings.bm25,
            n_threads=self.n_threads,
            memory_mb=self.memory_mb,
            scratch=self.scratch,
        )

    def _build_dense(self, sources: Sequence[Source], dim: int, folder: Path) -> None:
        """Lay the vectors out: behind those of a whole first segment, whose graph is kept, or anew.

        A graph keeps its edges to what is deleted, so after deletions it is built again: the answer then is
        that of an index which never had those documents.
        """
        first = sources[0].segment if sources else None
        kept = first is not None and not sources[0].dead.any()
        path = self.scratch / "vectors.f32"
        with path.open("wb") as file:
            for source in sources[1 if kept else 0 :]:
                for vectors in source.live_vectors(dim):
                    file.write(vectors.tobytes())
        added = mapped_vectors(path, dim)
        if kept and first is not None:
            index = DenseIndex.load(self.folder.parent / first.entry.vectors)
            # In one call: the index spreads its rows over the graph, which a sorted corpus needs.
            index.add(added)
        else:
            index = DenseIndex.build(added, config=self.settings.dense)
        index.save(folder)
        path.unlink()


def write_empty(store: Store, settings: Settings) -> None:
    """Publish a generation without documents."""
    with store.writer() as writer:
        building = Building(settings, writer.begin(), generation_name(writer), writer.scratch())
        entry = building.write((), 0, None, None)
        publish(writer, settings, [entry], ())


@contextmanager
def writing(store: Store, generation: int) -> Iterator[Writer]:
    """Hold the write lock of a directory whose newest generation is the expected one.

    Parameters
    ----------
    store : Store
        Moved to the newest generation by taking the lock.
    generation : int
        What the changes are based on.

    Raises
    ------
    LockedError
        Another writer holds the directory.
    InvalidInputError
        Another writer committed meanwhile.
    """
    with store.writer() as writer:
        if store.generation != generation:
            raise InvalidInputError(
                f"{store.path}: another writer committed generation {store.generation} since this engine "
                f"opened generation {generation}; refresh() it, or open it again, and repeat"
            )
        yield writer


def generation_name(writer: Writer) -> str:
    """Return the name of the folder that the writer's next generation gets."""
    return f"{writer.next_generation:06d}"


def publish(
    writer: Writer, settings: Settings, entries: Sequence[SegmentEntry], carried: Sequence[str]
) -> None:
    """Make what was written the next generation.

    Parameters
    ----------
    writer : Writer
    settings : Settings
    entries : sequence of SegmentEntry
        In order of their rows.
    carried : sequence of str
        Files of the last generation that stay.
    """
    what = "documents" if settings.chunker is None else "chunks"
    writer.publish(
        fingerprints=settings.fingerprints,
        config={**settings.to_json(), "segments": [entry.to_json() for entry in entries]},
        counts={what: sum(entry.documents - entry.deleted for entry in entries)},
        carried=carried,
    )


def publish_settings(store: Store, snapshot: "Snapshot", settings: Settings) -> None:
    """Publish a generation of the same files as a snapshot's, with other settings.

    Parameters
    ----------
    store : Store
        Moves to the new generation.
    snapshot : Snapshot
        Its newest generation.
    settings : Settings
        May differ in what decides nothing about the files.
    """
    with writing(store, snapshot.generation) as writer:
        writer.begin()
        try:
            carried = [entry.path for entry in snapshot.manifest.files]
            publish(writer, settings, [segment.entry for segment in snapshot.segments], carried)
        except BaseException:
            writer.abort()
            raise


def text_columns(batch: "pa.RecordBatch | pa.Table") -> tuple[Any, Any]:
    """Return the titles and the texts of some documents, each as one array."""
    title, text = batch.column("title"), batch.column("text")
    if hasattr(title, "combine_chunks"):
        title, text = title.combine_chunks(), text.combine_chunks()
    return title, text


@contextmanager
def saying(path: Path, doing: str) -> Iterator[None]:
    """Turn what the system refuses into a `StorageError` that says what is intact."""
    try:
        yield
    except StorageError as error:
        said = StorageError(f"{error}; {_INTACT}")
        said.errno = error.errno
        raise said from error
    except OSError as error:
        raise refused(error, path, doing, _INTACT) from error
