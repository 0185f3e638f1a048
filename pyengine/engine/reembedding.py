"""New vectors for the documents that are there: made beside the index, resumed after a kill, published."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pyengine.corpus import embedded_text
from pyengine.dense import DenseIndex
from pyengine.engine.building import Progress, generation_name, publish, saying, text_columns, writing
from pyengine.engine.embedding import TEXTS_PER_STEP, checked_vectors
from pyengine.engine.segments import CORPUS, VECTORS, Segment, SegmentEntry
from pyengine.engine.settings import EmbedderRecord, Settings
from pyengine.engine.snapshot import Snapshot
from pyengine.engine.sources import mapped_vectors
from pyengine.store import Store, Writer
from pyengine.store.disk import Disk
from pyengine.store.writer import SEGMENTS
from pyengine.types import Embedder

__all__ = ["reembed"]

_WORK: Final = "reembed-"


def reembed(store: Store, snapshot: Snapshot, embedder: Embedder, progress: Progress | None) -> None:
    """Publish a generation with the same documents and vectors of another embedder.

    Vectors are appended to working files that are named by the embedder and by the content they were made
    from, and forced to the device step by step. So a call that was killed goes on where it was, also when
    other generations were published meanwhile.

    Parameters
    ----------
    store : Store
        Moves to the new generation.
    snapshot : Snapshot
        Its newest generation.
    embedder : Embedder
    progress : callable or None
        Called with (documents done, documents in all).

    Raises
    ------
    LockedError, InvalidInputError
        As `Transaction`.
    BackendError
        The embedder returned what is no vector.
    StorageError
        The system refused; what was embedded so far is kept for the next call.
    """
    record = EmbedderRecord.of(embedder)
    settings = replace(snapshot.settings, embedder=record)
    with writing(store, snapshot.generation) as writer:
        work = store.path / SEGMENTS / f"{_WORK}{_name(record.fingerprint)}"
        with saying(work, "create"):
            work.mkdir(exist_ok=True)
        total = sum(len(segment.corpus) for segment in snapshot.segments)
        done = 0
        for segment in snapshot.segments:
            for rows in _embed(segment, work / _name(_content(snapshot, segment)), embedder, record):
                done += rows
                if progress is not None:
                    progress(done, total)
        _publish(writer, snapshot, settings, record.dim, work)
        # Work for other embedders, too: it was for a generation that is not there any more.
        for left in (store.path / SEGMENTS).glob(f"{_WORK}*"):
            shutil.rmtree(left, ignore_errors=True)


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _content(snapshot: Snapshot, segment: Segment) -> str:
    """Return the checksum of a segment's documents."""
    path = f"segments/{segment.entry.path}/{CORPUS}"
    return next(file.sha256 for file in snapshot.manifest.files if file.path == path)


def _embed(segment: Segment, base: Path, embedder: Embedder, record: EmbedderRecord) -> Iterator[int]:
    """Append what is missing to the working file of a segment; yield how many rows each step did."""
    vectors, count = base.with_suffix(".f32"), base.with_suffix(".count")
    dead = np.zeros(len(segment.corpus), dtype=np.bool_)
    dead[segment.deleted] = True
    with saying(vectors, "write"):
        start = _done_before(vectors, count, record.dim)
        vectors.touch()
        # The name must be on the device before a count speaks of it.
        Disk().sync_folder(base.parent)
        os.truncate(vectors, start * record.dim * 4)
        if start:
            yield start
        done = 0
        with vectors.open("ab") as file:
            for batch in segment.corpus.batches(max_rows=TEXTS_PER_STEP):
                here = slice(max(start - done, 0), batch.num_rows)
                first, done = done, done + batch.num_rows
                if here.start >= here.stop:
                    continue
                texts = embedded_text(*text_columns(batch)).to_pylist()[here]
                file.write(_vectors(texts, dead[first:done][here], embedder, record).tobytes())
                file.flush()
                os.fsync(file.fileno())
                _replace_text(count, str(done))
                yield len(texts)


def _vectors(
    texts: list[str], dead: npt.NDArray[np.bool_], embedder: Embedder, record: EmbedderRecord
) -> npt.NDArray[np.float32]:
    """Return one vector a text; that of a deleted document is never looked at, so any will do."""
    vectors = np.zeros((len(texts), record.dim), dtype=np.float32)
    vectors[:, 0] = 1
    wanted = [text for text, gone in zip(texts, dead.tolist(), strict=True) if not gone]
    if wanted:
        vectors[~dead] = checked_vectors(embedder.embed(wanted, kind="passage"), len(wanted), record)
    return vectors


def _done_before(vectors: Path, count: Path, dim: int) -> int:
    """Return how many rows an earlier call has left; none if its files are not what such a call leaves."""
    try:
        text, there = count.read_text(encoding="ascii", errors="replace"), vectors.stat().st_size
    except FileNotFoundError:
        return 0
    done = int(text) if text.isascii() and text.isdecimal() else 0
    return done if done * dim * 4 <= there else 0


def _replace_text(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _publish(writer: Writer, snapshot: Snapshot, settings: Settings, dim: int, work: Path) -> None:
    folder = writer.begin()
    try:
        entries: list[SegmentEntry] = []
        carried: list[str] = []
        for number, segment in enumerate(snapshot.segments):
            target = folder / str(number) / VECTORS
            with saying(target, "write"):
                target.mkdir(parents=True)
                made = mapped_vectors(work / f"{_name(_content(snapshot, segment))}.f32", dim)
                DenseIndex.build(made, config=settings.dense).save(target)
            entry = segment.entry
            entries.append(replace(entry, vectors=f"{generation_name(writer)}/{number}/{VECTORS}"))
            carried += [path for path in entry.files(snapshot.manifest) if not _is_vectors(path, entry)]
        publish(writer, settings, entries, carried)
    except BaseException:
        writer.abort()
        raise


def _is_vectors(path: str, entry: SegmentEntry) -> bool:
    """Whether a file of a segment is of its vectors; in format 1 they lie in one folder with the rest."""
    folder, _, name = path.rpartition("/")
    return folder.endswith(f"/{entry.vectors}") and (entry.vectors != entry.path or name.startswith("dense."))
