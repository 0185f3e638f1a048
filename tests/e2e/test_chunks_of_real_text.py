"""A collection of long texts, whole and in chunks: what must hold; the metrics of both are printed (-s)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from oracles import chunking as slow

import pyengine as pe

METRICS = ["ndcg@10", "recall@100", "mrr@10"]


def test_chunks_of_a_real_collection(collection: Callable[[str], Path], tmp_path: Path) -> None:
    folder = collection("medquad-liveqa")
    judged = pe.EvalSet.from_beir(folder)
    corpus, chunker = pe.Corpus.from_beir(folder, metadata=[]), pe.Chunker(128)
    with (
        pe.Engine.create(tmp_path / "whole") as whole,
        pe.Engine.create(tmp_path / "chunks", chunker=chunker) as chunks,
    ):
        for name, engine in (("whole", whole), ("chunks", chunks)):
            engine.add(corpus)
            engine.commit()
            hits = engine.search_batch(judged.queries, 100)
            found = pe.evaluate(hits, judged.qrels, METRICS, query_ids=judged.query_ids, doc_ids=engine.ids)
            print(name, len(engine), found.means)  # noqa: T201 - for whoever asks with -s
            assert found.n_answered == len(judged.qrels)
        assert chunks.n_documents == len(whole)
        assert list(dict.fromkeys(chunks.ids)) == list(whole.ids)
        # What is not in chunks is white space, and each stands where it says.
        rows = np.random.default_rng(0).choice(len(whole), 300, replace=False)
        for document in rows.tolist():
            text, spans = whole.corpus.text(document), []
            for row in chunks.corpus.documents.rows(np.array([document])).tolist():
                place = chunks.corpus.chunk(row)
                assert place is not None
                spans.append((place.start, place.end))
                assert chunks.corpus.text(row) == text[place.start : place.end]
            assert spans == slow.spans(text, 128, 16, True)
        # Documents matched are documents matched, in chunks or whole: a term is in a chunk of its document.
        for query in judged.queries[:20]:
            (row,) = chunks.search_batch([query], len(whole)).counts.tolist()
            assert row == whole.search_batch([query], len(whole)).counts[0]
