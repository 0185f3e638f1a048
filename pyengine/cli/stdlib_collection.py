"""The demo's collection: the functions of the running Python's own standard library, and their docstrings.

One document per function or method: its signature and body, docstrings removed. One query per docstring: its
first sentence with the function's own name masked out. The function itself is the one relevant document.
Nobody wrote the relevance for this engine, nothing is downloaded, and the same Python gives the same
collection.
"""

import ast
import hashlib
import inspect
import json
import platform
import re
import sysconfig
import textwrap
import tokenize
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyengine.errors import InvalidInputError, NotFoundError

__all__ = ["EXCLUDED_FOLDERS", "CollectionReport", "StdlibCollection", "build_stdlib_collection"]

EXCLUDED_FOLDERS = frozenset(
    {
        "site-packages",
        "dist-packages",
        "__pycache__",
        # The library's tests: functions by the thousand with names for documentation.
        "test",
        "tests",
        "idle_test",
        # Two applications that live in the library's folder: an editor and a source translator.
        "idlelib",
        "lib2to3",
    }
)
"""Folders left out, wherever they stand below the library's root."""

MIN_WORDS = 4
"""Words a query must have once the name is masked; a shorter one says too little to have one answer."""

SAMPLE_DOCUMENTS = 2000
SAMPLE_QUERY_SHARE = 0.3

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_WORD = re.compile(r"\w+")
# The end of a sentence: a stop before white space or the end, but not that of "e.g.", "i.e.", "etc.", "vs.".
_SENTENCE_END = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)[.!?](?=\s|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionReport:
    """What was read, kept and left out; every count is a number of functions unless its name says otherwise.

    Parameters
    ----------
    python : str
        Version of the Python whose library this is.
    files, files_unreadable : int
        Source files parsed, and files that could not be decoded or parsed.
    functions : int
        Functions and methods, nested ones included: the documents of the full collection.
    docstrings : int
        Functions with a docstring of `MIN_WORDS` words or more.
    skipped_short : int
        Of those, first sentences with fewer than `MIN_WORDS` words once the name is masked.
    skipped_ambiguous_query : int
        Queries whose text another function's docstring has as well (ignoring case and punctuation).
    skipped_ambiguous_document : int
        Queries whose function has the very text of another function: nothing could rank the one above the
        other.
    queries_available : int
        Queries left.
    documents, queries : int
        The collection as returned: all, or the sample.
    fingerprint : str
        SHA-256 over ids, texts and queries of what is returned: two machines with the same hold the same.
    """

    python: str
    files: int
    files_unreadable: int
    functions: int
    docstrings: int
    skipped_short: int
    skipped_ambiguous_query: int
    skipped_ambiguous_document: int
    queries_available: int
    documents: int
    queries: int
    fingerprint: str

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dict."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class StdlibCollection:
    """Documents, queries and judgements, in memory.

    Parameters
    ----------
    documents : list of dict
        ``id`` (``json.decoder.JSONDecoder.decode``), ``text``, ``module`` and ``line``, in order of module
        and line.
    queries : dict of str to str
        Query id to text; the id is that of the function it was written for, after ``q:``. In order of the
        library.
    qrels : dict of str to dict of str to int
        Query id to ``{document id: 1}``.
    report : CollectionReport
        What was kept and what was not.
    """

    documents: list[dict[str, Any]]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]
    report: CollectionReport

    def write_beir(self, folder: Path) -> None:
        """Write ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/test.tsv`` into a folder, made if missing."""
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        with (folder / "corpus.jsonl").open("w", encoding="utf-8") as file:
            for document in self.documents:
                fields = {key: value for key, value in document.items() if key not in ("id", "text")}
                row = {"_id": document["id"], "title": "", "text": document["text"], "metadata": fields}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        with (folder / "queries.jsonl").open("w", encoding="utf-8") as file:
            for query_id, text in self.queries.items():
                file.write(json.dumps({"_id": query_id, "text": text}, ensure_ascii=False) + "\n")
        with (folder / "qrels" / "test.tsv").open("w", encoding="utf-8") as file:
            file.write("query-id\tcorpus-id\tscore\n")
            for query_id, judged in self.qrels.items():
                for document_id, grade in judged.items():
                    file.write(f"{query_id}\t{document_id}\t{grade}\n")


@dataclass(frozen=True, slots=True)
class _Parsed:
    """One function as found in a file."""

    id: str
    module: str
    line: int
    text: str
    docstring: str | None
    name: str


def build_stdlib_collection(
    *,
    size: int | None = SAMPLE_DOCUMENTS,
    root: Path | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> StdlibCollection:
    """Read the standard library into a known-item collection.

    Parameters
    ----------
    size : int or None
        Documents of a sample: the answers of ``0.3 * size`` queries (fewer where fewer exist) and, up to
        ``size``, functions no query asks for. Both are drawn by the hash of their ids, so the draw depends on
        nothing but the library. None takes everything.
    root : Path, optional
        Folder to read; the running Python's library by default.
    progress : callable, optional
        Called with files read and files in all.

    Returns
    -------
    StdlibCollection

    Raises
    ------
    InvalidInputError
        ``size`` is below 10.
    NotFoundError
        The folder holds no Python file, as in a Python that carries its library in a zip.

    Notes
    -----
    The name is masked as a whole word, in any case, with or without ``()`` and with or without its leading
    and trailing underscores. Its parts are not: ``get_terminal_size`` and "Get the size of the terminal" are
    the very match a code search is asked to make.
    """
    if size is not None and size < 10:
        raise InvalidInputError(f"size: expected at least 10 documents, got {size}")
    base = Path(sysconfig.get_paths()["stdlib"]) if root is None else root
    functions, files, unreadable = _read_library(base, progress)
    queries, counts = _queries(functions)
    asked = sorted(queries, key=lambda i: _draw(functions[i].id))
    if size is None:
        kept = list(range(len(functions)))
    else:
        asked = asked[: max(1, int(size * SAMPLE_QUERY_SHARE))]
        others = sorted(set(range(len(functions))) - set(asked), key=lambda i: _draw(functions[i].id))
        kept = sorted(asked + others[: size - len(asked)])
    documents = [
        {"id": f.id, "text": f.text, "module": f.module, "line": f.line} for f in (functions[i] for i in kept)
    ]
    texts = {f"q:{functions[i].id}": queries[i] for i in sorted(asked)}
    report = CollectionReport(
        python=platform.python_version(),
        files=files,
        files_unreadable=unreadable,
        functions=len(functions),
        docstrings=counts["docstrings"],
        skipped_short=counts["short"],
        skipped_ambiguous_query=counts["ambiguous_query"],
        skipped_ambiguous_document=counts["ambiguous_document"],
        queries_available=len(queries),
        documents=len(documents),
        queries=len(texts),
        fingerprint=_fingerprint(documents, texts),
    )
    qrels = {query_id: {query_id.removeprefix("q:"): 1} for query_id in texts}
    return StdlibCollection(documents=documents, queries=texts, qrels=qrels, report=report)


def _read_library(
    base: Path, progress: Callable[[int, int | None], None] | None
) -> tuple[list[_Parsed], int, int]:
    """Return all functions under ``base`` by path and line, files read and files that could not be."""
    paths = sorted(
        (path.relative_to(base).as_posix(), path)
        for path in base.rglob("*.py")
        if not EXCLUDED_FOLDERS.intersection(path.relative_to(base).parts)
    )
    if not paths:
        raise NotFoundError(f"{base}: expected the Python source files of a standard library, found none")
    functions: list[_Parsed] = []
    unreadable = 0
    seen: set[str] = set()
    for done, (name, path) in enumerate(paths, start=1):
        try:
            # Universal newlines, as the parser counts lines.
            with tokenize.open(path) as file:
                source = file.read()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(source)
        except (SyntaxError, ValueError, OSError):
            unreadable += 1
        else:
            functions.extend(_functions(tree, source, _module_name(name), seen))
        if progress is not None:
            progress(done, len(paths))
    return functions, len(paths) - unreadable, unreadable


def _module_name(path: str) -> str:
    parts = path.removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _functions(tree: ast.Module, source: str, module: str, seen: set[str]) -> Iterator[_Parsed]:
    """Yield the functions of one file in order of line, each under an id that ``seen`` did not hold yet."""
    lines = source.encode("utf-8", "replace").split(b"\n")

    def walk(node: ast.AST, prefix: str) -> Iterator[_Parsed]:
        for child in _blocks(node):
            if isinstance(child, _Function):
                identifier = f"{module}.{prefix}{child.name}"
                if identifier in seen:
                    # A property's setter, or one definition per platform: the line tells them apart.
                    identifier = f"{identifier}:{child.lineno}"
                seen.add(identifier)
                text = _without_docstrings(child, lines)
                docstring = ast.get_docstring(child)
                yield _Parsed(identifier, module, child.lineno, text, docstring, child.name)
                yield from walk(child, f"{prefix}{child.name}.<locals>.")
            elif isinstance(child, ast.ClassDef):
                yield from walk(child, f"{prefix}{child.name}.")
            else:
                yield from walk(child, prefix)

    yield from walk(tree, "")


def _without_docstrings(function: _Function, lines: list[bytes]) -> str:
    """Return signature and body without the docstring of the function and of anything defined inside it."""
    first, last = function.lineno, function.end_lineno or function.lineno
    kept = list(lines[first - 1 : last])
    # The columns are bytes. Cut the end before the start: a function may stand on one line.
    kept[-1] = kept[-1][: function.end_col_offset]
    kept[0] = b" " * function.col_offset + kept[0][function.col_offset :]
    dropped: set[int] = set()
    for node in _below(function):
        docstring = _docstring_node(node)
        if docstring is None:
            continue
        start, end = docstring.lineno - first, (docstring.end_lineno or docstring.lineno) - first
        before = kept[start][: docstring.col_offset]
        after = kept[end][docstring.end_col_offset :].lstrip(b"; ")
        kept[start] = (before + after).rstrip()
        dropped.update(range(start + 1, end + 1))
        if not kept[start]:
            dropped.add(start)
    text = b"\n".join(line for i, line in enumerate(kept) if i not in dropped).decode("utf-8", "replace")
    return textwrap.dedent(text).strip()


def _blocks(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands in the blocks of ``node``. A definition is a statement: expressions hold none."""
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield from block


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """Yield ``node`` and every statement below it."""
    yield node
    for child in _blocks(node):
        yield from _below(child)


def _docstring_node(node: ast.AST) -> ast.Constant | None:
    if isinstance(node, _Function | ast.ClassDef) and node.body:
        statement = node.body[0]
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return statement.value if isinstance(statement.value.value, str) else None
    return None


def _queries(functions: list[_Parsed]) -> tuple[dict[int, str], Counter[str]]:
    """Return the query of each function that has an unambiguous one, and how many were left out and why."""
    counts: Counter[str] = Counter()
    found: dict[int, str] = {}
    for i, function in enumerate(functions):
        if function.docstring is None or len(_WORD.findall(function.docstring)) < MIN_WORDS:
            continue
        counts["docstrings"] += 1
        query = mask_name(first_sentence(function.docstring), function.name)
        if len(_WORD.findall(query)) < MIN_WORDS:
            counts["short"] += 1
        else:
            found[i] = query
    query_uses = Counter(_comparable(query) for query in found.values())
    text_uses = Counter(function.text for function in functions)
    queries: dict[int, str] = {}
    for i, query in found.items():
        if query_uses[_comparable(query)] > 1:
            counts["ambiguous_query"] += 1
        elif text_uses[functions[i].text] > 1:
            counts["ambiguous_document"] += 1
        else:
            queries[i] = query
    return queries, counts


def first_sentence(docstring: str) -> str:
    """Return the first sentence of a docstring, on one line; a blank line or an example ends it too."""
    paragraph = re.split(r"\n\s*\n|^\s*>>>", inspect.cleandoc(docstring), maxsplit=1, flags=re.MULTILINE)[0]
    # A docstring may hold a lone surrogate, which no UTF-8 file can.
    flat = " ".join(re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", paragraph).split())
    end = _SENTENCE_END.search(flat)
    return flat if end is None else flat[: end.end()]


def mask_name(sentence: str, name: str) -> str:
    """Return ``sentence`` without the whole word ``name``, in any case, with or without ``()``."""
    names = "|".join(re.escape(form) for form in {name, name.strip("_")} if form)
    if not names:
        return sentence
    masked = re.sub(rf"(?<!\w)(?:{names})(?!\w)(?:\(\))?", " ", sentence, flags=re.IGNORECASE)
    return " ".join(masked.split())


def _comparable(query: str) -> str:
    return " ".join(_WORD.findall(query.casefold()))


def _draw(identifier: str) -> bytes:
    """Return the key a sample is drawn by: a hash, so that the draw does not depend on names or order."""
    return hashlib.sha256(b"pyengine demo 1\0" + identifier.encode()).digest()


def _fingerprint(documents: list[dict[str, Any]], queries: dict[str, str]) -> str:
    digest = hashlib.sha256()
    for part in [*((d["id"], d["text"]) for d in documents), *queries.items()]:
        digest.update(json.dumps(part).encode())
    return digest.hexdigest()
