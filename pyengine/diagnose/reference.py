"""What web text looks like: a table of words with their shares, and where it comes from."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine._optional import require
from pyengine.diagnose.words import count_words
from pyengine.errors import (
    CorruptIndexError,
    IncompatibleIndexError,
    InvalidInputError,
    NotFoundError,
)
from pyengine.text import Analyzer

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Reference", "word_counts"]

_FORMAT: Final = b"pyengine-reference-2"
_FORMATS: Final = b"pyengine-reference-"


def word_counts(texts: "Iterable[pa.Array | list[str]]") -> dict[str, int]:
    """Count the words of texts as a reference does: `count_words` without the blocks.

    Parameters
    ----------
    texts : iterable of batches of texts
    """
    return count_words(texts).counts


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
    unknown : float, 0 to 1
        Share of tokens whose word the table lacks, in text such as it was made of: what a corpus's unknown
        words are held against.
    tokens : int
        Of how many tokens it was made; 0: not known, as of a table of shares.
    """

    name: str
    words: dict[str, int]
    shares: npt.NDArray[np.float64]
    language: str
    unknown: float = 1e-4
    tokens: int = 0

    @classmethod
    def web(cls, language: str = "en") -> Self:
        """Return the unigrams of the package wordfreq: web and other text, Zipf shares (Speer 2022).

        Its shares add up to less than 1, since it leaves out the rarest words: what is missing (1.3 % in
        English) is taken for the share of unknown words. Entries without a letter or digit (emoji, signs) are
        left out: the analyzer gives no such word.

        Parameters
        ----------
        language : str
            ISO 639-1.

        Raises
        ------
        MissingExtraError
            wordfreq is not installed.
        """
        wordfreq = require("wordfreq", extra="diagnose")
        from importlib.metadata import version

        listed = wordfreq.get_frequency_dict(language, "best")
        table = {word: share for word, share in listed.items() if any(map(str.isalnum, word))}
        shares = np.array(list(table.values()), dtype=np.float64)
        name = f"wordfreq {version('wordfreq')} {language}, {len(table)} words"
        places = {word: i for i, word in enumerate(table)}
        unknown = max(1e-4, 1.0 - sum(listed.values()))
        return cls(name, places, shares / shares.sum(), language, unknown)

    @classmethod
    def build(cls, name: str, texts: "Iterable[pa.Array | list[str]]") -> Self:
        """Make a reference of text of your own.

        The share of unknown words is that of words met once, by Good and Turing's estimate of what was not
        seen (Good, Biometrika 40, 1953), with one token added on either side.

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
        unknown = (float((shares == 1).sum()) + 1) / (float(shares.sum()) + 2)
        places = {word: i for i, word in enumerate(counts)}
        return cls(name, places, shares / shares.sum(), "", unknown, sum(counts.values()))

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the words and shares; histories of different references do not compare."""
        state = hashlib.sha256(f"{self.unknown:.6e}\n".encode())
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
            b"unknown": repr(self.unknown).encode(),
            b"tokens": str(self.tokens).encode(),
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
        made = metadata.get(b"format", b"")
        if made.startswith(_FORMATS) and made != _FORMAT:
            raise IncompatibleIndexError(
                f"{path}: a reference of format {made.decode()}, this version reads {_FORMAT.decode()}; "
                "build it again"
            )
        if made != _FORMAT or table.column_names != ["word", "share"]:
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
            float(metadata[b"unknown"]),
            int(metadata[b"tokens"]),
        )
