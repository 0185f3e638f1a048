"""The analyzer's settings as they stand in a saved index."""

import json
from pathlib import Path

from pyengine.errors import CorruptIndexError, IncompatibleIndexError, InvalidInputError
from pyengine.text import Analyzer

__all__ = ["dump_analyzer", "load_analyzer"]


def dump_analyzer(analyzer: Analyzer) -> str:
    """Return what a saved index keeps of its analyzer, as JSON."""
    stored = {"config": analyzer.config(), "fingerprint": analyzer.fingerprint}
    return json.dumps(stored, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load_analyzer(stored: bytes, file: Path) -> Analyzer | None:
    """Return the analyzer a saved index was built with; None for an index of token lists.

    Raises
    ------
    CorruptIndexError
        The settings cannot be read.
    IncompatibleIndexError
        This version of pyengine has no such analyzer, or one that gives other terms.
    """
    if not stored:
        return None
    try:
        fields = json.loads(stored)
        config, fingerprint = fields["config"], fields["fingerprint"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptIndexError(f"{file}: section analyzer: unreadable settings: {error}") from error
    try:
        analyzer = Analyzer.from_config(config)
    except (InvalidInputError, TypeError) as error:
        raise IncompatibleIndexError(
            f"{file}: its analyzer is not known to this version of pyengine: {error}; build the index anew"
        ) from error
    if analyzer.fingerprint != fingerprint:
        raise IncompatibleIndexError(
            f"{file}: built with the analyzer {fingerprint}, of which this version of pyengine makes "
            f"{analyzer.fingerprint}: queries would be cut otherwise than the documents; build the index anew"
        )
    return analyzer
