"""Measure every fusion on one query set, through the engine."""

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

import pyengine as pe
from bench.quality.spec import Collection, Settings
from bench.quality.vectors import CachedEmbedder
from pyengine.config import Bm25Config
from pyengine.corpus import indexed_text
from pyengine.eval import Qrels
from pyengine.sparse.demand import demands

__all__ = ["FUSIONS", "HALVES", "TABLE", "WINDOWED", "WINDOWS", "measure"]

HALVES: Final = {
    "development": ("cranfield", "nl2bash", "obliqa", "vaswani"),
    "test": ("scifact", "cosqa", "medquad-liveqa", "icd10cm-xref"),
}
"""Which collections a rule may be fitted on, and which only report. Fixed before the second was looked at."""

TABLE: Final = ("cranfield", "nl2bash", "cosqa", "scifact", "obliqa")
"""The collections whose mean gain is the target."""


def _convex(weight: float, normalisation: Any = "minmax", *, complete: bool = True) -> pe.FusionConfig:
    return pe.FusionConfig(
        method="convex",
        lexical_weight=weight,
        dense_weight=1 - weight,
        normalisation=normalisation,
        complete=complete,
    )


FUSIONS: Final = {
    "rrf": pe.FusionConfig(),
    "wrrf, k 10, w .4": pe.FusionConfig(method="wrrf", k=10, lexical_weight=0.4, dense_weight=0.6),
    "convex, minmax, w .2, lists only": _convex(0.2, complete=False),
    "convex, minmax, w .4, lists only": _convex(0.4, complete=False),
    "convex, minmax, w .4": _convex(0.4),
    "convex, minmax, w .5": _convex(0.5),
    "convex, theoretical, w .2": _convex(0.2, "theoretical"),
    "auto, lists only": pe.FusionConfig(method="auto", complete=False),
    "auto": pe.FusionConfig(method="auto"),
}
WINDOWED: Final = ("rrf", "convex, minmax, w .4", "auto")
"""What is measured by the window: by rank, by scores that depend on it, and by scores as they are."""
WINDOWS: Final = (10, 20, 50, 100, 200, 500)
GRID: Final = tuple(round(0.1 * i, 1) for i in range(11))
_LITERALS: Final = 300
_RARE_HOLDERS: Final = 5
_FEWEST: Final = 50


@dataclass(frozen=True)
class _Asked:
    """One set of queries with judgements."""

    name: str
    query_ids: Sequence[str]
    queries: Sequence[str]
    qrels: Qrels


def measure(
    folder: Path,
    collection: Collection,
    settings: Settings,
    embedder: CachedEmbedder,
    say: Callable[[str], None],
) -> dict[str, dict[str, Any]]:
    """Return the figures of each query set of a collection, and of queries made from its literals.

    Parameters
    ----------
    folder : Path
        Its BEIR folder.
    collection : Collection
    settings : Settings
    embedder : CachedEmbedder
    say : callable
        Told what is under way.
    """
    corpus = pe.Corpus.from_beir(folder)
    found = {}
    analyzer = pe.Analyzer(**settings.analyzers[settings.stemmed])
    bm25 = Bm25Config(k1=settings.k1, b=settings.b)
    with (
        tempfile.TemporaryDirectory(prefix="pyengine-fusion-") as scratch,
        pe.Engine.create(Path(scratch) / "i", embedder=embedder, analyzer=analyzer, bm25=bm25) as engine,
    ):
        say("index")
        engine.add(corpus)
        engine.commit()
        known = engine.calibrate_fusion()
        for asked in _query_sets(folder, collection, corpus, analyzer):
            say(asked.name)
            label = collection.name if asked.name == "" else f"{collection.name}, {asked.name}"
            found[label] = {"calibration": known.to_json(), **_measure_set(engine, asked)}
            if asked.name == "":
                say("tuning")
                found[label]["tuning"] = _tuned(engine, folder, collection)
    return found


def _query_sets(
    folder: Path, collection: Collection, corpus: pe.Corpus, analyzer: pe.Analyzer
) -> Iterator[_Asked]:
    for i, (name, file) in enumerate(collection.query_sets.items()):
        evalset = pe.EvalSet.from_beir(folder, collection.split, queries=file)
        yield _Asked("" if i == 0 else name, evalset.query_ids, evalset.queries, evalset.qrels)
    queries, judged = literal_queries(corpus, analyzer)
    if len(queries) >= _FEWEST:
        ids = [f"literal-{i}" for i in range(len(queries))]
        grades = {name: dict.fromkeys(docs, 1) for name, docs in zip(ids, judged, strict=True)}
        yield _Asked("literals", ids, queries, Qrels.from_dict(grades))


def literal_queries(corpus: pe.Corpus, analyzer: pe.Analyzer) -> tuple[list[str], list[list[str]]]:
    """Make queries of one literal whose term at most five documents have, and one to four words beside it.

    Parameters
    ----------
    corpus : Corpus
    analyzer : Analyzer

    Returns
    -------
    queries : list of str
    relevant : list of list of str
        The ids of the documents that have the literal.
    """
    ids: list[str] = []
    texts: list[str] = []
    for batch in corpus.batches():
        ids += batch.column("id").to_pylist()
        texts += indexed_text(batch.column("title"), batch.column("text")).to_pylist()
    holders: dict[str, set[int]] = {}  # of a term, however it stands there
    written: dict[tuple[int, str], str] = {}  # a literal as a row writes it
    for row, text in enumerate(texts):
        for token in analyzer.tokens(text):
            holders.setdefault(token.term, set()).add(row)
            if token.kind != "word" and not token.part:
                written.setdefault((row, token.term), text[token.start : token.end])
    rare: dict[int, list[str]] = {}
    for row, term in written:
        if len(holders[term]) <= _RARE_HOLDERS:
            rare.setdefault(row, []).append(term)
    random = np.random.default_rng(1)
    queries, relevant = [], []
    for row in random.permutation(len(texts)).tolist():
        if row not in rare or len(queries) == _LITERALS:
            continue
        term = sorted(rare[row])[int(random.integers(len(rare[row])))]
        words = [word for word in re.findall(r"[A-Za-z]{3,}", texts[row]) if word.lower() not in term]
        count = min(int(random.integers(1, 5)), len(words))
        chosen = np.sort(random.choice(len(words), count, replace=False)) if count else []
        queries.append(" ".join([*(words[i] for i in chosen), written[row, term]]))
        relevant.append([ids[holder] for holder in sorted(holders[term])])
    return queries, relevant


def _tuned(engine: pe.Engine, folder: Path, collection: Collection) -> dict[str, Any]:
    """Return what judgements would gain over RRF, by cross-validation; nothing is recorded."""
    file = next(iter(collection.query_sets.values()))
    evalset = pe.EvalSet.from_beir(folder, collection.split, queries=file)
    return pe.tune_fusion(engine, evalset, save=False).to_json()


def _measure_set(engine: pe.Engine, asked: _Asked) -> dict[str, Any]:
    def per_query(hits: pe.Hits, metric: str = "ndcg@10") -> np.ndarray:
        found = pe.evaluate(hits, asked.qrels, [metric], query_ids=asked.query_ids, doc_ids=engine.ids)
        return np.asarray(found.per_query[metric])

    ids = {"query_ids": asked.query_ids, "doc_ids": engine.ids}
    branch = {name: engine.search_batch(asked.queries, 100, mode=name) for name in ("lexical", "dense")}  # type: ignore[arg-type]  # both are modes
    means = {name: float(per_query(hits).mean()) for name, hits in branch.items()}
    better = max(means, key=lambda name: means[name])
    figures: dict[str, Any] = {"queries": len(asked.queries), "branches": means, "fusions": {}}
    values = {name: per_query(hits) for name, hits in branch.items()}
    for name, config in FUSIONS.items():
        hits = engine.search_batch(asked.queries, 100, fusion=config)
        values[name] = per_query(hits)
        change = pe.compare(branch[better], hits, asked.qrels, "ndcg@10", **ids)
        figures["fusions"][name] = {"gain": change.difference, "low": change.low, "high": change.high}
        if name in ("rrf", "auto"):
            figures.setdefault("recall@10", {})[name] = float(per_query(hits, "recall@10").mean())
    for name, hits in branch.items():
        figures["recall@10"][name] = float(per_query(hits, "recall@10").mean())
    grid = [per_query(engine.search_batch(asked.queries, 100, fusion=_convex(w))).mean() for w in GRID]
    figures["best convex"] = {"weight": GRID[int(np.argmax(grid))], "gain": float(max(grid)) - means[better]}
    figures["buckets"] = _buckets(engine, asked, values, better)
    figures["windows"] = {
        name: {
            str(window): float(
                per_query(
                    engine.search_batch(asked.queries, 10, fusion=replace(config, window=window))
                ).mean()
            )
            for window in WINDOWS
        }
        for name, config in FUSIONS.items()
        if name in WINDOWED
    }
    return figures


def _buckets(
    engine: pe.Engine, asked: _Asked, values: dict[str, np.ndarray], better: str
) -> dict[str, dict[str, float]]:
    """Return the gain of RRF and of auto over the better branch by kind of query."""
    literal = demands(engine.lexical, asked.queries).literal_share > 0
    rarest = np.array(
        [max((t.idf for t in engine.lexical.explain(q, 0) if t.df), default=0.0) for q in asked.queries]
    )
    rare = rarest > np.median(rarest)
    found = {}
    for name, mask in (("literal", literal), ("no literal", ~literal), ("rare", rare), ("common", ~rare)):
        if mask.any():
            found[name] = {
                "queries": int(mask.sum()),
                **{n: float((values[n] - values[better])[mask].mean()) for n in ("rrf", "auto")},
            }
    return found
