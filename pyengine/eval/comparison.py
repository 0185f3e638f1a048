"""What a comparison found, and how it reads."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pyengine.errors import InvalidInputError
from pyengine.eval.qrels import Key
from pyengine.eval.stats import detectable_effect, queries_for_effect

__all__ = ["Comparison", "Comparisons"]

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Comparison:
    """Arm b against arm a on the same queries. Differences are **b minus a**: above 0, b gains over a.

    Parameters
    ----------
    metric, a, b : str
        Names of the metric and of the arms.
    mean_a, mean_b : float
    difference : float
        Mean of the per-query differences b - a.
    low, high : float
        Bootstrap confidence interval of the difference; nan for one query.
    p : float
        Two-sided sign-flip permutation test of "the arms are interchangeable".
    p_adjusted : float
        Corrected for the other comparisons of a `compare_many`; else equal to ``p``.
    exact : bool
        Whether p comes from all sign patterns rather than a sample of them.
    n : int
        Queries.
    wins, losses, equal : int
        Queries where b is better, worse, and the same.
    sd : float
        Standard deviation of the differences; nan for one query.
    n_missing_a, n_missing_b : int
        Judged queries without an answer (scored 0 or left out, as ``missing`` says).
    n_empty_a, n_empty_b : int
        Queries answered with no document.
    differences : float64 (n,)
        Per query, in the order of ``query_ids``.
    query_ids : tuple
    settings : dict
        level, power, method, n_boot, n_permutations, seed, correction and the settings of `evaluate`.
    """

    metric: str
    a: str
    b: str
    mean_a: float
    mean_b: float
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float
    exact: bool
    n: int
    wins: int
    losses: int
    equal: int
    sd: float
    n_missing_a: int = 0
    n_missing_b: int = 0
    n_empty_a: int = 0
    n_empty_b: int = 0
    differences: F64 = field(repr=False)
    query_ids: tuple[Key, ...] = field(repr=False)
    settings: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def significant(self) -> bool:
        """Whether ``p_adjusted`` is below 1 minus the level. False means undecided, never "equal"."""
        return bool(self.p_adjusted < 1.0 - self.settings["level"])

    @property
    def detectable(self) -> float:
        """Smallest true difference these n queries would show with the power asked for (0.8)."""
        return detectable_effect(self.sd, self.n, level=self.settings["level"], power=self.settings["power"])

    def queries_needed(self, effect: float | None = None) -> int | None:
        """Return how many queries in all would show a difference with the power asked for.

        Parameters
        ----------
        effect : float, optional
            The true difference you care about, such as 0.01. By default the one observed, which is itself
            uncertain: read the answer as an order of magnitude.

        Returns
        -------
        int or None
            None if the difference is 0, which no number of queries shows, or for one query.
        """
        value = self.difference if effect is None else effect
        if not math.isfinite(value):
            raise InvalidInputError(f"effect: expected a finite number, got {value!r}")
        if math.isnan(self.sd):
            return None
        return queries_for_effect(self.sd, value, level=self.settings["level"], power=self.settings["power"])

    def queries_still_needed(self, effect: float | None = None) -> int | None:
        """Return `queries_needed` less the n at hand, at least 0.

        Parameters
        ----------
        effect : float, optional
            As in `queries_needed`.
        """
        needed = self.queries_needed(effect)
        return None if needed is None else max(0, needed - self.n)

    def to_json(self, *, per_query: bool = False) -> dict[str, Any]:
        """Return a JSON-able dict.

        Parameters
        ----------
        per_query : bool
            Whether to include the difference of every query.
        """
        names = (
            "metric",
            "a",
            "b",
            "mean_a",
            "mean_b",
            "difference",
            "low",
            "high",
            "p",
            "p_adjusted",
            "exact",
        )
        counts = ("n", "wins", "losses", "equal", "n_missing_a", "n_missing_b", "n_empty_a", "n_empty_b")
        result: dict[str, Any] = {
            name: getattr(self, name) for name in (*names, "exact", *counts, "sd", "detectable")
        }
        result["significant"] = self.significant
        result["queries_needed"] = self.queries_needed()
        result["queries_still_needed"] = self.queries_still_needed()
        result["settings"] = dict(self.settings)
        if per_query:
            result["query_ids"] = list(self.query_ids)
            result["differences"] = self.differences.tolist()
        return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in result.items()}

    def __str__(self) -> str:
        level = self.settings["level"]
        lines = [
            f"{self.metric}: {self.a} {self.mean_a:.4f}, {self.b} {self.mean_b:.4f} over {self.n} queries",
            f"{self.b} minus {self.a}: {self.difference:+.4f}"
            + ("" if math.isnan(self.low) else f"  {level:.0%} interval [{self.low:+.4f}, {self.high:+.4f}]"),
            f"p = {self.p:.4g} ({'all' if self.exact else self.settings['n_permutations']} sign flips)"
            + (f", {self.p_adjusted:.4g} adjusted ({self.settings['correction']})" if self._adjusted else "")
            + (": significant" if self.significant else ": undecided"),
            f"{self.wins} better, {self.losses} worse, {self.equal} the same",
        ]
        if not math.isnan(self.sd):
            lines.append(
                f"these {self.n} queries show differences from {self.detectable:.4f} on "
                f"(power {self.settings['power']:.0%}){self._still_needed()}"
            )
        for count, what in (
            (self.n_missing_a, f"judged queries without an answer from {self.a}"),
            (self.n_missing_b, f"judged queries without an answer from {self.b}"),
            (self.n_empty_a, f"queries {self.a} answered with nothing"),
            (self.n_empty_b, f"queries {self.b} answered with nothing"),
        ):
            if count:
                lines.append(f"{count} {what}")
        return "\n".join(lines)

    @property
    def _adjusted(self) -> bool:
        return bool(self.settings["correction"] != "none")

    def _still_needed(self) -> str:
        if self.significant:
            return ""
        still = self.queries_still_needed()
        if still is None:
            return "; no number of queries shows a difference of 0"
        return f"; about {still} more would settle a true difference of {self.difference:+.4f}"


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons(Sequence[Comparison]):
    """Several comparisons, their p values corrected for being several.

    Parameters
    ----------
    items : tuple of Comparison
    """

    items: tuple[Comparison, ...]

    def __len__(self) -> int:
        """Number of comparisons."""
        return len(self.items)

    def __getitem__(self, i: Any) -> Any:
        """Return comparison ``i``."""
        return self.items[i]

    def __iter__(self) -> Iterator[Comparison]:
        """Iterate over the comparisons."""
        return iter(self.items)

    def to_json(self) -> list[dict[str, Any]]:
        """Return a JSON-able list."""
        return [item.to_json() for item in self.items]

    def __str__(self) -> str:
        head = ("metric", "b minus a", "difference", "interval", "p", "adjusted", "")
        rows = [head] + [
            (
                c.metric,
                f"{c.b} - {c.a}",
                f"{c.difference:+.4f}",
                "none" if math.isnan(c.low) else f"[{c.low:+.4f}, {c.high:+.4f}]",
                f"{c.p:.4g}",
                f"{c.p_adjusted:.4g}",
                "significant" if c.significant else "undecided",
            )
            for c in self.items
        ]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )
