"""Exact BM25 over an inverted index: `Bm25Index`."""

import operator
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.config import Bm25Config
from pyengine.errors import InvalidInputError, StorageError
from pyengine.sparse.inputs import (
    Documents,
    Progress,
    Queries,
    query_batch,
    require_count,
)
from pyengine.sparse.report import Bm25Stats, TermContribution
from pyengine.sparse.saved import load_analyzer
from pyengine.text import Analyzer
from pyengine.types import Hits

if TYPE_CHECKING:
    from pyengine.sparse.builder import Bm25Builder

__all__ = ["FILE_NAME", "Bm25Index"]

FILE_NAME: Final = "lexical.seg"
"""The one file of a saved index, inside the folder it was saved to."""


class Bm25Index:
    """An immutable inverted index that returns the exact BM25 top k.

    Made by `build`, `builder` or `load`; the constructor is not for callers. Any number of threads may
    use an index; the GIL is released while it searches.
    """

    __slots__ = ("_analyzer", "_core", "_stems")

    def __init__(self, core: _core.LexicalIndex, analyzer: Analyzer | None) -> None:
        self._core = core
        self._analyzer = analyzer
        self._stems = analyzer is not None and analyzer.stemmer is not None

    @staticmethod
    def build(
        docs: Documents,
        *,
        analyzer: Analyzer | None = None,
        k1: float = 1.5,
        b: float = 0.75,
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
        k1 : float, >= 0
            Term frequency saturation. 1.5, the default of the Python peers.
        b : float, 0 to 1
            Length normalisation. 0.75, the value of the literature.
        n_threads : int, >= 1
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
            analyzer=analyzer, k1=k1, b=b, n_threads=n_threads, memory_mb=memory_mb, scratch=scratch
        )
        builder.add(docs, progress=progress)
        return builder.finish()

    @staticmethod
    def builder(
        *,
        analyzer: Analyzer | None = None,
        k1: float = 1.5,
        b: float = 0.75,
        n_threads: int = 1,
        memory_mb: int | None = None,
        scratch: str | os.PathLike[str] | None = None,
    ) -> "Bm25Builder":
        """Return a builder to which documents are added piece by piece.

        Parameters
        ----------
        analyzer : Analyzer, optional
            As in `build`.
        k1, b : float
            As in `build`.
        n_threads : int, >= 1
            As in `build`; each `Bm25Builder.add` and `Bm25Builder.finish` has its own threads.
        memory_mb : int, >= 64, optional
            As in `build`.
        scratch : path-like, optional
            As in `build`.

        Raises
        ------
        InvalidInputError
            A parameter outside its range.
        """
        from pyengine.sparse.builder import Bm25Builder  # noqa: PLC0415 - the builder makes this class

        return Bm25Builder(
            analyzer=analyzer, k1=k1, b=b, n_threads=n_threads, memory_mb=memory_mb, scratch=scratch
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

    def search(self, queries: Queries, k: int = 10, *, exact: bool = False, n_threads: int = 1) -> Hits:
        """Return the k best rows of each query by BM25.

        Parameters
        ----------
        queries : sequence of str, Arrow array of strings, or sequence of token lists
            Texts are analysed with the analyzer of the index; token lists are taken as they are. A term
            that occurs twice counts twice.
        k : int, >= 1
            Depth. Fewer hits come back if fewer rows match.
        exact : bool
            Score every matching row rather than skip those that cannot win. The answer is the same, bit
            for bit; for comparisons.
        n_threads : int, >= 1
            Threads that share the queries of this call. They end before it returns; the answer does not
            depend on their number.

        Returns
        -------
        Hits
            rows uint32 (n, k), scores float32 (n, k), counts uint32 (n,). Only rows with a score above
            0 are hits: those that share a term with the query.

        Raises
        ------
        InvalidInputError
            ``k`` or ``n_threads`` below 1; a single str in place of a sequence; a query that is not
            text; text queries for an index of token lists; more than 2**31 slots (n times k).
        CorruptIndexError
            The file was damaged in a way that `load` does not notice.

        Notes
        -----
        Order: score descending, row ascending. Sums are float64 in the order in which the terms first
        occur in the query, rounded once to float32. Threads: safe; the GIL is released.
        Cost: O(postings of the query's terms); memory O(n k), and 64 KiB a thread.
        Source: Robertson and Zaragoza 2009; the idf is "Lucene (accurate)" of Kamphuis et al. 2020.

        Examples
        --------
        >>> index = Bm25Index.build([["red", "fox"], ["red", "red", "hen"]])
        >>> index.search([["red", "hen"]], k=1).rows.tolist()
        [[1]]
        """
        k = require_count("k", k)
        n_threads = require_count("n_threads", n_threads)
        rows, scores, counts = self._core.search(self._encode(queries), k, n_threads, exact)
        return Hits(rows, scores, counts)

    def score(self, queries: Queries, rows: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the scores of given rows, whether or not they would be among the best.

        Parameters
        ----------
        queries : as in `search`
            n queries.
        rows : int array, shape (n, m)
            Row numbers for each query, in any order. `NO_ROW` marks unused slots, as in `Hits.rows`.

        Returns
        -------
        float32, shape (n, m)
            The scores `search` would give, bit for bit; 0 where no term matches, -inf for `NO_ROW`.

        Raises
        ------
        InvalidInputError
            Another shape or dtype; a row outside the index; a query as in `search`.

        Notes
        -----
        Threads: safe; the GIL is released. Cost: O(n m t log(df)) for t terms a query.
        """
        try:
            wanted = np.asarray(rows)
        except ValueError as error:
            raise InvalidInputError(f"rows: expected lines of equal length: {error}") from error
        if wanted.size == 0:
            wanted = wanted.astype(np.uint32)
        if wanted.dtype.kind not in "iu":
            raise InvalidInputError(f"rows: expected integers, got {wanted.dtype}")
        if wanted.size and (wanted.min() < 0 or wanted.max() > np.iinfo(np.uint32).max):
            raise InvalidInputError("rows: expected row numbers from 0 to 2**32 - 1")
        return self._core.score(self._encode(queries), np.ascontiguousarray(wanted, dtype=np.uint32))

    def explain(self, query: str | Sequence[str], row: int) -> list[TermContribution]:
        """Return what each distinct term of a query adds to the score of one row.

        Parameters
        ----------
        query : str or list of tokens
            One query, as an element of `search`'s ``queries``.
        row : int
            A row of the index.

        Returns
        -------
        list of TermContribution
            In order of first occurrence in the query. Terms that the row or the index lacks are listed
            with ``tf`` 0 and contribution 0. The contributions add up to the score.

        Raises
        ------
        InvalidInputError
            ``row`` outside the index; a query as in `search`.
        """
        row = operator.index(row)
        if not 0 <= row < len(self):
            raise InvalidInputError(f"row: expected 0 to {len(self) - 1}, got {row}")
        shares = self._core.explain(self._encode([query]), row)
        return [TermContribution(*share) for share in shares]

    def postings_count(self, queries: Queries) -> npt.NDArray[np.uint64]:
        """Return how many postings the terms of each query have: what an exhaustive search visits.

        Parameters
        ----------
        queries : as in `search`

        Returns
        -------
        uint64, shape (n,)

        Raises
        ------
        InvalidInputError
            A query as in `search`.
        """
        return self._core.count_postings(self._encode(queries))

    @property
    def analyzer(self) -> Analyzer | None:
        """The analyzer of texts and queries; None for an index of token lists."""
        return self._analyzer

    @property
    def config(self) -> Bm25Config:
        """k1 and b."""
        _, k1, b, _ = self._core.params
        return Bm25Config(k1=k1, b=b)

    @property
    def stats(self) -> Bm25Stats:
        """Counts and bytes."""
        return Bm25Stats(**self._core.stats())

    def __len__(self) -> int:
        """Number of documents."""
        return len(self._core)

    def __repr__(self) -> str:
        stats = self.stats
        return f"Bm25Index(documents={stats.documents}, terms={stats.terms}, postings={stats.postings})"

    def _encode(self, queries: Queries) -> _core.Queries:
        kind, batch = query_batch(queries)
        if kind == "tokens":
            return _core.Queries.from_tokens(batch)
        if self._analyzer is None:
            raise InvalidInputError(
                "queries: this index was built from token lists and has no analyzer; "
                "expected token lists, got texts"
            )
        encoded = _core.Queries.from_texts(self._analyzer._core, batch)
        if self._stems:
            encoded.replace_terms(self._analyzer._stem(encoded.terms()))
        return encoded
