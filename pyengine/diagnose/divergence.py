"""Test 4: KL(corpus || web) as one number to watch, corrected for how much text was looked at."""

import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine.diagnose.finding import Estimate, Finding, Mode, Threshold, Verdict
from pyengine.diagnose.playbook import divergence as playbook_divergence
from pyengine.diagnose.reference import Reference

__all__ = ["LEAST_TOKENS", "SAMPLE", "divergence", "excess"]

QUESTION: Final = "How far is the corpus's vocabulary from web text?"
SAMPLE: Final = 200_000
"""Tokens looked at, so that numbers of different corpora and months compare; a smaller corpus gives all."""
LEAST_TOKENS: Final = 1000
_DRAWS: Final = 20
_DRIVERS: Final = 30
_PRIOR: Final = 1.0
# English text has about half its tokens among the hundred most frequent English words.
_FUNCTION_WORDS: Final = 100
_LEAST_FUNCTION_SHARE: Final = 0.15
# Excess in nats. The collections measured here lie between 1.2 (regulations) and 4.0 (shell commands), and
# fusion gains most on one of the lowest: above it text is specialised, which alone is no plateau.
_SPECIALISED: Final = 1.0

F64 = npt.NDArray[np.float64]


def divergence(
    counts: Mapping[str, int],
    reference: Reference,
    *,
    mode: Mode = "calibrated",
    level: float = 0.95,
    seed: int = 0,
) -> Finding:
    """Return how far the words of a corpus lie from a reference.

    Calibrated: over the reference's vocabulary and one place for all other words (UNK), on a sample of
    constant size drawn without replacement, less what a sample of the reference itself of that size reads.
    Both are smoothed alike, by a Dirichlet prior of one token in all that follows the reference, so that a
    word which the sample lacks costs nothing by itself. What is left is the excess: 0 for a corpus drawn from
    the reference, whatever its size.

    Parameters
    ----------
    counts : mapping of str to int
        From `pyengine.diagnose.reference.word_counts`.
    reference : Reference
    mode : "playbook" or "calibrated"
        The playbook's number has no sample size in it and depends on its epsilon: for those who follow it.
    level : float
        Of the interval, over repeated samples.
    seed : int
        Of the samples.

    Returns
    -------
    Finding
        "not run" for a corpus of fewer than `LEAST_TOKENS` words.
    """
    started = time.perf_counter()
    total = sum(counts.values())
    if total < LEAST_TOKENS:
        return Finding(
            test="divergence",
            question=QUESTION,
            mode=mode,
            verdict="not run",
            reason=f"the corpus has {total} words; a divergence of fewer than {LEAST_TOKENS} is noise",
            seconds=time.perf_counter() - started,
        )
    if mode == "playbook":
        return _playbook(counts, reference, total, level, started)
    vector, unknown = _vector(counts, reference)
    function_words = float(
        vector[np.argsort(-reference.shares, kind="stable")[:_FUNCTION_WORDS]].sum() / total
    )
    found = excess(vector, reference, level=level, seed=seed)
    foreign = bool(reference.language) and function_words < _LEAST_FUNCTION_SHARE
    verdict, reason = _verdict(found, reference, function_words, foreign=foreign)
    share = found["unknown_share"]
    notes = [
        "no verdict about retrieval: on the collections in docs/diagnostics.md it does not go with what "
        "fusion gains; watch its change in one corpus"
    ]
    if total < SAMPLE:
        notes.append(
            f"the corpus has {total} words; samples of {SAMPLE} compare with other corpora, this does not"
        )
    return Finding(
        test="divergence",
        question=QUESTION,
        mode=mode,
        verdict=verdict,
        reason=reason,
        estimate=Estimate(
            value=found["excess"],
            low=found["low"],
            high=found["high"],
            n=found["n"],
            unit="nats of KL(corpus || reference) above a sample of the reference",
            unit_of_n="words sampled",
            level=level,
        ),
        thresholds=(
            Threshold(
                value=_SPECIALISED,
                meaning="above: the text is specialised",
                provenance="ours: every labelled collection looked at reads more, general prose among them",
            ),
        ),
        notes=tuple(notes),
        seconds=time.perf_counter() - started,
        details={
            **found,
            "words": total,
            "distinct": len(counts),
            "unknown_share": share,
            "unknown": unknown,
            "function_word_share": function_words,
            "reference": {"name": reference.name, "fingerprint": reference.fingerprint},
        },
    )


def excess(vector: F64, reference: Reference, *, level: float = 0.95, seed: int = 0) -> dict[str, Any]:
    """Return KL, that of the null, their difference with its interval, Jensen-Shannon and the driving words.

    Parameters
    ----------
    vector : float64 (words + 1,)
        Counts over the reference's words, the last for all others.
    reference : Reference
    level : float
    seed : int
    """
    n = int(min(vector.sum(), SAMPLE))
    random = np.random.default_rng(seed)
    shares = np.append(reference.shares, 0.0)
    # The place of unknown words has to have a share: that of one token in ten thousand, so about what a
    # careful word list misses of the text it was made from.
    shares[-1] = 1e-4
    shares /= shares.sum()
    whole = vector.astype(np.int64)
    samples = [_drawn(random, whole, n) for _ in range(_DRAWS)]
    nulls = [random.multinomial(n, shares) for _ in range(_DRAWS)]
    kl = np.array([_kl(sample, shares) for sample in samples])
    null = np.array([_kl(sample, shares) for sample in nulls])
    apart = kl - null
    # Samples of one corpus differ by what a sample of this size differs: the spread of both, not of the mean.
    spread = float(np.hypot(kl.std(ddof=1) if n < whole.sum() else 0.0, null.std(ddof=1)))
    bias = _spread_of_counts(random, samples[0], shares)
    half = _z(level) * float(np.hypot(spread, bias))
    value = float(apart.mean())
    p = _smoothed(samples[0], shares)
    contributions = p * np.log(p / shares)
    words = [*reference.words, "(words the reference lacks)"]
    top = np.argsort(-contributions, kind="stable")[:_DRIVERS]
    middle = (p + shares) / 2
    return {
        "n": n,
        "kl": float(kl.mean()),
        "null": float(null.mean()),
        "excess": value,
        "low": value - half,
        "high": value + half,
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


def _drawn(random: np.random.Generator, counts: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int64]:
    if n == counts.sum():
        return counts
    drawn: npt.NDArray[np.int64] = random.multivariate_hypergeometric(counts, n, method="marginals")
    return drawn


def _smoothed(counts: npt.NDArray[np.int64], shares: F64) -> F64:
    smoothed: F64 = (counts + _PRIOR * shares) / (counts.sum() + _PRIOR)
    return smoothed


def _kl(counts: npt.NDArray[np.int64], shares: F64) -> float:
    p = _smoothed(counts, shares)
    return float(np.sum(p * np.log(p / shares)))


def _spread_of_counts(random: np.random.Generator, counts: npt.NDArray[np.int64], shares: F64) -> float:
    """Return by how much KL would differ had other text of the same kind been written."""
    p = counts / counts.sum()
    n = int(counts.sum())
    return float(np.std([_kl(random.multinomial(n, p), shares) for _ in range(_DRAWS)], ddof=1))


def _z(level: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(0.5 + level / 2)


def _verdict(
    found: Mapping[str, Any], reference: Reference, function_words: float, *, foreign: bool
) -> tuple[Verdict, str]:
    if foreign:
        return (
            "not run",
            f"only {function_words:.0%} of the words are among the {_FUNCTION_WORDS} most frequent of "
            f"{reference.language!r}: this is no running text in the reference's language (but code, or "
            "another language), which is no drift",
        )
    value, low, high = found["excess"], found["low"], found["high"]
    said = (
        f"excess KL {value:.2f} nats ({low:.2f} to {high:.2f}), {found['unknown_share']:.1%} of words unknown"
    )
    if high < _SPECIALISED:
        return "healthy", f"{said}: ordinary text"
    if low > _SPECIALISED:
        return "suspect", f"{said}: specialised text"
    return "inconclusive", said


def _playbook(
    counts: Mapping[str, int], reference: Reference, total: int, level: float, started: float
) -> Finding:
    # The reference has shares; the playbook adds its epsilon to counts. A count of a million words is taken.
    web = {word: float(reference.shares[i] * 1e6) for word, i in reference.words.items()}
    value = playbook_divergence(counts, web)
    verdict: Verdict = "healthy" if value < 1 else "suspect" if value <= 2.5 else "confirmed"
    return Finding(
        test="divergence",
        question=QUESTION,
        mode="playbook",
        verdict=verdict,
        reason=f"KL {value:.2f} with the playbook's epsilon; text drawn from the reference itself can read 3",
        estimate=Estimate(
            value=value, low=None, high=None, n=total, unit="nats", unit_of_n="words", level=level
        ),
        thresholds=(
            Threshold(value=1.0, meaning="below: healthy", provenance="the playbook's table"),
            Threshold(value=2.5, meaning="above: confirmed", provenance="the playbook's table"),
        ),
        seconds=time.perf_counter() - started,
        details={"kl": value, "words": total, "reference": {"name": reference.name}},
    )
