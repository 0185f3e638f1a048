"""Compare figures with what is expected: OK or FAIL, nothing between."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.quality.spec import Figures, Settings

__all__ = ["Line", "check", "flatten"]


@dataclass(frozen=True)
class Line:
    """One figure beside its expectation.

    Parameters
    ----------
    name : str
        Path of the figure, joined by slashes.
    expected, actual : number, str or None
        None: there is no such value.
    tolerance : float
        Largest allowed absolute difference; strings must be equal.
    """

    name: str
    expected: Any
    actual: Any
    tolerance: float

    @property
    def delta(self) -> float | None:
        """Actual minus expected; None where that has no meaning."""
        numbers = all(isinstance(v, int | float) for v in (self.expected, self.actual))
        return self.actual - self.expected if numbers else None

    @property
    def ok(self) -> bool:
        """Whether the figure is as expected. A missing side is a failure, and so is NaN."""
        if self.delta is None:
            return self.expected is not None and self.expected == self.actual
        return abs(self.delta) <= self.tolerance

    def __str__(self) -> str:
        """Render ``OK|FAIL name expected actual delta tolerance``."""
        if self.expected is None:
            return f"FAIL {self.name}: actual {self.actual}, no expected value; --update records it"
        if self.actual is None:
            return f"FAIL {self.name}: expected {self.expected}, not measured"
        verdict = "OK  " if self.ok else "FAIL"
        if self.delta is None:
            return f"{verdict} {self.name}: expected {self.expected}, actual {self.actual}"
        return (
            f"{verdict} {self.name}: expected {_show(self.expected)}, actual {_show(self.actual)}, "
            f"delta {self.delta:+.3g}, tolerance {self.tolerance:g}"
        )


def _show(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6f}"


def flatten(figures: Figures, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ``(path, leaf)`` in order.

    Parameters
    ----------
    figures : dict
        Nested mappings.
    prefix : str
        Path of the mapping itself, with its trailing slash.
    """
    for key, value in figures.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value


def check(
    expected: Figures,
    actual: Figures,
    laws: dict[str, float],
    settings: Settings,
    *,
    skipped: set[str] = frozenset(),
) -> list[Line]:
    """Put every expected and every measured figure side by side.

    Parameters
    ----------
    expected, actual : dict
        Figures by group.
    laws : dict
        Measured value of each requirement, by ``<where>/<requirement>``.
    settings : Settings
        Tolerances and requirements.
    skipped : set of str
        Groups that could not be measured here: their expectations are left out.

    Returns
    -------
    list of Line
        In the order of the measurement, then what was expected and did not come, then the laws.
    """
    want = {name: v for name, v in flatten(expected) if name.split("/")[0] not in skipped}
    got = dict(flatten(actual))
    lines = [
        Line(name, want.get(name), got.get(name), settings.tolerances[name.split("/")[0]])
        for name in [*got, *(name for name in want if name not in got)]
    ]
    for name, value in laws.items():
        bound = settings.requirements[name.split("/")[-1]]
        lines.append(Line(name, bound["expected"], value, bound["tolerance"]))
    return lines
