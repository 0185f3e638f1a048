"""One generation, opened for reading: the corpus and both branches over the same rows."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from pyengine.config import FusionConfig
from pyengine.corpus import Corpus, StoredCorpus
from pyengine.dense import DenseIndex
from pyengine.engine.filtering import Filters
from pyengine.engine.settings import Settings
from pyengine.errors import CorruptIndexError, InvalidInputError, NotFoundError
from pyengine.sparse import Bm25Index
from pyengine.store import Store

__all__ = ["CORPUS", "Snapshot"]

CORPUS: Final = "corpus.arrow"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one search sees, whatever is committed meanwhile."""

    generation: int
    folder: Path
    settings: Settings
    corpus: StoredCorpus
    lexical: Bm25Index
    dense: DenseIndex | None
    filters: Filters

    @classmethod
    def of(cls, store: Store, *, fusion: FusionConfig | None = None) -> Self:
        """Map the files of the store's generation, and check that they speak of the same rows."""
        manifest = store.manifest
        if manifest is None:
            raise NotFoundError(f"{store.path}: the index was never finished; create it again")
        settings = Settings.from_json(dict(manifest.config), str(store.path / "manifest.json"))
        if fusion is not None:
            settings = replace(settings, fusion=fusion)
        folder = store.folder
        corpus = Corpus.open_ipc(folder / CORPUS)
        lexical = Bm25Index.load(folder)
        dense = None if settings.embedder is None else DenseIndex.load(folder)
        rows = {"corpus": len(corpus), "lexical": len(lexical)} | (
            {} if dense is None else {"dense": len(dense)}
        )
        if len(set(rows.values())) != 1:
            raise CorruptIndexError(f"{folder}: the parts hold different numbers of documents: {rows}")
        return cls(manifest.generation, folder, settings, corpus, lexical, dense, Filters(corpus))

    def require_dense(self) -> DenseIndex:
        """Return the dense index, or say that there is none and what to do."""
        if self.dense is None:
            raise InvalidInputError(
                "mode: this index was made without an embedder and has no vectors; search it with "
                "mode='lexical', or create it with embedder=pyengine.OnnxEmbedder(...)"
            )
        return self.dense
