"""What web text looks like: a table of words with their shares, and where it comes from."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine.errors import (
    CorruptIndexError,
    IncompatibleIndexError,
    InvalidInputError,
    MissingExtraError,
    NotFoundError,
)
from pyengine.text import Analyzer, TermCounter

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Reference", "word_counts"]

_DIGITS: Final = str.maketrans("0123456789", "0000000000")
_FORMAT: Final = b"pyengine-reference-1"


def word_counts(texts: "Iterable[pa.Array | list[str]]") -> dict[str, int]:
    """Count the words of texts as a reference does: case-folded, runs of two or more digits as zeros.

    Parameters
    ----------
    texts : iterable of batches of texts
    """
    counter = TermCounter(Analyzer("words"))
    for batch in texts:
        counter.add(batch)
    terms, counts, _ = counter.result()
    merged: dict[str, int] = {}
    for term, count in zip(terms, counts.tolist(), strict=True):
        word = _folded(term)
        merged[word] = merged.get(word, 0) + count
    return merged


def _folded(term: str) -> str:
    # wordfreq writes numbers of several digits as zeros of the same length.
    digits = sum(char.isdigit() for char in term)
    return term.translate(_DIGITS) if digits > 1 else term


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Words of ordinary text and their shares.

    Parameters
    ----------
    name : str
    words : dict of str to int
        Word to its place in ``shares``.
    shares : float64 (n,)
        Sum to 1 over the vocabulary.
    language : str
        ISO 639-1, or "" for one made of the user's own text.
    """

    name: str
    words: dict[str, int]
    shares: npt.NDArray[np.float64]
    language: str

    @classmethod
    def web(cls, language: str = "en") -> Self:
        """Return the unigrams of the package wordfreq: web and other text, Zipf shares (Speer 2022).

        Raises
        ------
        MissingExtraError
            wordfreq is not installed.
        """
        try:
            import wordfreq
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "the reference of web text comes with the package wordfreq: pip install "
                "'pyengine[diagnose]', or give a reference of your own (Reference.build)"
            ) from error
        from importlib.metadata import version

        table = wordfreq.get_frequency_dict(language, "best")
        shares = np.array(list(table.values()), dtype=np.float64)
        name = f"wordfreq {version('wordfreq')} {language}, {len(table)} words"
        return cls(name, {word: i for i, word in enumerate(table)}, shares / shares.sum(), language)

    @classmethod
    def build(cls, name: str, texts: "Iterable[pa.Array | list[str]]") -> Self:
        """Make a reference of text of your own.

        Parameters
        ----------
        name : str
        texts : iterable of batches of texts

        Raises
        ------
        InvalidInputError
            There is no word in it.
        """
        counts = word_counts(texts)
        if not counts:
            raise InvalidInputError("reference: expected text, got none with a word in it")
        shares = np.array(list(counts.values()), dtype=np.float64)
        return cls(name, {word: i for i, word in enumerate(counts)}, shares / shares.sum(), "")

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the words and shares; histories of different references do not compare."""
        state = hashlib.sha256()
        for word, share in zip(self.words, self.shares, strict=True):
            state.update(f"{word}\0{share:.6e}\n".encode())
        return state.hexdigest()[:16]

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Write the table as a Parquet file with the analyzer's fingerprint.

        Parameters
        ----------
        path : path-like
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table({"word": list(self.words), "share": self.shares})
        metadata = {
            b"format": _FORMAT,
            b"name": self.name.encode(),
            b"language": self.language.encode(),
            b"analyzer": Analyzer("words").fingerprint.encode(),
        }
        pq.write_table(table.replace_schema_metadata(metadata), Path(path))

    @classmethod
    def load(cls, path: "str | os.PathLike[str]") -> Self:
        """Read what `save` wrote.

        Raises
        ------
        NotFoundError, CorruptIndexError
            There is no such file; it is not a reference.
        IncompatibleIndexError
            Its words were made by another analyzer.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(Path(path))
        except FileNotFoundError as error:
            raise NotFoundError(f"{path}: no such file") from error
        except (pa.ArrowException, OSError) as error:
            raise CorruptIndexError(
                f"{path}: expected a reference in Parquet ({error}); build it again"
            ) from error
        metadata: dict[bytes, bytes] = table.schema.metadata or {}
        if metadata.get(b"format") != _FORMAT or table.column_names != ["word", "share"]:
            raise CorruptIndexError(
                f"{path}: expected a reference made by pyengine, got another Parquet file"
            )
        mine, theirs = Analyzer("words").fingerprint, metadata.get(b"analyzer", b"").decode()
        if mine != theirs:
            raise IncompatibleIndexError(
                f"{path}: its words were made by analyzer {theirs[:12]}, this version has {mine[:12]}; build "
                "it again"
            )
        words: list[Any] = table.column("word").to_pylist()
        shares = table.column("share").to_numpy().astype(np.float64)
        return cls(
            metadata[b"name"].decode(),
            {str(word): i for i, word in enumerate(words)},
            shares / shares.sum(),
            metadata[b"language"].decode(),
        )
