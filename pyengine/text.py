"""Text to terms: the one analyzer of indexing, queries and token statistics."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.errors import InvalidInputError

__all__ = ["ENGLISH_STOPWORDS", "KINDS", "Analyzer", "TermCounter", "Token"]

_PRESETS: Final = {"domain": 0, "words": 1, "whitespace": 2}
KINDS: Final = tuple(_core.kind_names())
"""Kinds of tokens: ``"word"``, then the families of literals."""
# Part of the fingerprint: raised whenever the same configuration gives other terms than before.
_GRAMMAR_VERSION: Final = 1

# Snowball removes the possessive 's itself, so a word with an apostrophe goes to it; no literal has one.
_APOSTROPHES: Final = re.compile("['’]")

ENGLISH_STOPWORDS: Final = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "if",
        "in",
        "into",
        "is",
        "it",
        "no",
        "not",
        "of",
        "on",
        "or",
        "such",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "will",
        "with",
    ]
)
"""What ``stopwords="english"`` means: the 33 words of ``EnglishAnalyzer.ENGLISH_STOP_WORDS_SET`` in
Apache Lucene 9, which bm25s and Elasticsearch (``_english_``) use too."""


@dataclass(frozen=True, slots=True)
class Token:
    """One term of a text, and where it stands there.

    Parameters
    ----------
    term : str
        What is indexed: normalised, and stemmed where the analyzer stems.
    start, end : int
        The span in the text, in code points: ``text[start:end]`` is what was read.
    kind : str
        ``"word"`` or the family of the literal: ``"statute"``, ``"icd"``, ``"version"``, … The families and
        their grammar are in ``docs/analyzer.md``.
    part : bool
        True for a piece of the literal that precedes it, whose kind it shares.
    """

    term: str
    start: int
    end: int
    kind: str
    part: bool


class Analyzer:
    """Turn text into terms, the same way for documents and for queries.

    Parameters
    ----------
    preset : {"domain", "words", "whitespace"}
        ``"domain"`` (the default: the plateau shows on literal tokens) finds literals first, such as
        ``28 USC § 1331``, ``F33.1``, ``AB-1234/X`` or ``getUserById``, and gives each whole and by its parts;
        the text between them is read as by ``"words"``.
        ``"words"``: the words of UAX #29 that hold a letter or a number, compatibility-normalised and
        case-folded.
        ``"whitespace"``: what stands between Unicode White_Space, as it is, neither normalised nor folded.
    stemmer : str or None
        A Snowball algorithm of PyStemmer, such as ``"english"``. Applied to terms that consist of letters and
        apostrophes alone, so that a literal with a digit or another mark in it stays as it is. None, the
        default: no stemming.
    stopwords : "english", iterable of str, or None
        Words to leave out: `ENGLISH_STOPWORDS`, or those given. Compared after normalisation and before
        stemming, with words only: a literal and its parts are always kept. None, the default: none.

    Raises
    ------
    InvalidInputError
        An unknown preset or stemmer, or stop words that are neither ``"english"`` nor strings.

    Notes
    -----
    Normalisation of a word s: ``NFKC(casefold(NFKC(s)))`` with full case folding, after dropping
    default-ignorable code points (soft hyphen, zero-width joiners, direction marks).
    Immutable. Threads: safe. The GIL is released while a text of 2 KiB or more is analysed.
    Time is linear in the text; no token is dropped for its length.

    Examples
    --------
    >>> Analyzer("words").terms("Größe matters, even in 3.5 mg")
    ['grösse', 'matters', 'even', 'in', '3.5', 'mg']
    """

    __slots__ = ("_core", "_preset", "_stemmer", "_stopwords")

    def __init__(
        self,
        preset: str = "domain",
        *,
        stemmer: str | None = None,
        stopwords: str | Iterable[str] | None = None,
    ) -> None:
        if not isinstance(preset, str) or preset not in _PRESETS:
            raise InvalidInputError(f"preset: expected one of {', '.join(_PRESETS)}, got {preset!r}")
        if stemmer is not None:
            _check_stemmer(stemmer)
        words = _stop_words(stopwords)
        self._preset = preset
        self._stemmer = stemmer
        self._core = _core.Analyzer(_PRESETS[preset], sorted(words))
        self._stopwords = tuple(self._core.stop_words)

    @property
    def preset(self) -> str:
        """The name of the preset."""
        return self._preset

    @property
    def stemmer(self) -> str | None:
        """The Snowball algorithm, or None."""
        return self._stemmer

    @property
    def stopwords(self) -> tuple[str, ...]:
        """The stop words as they are compared: normalised, sorted, each once."""
        return self._stopwords

    def tokens(self, text: str) -> list[Token]:
        """Return what the index sees of ``text``: every term with its span and kind.

        Tokens come by ascending start; a literal stands before its parts.

        Raises
        ------
        InvalidInputError
            ``text`` is not a str, or of 2**30 bytes of UTF-8 or more.
        """
        found = self._core.tokens(_checked(text))
        terms = self._stem([token[0] for token in found])
        return [
            Token(term, start, end, KINDS[kind], part)
            for term, (_, start, end, kind, part) in zip(terms, found, strict=True)
        ]

    def terms(self, text: str) -> list[str]:
        """Return the terms of ``text`` in order: ``[token.term for token in self.tokens(text)]``.

        Raises
        ------
        InvalidInputError
            ``text`` is not a str, or of 2**30 bytes of UTF-8 or more.
        """
        return self._stem(self._core.terms(_checked(text)))

    def config(self) -> dict[str, Any]:
        """Return the configuration as JSON-able values; `from_config` takes it back."""
        stopwords: str | list[str] | None = list(self._stopwords) or None
        if self._stopwords == tuple(sorted(ENGLISH_STOPWORDS)):
            stopwords = "english"
        return {"preset": self._preset, "stemmer": self._stemmer, "stopwords": stopwords}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the analyzer that `config` describes.

        Raises
        ------
        InvalidInputError
            An unknown or missing key, or a value the constructor refuses.
        """
        expected = {"preset", "stemmer", "stopwords"}
        if set(config) != expected:
            raise InvalidInputError(f"config: expected the keys {sorted(expected)}, got {sorted(config)}")
        return cls(config["preset"], stemmer=config["stemmer"], stopwords=config["stopwords"])

    @property
    def fingerprint(self) -> str:
        """Sixty-four hex digits that are equal for analyzers that behave alike.

        Covers the configuration, the version of the literal grammar, the Unicode version of the tables, and
        with a stemmer the major version of PyStemmer, since Snowball algorithms change between those.
        """
        state: dict[str, Any] = {
            **self.config(),
            "grammar": _GRAMMAR_VERSION,
            "unicode": _core.unicode_version(),
        }
        if self._stemmer is not None:
            import Stemmer  # noqa: PLC0415 - loaded only where stemming was asked for

            state["snowball"] = Stemmer.version().split(".")[0]
        return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()

    def _stem(self, terms: list[str]) -> list[str]:
        """Return the stem of each term of letters and apostrophes alone, and the others as they are."""
        if self._stemmer is None:
            return terms
        import Stemmer  # noqa: PLC0415 - loaded only where stemming was asked for

        # One per call: a Stemmer has internal state and must not be shared between threads.
        stem = Stemmer.Stemmer(self._stemmer, 0).stemWord
        return [stem(term) if _APOSTROPHES.sub("", term).isalpha() else term for term in terms]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Analyzer) and self.config() == other.config()

    def __hash__(self) -> int:
        return hash((self._preset, self._stemmer, self._stopwords))

    def __repr__(self) -> str:
        options = [
            f"{name}={value!r}"
            for name, value in self.config().items()
            if name != "preset" and value is not None
        ]
        return f"Analyzer({', '.join([repr(self._preset), *options])})"

    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]:
        return (Analyzer.from_config, (self.config(),))


class TermCounter:
    """Counts the terms of a stream of texts, and of each text its tokens by kind.

    A literal counts once, as a whole; its parts do not.

    Parameters
    ----------
    analyzer : Analyzer
        One without a stemmer.
    blocks : int, 1 or more
        Texts are dealt out to so many blocks in turn, and terms are counted in each: what an interval that
        resamples texts needs. 1: no more than the counts.
    most_terms : int, 1 or more
        Distinct terms kept, which bounds memory: 4 million. Tokens of those that come later still count by
        kind, and in `left_out`.

    Raises
    ------
    InvalidInputError
        The analyzer stems, or a number below 1.

    Notes
    -----
    Memory: for each distinct term its bytes, about 50 more, and 8 a block. Threads: one at a time; the GIL is
    released in `add`, and Ctrl-C is honoured.
    """

    __slots__ = ("_analyzer", "_core")

    def __init__(self, analyzer: Analyzer, *, blocks: int = 1, most_terms: int = 4_000_000) -> None:
        for name, value in (("blocks", blocks), ("most_terms", most_terms)):
            if value < 1:
                raise InvalidInputError(f"{name}: expected 1 or more, got {value!r}")
        if analyzer.stemmer is not None:
            raise InvalidInputError(
                "analyzer: expected one without a stemmer; a stem is not what stands there"
            )
        self._analyzer = analyzer
        self._core = _core.TermCounts(most_terms, blocks)

    def add(self, texts: Any) -> npt.NDArray[np.uint32]:
        """Count the terms of a batch.

        Parameters
        ----------
        texts : sequence of str, or Arrow array of strings
            An Arrow array is read where it lies.

        Returns
        -------
        uint32, shape (len(texts), len(KINDS))
            Tokens of each text by kind, in the order of `KINDS`.

        Raises
        ------
        InvalidInputError
            An element that is not text.
        """
        return self._core.add(self._analyzer._core, texts)

    def result(self) -> tuple[list[str], npt.NDArray[np.uint64], list[str]]:
        """Return the distinct terms in order of first occurrence, how often each came, and its kind."""
        counts = self._core.counts().sum(axis=1, dtype=np.uint64)
        return self._core.terms(), counts, [KINDS[kind] for kind in self._core.kinds()]

    def block_counts(self) -> npt.NDArray[np.uint64]:
        """Return how often each term came in each block, shape (terms, blocks), in the order of `result`."""
        return self._core.counts()

    @property
    def left_out(self) -> int:
        """Tokens whose terms are not among those kept."""
        return self._core.left_out


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise InvalidInputError(f"text: expected str, got {type(text).__name__}; decode bytes first")
    return text


def _check_stemmer(name: object) -> None:
    import Stemmer  # noqa: PLC0415 - loaded only where stemming was asked for

    known = Stemmer.algorithms()
    if name not in known:
        raise InvalidInputError(f"stemmer: expected None or one of {', '.join(known)}, got {name!r}")


def _stop_words(stopwords: object) -> frozenset[str]:
    if stopwords is None:
        return frozenset()
    if stopwords == "english":
        return ENGLISH_STOPWORDS
    if isinstance(stopwords, str) or not isinstance(stopwords, Iterable):
        raise InvalidInputError(
            f'stopwords: expected None, "english" or an iterable of str, got {stopwords!r}; '
            "put a single word into a list"
        )
    words = list(stopwords)
    for word in words:
        if not isinstance(word, str):
            raise InvalidInputError(f"stopwords: expected every entry to be str, got {word!r}")
        if any("\ud800" <= char <= "\udfff" for char in word):
            raise InvalidInputError(
                f"stopwords: expected well-formed text, got {word!r} with a lone surrogate"
            )
    return frozenset(words)
