"""The documents' ids, by row, read from the mapped corpus when they are asked for."""

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np

from pyengine.corpus import Documents, JoinedCorpus, StoredCorpus

__all__ = ["CorpusIds"]


class CorpusIds(Sequence[str]):
    """The ids of a corpus as a sequence, without holding them all."""

    def __init__(self, corpus: StoredCorpus | JoinedCorpus) -> None:
        self._corpus = corpus

    @property
    def documents(self) -> Documents | None:
        """Which rows belong to which document, where rows are chunks; None where each is a document."""
        return self._corpus.documents if self._corpus.chunked else None

    def __len__(self) -> int:
        return len(self._corpus)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[str]: ...
    def __getitem__(self, row: int | slice) -> str | Sequence[str]:
        if isinstance(row, slice):
            return self._corpus.ids(np.arange(len(self))[row])
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        return self._corpus.id(int(row) % len(self))

    def __iter__(self) -> Iterator[str]:
        for batch in self._corpus.batches():
            yield from batch.column("id").to_pylist()
