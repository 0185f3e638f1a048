"""Queries of any kind as the batch of terms that the core searches for."""

from pyengine import _core
from pyengine.errors import InvalidInputError
from pyengine.rows import require_integers
from pyengine.sparse.inputs import Queries, query_batch
from pyengine.text import Analyzer

__all__ = ["encode_queries"]


def encode_queries(queries: Queries, index: _core.LexicalIndex, analyzer: Analyzer | None) -> _core.Queries:
    """Analyse and stem texts; take token lists and term ids as they are. Raises `InvalidInputError`."""
    kind, batch = query_batch(queries)
    if kind == "ids":
        return index.queries_of_ids([require_integers(ids, "queries") for ids in batch])
    if kind == "tokens":
        return _core.Queries.from_tokens(batch)
    if analyzer is None:
        raise InvalidInputError(
            "queries: this index was built from token lists and has no analyzer; "
            "expected token lists, got texts"
        )
    encoded = _core.Queries.from_texts(analyzer._core, batch)
    if analyzer.stemmer is not None:
        encoded.replace_terms(analyzer._stem(encoded.terms()))
    return encoded
