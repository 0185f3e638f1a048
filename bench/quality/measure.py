"""Measure one collection through pyengine's public interface."""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import pyengine as pe
from bench.quality.peers import Bm25sPeer, ir_measures_mean, top_agreement
from bench.quality.spec import AUTO, Collection, Figures, Settings
from bench.quality.vectors import CachedEmbedder
from pyengine.config import Bm25Config, DenseConfig
from pyengine.corpus import embedded_text, indexed_text

__all__ = ["DENSE_GROUPS", "Measurement", "measure"]

DENSE_GROUPS = ("exact", "dense", "graph", "hybrid", "lift")
"""Groups of figures that need the embedder."""


@dataclass
class Measurement:
    """What came out.

    Parameters
    ----------
    figures : dict
        See `bench.quality.spec.Figures`.
    laws : dict
        Measured value of each requirement, by ``<where>/<requirement>``.
    remarks : list of str
        What a reader should know about the run.
    """

    figures: Figures = field(default_factory=dict)
    laws: dict[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def put(self, value: object, *path: str) -> None:
        """Set a figure.

        Parameters
        ----------
        value : number, str or dict
        path : str
            Keys from the group down.
        """
        at = self.figures
        for key in path[:-1]:
            at = at.setdefault(key, {})
        at[path[-1]] = value


def measure(
    folder: Path,
    collection: Collection,
    settings: Settings,
    *,
    embedder: CachedEmbedder | None,
    say: Callable[[str], None],
) -> Measurement:
    """Measure one collection.

    Parameters
    ----------
    folder : Path
        Its BEIR folder.
    collection : Collection
    settings : Settings
    embedder : CachedEmbedder, optional
        None: the groups of `DENSE_GROUPS` are not measured.
    say : callable
        Told what is under way.

    Raises
    ------
    pyengine.errors.PyEngineError
        The collection cannot be read, or a part fails.
    """
    run = _Run(folder, collection, settings, say)
    run.identify(folder, collection)
    lexical = {name: run.lexical(name) for name in settings.analyzers}
    with tempfile.TemporaryDirectory(prefix="pyengine-quality-") as scratch:
        run.engine(Path(scratch), embedder, lexical)
    return run.out


class _Run:
    """One collection in memory, and what has come out so far."""

    def __init__(
        self, folder: Path, collection: Collection, settings: Settings, say: Callable[[str], None]
    ) -> None:
        self.settings = settings
        self.say = say
        self.out = Measurement()
        self.corpus = pe.Corpus.from_beir(folder)
        self.ids: list[str] = []
        self.texts: list[str] = []  # of the lexical branch
        self.passages: list[str] = []  # of the dense one
        for batch in self.corpus.batches():
            title, text = batch.column("title"), batch.column("text")
            self.ids += batch.column("id").to_pylist()
            self.texts += indexed_text(title, text).to_pylist()
            self.passages += embedded_text(title, text).to_pylist()
        self.sets = {
            name: pe.EvalSet.from_beir(folder, collection.split, queries=file)
            for name, file in collection.query_sets.items()
        }
        say(f"{len(self.texts)} documents, {sum(map(len, self.sets.values()))} queries")

    def identify(self, folder: Path, collection: Collection) -> None:
        """Record which files these are: another collection of the same name must not pass for this one."""
        for name in ("corpus.jsonl", *collection.query_sets.values(), f"qrels/{collection.split}.tsv"):
            self.out.put(hashlib.sha256((folder / name).read_bytes()).hexdigest()[:16], "files", name)
        self.out.put(len(self.texts), "counts", "documents")
        for name, evalset in self.sets.items():
            self.out.put(len(evalset), "counts", "queries", name)
            self.out.put(evalset.qrels.n_judgements, "counts", "judgements", name)

    def evaluate(self, hits: pe.Hits, queries: str) -> dict[str, float]:
        """Return the means of the metrics."""
        evalset = self.sets[queries]
        return dict(
            pe.evaluate(
                hits,
                evalset.qrels,
                self.settings.metrics,
                query_ids=evalset.query_ids,
                doc_ids=self.ids,
            ).means
        )

    def lexical(self, name: str) -> dict[str, pe.Hits]:
        """Build and ask one lexical index; compare the headline ones with the peers."""
        self.say(f"lexical, {name}")
        k1, b = self.settings.k1, self.settings.b
        analyzer = pe.Analyzer(**self.settings.analyzers[name])
        index = pe.Bm25Index.build(self.texts, analyzer=analyzer, k1=k1, b=b)
        for key in ("documents", "terms", "postings", "tokens"):
            self.out.put(getattr(index.stats, key), "statistics", name, key)
        # Implied by tokens and documents, which are exact; rounded to be read.
        self.out.put(round(index.stats.average_length, 6), "statistics", name, "avgdl")
        answers = {
            queries: index.search(evalset.queries, k=self.settings.depth)
            for queries, evalset in self.sets.items()
        }
        for queries, hits in answers.items():
            self.out.put(self.evaluate(hits, queries), "lexical", queries, name)
        if name in (self.settings.headline, self.settings.stemmed):
            peer = Bm25sPeer([analyzer.terms(text) for text in self.texts], k1=k1, b=b)
            for queries, hits in answers.items():
                tokens = [analyzer.terms(query) for query in self.sets[queries].queries]
                self._peers(f"lexical/{queries}/{name}", queries, hits, peer, tokens=tokens)
        return answers

    def _peers(
        self, where: str, queries: str, hits: pe.Hits, peer: Bm25sPeer, *, tokens: list[list[str]]
    ) -> None:
        """Hold an answer against bm25s on the same tokens, and its NDCG against ir-measures."""
        evalset = self.sets[queries]
        share, theirs, wrong = top_agreement(hits, peer, tokens, 10)
        ours = self.evaluate(hits, queries)["ndcg@10"]
        third = ir_measures_mean(hits, self.ids, evalset.query_ids, evalset.qrels, 10)
        laws = self.out.laws
        laws[f"{where}/bm25s top-10 agreement"] = share
        laws[f"{where}/bm25s ndcg@10 difference"] = ours - self.evaluate(theirs, queries)["ndcg@10"]
        laws[f"{where}/ir-measures difference"] = ours - third
        self.out.remarks += [f"{where}: bm25s disagrees on query {evalset.query_ids[i]}" for i in wrong[:5]]

    def engine(
        self, scratch: Path, embedder: CachedEmbedder | None, lexical: dict[str, dict[str, pe.Hits]]
    ) -> None:
        """Ask the engine itself, and hold its answers against those of its parts."""
        if embedder is not None:
            # Ahead of the engine, so that an interrupted run keeps what it embedded.
            embedder.embed(
                self.passages, progress=lambda done, total: self.say(f"embedded {done} of {total}")
            )
        bm25 = Bm25Config(k1=self.settings.k1, b=self.settings.b)
        depth = self.settings.depth
        with pe.Engine.create(scratch / "index", embedder=embedder, bm25=bm25) as engine:
            self.say("engine, add")
            engine.add(self.corpus)
            self.say("engine, commit")
            engine.commit()
            graph = None if embedder is None else self._graph(engine, embedder)
            for queries, evalset in self.sets.items():
                self.say(f"engine, {queries}")
                found = engine.search_batch(evalset.queries, depth, mode="lexical")
                same = _same(found, lexical[self.settings.headline][queries])
                if embedder is not None and graph is not None:
                    self._graph_against_scan(graph, embedder, queries)
                    dense = engine.search_batch(evalset.queries, depth, mode="dense")
                    hybrid = engine.search_batch(evalset.queries, depth, mode="hybrid")
                    same = same and _same(hybrid, pe.rrf([found, dense], k=60, depth=depth))
                    stemmed = pe.rrf([lexical[self.settings.stemmed][queries], dense], k=60, depth=depth)
                    self.out.put(self.evaluate(dense, queries), "dense", queries)
                    self.out.put(self.evaluate(hybrid, queries), "hybrid", queries, self.settings.headline)
                    self.out.put(self.evaluate(stemmed, queries), "hybrid", queries, self.settings.stemmed)
                    auto = engine.search_batch(evalset.queries, depth, fusion="auto")
                    self.out.put(self.evaluate(auto, queries), "hybrid", queries, AUTO)
                    self._lift(queries, {"dense": dense, "lexical": found}, hybrid)
                self.out.laws[f"engine/{queries}/engine equals parts"] = float(same)

    def _graph(self, engine: pe.Engine, embedder: CachedEmbedder) -> pe.DenseIndex:
        """Return an index that has a graph: the engine's own, unless it is small enough to be scanned."""
        dense = engine.dense
        if dense is not None and len(dense) >= dense.config.exact_below:
            return dense
        return pe.DenseIndex.build(embedder.embed(self.passages), config=DenseConfig(exact_below=0))

    def _graph_against_scan(self, graph: pe.DenseIndex, embedder: CachedEmbedder, queries: str) -> None:
        """Compare the graph's answers with exact search over the same vectors."""
        vectors = embedder.embed(self.sets[queries].queries, kind="query")
        exact = graph.search(vectors, k=self.settings.depth, exact=True)
        approximate = graph.search(vectors, k=self.settings.depth, exact=False)
        self.out.put(self.evaluate(exact, queries), "exact", queries)
        self.out.put(self.evaluate(approximate, queries)["ndcg@10"], "graph", queries, "ndcg@10")
        for k in (10, 100):
            self.out.put(_overlap(approximate, exact, k), "graph", queries, f"overlap@{k}")

    def _lift(self, queries: str, branches: dict[str, pe.Hits], hybrid: pe.Hits) -> None:
        """Measure what fusion adds to each branch, with a paired bootstrap interval."""
        evalset = self.sets[queries]
        for name, branch in branches.items():
            result = pe.compare(
                branch, hybrid, evalset.qrels, "ndcg@10", query_ids=evalset.query_ids, doc_ids=self.ids
            )
            interval = {"difference": result.difference, "low": result.low, "high": result.high}
            self.out.put(interval, "lift", queries, f"hybrid - {name}")


def _same(a: pe.Hits, b: pe.Hits) -> bool:
    """Whether two answers name the same rows in the same order."""
    return bool(np.array_equal(a.counts, b.counts) and np.array_equal(a.rows, b.rows))


def _overlap(a: pe.Hits, b: pe.Hits, k: int) -> float:
    """Return the mean share of the first ``k`` rows of ``b`` that are among those of ``a``."""
    shares = []
    for i in range(len(a)):
        want = set(b.query(i)[0][:k].tolist())
        if want:
            shares.append(len(want & set(a.query(i)[0][:k].tolist())) / len(want))
    return float(np.mean(shares))
