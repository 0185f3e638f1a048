"""Where a command's engine comes from: an index on disk, or a corpus indexed for the one call."""

import gzip
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from pyengine.cli.build import build_engine, say_skipped, say_truncated
from pyengine.cli.console import integer, note
from pyengine.cli.options import BuildSettings, make_embedder
from pyengine.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from pyengine.corpus import Corpus
    from pyengine.engine import Engine

__all__ = ["opened", "read_corpus", "split_index"]


OnError = Literal["raise", "skip"]
EXPECTED = "expected a BEIR folder, or a .jsonl, .parquet or .arrow file"


def split_index(arguments: tuple[str, ...], corpus: Path | None, *, rest: str) -> tuple[Path | None, str]:
    """Take ``INDEX REST`` apart, or ``REST`` alone where ``--corpus`` stands for the index.

    Parameters
    ----------
    arguments : tuple of str
        As they were given.
    corpus : Path or None
        The option ``--corpus``.
    rest : str
        What stands beside the index, in the words of the help.
    """
    expected = [rest] if corpus is not None else ["INDEX", rest]
    if len(arguments) != len(expected):
        raise click.UsageError(
            f"expected {' '.join(expected)}, got {len(arguments)} arguments; "
            f"put quotes around a {rest.lower()} of several words"
        )
    return (Path(arguments[0]) if corpus is None else None), arguments[-1]


def read_corpus(path: Path, *, on_error: OnError = "raise") -> "Corpus":
    """Open the corpus at ``path``: a BEIR folder, a folder of Parquet files, or a file by its ending."""
    from pyengine.corpus import Corpus  # noqa: PLC0415 - Arrow, which --help does without

    if not path.exists():
        raise NotFoundError(f"--corpus: {path} does not exist; {EXPECTED}")
    if path.is_dir():
        is_parquet = not any(path.glob("corpus.jsonl*")) and any(path.rglob("*.parquet"))
        read = Corpus.from_parquet if is_parquet else Corpus.from_beir
        return read(path, on_error=on_error)
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".jsonl"):
        # A corpus.jsonl taken out of its BEIR folder keeps its field names.
        return (Corpus.from_beir if _is_beir(path) else Corpus.from_jsonl)(path, on_error=on_error)
    if name.endswith(".parquet"):
        return Corpus.from_parquet(path, on_error=on_error)
    if name.endswith((".arrow", ".ipc", ".feather")):
        return Corpus.from_arrow(_read_arrow(path), on_error=on_error)
    raise InvalidInputError(f"--corpus: {path} ends in {path.suffix!r}; {EXPECTED}")


def _is_beir(path: Path) -> bool:
    """Whether the first row of a JSON Lines file is one of BEIR; a row that is not JSON is for the reader."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rb") as file:
        try:
            row = json.loads(file.readline())
        except ValueError:
            return False
    return isinstance(row, dict) and "_id" in row and "id" not in row


def _read_arrow(path: Path) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - see read_corpus

    source = pa.memory_map(str(path))
    try:
        return pa.ipc.open_file(source).read_all()
    except pa.ArrowInvalid:
        source.seek(0)
    try:
        return pa.ipc.open_stream(source)
    except pa.ArrowInvalid as error:
        raise InvalidInputError(f"--corpus: {path}: expected Arrow IPC, got {error}") from None


@contextmanager
def opened(index: Path | None, corpus: Path | None, settings: BuildSettings) -> Iterator["Engine"]:
    """Open an index, or index a corpus into a temporary folder that goes when the block ends.

    Parameters
    ----------
    index, corpus : Path or None
        One of the two.
    settings : BuildSettings
        How a corpus is indexed; an index takes only the embedder from it.

    Notes
    -----
    Both or neither of the two is wrong usage, exit code 2.
    """
    from pyengine.engine import Engine  # noqa: PLC0415 - see read_corpus

    if (index is None) == (corpus is None):
        raise click.UsageError("expected INDEX or --corpus, got " + ("both" if index else "neither"))
    if index is not None:
        with Engine.open(index, embedder=make_embedder(settings.embedder)) as engine:
            yield engine
    elif corpus is not None:
        with tempfile.TemporaryDirectory(prefix="pyengine-") as folder:
            rows = read_corpus(corpus, on_error=settings.on_error)
            with build_engine(Path(folder) / "index", rows, settings) as engine:
                note(f"indexed {integer(engine.n_documents)} documents of {corpus} for this call")
                say_skipped(rows)
                say_truncated(engine)
                yield engine
