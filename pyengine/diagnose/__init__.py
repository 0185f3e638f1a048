"""Whether an embedder has hit its plateau on a corpus: tests from cheap to dear, each with a verdict.

Useful for deciding what to do about a corpus. Not useful for measuring one change: use `pyengine.compare`.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pyengine.diagnose.diagnosis import TESTS, Diagnosis
    from pyengine.diagnose.finding import Estimate, Finding, Mode, Threshold, Verdict
    from pyengine.diagnose.monitor import History
    from pyengine.diagnose.reference import Reference
    from pyengine.engine import Engine
    from pyengine.eval import EvalSet
    from pyengine.types import Embedder

__all__ = [
    "TESTS",
    "Diagnosis",
    "Estimate",
    "Finding",
    "History",
    "Mode",
    "Reference",
    "Threshold",
    "Verdict",
    "diagnose",
]

_WHERE: Final = {
    "TESTS": "diagnosis",
    "Diagnosis": "diagnosis",
    "Estimate": "finding",
    "Finding": "finding",
    "History": "monitor",
    "Mode": "finding",
    "Reference": "reference",
    "Threshold": "finding",
    "Verdict": "finding",
}


def diagnose(
    engine: "Engine",
    evalset: "EvalSet | None" = None,
    *,
    queries: Sequence[str] | None = None,
    mode: "Mode" = "calibrated",
    all: bool = False,
    tests: Sequence[str] | None = None,
    reference: "Reference | None" = None,
    level: float = 0.95,
    seed: int = 0,
    embedders: "Mapping[str, Embedder] | None" = None,
    leaderboard: Mapping[str, int] | None = None,
    observed: Mapping[str, float] | None = None,
    sample: float | None = None,
    history: "History | None" = None,
    progress: Callable[[str], None] | None = None,
) -> "Diagnosis":
    """Find out whether an embedder has hit its plateau on a corpus.

    Tests run in the order of `TESTS` and stop once they settle the matter. What cannot run (no judged
    queries, no vectors, a package that is missing) is "not run", with the reason, and never counts.

    Parameters
    ----------
    engine : Engine
        The corpus, indexed; with vectors for all tests but the first two.
    evalset : EvalSet, optional
        Judged queries.
    queries : sequence of str, optional
        Queries without judgements, for the census; those of ``evalset`` by default.
    mode : "calibrated" or "playbook"
        The sound tests, or the playbook's arithmetic and limits.
    all : bool
        Run every test, and widen each interval for looking several times (Bonferroni).
    tests : sequence of str, optional
        Only these.
    reference : Reference, optional
        What web text looks like; that of the package wordfreq by default.
    level : float, 0 to 1
        Of the intervals.
    seed : int
        The same seed gives the same numbers.
    embedders : mapping of name to Embedder, optional
        Others to set beside the index's own; each embeds the whole corpus. Needs judged queries.
    leaderboard : mapping of name to int, optional
        Places of the embedders on a board, the index's own under "index".
    observed : mapping of name to number, optional
        What an index cannot know, for the rules that say what else it could be: keys of
        `pyengine.diagnose.differential.OBSERVED`, which says what each means.
    sample : float, 0 to 1, optional
        Share of the documents that the census counts; all by default. The other tests look at all.
    history : History, optional
        Readings of this corpus over time, for the report.
    progress : callable, optional
        Called with the name of each test before it runs.

    Returns
    -------
    Diagnosis

    Raises
    ------
    InvalidInputError
        No document, an unknown test, mode, level or observation, or judgements that fit no document.

    Notes
    -----
    Threads: as `Engine.search_batch`. Cost: a pass over the corpus for the first two tests; the queries in
    both branches for the next two; about two thousand short texts embedded for the last two.
    """
    from pyengine.diagnose.diagnosis import run

    return run(
        engine,
        evalset,
        queries=queries,
        mode=mode,
        all=all,
        tests=tests,
        reference=reference,
        level=level,
        seed=seed,
        embedders=embedders,
        leaderboard=leaderboard,
        observed=observed,
        sample=sample,
        history=history,
        progress=progress,
    )


def __getattr__(name: str) -> Any:
    """Import what is asked for: `import pyengine` needs none of it."""
    module = _WHERE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"pyengine.diagnose.{module}"), name)
