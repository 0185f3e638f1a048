"""Where the documents of the next generation come from: committed segments and what was staged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine.corpus import StoredCorpus
from pyengine.engine.merging import SegmentSize
from pyengine.engine.segments import Segment
from pyengine.types import NO_ROW

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Source", "mapped_vectors"]

# Vectors held in memory at a time while they are copied.
_ROWS_PER_STEP: Final = 8192


@dataclass(frozen=True, slots=True)
class Source:
    """Documents on disk, of a committed segment or of one `add`, and which of them are left out.

    In a chunked index a document is several rows, which are left out together.

    Parameters
    ----------
    corpus : StoredCorpus
    state : str
        What errors call documents that are here.
    dead : bool array, by row
        Left out of the next generation; changed in place.
    segment : Segment or None
        None for staged documents.
    vectors : Path or None
        Raw vectors of staged documents, in an index that has vectors.
    """

    corpus: StoredCorpus
    state: str
    dead: npt.NDArray[np.bool_]
    segment: Segment | None = None
    vectors: Path | None = None

    @classmethod
    def committed(cls, segment: Segment) -> Self:
        """Return a segment as a source; what is deleted from it stays so."""
        dead = np.zeros(len(segment.corpus), dtype=np.bool_)
        dead[segment.deleted] = True
        return cls(segment.corpus, "committed", dead, segment)

    @classmethod
    def staged(cls, corpus: StoredCorpus, vectors: Path | None) -> Self:
        """Return the documents of one `add` as a source."""
        return cls(corpus, "staged by an earlier add", np.zeros(len(corpus), dtype=np.bool_), vectors=vectors)

    @property
    def size(self) -> SegmentSize:
        """Rows that stay and those that do not."""
        dead = int(self.dead.sum())
        return SegmentSize(len(self.dead) - dead, dead)

    @property
    def changed(self) -> bool:
        """Whether documents of a committed segment were deleted since."""
        return self.segment is not None and int(self.dead.sum()) != len(self.segment.deleted)

    def batches(self) -> "Iterator[pa.RecordBatch]":
        """Yield the documents that stay, in order."""
        import pyarrow as pa  # noqa: PLC0415  (importing pyengine must not import pyarrow)

        done = 0
        for batch in self.corpus.batches():
            dead = self.dead[done : done + batch.num_rows]
            done += batch.num_rows
            yield batch.filter(pa.array(~dead)) if dead.any() else batch

    def ids(self) -> Iterator[list[str]]:
        """Yield the ids of all documents, in order, each once."""
        import pyarrow as pa  # noqa: PLC0415  (as above)

        for batch in self.corpus.batches():
            ids = batch.column("id")
            if self.corpus.chunked:
                ids = ids.filter(pa.array(batch.column("chunk").to_numpy() == 0))
            yield ids.to_pylist()

    def leave_out(self, rows: npt.NDArray[np.integer[Any]]) -> int:
        """Leave the documents that have one of these rows out; return how many of them stayed until now."""
        documents = self.corpus.documents if self.corpus.chunked else None
        wanted = np.unique(rows)
        if documents is not None:
            wanted = documents.first_rows[np.unique(documents.of(wanted))]
        count = int((~self.dead[wanted]).sum())
        self.dead[wanted if documents is None else documents.whole(wanted)] = True
        return count

    def live_rows(self, ids: Sequence[str]) -> npt.NDArray[np.uint32]:
        """Return the (first) row of every id that stays, `NO_ROW` for the others."""
        rows = self.corpus.rows_of(ids)
        there = np.flatnonzero(rows != NO_ROW)
        rows[there[self.dead[rows[there]]]] = NO_ROW
        return rows

    def live_vectors(self, dim: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the vectors of the documents that stay, in order, a few thousand at a time."""
        kept = np.flatnonzero(~self.dead)
        stored = None if self.vectors is None else mapped_vectors(self.vectors, dim)
        for start in range(0, len(kept), _ROWS_PER_STEP):
            rows = kept[start : start + _ROWS_PER_STEP]
            if stored is not None:
                yield stored[rows]
            else:
                # Committed: an index with vectors has some for each segment.
                assert self.segment is not None and self.segment.dense is not None  # noqa: PT018 - one reason
                yield self.segment.dense.vectors(rows)


def mapped_vectors(path: Path, dim: int) -> npt.NDArray[np.float32]:
    """Map a file of raw float32 vectors; an empty file cannot be mapped."""
    if path.stat().st_size == 0:
        return np.empty((0, dim), dtype=np.float32)
    return np.memmap(path, dtype=np.float32, mode="r").reshape(-1, dim)
