"""Asking an index: the half of `Bm25Index` that answers queries."""

import operator
from collections.abc import Sequence
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.config import Bm25Config
from pyengine.errors import InvalidInputError
from pyengine.rows import Numbering, RowFilter, require_integers, row_filter
from pyengine.sparse.encoding import encode_queries
from pyengine.sparse.inputs import Queries, require_count
from pyengine.sparse.report import QueryProfile, TermContribution
from pyengine.text import Analyzer
from pyengine.types import NO_ROW, Hits

__all__ = ["Searchable"]

# As the core numbers them.
_FIELDS: Final[dict[str | None, int]] = {None: 0, "title": 1, "text": 2}
_CoreFilter: TypeAlias = tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32] | None]


class Searchable:
    """What searches, scores and explains; see `Bm25Index`, its one subclass."""

    __slots__ = ("_analyzer", "_core", "_filters", "_numbering")

    def __init__(
        self, core: _core.LexicalIndex, analyzer: Analyzer | None, numbering: Numbering | None = None
    ) -> None:
        self._core = core
        self._analyzer = analyzer
        # Where the rows of deleted documents are closed up; the core knows the stored ones only.
        self._numbering = numbering
        self._filters: WeakKeyDictionary[RowFilter, RowFilter] = WeakKeyDictionary()

    def __len__(self) -> int:
        """Number of rows; those of deleted documents count unless they were closed up."""
        return len(self._core) if self._numbering is None else self._numbering.n_shown

    def search(
        self,
        queries: Queries,
        k: int = 10,
        *,
        exact: bool = False,
        filter: npt.ArrayLike | RowFilter | None = None,
        config: Bm25Config | None = None,
        n_threads: int = 1,
    ) -> Hits:
        """Return the k best rows of each query by BM25.

        Parameters
        ----------
        queries : sequence of str, Arrow array of strings, sequence of token lists, or of integer arrays
            Texts are analysed with the analyzer of the index; token lists are taken as they are; integer
            arrays hold `term_ids`. A term that occurs twice counts twice.
        k : int, >= 1
            Depth. Fewer hits come back if fewer rows match.
        exact : bool
            Score every matching row rather than skip those that cannot win. The answer is the same, bit
            for bit; for comparisons.
        filter : bool array of shape (rows,), or int array of rows, or RowFilter, optional
            Only these rows may be hits; scores stay those of the whole index.
        config : Bm25Config, optional
            Another formula or other parameters than those of the build. Exact as well, at somewhat more
            work: the bounds of the codes are derived anew, once for each config.
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
            text; text queries for an index of token lists; a filter of another length or with rows
            outside the index; more than 2**31 slots (n times k).
        CorruptIndexError
            The file was damaged in a way that `load` does not notice.

        Notes
        -----
        Order: score descending, row ascending; sums are exact integers, rounded once to float32.
        Threads: safe; the GIL is released. Cost: far below O(postings of the query's terms), see
        ``docs/lexical.md``; memory O(n k), and about 200 KiB a thread.
        Source: Robertson and Zaragoza 2009; the variants of Kamphuis et al. 2020.

        Examples
        --------
        >>> index = Bm25Index.build([["red", "fox"], ["red", "red", "hen"]])
        >>> index.search([["red", "hen"]], k=1).rows.tolist()
        [[1]]
        >>> index.search([["red", "hen"]], k=1, filter=[True, False]).rows.tolist()
        [[0]]
        """
        k = require_count("k", k)
        n_threads = require_count("n_threads", n_threads)
        allowed = self._allowed(filter)
        params = None if config is None else config._core
        found = self._core.search(self._encode(queries), k, n_threads, exact, allowed, params)
        return self._hits(found)

    def profile(
        self,
        queries: Queries,
        k: int = 10,
        *,
        exact: bool = False,
        filter: npt.ArrayLike | RowFilter | None = None,
        config: Bm25Config | None = None,
    ) -> tuple[Hits, list[QueryProfile]]:
        """Return what `search` would, and what each query cost: why is it slow?

        Parameters
        ----------
        queries, k, exact, filter, config
            As in `search`.

        Returns
        -------
        tuple of Hits and list of QueryProfile
            The list has one entry a query.

        Raises
        ------
        InvalidInputError
            As in `search`.

        """
        k = require_count("k", k)
        allowed = self._allowed(filter)
        params = None if config is None else config._core
        arrays, costs = self._core.profile(self._encode(queries), k, exact, allowed, params)
        return self._hits(arrays), [QueryProfile(**cost) for cost in costs]

    def term_ids(self, tokens: Sequence[str]) -> npt.NDArray[np.uint32]:
        """Return the numbers of terms in this index, for queries that are put many times.

        Parameters
        ----------
        tokens : sequence of str
            Terms as the index has them, after analysis and stemming.

        Returns
        -------
        uint32, shape (len(tokens),)
            2**32 - 1 for a term that the index lacks; `search` ignores it.

        Raises
        ------
        InvalidInputError
            A token that is not str; a `union` of several indexes, which has no such numbers.
        """
        return self._core.term_ids(tokens)

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
        wanted = require_integers(rows)
        if self._numbering is not None:
            outside = wanted[(wanted >= len(self)) & (wanted != NO_ROW)]
            if outside.size:
                raise InvalidInputError(f"rows: expected rows below {len(self)}, got {outside[0]}")
            wanted = self._numbering.stored(wanted)
        return self._core.score(self._encode(queries), wanted)

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
        if self._numbering is not None:
            row = int(self._numbering.stored(np.array([row], dtype=np.uint32))[0])
        shares = self._core.explain(self._encode([query]), row)
        return [TermContribution(*share) for share in shares]

    def rows_with(self, terms: str | Sequence[str], *, field: str | None = None) -> npt.NDArray[np.bool_]:
        """Return which rows have a term, or one of several. Deleted documents have none.

        Parameters
        ----------
        terms : str or sequence of str
            As the index has them, after analysis and stemming.
        field : "title" or "text", optional
            Where it has to stand; only for an index `with_positions`. By default anywhere.

        Returns
        -------
        bool, shape (rows,)

        Raises
        ------
        InvalidInputError
            Something that is not text; a field for an index without positions.
        CorruptIndexError
            The file was damaged in a way that `load` does not notice.

        Notes
        -----
        Cost: O(rows + postings of the terms). Threads: safe; the GIL is released.
        """
        wanted = [terms] if isinstance(terms, str) else list(terms)
        for term in wanted:
            if not isinstance(term, str):
                raise InvalidInputError(f"terms: expected str, got {type(term).__name__}")
        return self._live(_core.rows_with(self._core, wanted, _field(field)))

    def rows_with_phrase(self, terms: Sequence[str], *, field: str | None = None) -> npt.NDArray[np.bool_]:
        """Return in which rows terms follow each other, in the title or in the text; needs `with_positions`.

        Parameters
        ----------
        terms : sequence of str, 1 or more
            As the index has them, after analysis and stemming. A literal is one term; its parts are none.
        field : "title" or "text", optional
            Which of the two it has to be.

        Returns
        -------
        bool, shape (rows,)

        Raises
        ------
        InvalidInputError
            No term; an index without positions.
        CorruptIndexError
            As in `rows_with`.

        Notes
        -----
        Cost: O(rows + postings of the rarest term), and the places of those in rows with all terms. Threads:
        safe; the GIL is released.
        """
        if not terms:
            raise InvalidInputError("terms: expected one or more, got none")
        return self._live(_core.rows_with_phrase(self._core, list(terms), _field(field)))

    def terms_with_prefix(self, prefix: str, limit: int = 1024) -> tuple[list[str], bool]:
        """Return the terms that begin with a prefix, in the order of their bytes, and whether there are more.

        Terms that only deleted documents have do not count.

        Parameters
        ----------
        prefix : str
            Compared with terms as the index has them: folded, and stemmed where the analyzer stems.
        limit : int, >= 1
            Terms wanted at most.

        Raises
        ------
        CorruptIndexError
            As in `rows_with`.

        Notes
        -----
        Cost: O(terms), since the vocabulary is a hash table. Threads: safe; the GIL is released.
        """
        return _core.expand_prefix(self._core, prefix, require_count("limit", limit))

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

    def _live(self, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return what holds for the stored rows for those that are shown."""
        return rows if self._numbering is None else rows[self._numbering.live()]

    def _allowed(self, filter: npt.ArrayLike | RowFilter | None) -> _CoreFilter | None:
        """Return a filter as the core takes it: over stored rows."""
        if filter is None:
            return None
        allowed = row_filter(filter, len(self))
        if self._numbering is None:
            return allowed._core
        stored = self._filters.get(allowed)
        if stored is None:
            stored = RowFilter(self._numbering.spread(allowed.mask()), self._numbering.n_stored)
            self._filters[allowed] = stored
        return stored._core

    def _hits(
        self, found: tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32], npt.NDArray[np.uint32]]
    ) -> Hits:
        rows, scores, counts = found
        return Hits(rows if self._numbering is None else self._numbering.shown(rows), scores, counts)

    def _encode(self, queries: Queries) -> _core.Queries:
        return encode_queries(queries, self._core, self._analyzer)


def _field(name: str | None) -> int:
    """Return a field as the core numbers them, or raise `InvalidInputError`."""
    if name not in _FIELDS:
        raise InvalidInputError(f"field: expected 'title', 'text' or None, got {name!r}")
    return _FIELDS[name]
