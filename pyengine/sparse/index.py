"""Exact BM25 over an inverted index: `Bm25Index`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.config import Bm25Config
from pyengine.errors import InvalidInputError, StorageError
from pyengine.rows import Numbering, require_rows
from pyengine.sparse.inputs import Documents, Progress, Queries
from pyengine.sparse.report import Bm25Stats
from pyengine.sparse.saved import load_analyzer
from pyengine.sparse.searching import Searchable
from pyengine.text import Analyzer

if TYPE_CHECKING:
    from pyengine.sparse.builder import Bm25Builder

__all__ = ["FILE_NAME", "Bm25Index"]

FILE_NAME: Final = "lexical.seg"
"""The one file of a saved index, inside the folder it was saved to."""


class Bm25Index(Searchable):
    """An immutable inverted index that returns the exact BM25 top k.

    Made by `build`, `builder` or `load`; the constructor is not for callers. Any number of threads may
    use an index; the GIL is released while it searches.
    """

    __slots__ = ()

    @staticmethod
    def build(
        docs: Documents,
        *,
        analyzer: Analyzer | None = None,
        k1: float | None = None,
        b: float | None = None,
        config: Bm25Config | None = None,
        n_threads: int = 1,
        memory_mb: int | None = None,
        scratch: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> "Bm25Index":
        """Index documents; the i-th becomes row i.

        Parameters
        ----------
        docs : iterable of str, Arrow array of strings, or iterable of token lists
            Texts are analysed. Token lists (each a list or tuple of str) are taken as they are, and
            the index then answers token lists only. Consumed once, in batches; the texts are not kept.
        analyzer : Analyzer, optional
            For texts; ``Analyzer("domain")`` by default. With token lists there is none to give.
        k1 : float, >= 0, optional
            Term frequency saturation. 1.5, the default of the Python peers.
        b : float, 0 to 1, optional
            Length normalisation. 0.75, the value of the literature.
        config : Bm25Config, optional
            The formula and all its parameters, in place of ``k1`` and ``b``.
        n_threads : int, 1 to 1024
            Threads that share the work of this call; the index is the same bytes for any number.
        memory_mb : int, >= 64, optional
            Bound on the memory for what is collected and sorted, in MiB. Beyond it, sorted runs are put
            aside in a temporary file and merged at the end; the index is the same bytes. The vocabulary,
            4 bytes a document, the batch at hand and the finished index come on top. None: no bound.
        scratch : path-like, optional
            The folder of that file, ``tempfile.gettempdir()`` by default. The file has no name there and
            is gone when the call ends, however it ends.
        progress : callable, optional
            Called as ``progress(done, total)`` with documents after every batch; ``total`` is None where
            ``docs`` has no length.

        Returns
        -------
        Bm25Index

        Raises
        ------
        InvalidInputError
            A parameter outside its range; an element that is not text, or null; texts and token lists
            mixed; more than 2**32 - 2 documents.
        StorageError
            With ``memory_mb``: the folder ``scratch`` refuses a file, or its disk is full.

        Notes
        -----
        The GIL is released while a batch is analysed, and Ctrl-C is honoured. Memory at the peak without
        a bound: 8 bytes a token or, if that is more, about 12 a posting; 4 a document; the vocabulary.
        """
        builder = Bm25Index.builder(
            analyzer=analyzer,
            k1=k1,
            b=b,
            config=config,
            n_threads=n_threads,
            memory_mb=memory_mb,
            scratch=scratch,
        )
        builder.add(docs, progress=progress)
        return builder.finish()

    @staticmethod
    def builder(
        *,
        analyzer: Analyzer | None = None,
        k1: float | None = None,
        b: float | None = None,
        config: Bm25Config | None = None,
        n_threads: int = 1,
        memory_mb: int | None = None,
        scratch: str | os.PathLike[str] | None = None,
    ) -> "Bm25Builder":
        """Return a builder to which documents are added piece by piece.

        Parameters
        ----------
        analyzer : Analyzer, optional
            As in `build`.
        k1, b : float, optional
            As in `build`.
        config : Bm25Config, optional
            As in `build`.
        n_threads : int, 1 to 1024
            As in `build`; each `Bm25Builder.add` and `Bm25Builder.finish` has its own threads.
        memory_mb : int, >= 64, optional
            As in `build`.
        scratch : path-like, optional
            As in `build`.

        """
        from pyengine.sparse.builder import Bm25Builder  # noqa: PLC0415 - the builder makes this class

        return Bm25Builder(
            analyzer=analyzer,
            k1=k1,
            b=b,
            config=config,
            n_threads=n_threads,
            memory_mb=memory_mb,
            scratch=scratch,
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Open a saved index by mapping its file into memory; takes milliseconds whatever its size.

        Header, bounds and settings are checked, not every byte: `verify` does that.

        Parameters
        ----------
        path : path-like
            The folder given to `save`.

        Raises
        ------
        NotFoundError
            There is no index in the folder.
        CorruptIndexError
            The file is truncated or contradicts itself; the message names section and offset.
        IncompatibleIndexError
            The file is of a newer format, or its analyzer is not the one of this version of pyengine.
        StorageError
            The operating system refused to read.

        Notes
        -----
        The file must not be overwritten in place while an index has it open; `save` never does that.
        """
        file = Path(path) / FILE_NAME
        core = _core.LexicalIndex.open(os.fsencode(file))
        return cls(core, load_analyzer(core.analyzer, file))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index into a folder, atomically: after a crash the old file is there or the new one.

        Parameters
        ----------
        path : path-like
            A folder, made if need be. The index is the file ``lexical.seg`` in it.

        Raises
        ------
        StorageError
            The operating system refused: full disk, missing permission. An older index there is intact.
        """
        folder = Path(path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{folder}: cannot make the folder: {error.strerror}") from error
        self._core.save(os.fsencode(folder / FILE_NAME))

    def verify(self) -> None:
        """Read the whole index and check every checksum and that its parts agree with each other.

        Raises
        ------
        CorruptIndexError
            Naming file, section and offset.

        Notes
        -----
        Cost: O(postings). The GIL is released.
        """
        self._core.verify()

    @staticmethod
    def union(indexes: Sequence["Bm25Index"], *, close_up: bool = False) -> "Bm25Index":
        """Return one index over the documents of several, without copying them.

        The rows of the second follow those of the first, and so on. The answers are those of one index
        built from all documents, bit for bit. It cannot be saved: save each.

        Parameters
        ----------
        indexes : sequence of Bm25Index
            One or more, with the same analyzer and the same `config`. They stay usable.
        close_up : bool
            Number the rows without those of documents that `without` has deleted: each row is then that of
            an index built without them. By default rows keep their numbers.

        Raises
        ------
        InvalidInputError
            None given; different analyzers or configs; more than 2**32 - 2 documents together.
        """
        if not indexes:
            raise InvalidInputError("indexes: expected one or more, got none")
        first = indexes[0]
        for index in indexes:
            mine, theirs = first._analyzer, index._analyzer
            if (mine and mine.fingerprint) != (theirs and theirs.fingerprint):
                raise InvalidInputError("indexes: expected the same analyzer in all; build them with one")
            if index._numbering is not None:
                raise InvalidInputError("indexes: expected indexes that keep their rows, got a closed-up one")
        core = _core.LexicalIndex.union_of([index._core for index in indexes])
        deleted = core.deleted_rows() if close_up else np.zeros(0, dtype=np.uint32)
        numbering = Numbering(deleted, len(core)) if len(deleted) else None
        return Bm25Index(core, first._analyzer, numbering)

    def without(self, rows: npt.ArrayLike, texts: "Queries | None" = None) -> "Bm25Index":
        """Return this index with documents deleted; the others keep their rows.

        The scores are those of an index built without the deleted documents, bit for bit. It cannot be
        saved.

        Parameters
        ----------
        rows : int array
            Rows to delete; those already deleted are no error.
        texts : sequence of str, Arrow array of strings, or sequence of token lists, optional
            What was indexed as these rows, in their order: the cost is then that of analysing it.

        Raises
        ------
        InvalidInputError
            A row outside the index; another dtype; texts for a union; a closed-up index.
        CorruptIndexError
            ``texts`` has terms that the index does not hold.

        Notes
        -----
        Cost without ``texts``: O(postings), to learn how often the terms of the deleted documents occur.
        """
        if self._numbering is not None:
            raise InvalidInputError("without: the rows of this index are closed up; delete before the union")
        wanted = require_rows(rows, len(self))
        terms = None if texts is None else self._encode(texts)
        return Bm25Index(self._core.without(wanted, terms), self._analyzer)

    def save_deletions(self, file: str | os.PathLike[str]) -> None:
        """Write what `without` has deleted from a saved index into a file of its own, atomically.

        Parameters
        ----------
        file : path-like
            The file.

        Raises
        ------
        InvalidInputError
            A union of several indexes.
        StorageError
            The operating system refused.
        """
        self._core.save_deletions(os.fsencode(file))

    def with_deletions(self, file: str | os.PathLike[str]) -> "Bm25Index":
        """Return this index without the documents that `save_deletions` has written down.

        Parameters
        ----------
        file : path-like
            The file.

        Raises
        ------
        NotFoundError
            There is no such file.
        CorruptIndexError
            It is damaged, or was written for another index.
        IncompatibleIndexError
            It is of a newer format.
        InvalidInputError
            A union of several indexes.

        Notes
        -----
        Cost: O(rows / 64 + deleted documents and their terms), in memory too.
        """
        return Bm25Index(self._core.with_deletions(os.fsencode(file)), self._analyzer)

    def with_positions(self, file: str | os.PathLike[str]) -> "Bm25Index":
        """Return this index with the positions that `PositionsBuilder` has written down; phrases need them.

        Parameters
        ----------
        file : path-like
            The file.

        Raises
        ------
        NotFoundError
            There is no such file.
        CorruptIndexError
            It is damaged, or was written for another index.
        IncompatibleIndexError
            It is of a newer format.
        InvalidInputError
            A union of several indexes.

        Notes
        -----
        The file is mapped; header and bounds are checked, `verify` reads the rest. Microseconds.
        """
        return Bm25Index(self._core.with_positions(os.fsencode(file)), self._analyzer)

    @property
    def deleted(self) -> npt.NDArray[np.uint32]:
        """The stored rows that `without` has deleted, ascending."""
        return self._core.deleted_rows()

    @property
    def analyzer(self) -> Analyzer | None:
        """The analyzer of texts and queries; None for an index of token lists."""
        return self._analyzer

    @property
    def config(self) -> Bm25Config:
        """The formula of the build and its parameters."""
        return Bm25Config._from_core(self._core.params)

    @property
    def stats(self) -> Bm25Stats:
        """Counts and bytes."""
        return Bm25Stats(**self._core.stats())

    def __repr__(self) -> str:
        stats = self.stats
        return f"Bm25Index(documents={stats.documents}, terms={stats.terms}, postings={stats.postings})"
