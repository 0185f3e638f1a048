"""`Chunker` by hand: where texts are cut, chunks of one's own, what is stored, what is refused."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import pyengine as pe
from pyengine import Chunker
from pyengine.corpus import ChunkPlace, Corpus, write_ipc
from pyengine.errors import CorruptIndexError, IncompatibleIndexError, InvalidInputError


def cut(text: str, *args: Any, **options: Any) -> list[str]:
    return [text[start:end] for start, end in Chunker(*args, **options).spans(text)]


def test_chunks_end_at_sentences_and_begin_at_sentences() -> None:
    text = "One two three. Four five six. Seven eight."
    assert cut(text, 7, 0) == ["One two three. Four five six.", "Seven eight."]
    assert cut(text, 7, 4) == ["One two three. Four five six.", "Four five six. Seven eight."]
    # Two tokens hold no whole sentence, so nothing is repeated.
    assert cut(text, 7, 2) == ["One two three. Four five six.", "Seven eight."]
    assert cut(text, 7, 2, sentences=False) == ["One two three. Four five six. Seven", "six. Seven eight."]


def test_a_long_sentence_is_cut_between_words_and_repeats_exactly_the_overlap() -> None:
    assert cut("a b c d e f g h", 4, 1) == ["a b c d", "d e f g", "g h"]
    assert cut("Short. One two three four five six", 4, 2) == [
        "Short.",
        "One two three four",
        "three four five six",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "See 28 U.S.C. § 1331 for it. ",
        "As in No. 5 of it. ",
        "Use fruit, e.g. Apples, today. ",
        "J. Smith and Dr. Jones came. ",
        "The U.S. Court sat. ",
        "Vol. II is lost. ",
        "1. First is this. ",
        '"No!" he said and left. ',
        "It grew... and fell. ",
    ],
)
def test_no_sentence_ends_inside(text: str) -> None:
    n = len([token for token in pe.Analyzer().tokens(text) if not token.part])
    assert cut(text + "Then more came.", n + 2, 0)[0] == text.strip()
    # With one token less it is cut there, and not where a sentence ends before.
    last = text.rsplit(maxsplit=1)[-1]
    assert cut(text, n - 1, 0) == [text.removesuffix(f" {last} "), last]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("It ends. Next", "It ends."),
        ("It ends.) Next", "It ends.)"),
        ("Really?! Next", "Really?!"),
        ("He said no. Next", "He said no."),
        ("in 1999. Next", "in 1999."),
        ("code F33.1. Next", "code F33.1."),
        ("今日。明日", "今日。"),
        ("A heading\n\nNext", "A heading"),
        ("समाप्त। अगला", "समाप्त।"),
    ],
)
def test_sentences_end_here(text: str, first: str) -> None:
    n = len([token for token in pe.Analyzer().tokens(text) if not token.part])
    assert cut(text, n - 1, 0)[0] == first


def test_literals_are_one_token_and_whole() -> None:
    url = "https://example.com/" + "a/" * 500
    assert cut(f"{url} 28 U.S.C. § 1331 getUserById", 1, 0) == [url, "28 U.S.C. § 1331", "getUserById"]


def test_texts_without_tokens_are_one_chunk() -> None:
    assert Chunker().spans("") == [(0, 0)]
    assert Chunker().spans(" \n\u2003") == [(0, 0)]
    assert Chunker().spans("  — … —  ") == [(2, 7)]


def test_offsets_are_code_points() -> None:
    assert Chunker(1, 0).spans("𝒳𝒴 é😀 z") == [(0, 2), (3, 5), (6, 7)]


def test_the_overlap_is_an_eighth_by_default() -> None:
    assert Chunker().config() == {"tokens": 256, "overlap": 32, "sentences": True}
    assert Chunker(7).config()["overlap"] == 0


def test_configuration_and_fingerprint() -> None:
    chunkers = [Chunker(), Chunker(64), Chunker(64, 1), Chunker(64, sentences=False), Chunker.given()]
    assert len({chunker.fingerprint for chunker in chunkers}) == len(chunkers)
    for chunker in chunkers:
        for same in (Chunker.from_config(chunker.config()), pickle.loads(pickle.dumps(chunker))):
            assert same == chunker
            assert hash(same) == hash(chunker)
            assert same.fingerprint == chunker.fingerprint
    assert repr(Chunker(64, 8)) == "Chunker(tokens=64, overlap=8, sentences=True)"
    assert repr(Chunker.given()) == "Chunker.given()"
    with pytest.raises(InvalidInputError, match="config: expected the keys"):
        Chunker.from_config({"tokens": 3})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tokens": 0}, "tokens: expected a whole number, 1 to 16777216, got 0"),
        ({"tokens": 2.5}, "tokens: .*got 2.5"),
        ({"tokens": True}, "tokens: .*got True"),
        ({"tokens": 8, "overlap": 8}, "overlap: expected a whole number, 0 to 7, got 8"),
        ({"overlap": -1}, "overlap: .*got -1"),
        ({"sentences": 1}, "sentences: expected True or False, got 1"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Chunker(**arguments)


def test_bad_texts_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="text: expected str, got bytes"):
        Chunker().spans(b"a")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(InvalidInputError, match="lone surrogate"):
        Chunker().spans("\ud800")
    with pytest.raises(InvalidInputError, match="it cuts none"):
        Chunker.given().spans("a")


def chunks_of(chunker: Chunker, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("id", "chunk", "chunks", "start", "end", "text")
    return [
        tuple(row[name] for name in names)
        for batch in chunker.batches(Corpus.from_rows(rows).batches())
        for row in batch.to_pylist()
    ]


def test_chunks_of_ones_own() -> None:
    rows = [
        {"id": "a", "text": "One. 𝒳wo.", "spans": [[0, 4], [5, 9]]},
        {"id": "b", "text": " whole ", "spans": []},
        {"id": "c", "text": "over lap", "spans": [[0, 6], [3, 8], [3, 3]]},
        {"id": "d", "text": "", "spans": None},
    ]
    assert chunks_of(Chunker.given(), rows) == [
        ("a", 0, 2, 0, 4, "One."),
        ("a", 1, 2, 5, 9, "𝒳wo."),
        ("b", 0, 1, 0, 7, " whole "),
        ("c", 0, 3, 0, 6, "over l"),
        ("c", 1, 3, 3, 8, "r lap"),
        ("c", 2, 3, 3, 3, ""),
        ("d", 0, 1, 0, 0, ""),
    ]
    assert "spans" not in Chunker.given().schema(Corpus.from_rows(rows).schema).names


@pytest.mark.parametrize(
    "spans", [[[0, 5]], [[2, 1]], [[-1, 2]], [[1, 2], [0, 1]], [[0]], [[0, None]], [None]]
)
def test_spans_that_do_not_fit_are_refused(spans: Any) -> None:
    rows = [{"id": "a", "text": "fine", "spans": [[0, 1]]}, {"id": "b", "text": "fine", "spans": spans}]
    with pytest.raises(InvalidInputError, match=r"spans: document 'b', span \d: expected \[start, end\]"):
        chunks_of(Chunker.given(), rows)


def test_documents_without_a_list_of_spans_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"spans: expected lists of .*got no such field"):
        chunks_of(Chunker.given(), [{"id": "a", "text": "b"}])
    with pytest.raises(InvalidInputError, match=r"spans: expected lists of .*got list<\w+: double>"):
        chunks_of(Chunker.given(), [{"id": "a", "text": "b", "spans": [0.5]}])


@pytest.mark.parametrize("name", ["chunk", "chunks", "start", "end"])
def test_metadata_of_the_columns_names_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match=f"column '{name}' cannot be kept.*rename it"):
        chunks_of(Chunker(), [{"id": "a", "text": "b", name: 1}])


def test_a_text_in_very_many_chunks_comes_in_bounded_batches() -> None:
    text = "word " * 40_000
    batch = pa.record_batch({"id": ["a"], "title": ["t" * 2000], "text": [text]})
    sizes = [(part.num_rows, part.nbytes) for part in Chunker(8, 7).batches([batch])]
    assert sum(rows for rows, _ in sizes) == 40_000 - 7
    assert max(rows for rows, _ in sizes) <= 8192
    assert max(size for _, size in sizes) <= 17 << 20


def stored(path: Path, rows: list[dict[str, Any]]) -> pe.corpus.StoredCorpus:
    corpus, chunker = Corpus.from_rows(rows), Chunker(2, 1)
    assert write_ipc(chunker.batches(corpus.batches()), path, schema=chunker.schema(corpus.schema)) > 0
    return Corpus.open_ipc(path)


def test_a_stored_corpus_knows_documents_and_chunks(tmp_path: Path) -> None:
    corpus = stored(
        tmp_path / "c.arrow",
        [{"id": "a", "text": "x y z"}, {"id": "b", "text": ""}, {"id": "c", "text": "one 𝒳 two"}],
    )
    assert (len(corpus), corpus.n_documents, corpus.chunked) == (5, 3, True)
    assert corpus.ids() == ["a", "a", "b", "c", "c"]
    assert corpus.rows_of(["c", "b", "a", "d"]).tolist() == [3, 2, 0, pe.NO_ROW]
    assert corpus.chunk(4) == ChunkPlace(chunk=1, chunks=2, start=4, end=9)
    assert (corpus.text(4), corpus.metadata(4)) == ("𝒳 two", {})
    documents = corpus.documents
    assert documents.of(np.array([[0, 1], [2, 4]])).tolist() == [[0, 0], [1, 2]]
    assert documents.rows(np.array([2, 0])).tolist() == [3, 4, 0, 1]
    assert documents.whole(np.array([4, 2, 3])).tolist() == [2, 3, 4]


def test_two_documents_of_one_id_and_torn_documents_are_refused(tmp_path: Path) -> None:
    chunker, path = Chunker(1), tmp_path / "c.arrow"
    (batch,) = chunker.batches([pa.record_batch({"id": ["a", "a"], "title": ["", ""], "text": ["x y", "z"]})])
    with pytest.raises(InvalidInputError, match="id 'a' stands in rows 0 and 2"):
        write_ipc([batch], path)
    for torn in ([0, 2], [1, 2], [1], [0]):
        with pytest.raises(InvalidInputError, match="keep all chunks of a document, one after the other"):
            write_ipc([batch.take(pa.array(torn))], path)
    assert write_ipc([batch.slice(0, 1), batch.slice(1, 1)], path) == 2
    assert not list(tmp_path.glob("*.tmp"))


def test_a_damaged_id_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "c.arrow"
    stored(path, [{"id": "a", "text": "x y z"}, {"id": "b", "text": "x"}])
    ids = path.with_suffix(".ids")
    sound = ids.read_bytes()
    ids.write_bytes(sound[:-4] + (77).to_bytes(4, "little"))
    with pytest.raises(CorruptIndexError, match="rows of documents are damaged"):
        Corpus.open_ipc(path).documents.of(np.array([0]))
    ids.write_bytes(sound[:-12])
    with pytest.raises(CorruptIndexError, match="expected the length for 2 documents"):
        Corpus.open_ipc(path)
    ids.write_bytes(sound[:8] + (9).to_bytes(4, "little") + sound[12:])
    with pytest.raises(IncompatibleIndexError, match="version 9 of the id file"):
        Corpus.open_ipc(path)


def test_whole_documents_keep_the_id_file_of_version_1(tmp_path: Path) -> None:
    path = tmp_path / "c.arrow"
    write_ipc(Corpus.from_rows([{"id": "a", "text": "x"}, {"id": "b", "text": "y"}]), path)
    assert path.with_suffix(".ids").read_bytes()[8:12] == (1).to_bytes(4, "little")
    corpus = Corpus.open_ipc(path)
    assert (corpus.chunked, corpus.n_documents, corpus.chunk(0)) == (False, 2, None)
    assert corpus.documents.of(np.array([1, 0])).tolist() == [1, 0]
