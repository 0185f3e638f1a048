"""The tests in order of their cost, and what they say together."""

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyengine.diagnose import playbook
from pyengine.diagnose.arms import Arms, Judged, run_arms
from pyengine.diagnose.blindness import blindness
from pyengine.diagnose.census import census, take_census
from pyengine.diagnose.differential import Rule, check_observed, rules
from pyengine.diagnose.divergence import divergence, divergence_of_playbook
from pyengine.diagnose.embedders import Probe, Standing, answers_of, probe, standings
from pyengine.diagnose.finding import Finding, Mode, Verdict
from pyengine.diagnose.lift import lift
from pyengine.diagnose.location import location, location_of_playbook
from pyengine.diagnose.monitor import Alert, History, Reading
from pyengine.diagnose.playbook_arms import Bm25, run_playbook_arms
from pyengine.diagnose.reference import Reference
from pyengine.diagnose.triage import triage
from pyengine.diagnose.verdict import NextStep, Signal, conclusive, next_step, overall, signals
from pyengine.diagnose.words import count_words
from pyengine.errors import InvalidInputError, MissingExtraError
from pyengine.eval import EvalSet
from pyengine.types import Embedder

if TYPE_CHECKING:
    from pyengine.engine import Engine

__all__ = ["TESTS", "Diagnosis", "run"]

TESTS: Final = ("census", "divergence", "lift", "location", "blindness", "triage")
"""In the order they run: cheap to dear."""
_LABELLED: Final = ("lift", "location")
_VECTORS: Final = ("lift", "location", "blindness", "triage")
_PLAYBOOK: Final = ("census", "divergence", "lift", "location")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What the tests found, and what it means.

    Parameters
    ----------
    verdict : str
        "healthy", "suspect", "confirmed" or "inconclusive": is this corpus beyond the embedder?
    reason : str
        The evidence that decided.
    findings : dict of str to Finding
        By test, in the order they ran.
    signals : list of Signal
        The playbook's numbers that matter.
    rules : list of Rule
        What else it could be.
    probes : list of Probe
        What teams try before BM25, measured; empty without judged queries.
    standings : list of Standing
        Embedders side by side, where several were given.
    next_step : NextStep
    history : sequence of Reading
        Of this corpus over time, where a history was given.
    trend : Alert or None
        What they say together.
    about : dict
        Documents, queries, versions, settings: what it takes to get the same again.
    """

    verdict: Verdict
    reason: str
    findings: Mapping[str, Finding]
    signals: Sequence[Signal]
    rules: Sequence[Rule]
    probes: Sequence[Probe]
    standings: Sequence[Standing]
    next_step: NextStep
    history: Sequence[Reading] = ()
    trend: Alert | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, path: "str | PathLike[str] | None" = None) -> dict[str, Any]:
        """Return everything as JSON-able values, and write it to a file if one is named.

        Parameters
        ----------
        path : path-like, optional
        """
        values = {
            "verdict": self.verdict,
            "reason": self.reason,
            "next_step": asdict(self.next_step),
            "signals": [asdict(signal) for signal in self.signals],
            "rules": [rule.to_json() for rule in self.rules],
            "probes": [probe.to_json() for probe in self.probes],
            "standings": [asdict(standing) for standing in self.standings],
            "findings": {test: finding.to_json() for test, finding in self.findings.items()},
            "history": {
                "runs": [asdict(reading) for reading in self.history],
                "trend": None if self.trend is None else asdict(self.trend),
            },
            "about": dict(self.about),
        }
        if path is not None:
            Path(path).write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return values

    def to_html(self, path: "str | PathLike[str]", *, command: str = "") -> None:
        """Write the report: one HTML file; see `pyengine.diagnose.report.write_report`.

        Parameters
        ----------
        path : path-like
        command : str
            What made it.
        """
        from pyengine.diagnose.report import write_report

        write_report(self, path, command=command)

    def summary(self) -> str:
        """Return one screen of text: the verdict, a line a test, the next step."""
        width = max((len(test) for test in self.findings), default=0)
        lines = [f"{self.verdict.upper()}: {self.reason}", ""]
        for test, finding in self.findings.items():
            lines.append(f"  {test:<{width}}  {finding.verdict:<12}  {finding.reason}")
        if self.about.get("unknown_document_count"):
            listed = ", ".join(map(repr, self.about["unknown_documents"][:3]))
            lines += [
                "",
                f"{self.about['unknown_document_count']} judged documents are not in the corpus and count as "
                f"missed: {listed}",
            ]
        step = self.next_step
        gain = "" if step.gain is None else f", {step.gain:+.1f} points here"
        most = "" if step.ceiling is None else f", {step.ceiling:.1f} points at most"
        lines += ["", f"next: {step.treatment}{gain}{most}", f"      {step.why}; costs {step.cost}"]
        return "\n".join(lines)


def run(
    engine: "Engine",
    evalset: EvalSet | None,
    *,
    queries: Sequence[str] | None,
    mode: Mode,
    all: bool,
    tests: Sequence[str] | None,
    reference: Reference | None,
    level: float,
    seed: int,
    embedders: Mapping[str, Embedder] | None,
    leaderboard: Mapping[str, int] | None,
    observed: Mapping[str, float] | None,
    sample: float | None,
    history: History | None,
    progress: Callable[[str], None] | None,
) -> Diagnosis:
    """Run the tests; `pyengine.diagnose.diagnose` says what the parameters are."""
    _check(engine, mode, tests, level)
    told = check_observed(observed)
    wanted = [
        test for test in TESTS if test in (tests or TESTS) and (mode == "calibrated" or test in _PLAYBOOK)
    ]
    each = 1 - (1 - level) / len(wanted) if all else level
    judged = None if evalset is None else Judged.of(engine, evalset)
    asked = list(judged.queries) if queries is None and judged is not None else list(queries or ())
    one = _Run(engine, judged, asked, mode=mode, reference=reference, level=each, seed=seed, sample=sample)
    trend = None if history is None or not history.readings else history.check()
    findings: dict[str, Finding] = {}
    started = time.perf_counter()
    for test in wanted:
        if progress is not None:
            progress(test)
        findings[test] = one(test)
        if not all and tests is None and conclusive(list(findings.values())):
            break
    verdict, reason = overall(findings)
    probes, listed, gap = one.beside(embedders or {}, leaderboard or {}, progress)
    return Diagnosis(
        verdict=verdict,
        reason=reason,
        findings=findings,
        signals=signals(findings, gap),
        rules=rules(findings, told),
        probes=probes,
        standings=listed,
        next_step=next_step(findings),
        history=() if history is None else tuple(history.readings),
        trend=trend,
        about=_about(
            engine, judged, mode=mode, all=all, level=each, seed=seed, seconds=time.perf_counter() - started
        ),
    )


class _Run:
    """Runs one test after the other; what two of them need is made once."""

    def __init__(
        self,
        engine: "Engine",
        judged: Judged | None,
        queries: Sequence[str],
        *,
        mode: Mode,
        reference: Reference | None,
        level: float,
        seed: int,
        sample: float | None,
    ) -> None:
        self._engine = engine
        self._judged = judged
        self._queries = queries
        self._mode = mode
        self._reference = reference
        self._sample = sample
        self._options: dict[str, Any] = {"level": level, "seed": seed}
        self._arms: Arms | None = None
        self._playbook: tuple[Arms, Bm25] | None = None

    def __call__(self, test: str) -> Finding:
        """Run a test, or say why it cannot run."""
        missing, reason = self._missing(test)
        if reason is None:
            try:
                found: Finding = getattr(self, f"_{test}")()
            except MissingExtraError as error:
                missing, reason = "package", str(error)
            else:
                return found
        return Finding(
            test=test,
            question="",
            mode=self._mode,
            verdict="not run",
            reason=reason,
            details={"missing": missing},
        )

    def beside(
        self,
        embedders: Mapping[str, Embedder],
        board: Mapping[str, int],
        progress: Callable[[str], None] | None,
    ) -> tuple[list[Probe], list[Standing], float | None]:
        """Measure what teams try before BM25, and the embedders side by side."""
        if self._judged is None or self._engine.dense is None:
            if embedders:
                raise InvalidInputError(
                    "embedders: expected judged queries and an index with vectors beside them"
                )
            return [], [], None
        arms, queries = self._judged_arms(), list(self._judged.queries)
        others = {}
        for name, embedder in embedders.items():
            if progress is not None:
                progress(f"embedding with {name}")
            others[name] = answers_of(self._engine, embedder, queries)
        mine = self._engine.embedder
        vectors = None if mine is None else mine.embed(queries, kind="query")
        probes = probe(self._engine, arms, others, queries=vectors, **self._options)
        if not others:
            return probes, [], None
        listed, gap = standings(self._engine, arms, others, board, own="index", **self._options)
        return probes, listed, gap

    def _missing(self, test: str) -> tuple[str, str | None]:
        """Return what a test lacks, in a word and as a reason."""
        if test in _VECTORS and self._engine.dense is None:
            return "vectors", "the index has no vectors: make it with an embedder, or reembed it"
        if test in _LABELLED and self._judged is None:
            return "judgements", "it needs judged queries"
        if test in _VECTORS and self._engine.n_documents < 2:
            return "documents", "the corpus is one document: every ranking of it is the same"
        return "", None

    def _census(self) -> Finding:
        taken = take_census(self._engine.corpus.batches(), sample=self._sample, seed=self._options["seed"])
        embedder = self._engine.embedder if self._engine.dense is not None else None
        return census(taken, self._queries, mode=self._mode, embedder=embedder, **self._options)

    def _divergence(self) -> Finding:
        from pyengine.corpus import indexed_text

        reference = self._reference or Reference.web()
        texts = (
            indexed_text(batch.column("title"), batch.column("text"))
            for batch in self._engine.corpus.batches()
        )
        if self._mode == "playbook":
            tokens = playbook.count_tokens(text for batch in texts for text in batch.to_pylist())
            return divergence_of_playbook(tokens, reference, **self._options)
        return divergence(count_words(texts), reference, **self._options)

    def _judged_arms(self) -> Arms:
        if self._arms is None:
            assert self._judged is not None  # `_missing` has looked
            self._arms = run_arms(self._engine, self._judged)
        return self._arms

    def _playbook_arms(self) -> tuple[Arms, Bm25]:
        if self._playbook is None:
            assert self._judged is not None  # `_missing` has looked
            self._playbook = run_playbook_arms(self._engine, self._judged)
        return self._playbook

    def _lift(self) -> Finding:
        arms = self._judged_arms() if self._mode == "calibrated" else self._playbook_arms()[0]
        return lift(arms, mode=self._mode, **self._options)

    def _location(self) -> Finding:
        if self._mode == "playbook":
            arms, lexical = self._playbook_arms()
            return location_of_playbook(lexical.frequency, arms, level=self._options["level"])
        return location(self._engine, self._judged_arms(), **self._options)

    def _blindness(self) -> Finding:
        embedder = self._engine.embedder
        assert embedder is not None  # `_missing` has looked
        return blindness(self._engine, embedder, **self._options)

    def _triage(self) -> Finding:
        return triage(self._engine, **self._options)


def _check(engine: "Engine", mode: str, tests: Sequence[str] | None, level: float) -> None:
    if len(engine) == 0:
        raise InvalidInputError("engine: expected documents, got an empty index; add some and commit")
    if mode not in ("calibrated", "playbook"):
        raise InvalidInputError(f"mode: expected 'calibrated' or 'playbook', got {mode!r}")
    unknown = [test for test in tests or () if test not in TESTS]
    if unknown or (tests is not None and not tests):
        raise InvalidInputError(f"tests: expected some of {', '.join(TESTS)}, got {list(tests or ())}")
    if not 0 < level < 1:
        raise InvalidInputError(f"level: expected a number between 0 and 1, such as 0.95, got {level!r}")


def _about(engine: "Engine", judged: Judged | None, **settings: Any) -> dict[str, Any]:
    info = engine.info()
    return {
        "index": info["path"],
        "generation": info["generation"],
        "documents": len(engine),
        "queries": 0 if judged is None else len(judged.queries),
        "unknown_documents": [] if judged is None else list(judged.unknown[:20]),
        "unknown_document_count": 0 if judged is None else len(judged.unknown),
        "settings": info["settings"],
        "versions": {
            "pyengine": info["pyengine_version"],
            "Python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "pyarrow")},
        },
        **settings,
    }
