"""The demo's collection: what becomes a document, what becomes a query, and what is left out."""

import ast
import json
import sys
from pathlib import Path

import pytest

from pyengine.cli.stdlib_collection import (
    EXCLUDED_FOLDERS,
    StdlibCollection,
    build_stdlib_collection,
    first_sentence,
    mask_name,
)
from pyengine.errors import InvalidInputError, NotFoundError

LIBRARY = {
    "b.py": '''
def shared(x):
    """Return the doubled value of x."""
    return 2 * x


class Reader:
    """Not a function."""

    @property
    def width(self):
        """Number of columns a reader can see."""
        return self._width

    @width.setter
    def width(self, value):
        self._width = value

    async def fetch(self, url):
        """fetch() downloads one page; Fetch never retries.  More follows."""

        class Local:
            """Describes a local thing in some words."""

            def inner(self):
                """Explains the inner workings to everyone."""
                return url

        return Local()  # after


def one(x): "Short and on one line only."; return x
def bare(): """Only a docstring and nothing else here."""
''',
    "a/__init__.py": '''
def twin_one():
    """Compute the first of two equal things."""
    return 1


def twin(y):
    """Return the DOUBLED value, of x!"""
    return y


def same(a):
    """Asks for something nobody else asks."""
    return a


class Other:
    def same(a):
        """Another question with the same answer."""
        return a


def short(value):
    """Short the value."""
    return value
''',
    "a/test/test_x.py": 'def test_it():\n    """A test is no documentation at all."""\n',
    "site-packages/third.py": "def third():\n    pass\n",
    "broken.py": "def broken(:\n",
    "latin.py": "# \xff not UTF-8\n",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("library")
    for name, source in LIBRARY.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.encode("latin-1"))
    return root


@pytest.fixture(scope="module")
def small(library: Path) -> StdlibCollection:
    return build_stdlib_collection(size=None, root=library)


@pytest.fixture(scope="module")
def full() -> StdlibCollection:
    return build_stdlib_collection(size=None)


def test_documents_are_the_functions_in_order_of_file_and_line(small: StdlibCollection) -> None:
    assert [d["id"] for d in small.documents] == [
        "a.twin_one",
        "a.twin",
        "a.same",
        "a.Other.same",
        "a.short",
        "b.shared",
        "b.Reader.width",
        "b.Reader.width:16",
        "b.Reader.fetch",
        "b.Reader.fetch.<locals>.Local.inner",
        "b.one",
        "b.bare",
    ]
    assert small.documents[6] == {
        "id": "b.Reader.width",
        "text": "def width(self):\n    return self._width",
        "module": "b",
        "line": 11,
    }


def test_no_document_holds_a_docstring_not_even_of_what_is_inside(small: StdlibCollection) -> None:
    texts = {d["id"]: d["text"] for d in small.documents}
    assert texts["b.Reader.fetch"].splitlines() == [
        "async def fetch(self, url):",
        "",
        "    class Local:",
        "",
        "        def inner(self):",
        "            return url",
        "",
        "    return Local()",
    ]
    assert texts["b.Reader.fetch.<locals>.Local.inner"] == "def inner(self):\n    return url"
    assert texts["b.one"] == "def one(x): return x"
    assert texts["b.bare"] == "def bare():"


def test_queries_are_first_sentences_without_the_name(small: StdlibCollection) -> None:
    assert small.queries == {
        "q:a.twin_one": "Compute the first of two equal things.",
        "q:b.Reader.width": "Number of columns a reader can see.",
        "q:b.Reader.fetch": "downloads one page; never retries.",
        "q:b.Reader.fetch.<locals>.Local.inner": "Explains the workings to everyone.",
        "q:b.one": "Short and on line only.",
        "q:b.bare": "Only a docstring and nothing else here.",
    }
    assert small.qrels == {query_id: {query_id[2:]: 1} for query_id in small.queries}


def test_what_is_left_out_is_counted(small: StdlibCollection) -> None:
    report = small.report
    assert (report.files, report.files_unreadable) == (2, 2)
    assert report.functions == report.documents == 12
    # "Short the value." has three words and never counts as a query; nobody masks it first.
    assert report.docstrings == 10
    assert report.skipped_short == 0
    assert report.skipped_ambiguous_query == 2
    assert report.skipped_ambiguous_document == 2
    assert report.queries_available == report.queries == 6


def test_counts_add_up(full: StdlibCollection) -> None:
    report = full.report
    left_out = report.skipped_short + report.skipped_ambiguous_query + report.skipped_ambiguous_document
    assert report.docstrings - left_out == report.queries_available == len(full.queries)
    assert len({d["id"] for d in full.documents}) == report.functions


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the counts are those of Python 3.11")
def test_size_of_the_library_of_python_3_11(full: StdlibCollection) -> None:
    """Distributions ship parts of the library apart, so a range; a complete 3.11.7 has 14,896 and 5,883."""
    assert 12_000 < full.report.functions < 15_500
    assert 4_500 < full.report.docstrings < 6_200


def test_no_query_names_its_function_and_no_document_carries_its_docstring(full: StdlibCollection) -> None:
    texts = {d["id"]: d["text"] for d in full.documents}
    for query_id, query in full.queries.items():
        name = query_id.rsplit(".", 1)[-1].split(":")[0].lower()
        assert name not in query.lower().replace("(", " ").replace(".", " ").split()
    for document in full.documents[:: len(full.documents) // 400]:
        try:
            function = ast.parse(document["text"]).body[0]
        except SyntaxError:  # a body that was nothing but its docstring
            continue
        assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        assert ast.get_docstring(function) is None
        assert texts[document["id"]] == document["text"]


def test_sample_is_drawn_from_the_full_collection_and_holds_every_answer() -> None:
    root = Path(json.__file__).parents[1] / "email"
    full = build_stdlib_collection(size=None, root=root)
    sample = build_stdlib_collection(size=100, root=root)
    assert (sample.report.documents, sample.report.queries) == (100, 30)
    everything = {d["id"]: d for d in full.documents}
    assert all(everything[d["id"]] == d for d in sample.documents)
    assert sample.queries.items() <= full.queries.items()
    ids = {d["id"] for d in sample.documents}
    assert all(document_id in ids for judged in sample.qrels.values() for document_id in judged)
    assert sample.documents == sorted(sample.documents, key=full.documents.index)


def test_same_library_same_collection(library: Path) -> None:
    first, second = (build_stdlib_collection(size=10, root=library) for _ in range(2))
    assert first == second
    assert first.report.fingerprint != build_stdlib_collection(size=11, root=library).report.fingerprint


def test_progress_counts_files(library: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    build_stdlib_collection(root=library, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_written_as_beir(small: StdlibCollection, tmp_path: Path) -> None:
    small.write_beir(tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text("utf-8").splitlines()]
    assert [(r["_id"], r["text"]) for r in rows] == [(d["id"], d["text"]) for d in small.documents]
    assert rows[0]["metadata"] == {"module": "a", "line": 2}
    queries = [json.loads(line) for line in (folder / "queries.jsonl").read_text("utf-8").splitlines()]
    assert {q["_id"]: q["text"] for q in queries} == small.queries
    judged = (folder / "qrels" / "test.tsv").read_text("utf-8").splitlines()
    assert judged[:2] == ["query-id\tcorpus-id\tscore", "q:a.twin_one\ta.twin_one\t1"]
    assert len(judged) == 1 + len(small.queries)


@pytest.mark.parametrize(
    ("docstring", "sentence"),
    [
        ("One. Two.", "One."),
        ("Read, e.g. a file, i.e. bytes. Then stop.", "Read, e.g. a file, i.e. bytes."),
        ("Version 3.5 of it\nruns on", "Version 3.5 of it runs on"),
        ("First part\n\n    second part", "First part"),
        ("Is it? Yes.", "Is it?"),
        ("Add two\n>>> add(1)\n2", "Add two"),
        ("", ""),
        ("a lone\ud800 surrogate", "a lone\ufffd surrogate"),
    ],
)
def test_first_sentence(docstring: str, sentence: str) -> None:
    assert first_sentence(docstring) == sentence


@pytest.mark.parametrize(
    ("sentence", "name", "masked"),
    [
        ("Open() or open a file", "open", "or a file"),
        ("Reopen an opened file", "open", "Reopen an opened file"),
        ("Return repr(self).", "__repr__", "Return (self)."),
        ("Get the terminal size", "get_terminal_size", "Get the terminal size"),
        ("A _ is kept", "_", "A is kept"),
        ("Use a+b", "a", "Use +b"),
    ],
)
def test_mask_name(sentence: str, name: str, masked: str) -> None:
    assert mask_name(sentence, name) == masked


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="size: expected at least 10"):
        build_stdlib_collection(size=9)
    with pytest.raises(NotFoundError, match="found none"):
        build_stdlib_collection(root=tmp_path)


def test_tests_and_installed_packages_are_left_out(full: StdlibCollection) -> None:
    modules = {part for d in full.documents for part in d["module"].split(".")}
    assert not EXCLUDED_FOLDERS & modules
