"""What a generation consists of: segments, each with its rows, and the deletions that came after them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine.corpus import Corpus, StoredCorpus
from pyengine.dense import DenseIndex
from pyengine.errors import CorruptIndexError
from pyengine.sparse import Bm25Index
from pyengine.store import Manifest

__all__ = ["CORPUS", "PAIRS", "POSITIONS", "VECTORS", "Segment", "SegmentEntry", "entries_of"]

CORPUS: Final = "corpus.arrow"
PAIRS: Final = "pairs"
"""The folder inside a segment's own that holds the index of its pairs of words, where phrases are indexed."""
POSITIONS: Final = "positions.seg"
"""Where the terms of a segment stand, beside its lexical index. Segments that were written before there were
positions have all pairs of words instead."""
VECTORS: Final = "vectors"
"""Where a segment is written with vectors, the folder inside its own that holds them."""
_SEGMENTS: Final = "segments"
_MEND: Final = "restore the directory from a copy, or build the index again"


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentEntry:
    """One segment as the manifest records it; paths are relative to ``segments/``.

    Parameters
    ----------
    path : str
        Folder with the corpus and the lexical index.
    vectors : str
        Folder with the vectors: inside the other, or in a later generation's if they were made anew.
    documents : int
        Rows, deleted ones too.
    deleted : int
        Rows that are deleted.
    deletions : str or None
        File that says which; None while none is.
    """

    path: str
    vectors: str
    documents: int
    deleted: int = 0
    deletions: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form kept in the manifest."""
        return asdict(self)

    def files(self, manifest: Manifest) -> list[str]:
        """Return the files of a generation that belong to this segment, as its manifest names them."""
        parts = (self.path, f"{self.path}/{PAIRS}", self.vectors)
        folders = {f"{_SEGMENTS}/{folder}" for folder in parts}
        deletions = f"{_SEGMENTS}/{self.deletions}"
        return [
            entry.path
            for entry in manifest.files
            if entry.path.rpartition("/")[0] in folders or entry.path == deletions
        ]


def entries_of(manifest: Manifest, where: str) -> list[SegmentEntry]:
    """Read the segments of a generation from its manifest.

    Parameters
    ----------
    manifest : Manifest
    where : str
        The manifest's file, for messages.

    Raises
    ------
    CorruptIndexError
        An entry is malformed, or the manifest does not list its files.
    """
    listed = manifest.config.get("segments")
    if listed is None:  # format 1: the generation is one segment
        folder = f"{manifest.generation:06d}"
        listed = [{"path": folder, "vectors": folder, "documents": manifest.counts.get("documents", 0)}]
    if not isinstance(listed, list) or not listed:
        raise CorruptIndexError(f"{where}: config.segments: expected a list of segments; {_MEND}")
    return [_entry(item, f"{where}: config.segments[{i}]", manifest) for i, item in enumerate(listed)]


def _entry(item: object, where: str, manifest: Manifest) -> SegmentEntry:
    try:
        if not isinstance(item, Mapping):
            raise TypeError(f"got {type(item).__name__}")
        entry = SegmentEntry(**item)
        texts = [entry.path, entry.vectors, *([] if entry.deletions is None else [entry.deletions])]
        counts = [entry.documents, entry.deleted]
        if not all(isinstance(text, str) for text in texts) or not all(type(n) is int for n in counts):
            raise TypeError("a field has another type")
    except TypeError as error:
        raise CorruptIndexError(f"{where}: expected a segment ({error}); {_MEND}") from error
    named = {file.path for file in manifest.files}
    needed = [f"{entry.path}/{CORPUS}", *([] if entry.deletions is None else [entry.deletions])]
    missing = [path for path in needed if f"{_SEGMENTS}/{path}" not in named]
    if missing or not 0 <= entry.deleted <= entry.documents or (entry.deleted > 0) != bool(entry.deletions):
        raise CorruptIndexError(f"{where}: it contradicts the rest of the manifest; {_MEND}")
    return entry


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment, opened for reading.

    Parameters
    ----------
    entry : SegmentEntry
    corpus : StoredCorpus
        All its rows, deleted ones too; as the next.
    lexical : Bm25Index
    dense : DenseIndex or None
    deleted : uint32 array
        The rows that are deleted, ascending.
    pairs : Bm25Index or None
        Its pairs of words, deleted rows too: those beside literals, or all where it has no positions.
    has_positions : bool
        Whether ``lexical`` knows where terms stand.
    """

    entry: SegmentEntry
    corpus: StoredCorpus
    lexical: Bm25Index
    dense: DenseIndex | None
    deleted: npt.NDArray[np.uint32]
    pairs: Bm25Index | None
    has_positions: bool

    @classmethod
    def open(
        cls, root: Path, entry: SegmentEntry, manifest: Manifest, *, vectors: bool, phrases: bool
    ) -> Self:
        """Map the files of a segment, and check that they speak of the same rows.

        Parameters
        ----------
        root : Path
            The index directory.
        entry : SegmentEntry
        manifest : Manifest
            Of the generation.
        vectors, phrases : bool
            Whether the index has vectors, and what phrases are looked up in.

        Raises
        ------
        NotFoundError, CorruptIndexError, IncompatibleIndexError, StorageError
            As the parts say.
        """
        folder = root / _SEGMENTS / entry.path
        corpus = Corpus.open_ipc(folder / CORPUS)
        lexical = Bm25Index.load(folder)
        dense = DenseIndex.load(root / _SEGMENTS / entry.vectors) if vectors else None
        pairs = Bm25Index.load(folder / PAIRS) if phrases else None
        rows = {"manifest": entry.documents, "corpus": len(corpus), "lexical": len(lexical)}
        rows |= {} if dense is None else {"dense": len(dense)}
        rows |= {} if pairs is None else {"pairs": len(pairs)}
        if len(set(rows.values())) != 1:
            raise CorruptIndexError(
                f"{folder}: the parts hold different numbers of documents: {rows}; {_MEND}"
            )
        has_positions = f"{_SEGMENTS}/{entry.path}/{POSITIONS}" in entry.files(manifest)
        if has_positions:
            lexical = lexical.with_positions(folder / POSITIONS)
        if entry.deletions is not None:
            try:
                lexical = lexical.with_deletions(root / _SEGMENTS / entry.deletions)
            except CorruptIndexError:
                # The two contradict each other: if it is the index that is damaged, say so of the index.
                lexical.verify()
                raise
        deleted = lexical.deleted
        if len(deleted) != entry.deleted:
            raise CorruptIndexError(
                f"{root / _SEGMENTS / str(entry.deletions)}: expected {entry.deleted} deleted rows, as the "
                f"manifest says, got {len(deleted)}; {_MEND}"
            )
        return cls(entry, corpus, lexical, dense, deleted, pairs, has_positions)

    @property
    def live(self) -> int:
        """Documents that are not deleted."""
        return self.entry.documents - self.entry.deleted
