"""Which rows fulfil what a query demands: its conditions, looked up in the index or read in the texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.engine.segments import Segment
from pyengine.engine.snapshot import Snapshot
from pyengine.rows import RowFilter
from pyengine.sparse import Bm25Index
from pyengine.text import Analyzer

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Condition", "admitted_rows"]

_ROWS_PER_STEP: Final = 8192
# Of a longer phrase so many tokens are looked up: each costs the places it has in every row, and the rows
# that have these in order are few enough to be read.
_MOST_LOOKED_UP: Final = 32

Rows: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Condition:
    """What hits must have, or must not.

    Parameters
    ----------
    kind : "all", "any" or "phrase"
        All of the terms; one of them; or the words of ``text``, one after the other.
    terms : tuple of str
        As the index has them. Of a phrase: the tokens, which every row has where the phrase is read alike.
    text : str
        The phrase.
    field : "title", "text" or None
        Where it must stand; None: in either.
    excluded : bool
        Hits must not have it.
    """

    kind: Literal["all", "any", "phrase"]
    terms: tuple[str, ...]
    text: str = ""
    field: str | None = None
    excluded: bool = False


def admitted_rows(
    snapshot: Snapshot, conditions: Sequence[Condition], allowed: RowFilter | None, *, collapsed: bool
) -> RowFilter | None:
    """Return the rows of a filter that fulfil all conditions; None: all rows.

    Parameters
    ----------
    snapshot : Snapshot
    conditions : sequence of Condition
        In any order: what is looked up goes first, so that few texts are read.
    allowed : RowFilter or None
        The caller's filter.
    collapsed : bool
        Hits are documents, not chunks: what is excluded in one chunk is excluded with all of its document.

    Notes
    -----
    Memory: some arrays of one byte a row, however many conditions.
    """
    if not conditions:
        return allowed
    reader = _Reader(snapshot)
    rows = np.ones(len(snapshot.lexical), dtype=np.bool_) if allowed is None else allowed.mask()
    for condition in sorted(conditions, key=reader.reads_texts):
        if not rows.any():
            break
        if not condition.excluded:
            rows &= reader.named(condition, rows)
        elif collapsed:
            rows &= ~reader.documents(reader.named(condition, reader.documents(rows)))
        else:
            rows &= ~reader.named(condition, rows)
    return RowFilter(rows, len(rows))


class _Reader:
    """Finds the rows that a condition names."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._analyzer = snapshot.settings.analyzer
        # Phrases are exact: neither stems nor stop words.
        self._exact = Analyzer(self._analyzer.preset)
        self._positions = snapshot.has_positions

    def reads_texts(self, condition: Condition) -> bool:
        """Whether a condition may need the stored texts, rather than the index alone."""
        return condition.kind == "phrase" or (condition.field is not None and not self._positions)

    def documents(self, rows: Rows) -> Rows:
        """Return all rows of the documents that have one of these rows."""
        whole = np.zeros(len(rows), dtype=np.bool_)
        whole[self._snapshot.corpus.documents.whole(np.flatnonzero(rows))] = True
        return whole

    def named(self, condition: Condition, within: Rows) -> Rows:
        """Return the rows among ``within`` that have what a condition names."""
        if condition.kind == "phrase":
            return self._with_phrase(condition, within)
        where = condition.field if self._positions else None
        found = within & _looked_up(self._snapshot.lexical, condition, where)
        if condition.field == where:
            return found
        return self._checked(found, lambda table: self._in_field(condition, table))

    def _with_phrase(self, condition: Condition, within: Rows) -> Rows:
        """Look the phrase up as far as that goes, and read the texts that may have it."""
        known, maybe = self._by_tokens(condition, within)
        maybe |= self._by_words(condition, within & ~known)
        fields = ("title", "text") if condition.field is None else (condition.field,)
        return known | self._checked(maybe & ~known, lambda t: self._phrase_in(condition.text, t, fields))

    def _by_tokens(self, condition: Condition, within: Rows) -> tuple[Rows, Rows]:
        """Return the rows that have the phrase for sure, and those that may have its tokens in order."""
        none = np.zeros(len(within), dtype=np.bool_)
        read = [token for token in self._exact.tokens(condition.text) if not token.part]
        tokens = [token.term for token in read]
        if self._snapshot.settings.phrases and len(tokens) > 1:
            found = within & self._in_order(tokens[:_MOST_LOOKED_UP], condition.field)
            exact = self._analyzer.stemmer is None and not self._analyzer.stopwords
            exact = exact and len(tokens) <= _MOST_LOOKED_UP
            pair = len(tokens) == 2 and condition.field is None
            sure = all(exact if segment.has_positions else pair for segment in self._snapshot.segments)
            return (found, none) if sure else (none, found)
        where = condition.field if self._positions else None
        found = within & _all_of(self._snapshot.lexical, condition.terms, where)
        # The index has literals as they are, and words too unless it has stems.
        sure = len(tokens) == 1 and (read[0].kind != "word" or self._analyzer.stemmer is None)
        return (found, none) if sure and condition.field == where else (none, found)

    def _in_order(self, tokens: Sequence[str], field: str | None) -> Rows:
        """Return the rows with tokens that follow each other, as far as the index tells.

        Where the analyzer is made so, places are of stems, and stop words have none: rows then come too many.
        A literal may be spelled like a stop word and be there, so tokens are in order between those only.
        Segments without positions have the pairs of neighbouring tokens, of whatever field.
        """

        def stored(segment: Segment) -> Rows:
            if not segment.has_positions:
                assert segment.pairs is not None  # one or the other is written
                return _all_of(segment.pairs, [f"{a}\n{b}" for a, b in pairwise(tokens)])
            rows = np.ones(len(segment.lexical), dtype=np.bool_)
            for stopped, run in groupby(tokens, key=self._analyzer.stopwords.__contains__):
                if not stopped:
                    stems = self._analyzer._stem(list(run))
                    rows &= segment.lexical.rows_with_phrase(stems, field=field)
            return rows

        return self._snapshot.rows_of(stored)

    def _beside_literals(self, pairs: Sequence[tuple[str, str]]) -> Rows:
        """Return the rows with one of some pairs of neighbouring words that a literal makes other tokens."""

        def stored(segment: Segment) -> Rows:
            assert segment.pairs is not None  # asked only where phrases are indexed
            return segment.pairs.rows_with([f"{first}\t{second}" for first, second in pairs])

        return self._snapshot.rows_of(stored)

    def _by_words(self, condition: Condition, within: Rows) -> Rows:
        """Return the rows that may have the phrase word for word, with literals around or across its ends."""
        none = np.zeros(len(within), dtype=np.bool_)
        if self._analyzer.preset != "domain" or len(condition.text.split()) < 2:
            return none  # words are tokens; or a literal in one piece, which is a term wherever it stands
        if not self._snapshot.settings.phrases:
            tokens = self._analyzer.tokens(condition.text)
            terms = [token.term for token in tokens if token.kind == "word" or token.part]
            return within & _all_of(self._snapshot.lexical, terms) if terms else none
        pairs = list(dict.fromkeys(pairwise(Analyzer("words").terms(condition.text))))
        found = within.copy()
        if all(token.kind == "word" for token in self._exact.tokens(condition.text)):
            # Words that are tokens in the text as well, all of them, were found by their places.
            found &= self._beside_literals(pairs)
        for pair in pairs[:_MOST_LOOKED_UP]:
            if not found.any():
                break
            found &= self._in_order(pair, condition.field) | self._beside_literals([pair])
        return found

    def _checked(self, rows: Rows, check: "Callable[[pa.Table], Rows]") -> Rows:
        """Return those of ``rows`` whose stored documents pass a check, some thousands at a time."""
        kept = np.zeros(len(rows), dtype=np.bool_)
        candidates = np.flatnonzero(rows)
        for start in range(0, len(candidates), _ROWS_PER_STEP):
            step = candidates[start : start + _ROWS_PER_STEP]
            kept[step] = check(self._snapshot.corpus.take(step))
        return kept

    def _in_field(self, condition: Condition, table: "pa.Table") -> Rows:
        """Index one field of some documents, and return which have the condition there."""
        assert condition.field is not None  # named() asks for conditions on fields only
        index = Bm25Index.build(_array(table.column(condition.field)), analyzer=self._analyzer)
        return _looked_up(index, condition)

    def _phrase_in(self, phrase: str, table: "pa.Table", fields: tuple[str, ...]) -> Rows:
        rows = np.zeros(len(table), dtype=np.bool_)
        for field in fields:
            rows |= _core.phrase_in(self._exact._core, phrase, _array(table.column(field)))
        return rows


def _looked_up(index: Bm25Index, condition: Condition, field: str | None = None) -> Rows:
    if condition.kind == "any":
        return index.rows_with(condition.terms, field=field)
    return _all_of(index, condition.terms, field)


def _all_of(index: Bm25Index, terms: Sequence[str], field: str | None = None) -> Rows:
    rows = np.ones(len(index), dtype=np.bool_)
    for term in dict.fromkeys(terms):
        rows &= index.rows_with(term, field=field)
        if not rows.any():
            break
    return rows


def _array(column: "pa.ChunkedArray") -> Any:
    """Return a table's column as one Arrow array."""
    import pyarrow as pa  # noqa: PLC0415 - importing pyengine must not import pyarrow

    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
