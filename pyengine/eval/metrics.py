"""Retrieval metrics equal to trec_eval, with confidence intervals over queries."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt

from pyengine.errors import InvalidInputError
from pyengine.eval.match import Answers, Matched, Ties, match
from pyengine.eval.qrels import Key, Qrels
from pyengine.eval.stats import IntervalMethod, bootstrap_intervals, check_settings

__all__ = ["Evaluation", "Metric", "evaluate"]

F64 = npt.NDArray[np.float64]

_NAMES: Final = {
    "ndcg": "ndcg",
    "ndcg_exp": "ndcg_exp",
    "recall": "recall",
    "r": "recall",
    "precision": "precision",
    "p": "precision",
    "mrr": "mrr",
    "rr": "mrr",
    "map": "map",
    "ap": "map",
    "success": "success",
    "hit_rate": "success",
    "hit": "success",
}
_PATTERN: Final = re.compile(r"([a-z_]+)(?:@([1-9][0-9]{0,8}))?")
# Above this grade 2**grade - 1 no longer fits the 53 bits of a float64.
_MAX_EXPONENTIAL_GRADE: Final = 52


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure and its cutoff.

    Parameters
    ----------
    name : str
        "ndcg" (gain = grade, as trec_eval), "ndcg_exp" (gain = 2**grade - 1), "recall", "precision",
        "mrr" (reciprocal rank), "map" (average precision), "success" (1 if anything relevant is there).
    cutoff : int, optional
        Only the first so many documents count; None: all that were retrieved.
    """

    name: str
    cutoff: int | None = None

    def __str__(self) -> str:
        return self.name if self.cutoff is None else f"{self.name}@{self.cutoff}"

    @classmethod
    def parse(cls, text: "str | Metric") -> Self:
        """Read ``name`` or ``name@cutoff``, in any case.

        Parameters
        ----------
        text : str or Metric
            Other spellings: "r", "p", "rr", "ap", "hit", "hit_rate".

        Raises
        ------
        InvalidInputError
            No such metric, or a cutoff below 1.
        """
        if isinstance(text, cls):
            return text
        found = _PATTERN.fullmatch(text.strip().lower()) if isinstance(text, str) else None
        if found is None or found[1] not in _NAMES:
            raise InvalidInputError(
                f"metrics: expected one of {', '.join(sorted(set(_NAMES.values())))}, with or without a "
                f"cutoff of 1 or more such as 'ndcg@10'; got {text!r}"
            )
        return cls(_NAMES[found[1]], int(found[2]) if found[2] else None)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evaluation:
    """Scores of one set of answers: means over queries, each with its confidence interval.

    Parameters
    ----------
    query_ids : tuple
        Queries evaluated.
    per_query : dict of str to float64 (n,)
        Metric to value of each query, in the order of ``query_ids``.
    means : dict of str to float
        Metric to mean over queries.
    intervals : dict of str to (float, float)
        Metric to confidence interval of the mean; ``nan`` where there is none (one query, or not asked for).
    n_missing : int
        Judged queries without an answer: scored 0, or left out, as ``missing`` says.
    n_empty : int
        Queries evaluated whose answer holds no document: scored 0.
    n_without_relevant : int
        Queries evaluated without a relevant judgement: scored 0, as trec_eval does.
    n_ignored : int
        Answers to queries without judgements; they do not count.
    n_unknown_documents : int
        Judged documents that are not in the corpus; a relevant one still counts against recall.
    settings : dict
        ties, rel, missing, level, method, n_boot, seed: what it takes to get the same numbers again.
    """

    query_ids: tuple[Key, ...]
    per_query: dict[str, F64]
    means: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    n_missing: int
    n_empty: int
    n_without_relevant: int
    n_ignored: int
    n_unknown_documents: int
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Number of queries the means are taken over."""
        return len(self.query_ids)

    @property
    def n_answered(self) -> int:
        """Number of queries evaluated whose answer holds at least one document."""
        missing = self.n_missing if self.settings["missing"] == "zero" else 0
        return self.n - self.n_empty - missing

    def __getitem__(self, metric: str) -> float:
        """Return the mean of a metric, in any spelling."""
        name = str(Metric.parse(metric))
        if name not in self.means:
            raise InvalidInputError(f"metric: {name!r} was not evaluated; there are {', '.join(self.means)}")
        return self.means[name]

    def to_json(self, *, per_query: bool = False) -> dict[str, Any]:
        """Return a JSON-able dict.

        Parameters
        ----------
        per_query : bool
            Whether to include the value of every query.
        """
        metrics = {
            name: {
                "mean": mean,
                "low": _or_none(self.intervals[name][0]),
                "high": _or_none(self.intervals[name][1]),
            }
            for name, mean in self.means.items()
        }
        result: dict[str, Any] = {
            "n": self.n,
            "metrics": metrics,
            "n_missing": self.n_missing,
            "n_empty": self.n_empty,
            "n_without_relevant": self.n_without_relevant,
            "n_ignored": self.n_ignored,
            "n_unknown_documents": self.n_unknown_documents,
            "settings": dict(self.settings),
        }
        if per_query:
            result["query_ids"] = list(self.query_ids)
            result["per_query"] = {name: values.tolist() for name, values in self.per_query.items()}
        return result

    def __str__(self) -> str:
        width = max(len("metric"), *(len(name) for name in self.means))
        lines = [f"{'metric':<{width}}    mean  {self.settings['level']:.0%} interval   n = {self.n} queries"]
        for name, mean in self.means.items():
            low, high = self.intervals[name]
            interval = "none" if math.isnan(low) else f"[{low:.4f}, {high:.4f}]"
            lines.append(f"{name:<{width}}  {mean:.4f}  {interval}")
        zero = "scored 0" if self.settings["missing"] == "zero" else "left out"
        for count, what in (
            (self.n_missing, f"judged queries without an answer ({zero})"),
            (self.n_empty, "queries answered with nothing (scored 0)"),
            (self.n_without_relevant, "queries without a relevant document (scored 0)"),
            (self.n_ignored, "answers without judgements (not counted)"),
            (self.n_unknown_documents, "judged documents not in the corpus"),
        ):
            if count:
                lines.append(f"{count} {what}")
        return "\n".join(lines)


def evaluate(
    hits: Answers,
    qrels: Qrels | Mapping[Any, Mapping[Any, int]],
    metrics: Sequence[str | Metric] | str = ("ndcg@10", "recall@100", "mrr@10"),
    *,
    query_ids: Sequence[str] | None = None,
    doc_ids: Any = None,
    ties: Ties | None = None,
    rel: int = 1,
    missing: Literal["zero", "skip"] = "zero",
    exclude_self: bool = False,
    level: float = 0.95,
    method: IntervalMethod = "bca",
    n_boot: int = 2000,
    seed: int = 0,
) -> Evaluation:
    """Score answers against judgements. Values equal trec_eval's.

    Parameters
    ----------
    hits : Hits, Run, or dict of query id to dict of document id to score
    qrels : Qrels, or dict of dicts
        Keyed by ids, or, for `Hits` only, by numbers: ``{query position: {row: grade}}``.
    metrics : sequence of str
        See `Metric`; any cutoffs, or none: ``"ndcg"`` judges all that was retrieved.
    query_ids : sequence of str, one per answer
        Needed when Hits meet qrels keyed by ids.
    doc_ids : Corpus, sequence of str, or pyarrow array
        Document id of each row. Needed when Hits meet qrels keyed by ids.
    ties : "order" or "trec"
        "order", the default for Hits: as ranked (score descending, then row ascending). "trec", the default
        for a Run or dict: by score as float32 descending, then document id descending, whatever the order
        given; this is what trec_eval does.
    rel : int, >= 1
        Lowest grade that counts as relevant (trec_eval -l). NDCG uses the grades themselves.
    missing : "zero" or "skip"
        Judged queries without an answer score 0 (trec_eval -c), or are left out. A query that was asked and
        answered with no document always scores 0.
    exclude_self : bool
        Drop the document whose id equals the query's before judging: for sets whose queries are documents of
        the corpus (BEIR's ArguAna, Quora), where each finds itself first. Off by default, because in many
        sets equal ids are an accident (Cranfield numbers both from 1).
    level : float
        Of the confidence intervals.
    method : "bca" or "percentile"
        Bootstrap over queries; see `pyengine.eval.stats.bootstrap_intervals`.
    n_boot : int
        Resamples, at least 100; 0 computes no intervals.
    seed : int
        Of the resampling. The same seed gives the same intervals.

    Returns
    -------
    Evaluation

    Raises
    ------
    InvalidInputError
        Arguments that do not belong together, malformed answers or judgements, an unknown metric, a setting
        out of range, or nothing in common between answers and judgements. The message names the mend.

    Notes
    -----
    NDCG: gain / log2(rank + 1), the ideal order taken over all judgements of the query up to the cutoff
    (Jarvelin and Kekalainen, ACM TOIS 20, 2002, in trec_eval's form). Precision divides by the cutoff even if
    fewer documents came back. Queries without a relevant judgement score 0 and count.
    Answers to queries without judgements are ignored and counted.
    Threads: safe; the GIL is released in the kernels. Cost: O(hits · log judgements).

    Examples
    --------
    >>> import pyengine as pe
    >>> hits = pe.Hits.from_lists([[(7, 2.0), (3, 1.0)]])
    >>> pe.evaluate(hits, {0: {3: 1}}, ["mrr@10"])["mrr@10"]
    0.5
    """
    wanted = [Metric.parse(metric) for metric in ([metrics] if isinstance(metrics, str) else metrics)]
    if not wanted:
        raise InvalidInputError("metrics: expected at least one, such as 'ndcg@10', got none")
    if isinstance(rel, bool) or not isinstance(rel, int | np.integer) or rel < 1:
        raise InvalidInputError(f"rel: expected an integer of 1 or more, got {rel!r}")
    if missing not in ("zero", "skip"):
        raise InvalidInputError(f"missing: expected 'zero' or 'skip', got {missing!r}")
    check_settings(level=level, n_boot=n_boot or 100, seed=seed, method=method)
    judgements = Qrels.from_dict(qrels)
    matched = match(
        hits, judgements, query_ids=query_ids, doc_ids=doc_ids, ties=ties, exclude_self=exclude_self
    )
    n_relevant = _relevant_judgements(matched, rel)
    counted = np.flatnonzero(matched.answered) if missing == "skip" else np.arange(len(judgements))
    per_query = {str(metric): compute(matched, metric, n_relevant, rel)[counted] for metric in wanted}
    table = np.stack(list(per_query.values()), axis=1)
    if n_boot:
        found = bootstrap_intervals(table, level=level, n_boot=n_boot, seed=seed, method=method)
    else:
        found = [(math.nan, math.nan)] * len(per_query)
    return Evaluation(
        query_ids=tuple(matched.query_ids[i] for i in counted),
        per_query=per_query,
        means={name: float(values.mean()) for name, values in per_query.items()},
        intervals=dict(zip(per_query, found, strict=True)),
        n_missing=int((~matched.answered).sum()),
        n_empty=int((matched.answered & (matched.retrieved == 0)).sum()),
        n_without_relevant=int((n_relevant[counted] == 0).sum()),
        n_ignored=matched.n_ignored,
        n_unknown_documents=matched.n_unknown_documents,
        settings={
            "ties": ties or _default_ties(hits),
            "rel": int(rel),
            "missing": missing,
            "exclude_self": exclude_self,
            "level": level,
            "method": method,
            "n_boot": n_boot,
            "seed": seed,
        },
    )


def compute(matched: Matched, metric: Metric, n_relevant: npt.NDArray[np.int64], rel: int) -> F64:
    """Return a metric's value of each judged query.

    Parameters
    ----------
    matched : Matched
    metric : Metric
    n_relevant : int64 (q,)
        Relevant judgements of each query.
    rel : int
        Lowest relevant grade.
    """
    from pyengine import kernels  # noqa: PLC0415  # loads Numba: only when there is something to compute

    cutoff = 2**31 if metric.cutoff is None else metric.cutoff
    m = matched
    values = np.empty(len(m.found), dtype=np.float64)
    if metric.name in ("ndcg", "ndcg_exp"):
        gains, ideal = m.grades.astype(np.float64), m.ideal.astype(np.float64)
        if metric.name == "ndcg_exp":
            if int(m.ideal.max()) > _MAX_EXPONENTIAL_GRADE:
                raise InvalidInputError(
                    f"qrels: ndcg_exp expects grades up to {_MAX_EXPONENTIAL_GRADE}, got "
                    f"{int(m.ideal.max())}; use 'ndcg'"
                )
            gains, ideal = np.exp2(gains) - 1.0, np.exp2(ideal) - 1.0
        kernels.dcg_ratio(m.positions, gains, m.start, m.found, ideal, cutoff, values)
    elif metric.name == "map":
        kernels.average_precision(m.positions, m.grades, m.start, m.found, n_relevant, rel, cutoff, values)
    elif metric.name == "mrr":
        kernels.reciprocal_rank(m.positions, m.grades, m.start, m.found, rel, cutoff, values)
    else:
        counts = np.empty(len(m.found), dtype=np.int64)
        kernels.relevant_within(m.positions, m.grades, m.start, m.found, rel, cutoff, counts)
        if metric.name == "recall":
            values = counts / np.maximum(n_relevant, 1)
        elif metric.name == "precision":
            values = counts / (np.maximum(m.retrieved, 1) if metric.cutoff is None else metric.cutoff)
        else:
            values = (counts > 0).astype(np.float64)
    return values


def _relevant_judgements(matched: Matched, rel: int) -> npt.NDArray[np.int64]:
    relevant = np.concatenate(([0], np.cumsum(matched.ideal >= rel)))
    return np.asarray(np.diff(relevant[matched.start]), dtype=np.int64)


def _default_ties(hits: Answers) -> Ties:
    return "trec" if isinstance(hits, Mapping) else "order"


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
