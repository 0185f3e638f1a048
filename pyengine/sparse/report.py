"""What an index says of itself, of a score and of a query: the dataclasses `Bm25Index` returns."""

from dataclasses import dataclass

__all__ = ["Bm25Stats", "QueryProfile", "TermContribution"]


@dataclass(frozen=True, slots=True)
class TermContribution:
    """What one query term adds to one document's score.

    Parameters
    ----------
    term : str
        The term as the index has it, after analysis and stemming.
    weight : float
        Occurrences in the query.
    tf : int
        Occurrences in the document; 0 if it is not there.
    df : int
        Documents of the index that have the term; 0 if none.
    idf : float
        ``ln(1 + (N - df + 0.5) / (df + 0.5))``, N the number of documents; for other variants than
        "lucene" their own.
    contribution : float
        ``weight * idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * dl / avgdl))``, or the variant's own, in
        fixed point. The contributions of all terms, added and rounded to float32, are the score.
    """

    term: str
    weight: float
    tf: int
    df: int
    idf: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Bm25Stats:
    """Size of an index.

    Parameters
    ----------
    documents, terms, postings, tokens : int
        Documents; distinct terms; (term, document) pairs; tokens of all documents together.
    average_length : float
        Tokens per document, the ``avgdl`` of the formula; 1.0 for an index without a token.
    section_bytes : dict of str to int
        Bytes by part, the same in memory and on disk.
    """

    documents: int
    terms: int
    postings: int
    tokens: int
    average_length: float
    section_bytes: dict[str, int]

    @property
    def total_bytes(self) -> int:
        """Bytes of all parts together."""
        return sum(self.section_bytes.values())


@dataclass(frozen=True, slots=True)
class QueryProfile:
    """What one query cost.

    Parameters
    ----------
    algorithm : str
        "maxscore", "exhaustive", "rows" (the few rows of a filter were looked up) or "none" (no term of
        the query occurs).
    postings : int
        Postings of the query's terms: what an exhaustive search visits.
    scanned : int
        Codes, or postings, that were looked at.
    survivors : int
        Of them, those that could still be among the best and were looked up in other lists.
    lookups : int
        How often a row was looked up in a list.
    rescored : int
        Rows whose exact score was computed from frequencies and lengths; none where codes are exact.
    nanoseconds : int
        Wall time in the core, from resolved terms to ranked hits.
    prepare_ns : int
        Of them: lists found, weighed and put in order, and a first threshold.
    scan_ns : int
        Codes compared and rows of those that may win collected; all the work of an exhaustive search.
    lookup_ns : int
        Rows looked up in the other lists.
    rescore_ns : int
        Exact scores of what was left, offered to the k best. What the four leave over is sorting the
        answer and reading the clock, which a search without profile does not.
    """

    algorithm: str
    postings: int
    scanned: int
    survivors: int
    lookups: int
    rescored: int
    nanoseconds: int
    prepare_ns: int
    scan_ns: int
    lookup_ns: int
    rescore_ns: int
