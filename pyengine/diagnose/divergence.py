"""Test 4: KL(corpus || web) as one number to watch, corrected for how much text was looked at."""

import time
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.diagnose.finding import Estimate, Finding, Threshold, Verdict
from pyengine.diagnose.language import Language, language_of
from pyengine.diagnose.playbook import divergence as playbook_divergence
from pyengine.diagnose.reference import Reference
from pyengine.diagnose.words import WordCounts
from pyengine.errors import InvalidInputError

__all__ = ["LEAST_TOKENS", "SAMPLE", "SPECIALISED", "divergence", "divergence_of_playbook", "excess"]

QUESTION: Final = "How far is the corpus's vocabulary from web text?"
SAMPLE: Final = 200_000
"""Tokens looked at, so that numbers of different corpora and months compare; a smaller corpus gives all."""
LEAST_TOKENS: Final = 1000
SPECIALISED: Final = 2.0
"""Nats of excess above which a text is no longer prose on some subject. Between what labelled collections of
prose read (1.3 to 1.6: regulations, consumer health, abstracts) and what program text and code lists read
(2.3 and more)."""
_DRAWS: Final = 20
_DRIVERS: Final = 30
_PRIOR: Final = 1.0

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


def divergence(
    counts: WordCounts | Mapping[str, int],
    reference: Reference,
    *,
    level: float = 0.95,
    seed: int = 0,
    sample: int = SAMPLE,
) -> Finding:
    """Return how far the words of a corpus lie from a reference.

    Over the reference's vocabulary and one place for all other words (UNK), on a sample of
    constant size drawn without replacement, less what a sample of the reference itself of that size reads.
    Both are smoothed alike, by a Dirichlet prior of one token in all that follows the reference, so that a
    word which the sample lacks costs nothing by itself. What is left is the excess: 0 for a corpus drawn from
    the reference, whatever its size.

    Parameters
    ----------
    counts : WordCounts, or mapping of str to int
        From `pyengine.diagnose.words.count_words`. The interval of bare counts takes tokens for independent,
        which words of one document are not: it is too narrow, and a note says so.
    reference : Reference
    level : float
        Of the interval: documents resampled, in blocks, to first order.
    seed : int
        Of the samples.
    sample : int, `LEAST_TOKENS` or more
        Tokens looked at. Readings of different samples do not compare.

    Returns
    -------
    Finding
        "not run", without an estimate, for a corpus of fewer than `LEAST_TOKENS` words or one document, and
        for one that is not in the reference's language. ``details``: ``kl``, ``null``, ``excess``,
        ``jensen_shannon``, ``unknown_share``, ``drivers`` (words by their part of KL), ``unknown`` (the most
        frequent words that the reference lacks), ``words``, ``distinct``, ``language``, ``reference``.

    Raises
    ------
    InvalidInputError
        ``sample`` is below `LEAST_TOKENS`.
    """
    started = time.perf_counter()
    if sample < LEAST_TOKENS:
        raise InvalidInputError(f"sample: expected {LEAST_TOKENS} words or more, got {sample!r}")
    words = counts.counts if isinstance(counts, WordCounts) else counts
    total = sum(words.values())
    language = language_of(words, reference.language) if reference.language and total else None
    reason = _why_not(counts, total) or _foreign(reference, language)
    if reason is not None:
        return Finding(
            test="divergence",
            question=QUESTION,
            mode="calibrated",
            verdict="not run",
            reason=reason,
            seconds=time.perf_counter() - started,
            details={"words": total, "language": None if language is None else language.best},
        )
    vector, unknown = _vector(words, reference)
    found = excess(vector, reference, seed=seed, sample=sample)
    shares = _with_unknown(reference)
    gradient = np.log(_smoothed(vector, shares) / shares)
    half = NormalDist().inv_cdf(0.5 + level / 2) * float(
        np.hypot(_standard_error(counts, vector, gradient, reference), found["draw_error"])
    )
    value = found["excess"]
    verdict, reason = _verdict(value, value - half, value + half, found["unknown_share"])
    return Finding(
        test="divergence",
        question=QUESTION,
        mode="calibrated",
        verdict=verdict,
        reason=reason,
        estimate=Estimate(
            value=value,
            low=value - half,
            high=value + half,
            n=found["n"],
            unit="nats of KL(corpus || reference) above a sample of the reference",
            unit_of_n="words sampled",
            level=level,
        ),
        thresholds=(
            Threshold(
                value=SPECIALISED,
                meaning="above: the text is specialised beyond prose on a subject",
                provenance="ours: between the prose and the code among the labelled collections in "
                "docs/diagnostics.md",
            ),
        ),
        notes=_notes(counts, total, sample),
        seconds=time.perf_counter() - started,
        details={
            **found,
            "low": value - half,
            "high": value + half,
            "words": total,
            "distinct": len(words),
            "unknown": unknown,
            "language": None if language is None else language.best,
            "reference": {"name": reference.name, "fingerprint": reference.fingerprint},
        },
    )


def divergence_of_playbook(
    counts: Mapping[str, int], reference: Reference, *, level: float = 0.95, seed: int = 0
) -> Finding:
    """Return KL as the playbook computes it: both vocabularies together, its epsilon added to each count.

    The number falls with the size of the text and with epsilon, so the finding says beside it what as much
    text drawn from the reference itself reads.

    Parameters
    ----------
    counts : mapping of str to int
        Of the playbook's tokens, numbers folded as in the reference.
    reference : Reference
        Its counts, where it knows of how many tokens it was made; else those of a million words.
    level : float
        Not used by the playbook, which has no intervals.
    seed : int
        Of the draw from the reference.

    Returns
    -------
    Finding
        "not run" without a token, and for a text that is not in the reference's language.
    """
    started = time.perf_counter()
    total = sum(counts.values())
    language = language_of(counts, reference.language) if reference.language and total else None
    reason = (
        "the corpus has no token as the playbook cuts them" if not total else _foreign(reference, language)
    )
    if reason is not None:
        return Finding(
            test="divergence",
            question=QUESTION,
            mode="playbook",
            verdict="not run",
            reason=reason,
            seconds=time.perf_counter() - started,
            details={"words": total, "language": None if language is None else language.best},
        )
    web = {
        word: float(reference.shares[i] * (reference.tokens or 1e6)) for word, i in reference.words.items()
    }
    value = playbook_divergence(counts, web)
    drawn = np.random.default_rng(seed).multinomial(total, reference.shares)
    null = playbook_divergence(
        {word: int(n) for word, n in zip(reference.words, drawn, strict=True) if n}, web
    )
    verdict: Verdict = "healthy" if value < 1 else "suspect" if value <= 2.5 else "confirmed"
    return Finding(
        test="divergence",
        question=QUESTION,
        mode="playbook",
        verdict=verdict,
        reason=f"KL {value:.2f} with the playbook's epsilon; {total} words drawn from the reference itself "
        f"read {null:.2f}",
        estimate=Estimate(
            value=value, low=None, high=None, n=total, unit="nats", unit_of_n="words", level=level
        ),
        thresholds=(
            Threshold(value=1.0, meaning="below: healthy", provenance="the playbook's table"),
            Threshold(value=2.5, meaning="above: confirmed", provenance="the playbook's table"),
        ),
        seconds=time.perf_counter() - started,
        details={
            "kl": value,
            "null": null,
            "words": total,
            "language": None if language is None else language.best,
            "reference": {"name": reference.name, "fingerprint": reference.fingerprint},
        },
    )


def excess(vector: F64, reference: Reference, *, seed: int = 0, sample: int = SAMPLE) -> dict[str, Any]:
    """Return KL, that of the null, their difference, Jensen-Shannon beside it and the driving words.

    Parameters
    ----------
    vector : float64 (words + 1,)
        Counts over the reference's words, the last for all others.
    reference : Reference
    seed : int
    sample : int
        Tokens drawn, at most.
    """
    n = int(min(vector.sum(), sample))
    random = np.random.default_rng(seed)
    shares = _with_unknown(reference)
    whole = vector.astype(np.int64)
    samples = [_drawn(random, whole, n) for _ in range(_DRAWS if n < whole.sum() else 1)]
    kl = np.array([_kl(one, shares) for one in samples])
    null = np.array([_kl(random.multinomial(n, shares), shares) for _ in range(_DRAWS)])
    spread = float(null.std(ddof=1)), float(kl.std(ddof=1)) if len(kl) > 1 else 0.0
    p = _smoothed(samples[0], shares)
    contributions = p * np.log(p / shares)
    words = [*reference.words, "(words the reference lacks)"]
    top = np.argsort(-contributions, kind="stable")[:_DRIVERS]
    middle = (p + shares) / 2
    return {
        "n": n,
        "kl": float(kl.mean()),
        "null": float(null.mean()),
        "null_spread": spread[0],
        "draw_error": float(np.hypot(*spread)) / _DRAWS**0.5,
        "excess": float(kl.mean() - null.mean()),
        "jensen_shannon": float(
            (np.sum(p * np.log(p / middle)) + np.sum(shares * np.log(shares / middle))) / 2
        ),
        "unknown_share": float(vector[-1] / vector.sum()),
        "drivers": [
            {
                "word": words[i],
                "share": float(p[i]),
                "reference": float(shares[i]),
                "nats": float(contributions[i]),
            }
            for i in top
        ],
    }


def _with_unknown(reference: Reference) -> F64:
    """Shares over the reference's words and the place of all others."""
    shares: F64 = np.append(reference.shares * (1.0 - reference.unknown), reference.unknown)
    return shares


def _why_not(counts: WordCounts | Mapping[str, int], total: int) -> str | None:
    if total < LEAST_TOKENS:
        return f"the corpus has {total} words; a divergence of fewer than {LEAST_TOKENS} is noise"
    if isinstance(counts, WordCounts) and int((counts.blocks.sum(axis=0) > 0).sum()) < 2:
        return "the corpus is one document: how much documents differ cannot be known"
    return None


def _foreign(reference: Reference, language: Language | None) -> str | None:
    if language is None or not language.foreign:
        return None
    other = "" if language.best == reference.language else f" and fits {language.best!r} best"
    return (
        f"the text is not in {reference.language!r}, the language of the reference: {language.known:.0%} of "
        f"its frequent words are listed there{other}. That is no drift: give a reference in its language"
    )


def _notes(counts: WordCounts | Mapping[str, int], total: int, sample: int) -> tuple[str, ...]:
    notes = [
        "no verdict about retrieval: on the collections in docs/diagnostics.md it does not go with what "
        "fusion gains; watch its change in one corpus"
    ]
    if total < sample:
        notes.append(
            f"the corpus has {total} words; samples of {sample} compare with other corpora, this does not"
        )
    if not isinstance(counts, WordCounts):
        notes.append(
            "the interval takes tokens for independent, for it was given no documents: it is too narrow"
        )
    elif counts.left_out:
        notes.append(f"{counts.left_out} tokens of the rarest words were not counted, to bound memory")
    return tuple(notes)


def _standard_error(
    counts: WordCounts | Mapping[str, int], vector: F64, gradient: F64, reference: Reference
) -> float:
    """Return the standard error of KL to first order: that of the mean of its gradient over tokens.

    By blocks of documents, a ratio estimate (Cochran, Sampling Techniques, 1977, chapter 6: tokens of a block
    over all tokens), so that documents which repeat their words count as the few that they are.
    """
    p = vector / vector.sum()
    mean = float(p @ gradient)
    if not isinstance(counts, WordCounts):
        return float(np.sqrt(p @ (gradient - mean) ** 2 / vector.sum()))
    places = np.array([reference.words.get(word, -1) for word in counts.counts], dtype=np.int64)
    sizes = counts.blocks.sum(axis=0).astype(np.float64)
    used = sizes > 0
    deviations = (gradient[places] - mean) @ counts.blocks[:, used].astype(np.float64) / sizes.sum()
    n = int(used.sum())
    return float(np.sqrt(n / (n - 1) * np.sum(deviations**2))) if n > 1 else float("nan")


def _vector(counts: Mapping[str, int], reference: Reference) -> tuple[F64, list[tuple[str, int]]]:
    vector = np.zeros(len(reference.words) + 1)
    unknown = []
    for word, count in counts.items():
        place = reference.words.get(word, -1)
        vector[place] += count
        if place == -1:
            unknown.append((word, count))
    unknown.sort(key=lambda item: (-item[1], item[0]))
    return vector, unknown[:_DRIVERS]


def _drawn(random: np.random.Generator, counts: I64, n: int) -> I64:
    if n == counts.sum():
        return counts
    drawn = np.zeros_like(counts)
    seen = np.flatnonzero(counts)
    drawn[seen] = random.multivariate_hypergeometric(counts[seen], n, method="marginals")
    return drawn


def _smoothed(counts: F64 | I64, shares: F64) -> F64:
    smoothed: F64 = (counts + _PRIOR * shares) / (counts.sum() + _PRIOR)
    return smoothed


def _kl(counts: I64, shares: F64) -> float:
    """KL of the smoothed shares of counts; a word not seen has the same ratio as every other not seen."""
    seen = np.flatnonzero(counts)
    total = float(counts.sum()) + _PRIOR
    q = shares[seen]
    p = (counts[seen] + _PRIOR * q) / total
    unseen = _PRIOR / total
    return float(np.sum(p * np.log(p / q))) + (1.0 - float(q.sum())) * unseen * float(np.log(unseen))


def _verdict(value: float, low: float, high: float, unknown: float) -> tuple[Verdict, str]:
    said = f"excess KL {value:.2f} nats ({low:.2f} to {high:.2f}), {unknown:.1%} of words unknown"
    if high < SPECIALISED:
        return "healthy", f"{said}: prose, or near it"
    if low > SPECIALISED:
        return "suspect", f"{said}: specialised text"
    return "inconclusive", said
