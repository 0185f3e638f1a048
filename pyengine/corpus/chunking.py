"""`Chunker`: documents into chunks that know their document and their place in it."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from pyengine import _core
from pyengine.corpus.batching import MAX_BYTES, MAX_ROWS
from pyengine.corpus.chunks import CHUNK_COLUMNS, chunk_fields
from pyengine.corpus.ids import string_parts
from pyengine.corpus.schema import CORE, base_schema
from pyengine.errors import InvalidInputError
from pyengine.text import Analyzer

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Chunker"]

Spans = npt.NDArray[np.int64]

SPANS: Final = "spans"
"""The field in which documents bring chunks of their own."""
_MOST_TOKENS: Final = 1 << 24
# Part of the fingerprint: raised whenever the same configuration gives other chunks than before.
_RULE_VERSION: Final = 1


class Chunker:
    """Cuts documents into chunks; every chunk becomes a row that both branches index.

    Parameters
    ----------
    tokens : int, 1 to 2**24
        Most tokens of a chunk: words of UAX #29 and whole literals, as `Analyzer` finds them. A literal is
        one token and is never cut. 256: English words make about 1.3 word pieces each, so that a chunk fits
        models that read 512 with room to spare; use about 180 for a model that reads 256.
    overlap : int, 0 to tokens - 1, optional
        Tokens at the end of a chunk that the next one repeats, so that what stands around a cut is found
        whole. With ``sentences`` it is the most that is repeated: the next chunk begins where a sentence
        does, and repeats exactly so many only where a sentence had to be cut. An eighth of ``tokens`` by
        default, 32 of 256: a sentence or two.
    sentences : bool
        End a chunk at the last sentence end that fits (True), else, or where none fits, at the last token.
        ``docs/chunking.md`` says what a sentence end is.

    Raises
    ------
    InvalidInputError
        A number is out of range or of another type.

    Notes
    -----
    Chunks are cut once, in the corpus, so both branches index the same rows. White space at either end of a
    chunk belongs to none. The title is repeated with every chunk, and does not count.
    Immutable. Threads: safe; the GIL is released. Time is linear in the text that the chunks hold, overlap
    included.

    Examples
    --------
    >>> text = "Dr. Smith cites 28 U.S.C. § 1331. It holds. So does No. 5."
    >>> [text[a:b] for a, b in Chunker(tokens=6, overlap=0).spans(text)]
    ['Dr. Smith cites 28 U.S.C. § 1331. It holds.', 'So does No. 5.']
    """

    __slots__ = ("_config", "_core")

    def __init__(self, tokens: int = 256, overlap: int | None = None, *, sentences: bool = True) -> None:
        tokens = _whole("tokens", tokens, 1, _MOST_TOKENS)
        overlap = tokens // 8 if overlap is None else _whole("overlap", overlap, 0, tokens - 1)
        if not isinstance(sentences, bool):
            raise InvalidInputError(f"sentences: expected True or False, got {sentences!r}")
        self._config: dict[str, Any] = {"tokens": tokens, "overlap": overlap, "sentences": sentences}
        self._core: _core.Chunker | None = _core.Chunker(tokens, overlap, sentences)

    @classmethod
    def given(cls) -> Self:
        """Return the chunker that takes the chunks as the caller has cut them.

        Every document brings a field ``spans``: a list of ``[start, end]`` in code points of its text, by
        ascending start; they may overlap and leave gaps. Without any (an empty list or null) the document is
        one chunk.
        """
        chunker = cls.__new__(cls)
        chunker._config = {"given": True}
        chunker._core = None
        return chunker

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where the chunks of a text start and end, in code points; at least one.

        Parameters
        ----------
        text : str

        Raises
        ------
        InvalidInputError
            ``text`` is no str, holds a lone surrogate or is of 2**30 bytes or more; or the caller cuts.
        """
        if self._core is None:
            raise InvalidInputError("spans: this chunker takes the chunks that documents bring; it cuts none")
        if not isinstance(text, str):
            raise InvalidInputError(f"text: expected str, got {type(text).__name__}; decode bytes first")
        return [(start, end) for _, _, start, end in self._core.spans([text])[1].tolist()]

    def schema(self, schema: "pa.Schema") -> "pa.Schema":
        """Return the columns of the chunked corpus: id, title, text, chunk, chunks, start, end, metadata.

        Parameters
        ----------
        schema : pyarrow.Schema
            Columns of the documents.

        Raises
        ------
        InvalidInputError
            A metadata column has the name of one of these, or a chunker of given chunks finds no ``spans``.
        """
        import pyarrow as pa

        metadata = [field for field in schema if field.name not in CORE]
        for field in metadata:
            if field.name in CHUNK_COLUMNS:
                raise InvalidInputError(
                    f"metadata: column {field.name!r} cannot be kept in a chunked index, whose own columns "
                    f"are {', '.join(CHUNK_COLUMNS)}; rename it, or leave it out with metadata=[...]"
                )
        if self._core is None:
            metadata = [field for field in metadata if field.name != SPANS]
            if SPANS not in schema.names or not _is_spans(schema.field(SPANS).type):
                got = schema.field(SPANS).type if SPANS in schema.names else "no such field"
                raise InvalidInputError(
                    f"{SPANS}: expected lists of [start, end] with every document, got {got}; give them, or "
                    "cut with Chunker(tokens=...)"
                )
        return pa.schema([*base_schema(), *chunk_fields(), *metadata])

    def batches(self, batches: "Iterable[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        """Yield the chunks of documents, in order, as a stream; see `schema` for the columns.

        Parameters
        ----------
        batches : iterable of pyarrow.RecordBatch
            Documents, as `Corpus.batches` yields them.

        Raises
        ------
        InvalidInputError
            As `schema`; or spans that do not fit their text, with the document's id.
        """
        for batch in batches:
            schema = self.schema(batch.schema)
            if batch.num_rows:
                cut = _given(batch) if self._core is None else _cut(self._core, batch)
                yield from _rows(batch, cut, schema)

    def config(self) -> dict[str, Any]:
        """Return the configuration as JSON-able values; `from_config` takes it back."""
        return dict(self._config)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the chunker that `config` describes.

        Parameters
        ----------
        config : mapping

        Raises
        ------
        InvalidInputError
            An unknown or missing key, or a value the constructor refuses.
        """
        if dict(config) == {"given": True}:
            return cls.given()
        expected = {"tokens", "overlap", "sentences"}
        if set(config) != expected:
            raise InvalidInputError(f"config: expected the keys {sorted(expected)}, got {sorted(config)}")
        return cls(config["tokens"], config["overlap"], sentences=config["sentences"])

    @property
    def fingerprint(self) -> str:
        """Sixty-four hex digits that are equal for chunkers that cut alike.

        Covers the configuration, the version of the rule, and the analyzer's grammar and Unicode version.
        """
        state = {**self._config, "rule": _RULE_VERSION}
        if self._core is not None:
            state["analyzer"] = Analyzer("domain").fingerprint
        return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chunker) and self._config == other._config

    def __hash__(self) -> int:
        return hash(tuple(self._config.items()))

    def __repr__(self) -> str:
        if self._core is None:
            return "Chunker.given()"
        return f"Chunker({', '.join(f'{name}={value!r}' for name, value in self._config.items())})"

    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]:
        return (Chunker.from_config, (self.config(),))


class _Cut(NamedTuple):
    """The chunks of a batch of documents."""

    counts: npt.NDArray[np.int64]  # chunks of each document
    starts: npt.NDArray[np.int64]  # code points
    ends: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]  # of the texts, about, in bytes
    texts: "Callable[[int, int], pa.StringArray]"  # of the chunks from one up to another


def _cut(core: "_core.Chunker", batch: "pa.RecordBatch") -> _Cut:
    import pyarrow as pa

    column = batch.column("text")
    counts, spans = core.spans(column)
    offsets, data = string_parts(column)
    raw = data[offsets[0] : offsets[-1]].tobytes()
    base = np.repeat(offsets[:-1].astype(np.int64) - int(offsets[0]), counts)
    begins, ends = spans[:, 0] + base, spans[:, 1] + base

    def texts(first: int, last: int) -> "pa.StringArray":
        pairs = zip(begins[first:last].tolist(), ends[first:last].tolist(), strict=True)
        return pa.array([raw[a:b] for a, b in pairs], pa.binary()).view(pa.string())

    return _Cut(counts, spans[:, 2], spans[:, 3], ends - begins, texts)


def _given(batch: "pa.RecordBatch") -> _Cut:
    import pyarrow as pa

    texts = batch.column("text").to_pylist()
    listed = batch.column(SPANS).to_pylist()
    owners: list[int] = []
    pairs: list[tuple[int, int]] = []
    for i, (text, spans) in enumerate(zip(texts, listed, strict=True)):
        before = 0
        for j, span in enumerate(spans or [[0, len(text)]]):
            if not _fits(span, before, len(text)):
                raise InvalidInputError(
                    f"{SPANS}: document {batch.column('id')[i].as_py()!r}, span {j}: expected [start, end] "
                    f"in code points with {before} <= start <= end <= {len(text)}, got {span}; cut the text "
                    "that is stored, and sort the spans by their start"
                )
            before = span[0]
            owners.append(i)
            pairs.append((span[0], span[1]))
    bounds = np.array(pairs, dtype=np.int64)

    def chosen(first: int, last: int) -> "pa.StringArray":
        return pa.array(
            [texts[owners[i]][pairs[i][0] : pairs[i][1]] for i in range(first, last)], pa.string()
        )

    counts = np.bincount(owners, minlength=len(texts)).astype(np.int64)
    # Four bytes for a code point at most.
    return _Cut(counts, bounds[:, 0], bounds[:, 1], 4 * (bounds[:, 1] - bounds[:, 0]), chosen)


def _rows(batch: "pa.RecordBatch", cut: _Cut, schema: "pa.Schema") -> "Iterator[pa.RecordBatch]":
    """Yield the chunks as rows, in batches of bounded size: a text may be in many chunks."""
    import pyarrow as pa

    owners = np.repeat(np.arange(batch.num_rows), cut.counts)
    first_of = np.cumsum(cut.counts) - cut.counts
    numbers = np.arange(len(owners)) - first_of[owners]
    repeated = [name for name in schema.names if name not in (*CHUNK_COLUMNS, "text")]
    others = batch.select(repeated)
    titles = np.diff(string_parts(batch.column("title"))[0]).astype(np.int64)
    each = 1 + (others.nbytes - int(titles.sum())) // batch.num_rows
    filled = np.cumsum(cut.sizes + titles[owners] + each)
    first = 0
    while first < len(owners):
        full = int(np.searchsorted(filled, (filled[first - 1] if first else 0) + MAX_BYTES, side="right"))
        last = min(max(full, first + 1), first + MAX_ROWS, len(owners))
        part = slice(first, last)
        columns = dict(zip(repeated, others.take(pa.array(owners[part])).columns, strict=True))
        columns["text"] = cut.texts(first, last)
        columns["chunk"] = pa.array(numbers[part].astype(np.int32))
        columns["chunks"] = pa.array(cut.counts[owners[part]].astype(np.int32))
        columns["start"] = pa.array(cut.starts[part])
        columns["end"] = pa.array(cut.ends[part])
        yield pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
        first = last


def _fits(span: Any, least: int, most: int) -> bool:
    return (
        isinstance(span, list) and len(span) == 2 and None not in span and least <= span[0] <= span[1] <= most
    )


def _is_spans(kind: Any) -> bool:
    import pyarrow as pa

    def inner(listed: Any) -> Any:
        tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
        return listed.value_type if any(test(listed) for test in tests) else None

    pair = inner(kind)
    number = None if pair is None else inner(pair)
    # Where no document has a span, nothing says what one would hold, and the corpus takes strings.
    nothing = pa.string() in (kind, pair)
    return nothing or (number is not None and pa.types.is_integer(number))


def _whole(name: str, value: int, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise InvalidInputError(f"{name}: expected a whole number, {least} to {most}, got {value!r}")
    return int(value)
