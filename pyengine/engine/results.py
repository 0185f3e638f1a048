"""What a search gives back: hits a person can read, and why each is where it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from pyengine.sparse import TermContribution

__all__ = ["Explanation", "Mode", "SearchHit", "SearchResult"]

Mode = Literal["hybrid", "lexical", "dense"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a hit scored what it did.

    Parameters
    ----------
    terms : sequence of TermContribution
        BM25's part of each query term the document contains; their sum, rounded to float32, is
        ``hit.scores["lexical"]``. Present in every mode, since it is a fact about the document.
    fusion : mapping of branch to float
        What each branch adds to a fused score; the sum, rounded to float32, is ``hit.score``. Empty outside
        hybrid mode.
    weights : mapping of branch to float
        The weights of the query, by which ranks or scores are multiplied. Empty outside hybrid mode.
    why : str
        Where the weights come from. Empty outside hybrid mode.
    """

    terms: Sequence["TermContribution"]
    fusion: Mapping[str, float]
    weights: Mapping[str, float] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One document of an answer or, in a chunked index, its best chunk.

    Parameters
    ----------
    id : str
        The document's id as it was added.
    row : int
        Its row in the corpus; of a chunked index that of the chunk, to which ``score``, ``ranks``, ``scores``
        and ``explanation`` belong.
    score : float
        What the answer is ordered by: the fused score in hybrid mode, else the branch's own.
    ranks : mapping of branch to int or None
        Rank from 1 in each branch that ran; None where that branch did not return the document.
    scores : mapping of branch to float or None
        The score in each branch that ran (BM25, inner product); None as above.
    title, text : str
        As they were added; of a chunked index the text of the chunk.
    metadata : mapping
        The other columns.
    explanation : Explanation or None
        With ``explain=True``.
    chunk : int or None
        In a chunked index, the number of the chunk in its document, from 0.
    span : (int, int) or None
        In a chunked index, where the chunk starts and ends in the document's text, in code points.
    """

    id: str
    row: int
    score: float
    ranks: Mapping[str, int | None]
    scores: Mapping[str, float | None]
    title: str
    text: str
    metadata: Mapping[str, Any]
    explanation: Explanation | None = None
    chunk: int | None = None
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class SearchResult(Sequence[SearchHit]):
    """The answer to one query: a sequence of `SearchHit`, best first.

    Parameters
    ----------
    query : str
        As it was asked.
    hits : sequence of SearchHit
        Score descending, then row ascending.
    mode : "hybrid", "lexical" or "dense"
        How it was answered.
    degraded : bool
        Whether a branch was dropped because ``timeout_s`` ran out.
    notes : sequence of str
        What a careful reader should know, such as that no query term occurs in the corpus.
    """

    query: str
    hits: Sequence[SearchHit]
    mode: Mode
    degraded: bool = False
    notes: Sequence[str] = field(default=())

    @overload
    def __getitem__(self, index: int) -> SearchHit: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SearchHit]: ...
    def __getitem__(self, index: int | slice) -> SearchHit | Sequence[SearchHit]:
        """Return one hit, or the hits of a slice."""
        return self.hits[index]

    def __len__(self) -> int:
        """Number of hits."""
        return len(self.hits)

    def __iter__(self) -> Iterator[SearchHit]:
        """Iterate over the hits, best first."""
        return iter(self.hits)
