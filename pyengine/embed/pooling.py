"""Token vectors to one vector per text.

Source: ``sentence_transformers/models/Pooling.py`` (the meaning of the names) and Reimers and
Gurevych, arXiv 1908.10084, section 3.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from pyengine.errors import InvalidInputError

__all__ = ["POOLINGS", "check_pooling", "pool"]

Vector = npt.NDArray[np.float32]


def _sum(tokens: Vector) -> Vector:
    # Over the first axis numpy adds token after token, so padding and neighbours cannot change the order
    # of summation, hence not the last bit.
    total: Vector = np.add.reduce(tokens, axis=0)
    return total


def _mean(tokens: Vector) -> Vector:
    return _sum(tokens) / np.float32(len(tokens))


def _mean_sqrt_len(tokens: Vector) -> Vector:
    return _sum(tokens) / np.float32(len(tokens) ** 0.5)


def _weighted_mean(tokens: Vector) -> Vector:
    weights = np.arange(1, len(tokens) + 1, dtype=np.float32)
    return _sum(tokens * weights[:, None]) / np.float32(weights.sum())


POOLINGS: Final[dict[str, Callable[[Vector], Vector]]] = {
    "cls": lambda tokens: tokens[0],
    "max": lambda tokens: np.maximum.reduce(tokens, axis=0),
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt_len,
    "weightedmean": _weighted_mean,
    "lasttoken": lambda tokens: tokens[-1],
}
"""Name to function over the token vectors of one text, float32 of shape (tokens, width)."""


def check_pooling(name: str, where: str) -> str:
    """Return ``name`` if every part of it (joined by ``+``) is a known pooling."""
    unknown = [part for part in name.split("+") if part not in POOLINGS]
    if unknown:
        raise InvalidInputError(
            f"{where}: expected {', '.join(POOLINGS)} or several joined by '+', got {name!r}"
        )
    return name


def pool(hidden: npt.NDArray[np.floating], lengths: npt.NDArray[np.int64], name: str) -> Vector:
    """Return one float32 vector per row of ``hidden``, from its first ``lengths[i]`` tokens.

    Parameters
    ----------
    hidden : float array, shape (rows, tokens, width)
        Token vectors; what lies beyond a row's length is never read.
    lengths : int64, shape (rows,)
        Tokens of each row, at least 1.
    name : str
        Names of `POOLINGS` joined by ``+``; their vectors are joined in that order.
    """
    parts = [POOLINGS[part] for part in name.split("+")]
    width = hidden.shape[2]
    out = np.empty((len(hidden), width * len(parts)), dtype=np.float32)
    for row, length in enumerate(lengths):
        tokens = hidden[row, :length].astype(np.float32, copy=False)
        for i, part in enumerate(parts):
            out[row, i * width : (i + 1) * width] = part(tokens)
    return out
