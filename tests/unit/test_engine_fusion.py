"""The engine's fusions: what they equal, what `auto` does at the extremes, and how they are recorded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from collections_made import WordEmbedder, known_queries, made, texts
from fakes import FakeEmbedder

import pyengine as pe
from pyengine.engine.weighing import auto_weights, doubts
from pyengine.errors import InvalidInputError
from pyengine.sparse.demand import Demands, demands

QUERIES = ["kader lolin mimon", "nusat petor", "rader"]


@pytest.fixture
def engine(tmp_path: Path) -> pe.Engine:
    return made(tmp_path / "idx", texts(80), FakeEmbedder())


def branches(engine: pe.Engine, queries: list[str]) -> tuple[pe.Hits, pe.Hits]:
    lexical, dense = (engine.search_batch(queries, 20, mode=mode) for mode in ("lexical", "dense"))
    return lexical, dense


@pytest.mark.parametrize("normalisation", ["minmax", "theoretical"])
@pytest.mark.parametrize("complete", [False, True])
def test_convex_is_convex_of_the_branches(engine: pe.Engine, normalisation: Any, complete: bool) -> None:
    config = pe.FusionConfig(
        method="convex",
        window=20,
        lexical_weight=1,
        dense_weight=3,
        normalisation=normalisation,
        complete=complete,
    )
    lexical, dense = branches(engine, QUERIES)
    assert engine.embedder is not None
    assert engine.dense is not None
    of_dense = engine.lexical.score(QUERIES, dense.rows)
    of_lexical = engine.dense.score(engine.embedder.embed(QUERIES, kind="query"), lexical.rows)
    expected = pe.convex(
        [lexical, dense],
        weights=[0.25, 0.75],
        normalisation=normalisation,
        minimum=[0, -1],
        truth=[[None, of_dense], [of_lexical, None]] if complete else None,
        depth=15,
    )
    assert engine.search_batch(QUERIES, 15, fusion=config).equals(expected)


def test_wrrf_is_rrf_with_weights(engine: pe.Engine) -> None:
    config = pe.FusionConfig(method="wrrf", window=20, lexical_weight=0.4, dense_weight=0.6)
    expected = pe.rrf(list(branches(engine, QUERIES)), weights=[0.4, 0.6], depth=15)
    assert engine.search_batch(QUERIES, 15, fusion=config).equals(expected)


@pytest.mark.parametrize("method", ["rrf", "wrrf", "convex", "auto"])
@pytest.mark.parametrize("normalisation", ["minmax", "theoretical"])
@pytest.mark.parametrize("complete", [False, True])
def test_one_query_is_answered_as_in_a_batch_and_the_parts_add_up(
    engine: pe.Engine, method: Any, normalisation: Any, complete: bool
) -> None:
    config = pe.FusionConfig(method=method, window=12, complete=complete, normalisation=normalisation)
    queries = [*QUERIES, "xyzzy"]  # the last has no word that the lexical branch knows
    batch = engine.search_batch(queries, 15, fusion=config)
    for i, query in enumerate(queries):
        result = engine.search(query, 15, fusion=config, explain=True)
        assert [hit.row for hit in result] == batch.query(i)[0].tolist()
        for hit in result:
            assert hit.explanation is not None
            assert np.float32(sum(hit.explanation.fusion.values())) == np.float32(hit.score)
            assert set(hit.explanation.weights) == {"lexical", "dense"}
            assert hit.explanation.why


def test_chunked_and_filtered_answers_are_fused_too(tmp_path: Path) -> None:
    engine = made(tmp_path / "idx", texts(60, length=40), WordEmbedder(), chunker=pe.Chunker(8, 0))
    for method in ("convex", "auto"):
        result = engine.search(QUERIES[0], 10, fusion=method, explain=True)
        assert len({hit.id for hit in result}) == 10
        for hit in result:
            assert hit.explanation is not None
            assert np.float32(sum(hit.explanation.fusion.values())) == np.float32(hit.score)
        few = engine.search(QUERIES[0], 10, fusion=method, filter=[3, 4, 5], collapse=False)
        assert {hit.row for hit in few} <= {3, 4, 5}


def test_deleted_documents_and_several_segments_change_no_score(tmp_path: Path) -> None:
    documents = texts(60)
    with made(tmp_path / "a", documents[:30], WordEmbedder(), auto_compact=False) as parts:
        parts.add([{"id": str(i), "text": documents[i]} for i in range(30, 60)])
        parts.commit()
        parts.delete(["3", "40"])
        parts.commit()
        left = [text for i, text in enumerate(documents) if i not in {3, 40}]
        with made(tmp_path / "b", left, WordEmbedder()) as whole:
            for method in ("convex", "auto"):
                found = parts.search_batch(QUERIES, 20, fusion=method)
                assert found.equals(whole.search_batch(QUERIES, 20, fusion=method))


def test_explain_says_what_auto_knows(tmp_path: Path) -> None:
    documents = [*texts(60), "mimon petor F33.1 kader", "nusat"]
    engine = made(tmp_path / "idx", documents, WordEmbedder())
    hit = engine.search("petor F33.1", fusion="auto", explain=True)[0]
    assert hit.id == "60"
    assert hit.explanation is not None
    why = hit.explanation.why
    assert "of 61 documents looked for by a few of their words, the lexical branch finds" in why
    assert "rare literals (f33.1) hold" in why
    other = engine.search("petor", fusion="auto", explain=True)[0].explanation
    assert other is not None
    assert "literals" not in other.why
    assert hit.explanation.weights["lexical"] > other.weights["lexical"]


def calibration(lexical: float, dense: float, spread: float = 0.1) -> pe.FusionCalibration:
    return pe.FusionCalibration(
        lexical_success=lexical,
        dense_success=dense,
        spread=spread,
        queries=200,
        documents=1000,
        embedder="e",
    )


def asked(idf: Sequence[float], shares: Sequence[float] | None = None) -> Demands:
    return Demands(np.array(idf), np.zeros(len(idf)) if shares is None else np.array(shares), [[]] * len(idf))


def plain(n: int) -> tuple[Demands, npt.NDArray[np.float64]]:
    return asked([20.0] * n), np.zeros(n)


def test_auto_weights_by_hand() -> None:
    queries = asked([20, 20, 280, 9, 20, 280], [0, 0.2, 0, 1, 0.2, 0])
    doubt = np.array([0, 0, 0, 0, 2.0, 4.0])
    lexical, dense = auto_weights(calibration(0.8, 0.2), queries, doubt)
    assert lexical == pytest.approx([0.36, 0.36 + 1.2**4, 0.18, 100.36, 0.18 + 1.2**4, 0.036])
    assert dense == pytest.approx([10] * 6)
    for nothing in (calibration(0.0, 0.0), calibration(1.0, 1.0)):
        assert auto_weights(nothing, *plain(1))[0] == pytest.approx([0.09])


def test_doubt_by_hand() -> None:
    lowest = -np.inf
    best = np.array([[0.9, 0.8, 0.7], [0.5, 0.4, lowest], [0.9, 0.8, 0.7], [lowest] * 3, [0.3, 0.3, 0.3]])
    lexical = np.array([[0.6, 0.5, 0.4], [0.25, lowest, lowest], [lowest] * 3, [0.1] * 3, [0.4] * 3])
    found = doubts(calibration(0.8, 0.2, spread=0.1), best.astype(np.float32), lexical.astype(np.float32))
    assert found == pytest.approx([3.0, 2.0, 0.0, 0.0, 0.0], abs=1e-5)
    # Each query by itself, whatever it is asked with.
    for i, alone in enumerate(found):
        one = doubts(
            calibration(0.8, 0.2, spread=0.1),
            best[i : i + 1].astype(np.float32),
            lexical[i : i + 1].astype(np.float32),
        )
        assert one.tolist() == [alone]


@pytest.mark.parametrize("complete", [False, True])
def test_doubt_is_of_the_best_hits_whatever_the_depth(engine: pe.Engine, complete: bool) -> None:
    lexical, dense = branches(engine, QUERIES)
    assert engine.embedder is not None
    assert engine.dense is not None
    of_lexical = engine.dense.score(engine.embedder.embed(QUERIES, kind="query"), lexical.rows[:, :3])
    known = engine.calibrate_fusion()
    doubt = doubts(known, dense.scores[:, :3], of_lexical)
    assert doubt.max() > 0
    weights = auto_weights(known, demands(engine.lexical, QUERIES), doubt)
    for window in (3, 20):
        config = pe.FusionConfig(method="auto", window=window, complete=complete)
        for i, query in enumerate(QUERIES):
            explanation = engine.search(query, 3, fusion=config, explain=True)[0].explanation
            assert explanation is not None
            found = explanation.weights
            assert (found["lexical"], found["dense"]) == (weights[0][i], weights[1][i])
            assert f"lie {doubt[i]:.1f} standard deviations below" in explanation.why


def test_what_a_query_asks_for(tmp_path: Path) -> None:
    documents = [f"kader section {i}.{i}.1 applies" for i in range(1, 9)]
    lexical = made(tmp_path / "idx", documents, None).lexical
    idf = {term.term: term.idf for term in lexical.explain("kader 3.3.1 lolin", 0)}
    # No document has the last word of the first one.
    known = demands(lexical, ["kader kader 3.3.1 lolin", "kader", "9.9.9"])
    parts = sum(term.idf for term in lexical.explain("3.3.1", 0))
    assert known.literals == [["3.3.1"], [], []]
    assert known.idf[0] == pytest.approx(2 * idf["kader"] + parts, rel=1e-6)
    assert known.literal_share[0] == pytest.approx(idf["3.3.1"] / (known.idf[0] + idf["lolin"]), rel=1e-6)
    assert known.literal_share.tolist()[1:] == [0, 0]


def test_a_literal_that_no_document_has_whole_counts_by_its_code(tmp_path: Path) -> None:
    documents = ["kader rule 9.8.4 applies", *(f"lolin section {i} applies" for i in range(20))]
    known = demands(made(tmp_path / "idx", documents, None).lexical, ["kader section 9.8.4"])
    assert "9.8.4" in known.literals[0]
    assert "section" not in known.literals[0]
    assert 0 < known.literal_share[0] < 1


def test_a_deadline_measures_nothing(engine: pe.Engine) -> None:
    hit = engine.search("kader", fusion="auto", explain=True, timeout_s=30)[0]
    assert hit.explanation is not None
    assert "nothing was measured, assumed that" in hit.explanation.why


# At the extremes auto ends within half a point of the better branch.


def ndcg(hits: pe.Hits, answers: Sequence[int]) -> float:
    """Mean NDCG@10 in points where each query has one relevant row."""
    gains = []
    for i, row in enumerate(answers):
        place = np.flatnonzero(hits.query(i)[0][:10] == row)
        gains.append(1 / np.log2(place[0] + 2) if len(place) else 0.0)
    return 100 * float(np.mean(gains))


def measured(engine: pe.Engine, queries: list[str], answers: list[int]) -> tuple[float, float, float]:
    lexical, dense = (engine.search_batch(queries, 10, mode=mode) for mode in ("lexical", "dense"))
    auto = engine.search_batch(queries, 10, fusion="auto")
    return ndcg(lexical, answers), ndcg(dense, answers), ndcg(auto, answers)


def test_dense_branch_random(tmp_path: Path) -> None:
    documents = texts(400)
    engine = made(tmp_path / "idx", documents, WordEmbedder(noise=1.0))
    lexical, dense, auto = measured(engine, *known_queries(documents, 5))
    assert dense < 15 < lexical
    assert auto >= lexical - 0.5


def test_lexical_branch_random() -> None:
    # A random lexical branch finds none of the collection's own documents, and that is how it is told.
    random = np.random.default_rng(5)
    rows = np.argsort(random.random((200, 500)), axis=1)[:, :100].astype(np.uint32)
    scores = -np.sort(-30 * random.random((200, 100), dtype=np.float32), axis=1)
    noise = pe.Hits(rows, scores, np.full(200, 100, np.uint32))
    good = pe.Hits.from_lists(
        [[(i, 0.8), *((499 - j, 0.5 - 0.001 * j) for j in range(50))] for i in range(200)]
    )
    success = 1 / 500
    lexical, dense = auto_weights(calibration(success, 0.9), *plain(200))
    fused = pe.convex([noise, good], weights=[lexical, dense], normalisation="none", depth=10)
    assert ndcg(fused, range(200)) >= ndcg(good, range(200)) - 0.5


def test_one_branch_empty(tmp_path: Path) -> None:
    engine = made(tmp_path / "idx", texts(200), WordEmbedder())
    queries = ["zzz yyy", "xxx"]  # no word that the lexical branch knows
    found = engine.search_batch(queries, 10, fusion="auto")
    assert np.array_equal(found.rows, engine.search_batch(queries, 10, mode="dense").rows)


def test_branches_identical(tmp_path: Path) -> None:
    documents = texts(200)
    engine = made(tmp_path / "idx", documents, WordEmbedder())
    lexical = engine.search_batch(QUERIES, 20, mode="lexical")
    weights = auto_weights(calibration(0.9, 0.9), *plain(len(QUERIES)))
    for identical in (lexical, engine.search_batch(QUERIES, 20, mode="dense")):
        fused = pe.convex([identical, identical], weights=weights, normalisation="none")
        assert np.array_equal(fused.rows, identical.rows)


def test_dense_branch_perfect(tmp_path: Path) -> None:
    documents = texts(400)
    queries, answers = known_queries(documents, 3)
    meant = dict(zip(queries, answers, strict=True))

    class Oracle(WordEmbedder):
        """Knows which document a query wants, a known-item query too."""

        def embed(self, texts: Sequence[str], *, kind: Any = "passage") -> npt.NDArray[np.float32]:
            wanted = [documents[meant[t]] if t in meant else self._holder(t) for t in texts]
            return super().embed(wanted, kind="passage")

        def _holder(self, text: str) -> str:
            return next((document for document in documents if text in document), text)

    engine = made(tmp_path / "idx", documents, Oracle())
    lexical, dense, auto = measured(engine, queries, answers)
    assert lexical < dense == 100
    assert auto >= 99.5


@pytest.mark.parametrize(
    ("fusion", "message"),
    [
        ("best", "method: expected one of rrf, wrrf, convex, auto, got 'best'"),
        (3, "fusion: expected the name of a method or FusionConfig, got 3"),
    ],
)
def test_refusals(engine: pe.Engine, fusion: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        engine.search("kader", fusion=fusion)
    with pytest.raises(InvalidInputError, match=message):
        engine.search_batch(["kader"], fusion=fusion)
    with pytest.raises(InvalidInputError, match=message):
        engine.set_fusion(fusion)


def test_config_refusals() -> None:
    with pytest.raises(InvalidInputError, match="normalisation: expected 'minmax' or 'theoretical', got 'z'"):
        pe.FusionConfig(normalisation="z")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InvalidInputError, match="expected one above 0 with method 'convex'"):
        pe.FusionConfig(method="convex", lexical_weight=0, dense_weight=0)
    with pytest.raises(InvalidInputError, match="spread: expected a number above 0, got 0"):
        calibration(1, 1, spread=0)


def test_changes_staged_or_no_vectors_are_refused(tmp_path: Path, engine: pe.Engine) -> None:
    engine.add([{"id": "new", "text": "kader"}])
    with pytest.raises(InvalidInputError, match="changes are staged"):
        engine.set_fusion("auto")
    engine.rollback()
    with pytest.raises(InvalidInputError, match="samples: expected an int, 2 or more, got 1"):
        engine.calibrate_fusion(1)
    lexical = made(tmp_path / "lexical", texts(5), None)
    with pytest.raises(InvalidInputError, match="has no vectors"):
        lexical.calibrate_fusion()
