"""Words of a corpus, counted as the reference counts them, in blocks of documents."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pyengine.text import Analyzer, TermCounter

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BLOCKS", "WordCounts", "count_words", "folded"]

BLOCKS: Final = 32
"""Blocks that documents are dealt out to in turn, for intervals."""
# As wordfreq 3.1 does it (numbers.py): a digit and whatever digits, dots and commas follow it.
_NUMBER: Final = re.compile(r"\d[\d.,]+")
_DIGIT: Final = re.compile(r"\d")
_LOOSE: Final = str.maketrans("‘’ʼ＇", "''''")


def folded(term: str) -> str:
    """Return a term as the reference lists it: numbers of several digits as zeros, apostrophes straight.

    Parameters
    ----------
    term : str
        Of ``Analyzer("words")``.

    Examples
    --------
    >>> folded("1999"), folded("3.14"), folded("7"), folded("it’s")
    ('0000', '0.00', '7', "it's")
    """
    if term.isascii() and term.isalpha():
        return term
    straight = term.translate(_LOOSE).strip("'")
    return _NUMBER.sub(lambda match: _DIGIT.sub("0", match.group()), straight)


@dataclass(frozen=True, slots=True, eq=False)
class WordCounts:
    """How often each word occurs in a corpus.

    Parameters
    ----------
    counts : dict of str to int
        By word, in order of first occurrence.
    blocks : uint64 (words, b)
        The same by block of documents.
    documents : int
    left_out : int
        Tokens of words beyond the four million that are kept.
    """

    counts: dict[str, int]
    blocks: npt.NDArray[np.uint64]
    documents: int
    left_out: int = 0

    @property
    def total(self) -> int:
        """Tokens of the words kept."""
        return sum(self.counts.values())

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the words and their counts, whatever the order of the documents."""
        state = hashlib.sha256()
        for word in sorted(self.counts):
            state.update(f"{word}\0{self.counts[word]}\n".encode("utf-8", "surrogatepass"))
        return state.hexdigest()[:16]


def count_words(texts: "Iterable[pa.Array | list[str]]") -> WordCounts:
    """Count the words of texts, each a document, as the reference does: see `folded`.

    Parameters
    ----------
    texts : iterable of batches of texts

    Notes
    -----
    Memory: the distinct words; a stream of any length goes through.
    """
    counter = TermCounter(Analyzer("words"), blocks=BLOCKS)
    documents = 0
    for batch in texts:
        documents += len(counter.add(batch))
    terms, _, _ = counter.result()
    by_block = counter.block_counts()
    places: dict[str, int] = {}
    rows = np.array([places.setdefault(folded(term), len(places)) for term in terms], dtype=np.int64)
    blocks = np.zeros((len(places), by_block.shape[1]), dtype=np.uint64)
    np.add.at(blocks, rows, by_block)
    counts = dict(zip(places, map(int, blocks.sum(axis=1)), strict=True))
    return WordCounts(counts, blocks, documents, counter.left_out)
