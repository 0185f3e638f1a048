"""One generation, opened for reading: the corpus and both branches over the same rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from pyengine.config import FusionConfig
from pyengine.corpus import JoinedCorpus, StoredCorpus
from pyengine.dense import DenseIndex, DenseUnion
from pyengine.engine.filtering import Filters
from pyengine.engine.segments import Segment, SegmentEntry, entries_of
from pyengine.engine.settings import Settings
from pyengine.errors import CorruptIndexError, InvalidInputError, NotFoundError
from pyengine.sparse import Bm25Index
from pyengine.store import Manifest, Store
from pyengine.store.manifest import MEND
from pyengine.types import Embedder

__all__ = ["Snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one search sees, whatever is committed meanwhile."""

    manifest: Manifest
    settings: Settings
    segments: tuple[Segment, ...]
    corpus: StoredCorpus | JoinedCorpus
    lexical: Bm25Index
    dense: DenseIndex | DenseUnion | None
    filters: Filters
    given: Embedder | None  # the caller's; None to make it again when it is needed
    own_fusion: FusionConfig | None  # the caller's, in place of that of the settings

    @classmethod
    def of(
        cls,
        store: Store,
        *,
        fusion: FusionConfig | None = None,
        given: Embedder | None = None,
        before: "Snapshot | None" = None,
    ) -> Self:
        """Map the files of the store's generation, and join its segments.

        Segments of the snapshot before it whose files are the same are taken over as they are open.
        """
        manifest = store.manifest
        if manifest is None:
            raise NotFoundError(f"{store.path}: the index was never finished; create it again")
        where = str(store.path / "manifest.json")
        settings = Settings.from_json(dict(manifest.config), where)
        vectors = settings.embedder is not None
        if given is not None and settings.embedder is not None:
            settings.embedder.check(given, str(store.path))
        known = {} if before is None else before.unchanged(manifest)
        segments = tuple(
            known.get(entry)
            or Segment.open(store.path, entry, manifest, vectors=vectors, phrases=settings.phrases)
            for entry in entries_of(manifest, where)
        )
        corpus: StoredCorpus | JoinedCorpus
        dense: DenseIndex | DenseUnion | None
        if len(segments) == 1 and segments[0].entry.deleted == 0:
            corpus, lexical, dense = segments[0].corpus, segments[0].lexical, segments[0].dense
        else:
            corpus = _joined(store, segments)
            lexical = Bm25Index.union([segment.lexical for segment in segments], close_up=True)
            parts = [(s.dense, s.deleted) for s in segments if s.dense is not None]
            dense = DenseUnion(parts) if vectors else None
        return cls(manifest, settings, segments, corpus, lexical, dense, Filters(corpus), given, fusion)

    def next(self, store: Store, *, given: Embedder | None = None) -> "Snapshot":
        """Return the snapshot of a newer generation, with what the caller gave for this one."""
        return Snapshot.of(store, fusion=self.own_fusion, given=given or self.given, before=self)

    def unchanged(self, manifest: Manifest) -> dict[SegmentEntry, Segment]:
        """Return the segments whose files another generation lists with the same content.

        By checksum, not by path: the directory may have been made anew.
        """
        mine, theirs = ({file.path: file for file in of.files} for of in (self.manifest, manifest))
        return {
            segment.entry: segment
            for segment in self.segments
            if all(theirs.get(path) == mine[path] for path in segment.entry.files(self.manifest))
        }

    def rows_of(self, stored: "Callable[[Segment], npt.NDArray[np.bool_]]") -> npt.NDArray[np.bool_]:
        """Return one bool a row from one a stored row of each segment, deleted ones too."""
        return np.concatenate([np.delete(stored(segment), segment.deleted) for segment in self.segments])

    @property
    def has_positions(self) -> bool:
        """Whether the lexical index knows where terms stand: phrases were asked for, in all its segments."""
        return all(segment.has_positions for segment in self.segments)

    @property
    def fusion(self) -> FusionConfig:
        """How hybrid answers are made unless a search says otherwise."""
        return self.own_fusion or self.settings.fusion

    @property
    def generation(self) -> int:
        """Number of the generation."""
        return self.manifest.generation

    def require_dense(self) -> DenseIndex | DenseUnion:
        """Return the dense index, or say that there is none and what to do."""
        if self.dense is None:
            raise InvalidInputError(
                "mode: this index was made without an embedder and has no vectors; search it with "
                "mode='lexical', or create it with embedder=pyengine.OnnxEmbedder(...)"
            )
        return self.dense


def _joined(store: Store, segments: Sequence[Segment]) -> JoinedCorpus:
    try:
        return JoinedCorpus([(segment.corpus, segment.deleted) for segment in segments])
    except InvalidInputError as error:
        # Columns were made to agree before they were written. Which file is damaged, its checksum says.
        problems = "; ".join(store.verify(deep=True)) or str(error)
        raise CorruptIndexError(
            f"{store.path}: the columns of its segments contradict each other: {problems}; {MEND}"
        ) from error
