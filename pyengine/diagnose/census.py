"""Test 1: how much of the corpus, and of the queries, is codes, citations, identifiers and the like?"""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.diagnose.finding import Estimate, Finding, Mode, Threshold, Verdict
from pyengine.diagnose.playbook import mixed_share
from pyengine.errors import InvalidInputError
from pyengine.text import KINDS, Analyzer, TermCounter

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Census", "census", "count_mixed", "take_census"]

QUESTION: Final = "How much of the text is literals, which an embedder reads as noise?"
_BLOCKS: Final = 1000
_N_BOOT: Final = 2000
_EXAMPLES: Final = 5
_PIECES_SAMPLE: Final = 200
# Text has next to none; a PDF or an archive read as text has tens of percent.
_JUNK: Final = 0.05
_SOME_JUNK: Final = 0.001
# Queries with a literal from which a blind embedder would show in the mean: a tenth of the queries, each
# losing half of its NDCG, is 5 points.
SUSPECT_QUERIES: Final = 0.10
HEALTHY_QUERIES: Final = 0.02


class Census:
    """Counts of a stream of texts: tokens by kind, the playbook's mixed tokens, and distinct terms.

    Memory: the distinct terms, up to four million of them, and a thousand blocks of counts for the intervals.
    """

    def __init__(self, *, sample: float | None = None) -> None:
        self.sample = sample
        self._counter = TermCounter(Analyzer("domain"))
        self._blocks = np.zeros((_BLOCKS, len(KINDS)), dtype=np.int64)
        self._mixed = np.zeros((_BLOCKS, 2), dtype=np.int64)
        self.documents = 0
        self.with_literal = 0
        self.bytes = 0
        self.junk = 0

    def add(self, texts: "pa.Array | Sequence[str]") -> None:
        """Count a batch of texts, each a document; an Arrow array is read where it lies."""
        kinds = self._counter.add(texts)
        block = (self.documents + np.arange(len(kinds))) % _BLOCKS
        np.add.at(self._blocks, block, kinds.astype(np.int64))
        np.add.at(self._mixed, block, np.stack(_core.count_mixed(texts), axis=1).astype(np.int64))
        self.documents += len(kinds)
        self.with_literal += int((kinds[:, 1:].sum(axis=1) > 0).sum())
        size, junk = _junk(texts)
        self.bytes += size
        self.junk += junk

    @property
    def mixed(self) -> int:
        """The playbook's mixed tokens."""
        return int(self._mixed[:, 0].sum())

    @property
    def plain(self) -> int:
        """Tokens that the playbook's command keeps: ASCII letters and digits alone."""
        return int(self._mixed[:, 1].sum())

    @property
    def by_kind(self) -> npt.NDArray[np.int64]:
        """Tokens by kind, in the order of `pyengine.text.KINDS`."""
        total: npt.NDArray[np.int64] = self._blocks.sum(axis=0)
        return total

    def shares(self, level: float = 0.95, seed: int = 0) -> dict[str, dict[str, float]]:
        """Return each kind's share of all tokens with its interval: documents resampled, in blocks.

        One document says nothing of others: its intervals go from 0 to 1.
        """
        used = self._blocks[self._blocks.sum(axis=1) > 0]
        total = used.sum()
        if total == 0:
            return {}
        if len(used) > 1:
            low, high = _resampled(used, used.sum(axis=1), level, seed)
        else:
            low, high = np.zeros(len(KINDS)), np.ones(len(KINDS))
        return {
            kind: {"share": float(n / total), "low": float(low[i]), "high": float(high[i]), "tokens": int(n)}
            for i, (kind, n) in enumerate(zip(KINDS, used.sum(axis=0), strict=True))
        }

    def mixed_interval(self, level: float = 0.95, seed: int = 0) -> tuple[float, float] | None:
        """Return the interval of the playbook's share, documents resampled in blocks; None without two.

        Parameters
        ----------
        level : float
        seed : int
        """
        used = self._mixed[self._mixed[:, 1] > 0]
        if len(used) < 2:
            return None
        low, high = _resampled(used[:, :1], used[:, 1], level, seed)
        return float(low[0]), float(high[0])

    def literals(self) -> dict[str, list[tuple[str, int]]]:
        """Return the distinct literals of each family with their counts, the most frequent first."""
        terms, counts, kinds = self._counter.result()
        found: dict[str, list[tuple[str, int]]] = {}
        for term, count, kind in zip(terms, counts.tolist(), kinds, strict=True):
            if kind != "word":
                found.setdefault(kind, []).append((term, count))
        for listed in found.values():
            listed.sort(key=lambda item: (-item[1], item[0]))
        return found


def count_mixed(texts: "pa.Array | Sequence[str]") -> tuple[int, int]:
    """Return the playbook's mixed tokens and all the tokens its command keeps.

    A token is what stands between blanks, tabs and line feeds; kept if it is ASCII letters and digits alone;
    mixed if it has both.

    Parameters
    ----------
    texts : sequence of str, or Arrow array of strings
    """
    mixed, kept = _core.count_mixed(texts)
    return int(mixed.sum()), int(kept.sum())


def take_census(batches: "Iterable[pa.RecordBatch]", *, sample: float | None = None, seed: int = 0) -> Census:
    """Count all texts of a corpus, batch by batch; titles count with their texts.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Such as ``Corpus.batches()``; a corpus larger than memory goes through.
    sample : float, 0 to 1, optional
        Count about this share of the documents, drawn independently. All by default: counting is hardly
        slower than reading.
    seed : int
        Of the draw.

    Raises
    ------
    InvalidInputError
        ``sample`` is out of range.
    """
    from pyengine.corpus import indexed_text

    if sample is not None and not 0.0 < sample <= 1.0:
        raise InvalidInputError(
            f"sample: expected a share of the documents, above 0 and up to 1, got {sample!r}"
        )
    random = np.random.default_rng(seed)
    taken = Census(sample=sample)
    for batch in batches:
        texts = indexed_text(batch.column("title"), batch.column("text"))
        taken.add(texts if sample is None else texts.filter(_array(random.random(len(texts)) < sample)))
    return taken


def _array(mask: npt.NDArray[np.bool_]) -> "pa.Array":
    import pyarrow as pa

    return pa.array(mask)


def _junk(texts: "pa.Array | Sequence[str]") -> tuple[int, int]:
    """Return the bytes of texts, and those of control and replacement characters, which prose has none of."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from pyengine.corpus.ids import string_parts

    array = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string())
    if array.type != pa.string():
        array = array.cast(pa.string())
    offsets, data = string_parts(array)
    data = data[offsets[0] : offsets[-1]]
    # Below tab; between carriage return and space.
    control = int(np.count_nonzero(data < 9)) + int(np.count_nonzero((data - 14) < 18))
    replaced = pc.sum(pc.count_substring(array, "\ufffd")).as_py() or 0
    return len(data), control + 3 * int(replaced)


def _resampled(
    counts: npt.NDArray[np.int64], totals: npt.NDArray[np.int64], level: float, seed: int
) -> npt.NDArray[np.float64]:
    """Return low and high of each column's share, blocks of documents resampled (percentile bootstrap)."""
    random = np.random.default_rng(seed)
    weights = random.multinomial(len(totals), np.full(len(totals), 1 / len(totals)), size=_N_BOOT)
    shares = (weights @ counts) / (weights @ totals)[:, None]
    tails = [50 * (1 - level), 100 - 50 * (1 - level)]
    return np.asarray(np.percentile(shares, tails, axis=0), dtype=np.float64)


def census(
    corpus: Census,
    queries: Sequence[str] | None,
    *,
    mode: Mode = "calibrated",
    embedder: Any = None,
    level: float = 0.95,
    seed: int = 0,
) -> Finding:
    """Return what share of tokens is literals, by family, in the corpus and in the queries.

    Parameters
    ----------
    corpus : Census
    queries : sequence of str, optional
        What is asked: literals matter where queries have them.
    mode : "playbook" or "calibrated"
        The playbook's share of mixed alphanumeric tokens, or the typed census.
    embedder : optional
        One with ``pieces(texts)``, to see into how many pieces its tokenizer breaks literals.
    level : float
        Of the intervals.
    seed : int
        Of the resampling.

    Raises
    ------
    InvalidInputError
        The corpus has no token.
    """
    started = time.perf_counter()
    if corpus.by_kind.sum() == 0:
        raise InvalidInputError(
            f"corpus: expected text, got {corpus.documents} documents without a single token; a share of "
            "nothing is no number"
        )
    if corpus.junk > _JUNK * corpus.bytes:
        return Finding(
            test="census",
            question=QUESTION,
            mode=mode,
            verdict="not run",
            reason=f"{corpus.junk / corpus.bytes:.0%} of the bytes are control or replacement characters: "
            "binary data, not text; leave those documents out, or decode them",
            seconds=time.perf_counter() - started,
        )
    asked = None
    if queries:
        asked = Census()
        asked.add(list(queries))
    shares = corpus.shares(level, seed)
    literals = corpus.literals()
    details = {
        "documents": corpus.documents,
        "sample": corpus.sample,
        "with_literal": corpus.with_literal,
        "families": {
            kind: {**shares[kind], "examples": [term for term, _ in literals.get(kind, [])[:_EXAMPLES]]}
            for kind in KINDS[1:]
            if shares[kind]["tokens"]
        },
        "literal_share": 1 - shares["word"]["share"],
        "mixed": {
            "share": mixed_share(corpus.mixed, corpus.plain),
            "mixed": corpus.mixed,
            "kept": corpus.plain,
        },
        "queries": None if asked is None else _of_queries(asked, level, seed),
        "pieces": None if embedder is None else _pieces(embedder, literals, corpus),
    }
    verdict, reason, estimate, thresholds = (_playbook if mode == "playbook" else _calibrated)(
        corpus, asked, shares, level
    )
    return Finding(
        test="census",
        question=QUESTION,
        mode=mode,
        verdict=verdict,
        reason=reason,
        estimate=estimate,
        thresholds=thresholds,
        notes=_notes(corpus),
        seconds=time.perf_counter() - started,
        details=details,
    )


def _notes(corpus: Census) -> tuple[str, ...]:
    notes = ["a pointer: shares of text do not predict what fusion gains (docs/diagnostics.md)"]
    if corpus.sample is not None and corpus.sample < 1:
        notes.append(f"counted in {corpus.documents} documents, a sample of {corpus.sample:.3g} of them")
    if corpus.junk > _SOME_JUNK * corpus.bytes:
        notes.append(
            f"{corpus.junk / corpus.bytes:.1%} of the bytes are control or replacement characters: some may "
            "be binary data"
        )
    return tuple(notes)


_Decision = tuple[Verdict, str, Estimate | None, tuple[Threshold, ...]]


def _playbook(
    corpus: Census, _: Census | None, shares: dict[str, dict[str, float]], level: float
) -> _Decision:
    thresholds = (
        Threshold(value=0.02, meaning="below: healthy", provenance="the playbook's table"),
        Threshold(value=0.08, meaning="above: confirmed", provenance="the playbook's table"),
    )
    share = mixed_share(corpus.mixed, corpus.plain)
    if share is None:
        return "inconclusive", "no token consists of ASCII letters and digits alone", None, thresholds
    bounds = corpus.mixed_interval(level)
    verdict: Verdict = "healthy" if share < 0.02 else "suspect" if share <= 0.08 else "confirmed"
    estimate = Estimate(
        value=share,
        low=None if bounds is None else bounds[0],
        high=None if bounds is None else bounds[1],
        n=corpus.plain,
        unit="share of tokens",
        unit_of_n="tokens",
        level=level,
    )
    return verdict, f"{share:.1%} of the tokens mix letters and digits", estimate, thresholds


def _calibrated(
    corpus: Census, asked: Census | None, shares: dict[str, dict[str, float]], level: float
) -> _Decision:
    thresholds = (
        Threshold(
            value=SUSPECT_QUERIES,
            meaning="of the queries hold a literal: suspect",
            provenance="ours: where a blind embedder would cost points of the mean",
        ),
        Threshold(value=HEALTHY_QUERIES, meaning="below: healthy", provenance="ours: too few to show"),
    )
    share = 1 - shares["word"]["share"]
    word = shares["word"]
    if asked is None:
        estimate = Estimate(
            value=share,
            low=1 - word["high"],
            high=1 - word["low"],
            n=corpus.documents,
            unit="share of tokens that are literals",
            unit_of_n="documents",
            level=level,
        )
        return (
            "inconclusive",
            f"{share:.1%} of the corpus's tokens are literals; whether that matters, queries say: give some",
            estimate,
            thresholds,
        )
    low, high = _wilson(asked.with_literal, asked.documents)
    value = asked.with_literal / asked.documents
    estimate = Estimate(
        value=value,
        low=low,
        high=high,
        n=asked.documents,
        unit="share of queries that hold a literal",
        unit_of_n="queries",
        level=level,
    )
    said = (
        f"{value:.0%} of the queries hold a literal ({low:.0%} to {high:.0%}), "
        f"{share:.1%} of the corpus's tokens are some"
    )
    if low > SUSPECT_QUERIES:
        return "suspect", f"{said}: enough to look whether the embedder reads them", estimate, thresholds
    if high < HEALTHY_QUERIES:
        return "healthy", f"{said}: too few to matter", estimate, thresholds
    return "inconclusive", said, estimate, thresholds


def _of_queries(asked: Census, level: float, seed: int) -> dict[str, Any]:
    return {
        "shares": {
            kind: {name: share[name] for name in ("share", "low", "high")}
            for kind, share in asked.shares(level, seed).items()
            if share["tokens"]
        },
        "queries": asked.documents,
        "with_literal": asked.with_literal,
        "families": {kind: int(n) for kind, n in zip(KINDS[1:], asked.by_kind[1:], strict=True) if n},
    }


def _pieces(
    embedder: Any, literals: dict[str, list[tuple[str, int]]], corpus: Census
) -> dict[str, Any] | None:
    """Return into how many pieces the embedder's tokenizer breaks literals of each family, and words."""
    if not hasattr(embedder, "pieces"):
        return None
    terms, counts, kinds = corpus._counter.result()
    words = [
        term
        for term, _, kind in sorted(
            zip(terms, counts.tolist(), kinds, strict=True), key=lambda item: -item[1]
        )
        if kind == "word"
    ]
    result = {}
    listed: Iterator[tuple[str, list[str]]] = iter(
        [("word", words), *((kind, [term for term, _ in found]) for kind, found in literals.items())]
    )
    for kind, found in listed:
        sample = found[:_PIECES_SAMPLE]
        pieces = embedder.pieces(sample)
        result[kind] = {
            "sampled": len(sample),
            "pieces_each": float(pieces[:, 0].mean()),
            "unknown_share": float(pieces[:, 1].sum() / max(pieces[:, 0].sum(), 1)),
        }
    return result


def _wilson(hits: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return Wilson's score interval of a share (Wilson 1927), sound near 0 and 1."""
    share, square = hits / n, z * z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * np.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))
