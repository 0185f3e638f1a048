"""The distance of a corpus from ordinary text over time: a history, a trend test, an alert."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from pyengine.diagnose.census import take_census
from pyengine.diagnose.divergence import SAMPLE, divergence
from pyengine.diagnose.reference import Reference
from pyengine.diagnose.words import count_words
from pyengine.errors import (
    CorruptIndexError,
    IncompatibleIndexError,
    InvalidInputError,
    MissingExtraError,
    NotFoundError,
    StorageError,
)

if TYPE_CHECKING:
    from pyengine.engine import Engine

__all__ = ["ALPHA", "LEAST_RUNS", "Alert", "History", "Reading", "kendall_p", "measure", "theil_sen"]

ALPHA: Final = 0.01
"""False-alarm rate of one check for a trend: one in a hundred checks of a corpus that does not drift."""
LEAST_RUNS: Final = 5
"""Runs that a trend needs: the p of five values in rising order is 1/120."""
_WINDOW: Final = 36
_EXACT: Final = 60
_FORMAT: Final = b"pyengine-monitor-1"
_SAMPLES: Final = (SAMPLE, 100_000, 50_000, 20_000, 10_000, 5_000, 2_000, 1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One run.

    Parameters
    ----------
    time : str
        ISO 8601, UTC.
    documents, words : int
        Of the corpus.
    excess, low, high : float
        Excess KL in nats and its 95 % interval.
    jensen_shannon, unknown_share, literal_share, mixed_share : float
        Beside it; shares of words and tokens.
    reference : str
        Fingerprint of the reference: runs against another do not compare.
    kl : float
        KL in nats before the null is taken off.
    sampled : int
        Words looked at: excess rises with it, so runs of another sample do not compare. 0: not recorded.
    corpus : str
        Fingerprint of the words and their counts: equal for equal texts in any order.
    """

    time: str
    documents: int
    words: int
    excess: float
    low: float
    high: float
    jensen_shannon: float
    unknown_share: float
    literal_share: float
    mixed_share: float
    reference: str
    kl: float = float("nan")
    sampled: int = 0
    corpus: str = ""

    @property
    def error(self) -> float:
        """Standard error of the excess, from its 95 % interval."""
        return (self.high - self.low) / (2 * 1.959964)


def measure(
    engine: "Engine", reference: Reference | None = None, *, seed: int = 0, sample: int | None = None
) -> Reading:
    """Measure a corpus.

    Parameters
    ----------
    engine : Engine
    reference : Reference, optional
        That of the package wordfreq by default.
    seed : int
        Of the samples; keep it.
    sample : int, optional
        Words looked at. `History.sample` has the size of the runs before, which a run has to keep to: a
        corpus that only grows reads more when more of it is looked at. By default the largest of 200,000,
        100,000, 50,000, ... 1,000 that leaves a fifth of the corpus, so that it may shrink a little.

    Raises
    ------
    InvalidInputError
        Too few words, or no running text in the reference's language.
    """
    from pyengine.corpus import indexed_text

    table = reference or Reference.web()
    counts = count_words(
        indexed_text(batch.column("title"), batch.column("text")) for batch in engine.corpus.batches()
    )
    least = next((n for n in _SAMPLES if 5 * n <= 4 * counts.total), _SAMPLES[-1])
    found = divergence(counts, table, seed=seed, sample=least if sample is None else sample)
    if found.verdict == "not run" or found.estimate is None:
        raise InvalidInputError(f"monitor: nothing to record: {found.reason}")
    taken = take_census(engine.corpus.batches())
    estimate, details = found.estimate, found.details
    return Reading(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        documents=engine.n_documents,
        words=int(details["words"]),
        excess=estimate.value,
        low=float(estimate.low or 0),
        high=float(estimate.high or 0),
        jensen_shannon=float(details["jensen_shannon"]),
        unknown_share=float(details["unknown_share"]),
        literal_share=1 - taken.shares()["word"]["share"],
        mixed_share=taken.mixed / taken.plain if taken.plain else 0.0,
        reference=table.fingerprint,
        kl=float(details["kl"]),
        sampled=int(details["n"]),
        corpus=counts.fingerprint,
    )


@dataclass(frozen=True, slots=True)
class Alert:
    """What a check found.

    Parameters
    ----------
    fires : bool
    reason : str
    p : float or None
        Of no trend against a rising one; None with too few runs.
    """

    fires: bool
    reason: str
    p: float | None


class History:
    """Readings in a Parquet file, one row a run.

    Parameters
    ----------
    path : Path
    readings : list of Reading
        In order of time.
    """

    def __init__(self, path: Path, readings: list[Reading]) -> None:
        self.path = path
        self.readings = readings

    @classmethod
    def open(cls, path: "str | os.PathLike[str]", *, missing_ok: bool = False) -> Self:
        """Read a history.

        Parameters
        ----------
        path : path-like
        missing_ok : bool
            A file that is not there is an empty history.

        Raises
        ------
        NotFoundError
            There is no such file.
        CorruptIndexError
            It is damaged or no history.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = Path(path)
        try:
            table = pq.read_table(file)
        except FileNotFoundError as error:
            if missing_ok:
                return cls(file, [])
            raise NotFoundError(f"{file}: no such history; record a run first") from error
        except (pa.ArrowException, OSError) as error:
            raise CorruptIndexError(f"{file}: expected a history in Parquet ({error})") from error
        if (table.schema.metadata or {}).get(b"format") != _FORMAT:
            raise CorruptIndexError(f"{file}: expected a history made by pyengine, got another Parquet file")
        try:
            return cls(file, [Reading(**row) for row in table.to_pylist()])
        except TypeError as error:
            raise IncompatibleIndexError(
                f"{file}: its columns are not those of this version ({error}); use the version that wrote "
                "it, or begin another history"
            ) from error

    @property
    def sample(self) -> int | None:
        """Words that the next run should look at: as many as the last; None where there is none."""
        return (self.readings[-1].sampled if self.readings else 0) or None

    def append(self, reading: Reading) -> None:
        """Add a run; the file is replaced at once, and two writers wait for each other.

        Parameters
        ----------
        reading : Reading

        Raises
        ------
        IncompatibleIndexError
            The runs before were against another reference, or on a sample of another size.
        StorageError
            The system refused.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with _locked(self.path):
                readings = History.open(self.path, missing_ok=True).readings
                if readings and readings[-1].reference != reading.reference:
                    raise IncompatibleIndexError(
                        f"{self.path}: its runs are against reference {readings[-1].reference}, this one is "
                        f"against {reading.reference}; they do not compare: begin another history"
                    )
                if readings and readings[-1].sampled and readings[-1].sampled != reading.sampled:
                    raise IncompatibleIndexError(
                        f"{self.path}: its runs looked at {readings[-1].sampled} words, this one at "
                        f"{reading.sampled}; they do not compare: measure with that sample, or begin another "
                        "history if the corpus has become smaller than that"
                    )
                self.readings = [*readings, reading]
                table = pa.Table.from_pylist([asdict(one) for one in self.readings])
                temporary = self.path.with_name(f"{self.path.name}.tmp")
                pq.write_table(table.replace_schema_metadata({b"format": _FORMAT}), temporary)
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
                temporary.replace(self.path)
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(f"{self.path}: cannot write the history ({error.strerror})") from error

    def check(self, *, above: float | None = None, alpha: float = ALPHA) -> Alert:
        """Say whether the corpus drifts away.

        Fires if the last run is above a limit; or if, over the last 36 runs, the excess rises with time by
        both of two tests. Its order rises (Mann-Kendall, one-sided); and the rise of the fitted line
        (Theil-Sen) is more than the errors of the first and the last reading explain (one-sided). The first
        is sound where readings err independently, the second also where each reading holds the documents of
        the one before, as in a corpus that grows; so false alarms keep to the rate in either case.

        Parameters
        ----------
        above : float, optional
            Limit of the excess, in nats.
        alpha : float, 0 to 1
            Rate of false alarms of one check for a trend.

        Raises
        ------
        InvalidInputError
            No run, or ``alpha`` out of range.
        """
        if not self.readings:
            raise InvalidInputError(f"{self.path}: no run to check; record some")
        if not 0 < alpha < 1:
            raise InvalidInputError(f"alpha: expected a number between 0 and 1, got {alpha!r}")
        last = self.readings[-1]
        if above is not None and last.excess > above:
            return Alert(True, f"excess KL {last.excess:.3f} nats is above {above:g}", None)
        values = np.array([reading.excess for reading in self.readings[-_WINDOW:]])
        if len(values) < LEAST_RUNS:
            return Alert(False, f"{len(values)} runs; a trend needs {LEAST_RUNS}", None)
        p = max(kendall_p(values), _rise_p(values, self.readings[-len(values)], last))
        slope = theil_sen(values)
        if p < alpha:
            return Alert(
                True, f"excess KL rises over {len(values)} runs (p = {p:.2g}, {slope:+.3f} a run)", p
            )
        return Alert(False, f"no trend over {len(values)} runs (p = {p:.2g}, {slope:+.3f} a run)", p)

    def plot(self, path: "str | os.PathLike[str]") -> None:
        """Draw the history into an SVG, PNG or PDF file.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        InvalidInputError
            No run, or a kind of file that is not known.
        """
        from pyengine.diagnose.plots import draw_history

        if not self.readings:
            raise InvalidInputError(f"{self.path}: no run to draw; record some")
        draw_history(
            [datetime.fromisoformat(reading.time) for reading in self.readings],
            [(reading.excess, reading.low, reading.high) for reading in self.readings],
            Path(path),
        )

    def to_prometheus(self, path: "str | os.PathLike[str]") -> None:
        """Write the last run as a text file for the node exporter of Prometheus.

        Parameters
        ----------
        path : path-like
            In the folder that the exporter reads, ending in ``.prom``.

        Raises
        ------
        MissingExtraError
            prometheus_client is not installed.
        InvalidInputError
            No run.
        """
        try:
            import prometheus_client
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "the text file is written by prometheus_client: pip install 'pyengine[diagnose]'"
            ) from error
        if not self.readings:
            raise InvalidInputError(f"{self.path}: no run to export; record some")
        registry = prometheus_client.CollectorRegistry()
        values: dict[str, Any] = asdict(self.readings[-1])
        for name in _HELP:
            gauge = prometheus_client.Gauge(f"pyengine_corpus_{name}", _HELP[name], registry=registry)
            gauge.set(values[name])
        prometheus_client.write_to_textfile(str(path), registry)


_HELP: Final = {
    "documents": "Documents of the corpus",
    "words": "Words of the corpus",
    "excess": "KL divergence from the reference above that of a sample of the reference, in nats",
    "jensen_shannon": "Jensen-Shannon divergence from the reference, in nats",
    "unknown_share": "Share of words that the reference lacks",
    "literal_share": "Share of tokens that are literals",
    "mixed_share": "Share of tokens that mix letters and digits, as the playbook counts",
    "kl": "KL divergence from the reference, in nats",
}


def kendall_p(values: npt.NDArray[np.float64]) -> float:
    """Return the one-sided p of no trend against a rising one, by Kendall's S (Mann 1945, Kendall 1975).

    Exact for values that differ, up to 60 of them; beyond, and with ties, the normal approximation with its
    continuity correction.

    Parameters
    ----------
    values : float array (n,), n >= 2
        In order of time.
    """
    n = len(values)
    signs = np.sign(values[None, :] - values[:, None])
    s = float(np.triu(signs, 1).sum())
    if n <= _EXACT and len(np.unique(values)) == n:
        # How many orders of n values have each number of inversions (Kendall 1975, the recurrence of Mahonian
        # numbers), as shares, so that they stay within float64.
        shares = np.ones(1)
        for size in range(2, n + 1):
            shares = np.convolve(shares, np.full(size, 1 / size))
        pairs = n * (n - 1) // 2
        falling = round((pairs - s) / 2)
        return float(min(1.0, shares[: falling + 1].sum()))
    _, ties = np.unique(values, return_counts=True)
    spread = n * (n - 1) * (2 * n + 5) - float(np.sum(ties * (ties - 1) * (2 * ties + 5)))
    if spread <= 0:
        return 1.0
    return 1 - NormalDist().cdf((s - 1) / float(np.sqrt(spread / 18)))


def theil_sen(values: npt.NDArray[np.float64]) -> float:
    """Return the median of the slopes between all pairs of runs (Theil 1950, Sen 1968), a run.

    Parameters
    ----------
    values : float array (n,), n >= 2
        In order of time.
    """
    first, second = np.triu_indices(len(values), 1)
    return float(np.median((values[second] - values[first]) / (second - first)))


def _rise_p(values: npt.NDArray[np.float64], first: Reading, last: Reading) -> float:
    """Return the one-sided p of the fitted rise, held against the errors of both ends."""
    rise = theil_sen(values) * (len(values) - 1)
    error = float(np.hypot(first.error, last.error))
    if error <= 0.0:
        return 0.0 if rise > 0.0 else 1.0
    return 1 - NormalDist().cdf(rise / error)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other writers of a history out."""
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
