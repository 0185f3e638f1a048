"""What a pass over a corpus saw: `CorpusReport`, and the tally that makes it."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from pyengine.errors import InvalidInputError

__all__ = ["BadRow", "CorpusReport", "OnError", "Origin", "Problem", "Tally"]

OnError = Literal["raise", "skip"]

PROBLEMS_KEPT: Final = 100


class BadRow(NamedTuple):
    """A row that does not get in, before it has a name for its place."""

    ordinal: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that was left out.

    Parameters
    ----------
    where : str
        Its place: file and line (from 1), or row (from 0).
    reason : str
        One of the reasons listed in ``docs/corpus.md``, the key of `CorpusReport.skipped`.
    message : str
        The whole sentence: place, field, what was expected, what was got.
    """

    where: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusReport:
    """What one pass over a corpus saw.

    Parameters
    ----------
    rows : int
        Rows given out.
    bytes : int
        UTF-8 bytes of their ids, titles and texts.
    empty_text : int
        Rows given out whose text is empty.
    blank_lines : int
        Empty lines of a JSON Lines file, which are no rows.
    integer_ids : int
        Rows given out whose id was a whole number and became its decimal string.
    skipped : mapping of str to int
        Rows left out, by reason. Empty unless ``on_error="skip"``.
    problems : tuple of Problem
        The first 100 rows left out.
    complete : bool
        Whether the pass came to the end; False while it runs and when it broke off.
    """

    rows: int = 0
    bytes: int = 0
    empty_text: int = 0
    blank_lines: int = 0
    integer_ids: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    complete: bool = False

    def __str__(self) -> str:
        """Return the report as one line for people."""
        parts = [f"{self.rows} rows, {self.bytes} bytes"]
        if self.empty_text:
            parts.append(f"{self.empty_text} with empty text")
        if self.blank_lines:
            parts.append(f"{self.blank_lines} blank lines")
        if self.skipped:
            reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.skipped.items()))
            parts.append(f"{sum(self.skipped.values())} skipped ({reasons})")
        return "; ".join(parts) + ("" if self.complete else " (so far)")


class Origin:
    """Names the place of every input row by one number that runs over all files of a pass."""

    def __init__(self, unit: Literal["line", "row"]) -> None:
        self._unit = unit
        self._starts: list[int] = []
        self._names: list[str] = []

    def begin(self, name: str, ordinal: int) -> None:
        """Say that rows from ``ordinal`` on come from ``name``."""
        self._starts.append(ordinal)
        self._names.append(name)

    def where(self, ordinal: int) -> str:
        """Return the place in words."""
        i = bisect_right(self._starts, ordinal) - 1
        number = ordinal - self._starts[i]
        if self._unit == "line":
            return f"{self._names[i]} line {number + 1}"
        return f"{self._names[i]} row {number} (from 0)"


class Tally:
    """Counts a pass and decides, by ``on_error``, what a bad row does to it."""

    def __init__(self, on_error: OnError, origin: Origin) -> None:
        self.origin = origin
        self.rows = 0
        self.bytes = 0
        self.empty_text = 0
        self.blank_lines = 0
        self.integer_ids = 0
        self.complete = False
        self._on_error = on_error
        self._skipped: Counter[str] = Counter()
        self._problems: list[Problem] = []

    def reject(self, bad: Iterable[BadRow]) -> None:
        """Raise for the first of the rows, or count them all.

        Raises
        ------
        InvalidInputError
            With ``on_error="raise"``.
        """
        for row in sorted(bad):
            where = self.origin.where(row.ordinal)
            message = f"{where}: {row.message}"
            if self._on_error == "raise":
                raise InvalidInputError(
                    f'{message} (on_error="skip" leaves bad rows out and lists them in the report)'
                )
            self._skipped[row.reason] += 1
            if len(self._problems) < PROBLEMS_KEPT:
                self._problems.append(Problem(where, row.reason, message))

    def report(self) -> CorpusReport:
        """Return the counts so far."""
        return CorpusReport(
            rows=self.rows,
            bytes=self.bytes,
            empty_text=self.empty_text,
            blank_lines=self.blank_lines,
            integer_ids=self.integer_ids,
            skipped=dict(self._skipped),
            problems=tuple(self._problems),
            complete=self.complete,
        )
