"""JSON Lines: files of one object per line, read with the place of every mistake."""

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal, NoReturn, cast

from pyengine.corpus.idfile import refused
from pyengine.corpus.report import BadRow, Origin, Tally
from pyengine.corpus.rows import Chunk, Collector, Row, RowChecker, checked_flatten
from pyengine.corpus.schema import Column, Fields, given_columns, infer_columns
from pyengine.errors import InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["JsonLines"]

MAX_LINE_BYTES: Final = 1 << 28
"""Longest line (256 MiB): what a text of the longest length takes when every character is escaped."""


class JsonLines:
    """Reads files of JSON objects, in order, as one corpus.

    Parameters
    ----------
    paths : sequence of Path
        Plain or gzip-compressed files.
    fields : Fields
        Names of the input fields.
    """

    one_shot: Final = False
    rows_hint: Final[int | None] = None
    unit: Final[Literal["line", "row"]] = "line"

    def __init__(self, paths: Sequence[Path], fields: Fields) -> None:
        self._paths = tuple(paths)
        self._fields = fields
        for path in self._paths:
            _open(path).close()

    @property
    def name(self) -> str:
        """The files, for messages."""
        more = f" and {len(self._paths) - 1} more" if len(self._paths) > 1 else ""
        return f"{self._paths[0]}{more}"

    @property
    def schema(self) -> "pa.Schema":
        """Columns of the corpus; reads the files once where metadata types have to be found."""
        return self._checker.schema

    @cached_property
    def _checker(self) -> RowChecker:
        given = given_columns(self._fields)
        return RowChecker(self._fields, self._inferred() if given is None else given)

    def chunks(self, tally: Tally, max_rows: int, max_bytes: int) -> Iterator[Chunk]:
        """Yield the rows of all files, checked but for repeated ids.

        Parameters
        ----------
        tally : Tally
            Counts the pass.
        max_rows, max_bytes : int
            Size of a chunk, about.
        """
        collector = Collector(self._checker, max_rows, max_bytes)
        for ordinal, line in self._lines(tally.origin):
            # A line is never shorter than its text, so a chunk exceeds max_bytes only where one row does.
            if not collector.has_room(len(line)):
                yield collector.take()
            before = len(collector.bad)
            row = _parse(line, ordinal, collector.bad)
            if row is not None:
                collector.add(row, ordinal, len(line))
            elif len(collector.bad) == before:
                tally.blank_lines += 1
        yield collector.take()

    def _inferred(self) -> list[Column]:
        origin = Origin("line")
        return infer_columns(self._rows(origin), self._fields, origin.where, whole=True)

    def _rows(self, origin: Origin) -> Iterator[tuple[int, Row]]:
        bad: list[BadRow] = []
        for ordinal, line in self._lines(origin):
            row = _parse(line, ordinal, bad)
            # The pass that gives the rows out reports the bad ones.
            bad.clear()
            if row is not None:
                yield ordinal, row

    def _lines(self, origin: Origin) -> Iterator[tuple[int, bytes]]:
        """Yield ``(ordinal, line)`` of all files."""
        ordinal = 0
        for path in self._paths:
            origin.begin(str(path), ordinal)
            with _open(path) as file:
                try:
                    line = _first_line(file.readline(MAX_LINE_BYTES + 1), path)
                    while line:
                        if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                            _skip_line(file)
                        yield ordinal, line
                        ordinal += 1
                        line = file.readline(MAX_LINE_BYTES + 1)
                except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                    raise InvalidInputError(
                        f"{origin.where(ordinal)}: expected gzip data, got damaged or cut data ({error}); "
                        "fetch or compress the file again"
                    ) from error
                except OSError as error:
                    raise refused(path, error) from error


class _BadLine(ValueError):
    """A line that is refused with a reason of its own."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def _unique(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _BadLine("repeated-field", f"field {twice!r} stands twice in one object; keep one of the two")
    return row


def _no_constant(name: str) -> NoReturn:
    raise _BadLine("invalid-json", f"expected JSON, got {name}, which JSON does not have; write null")


# The standard library's parser, because the place and the cause of a mistake matter most here: it takes 2
# to 10 ns per byte, a small part of what analysing or embedding the same text takes.
_decode: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).decode


def _parse(line: bytes, ordinal: int, bad: list[BadRow]) -> Row | None:
    """Return the row of a line; None for a blank line, and for a bad one, which is added to ``bad``."""
    try:
        if len(line) > MAX_LINE_BYTES:
            raise _BadLine(
                "line-too-long", f"expected a line of at most {MAX_LINE_BYTES} bytes; split the document"
            )
        # Without its end, so that a mistake at the end has a column of this line.
        text = line.decode().rstrip("\r\n")
        if not text or text.isspace():
            return None
        row = _decode(text)
    except _BadLine as error:
        bad.append(BadRow(ordinal, error.reason, error.message))
    except UnicodeDecodeError as error:
        bad.append(
            BadRow(
                ordinal,
                "bad-utf8",
                f"expected UTF-8, got the byte 0x{line[error.start]:02X} at byte {error.start + 1} of the "
                "line; "
                "convert the file, for example with iconv -f latin1 -t utf-8",
            )
        )
    except json.JSONDecodeError as error:
        message = (
            f"expected a JSON object, got invalid JSON: {error.msg} at column {error.colno}; mend the line"
        )
        bad.append(BadRow(ordinal, "invalid-json", message))
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or thousands of nested brackets.
        bad.append(BadRow(ordinal, "invalid-json", f"expected a JSON object Python can hold: {error}"))
    else:
        return checked_flatten(row, ordinal, bad, _describe)
    return None


def _describe(row: object) -> str:
    if isinstance(row, list):
        return (
            "expected an object, got a list; write one object per line (jq -c '.[]' turns a list into lines)"
        )
    return f"expected an object, got {type(row).__name__}; write one object per line"


def _open(path: Path) -> IO[bytes]:
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == b"\x1f\x8b"
        return cast(IO[bytes], gzip.open(path, "rb")) if compressed else path.open("rb")
    except OSError as error:
        raise refused(path, error) from error


def _first_line(line: bytes, path: Path) -> bytes:
    """Return the first line of a file without its byte order mark."""
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidInputError(
            f"{path} line 1: expected UTF-8, got UTF-16; convert the file with iconv -f utf-16 -t utf-8"
        )
    return line.removeprefix(b"\xef\xbb\xbf")


def _skip_line(file: IO[bytes]) -> None:
    while (part := file.readline(MAX_LINE_BYTES)) and not part.endswith(b"\n"):
        pass
