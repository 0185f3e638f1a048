"""What the commands print through: text for people, made harmless first, or one JSON document."""

import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.style import Style
from rich.table import Table
from rich.text import Text

__all__ = [
    "ProgressCallback",
    "duration",
    "integer",
    "note",
    "one_line",
    "print_json",
    "print_line",
    "print_table",
    "progress",
    "readable",
    "size",
    "stdout_width",
]

ProgressCallback = Callable[[int, int | None], None]

PIPE_WIDTH = 160
"""Columns when nobody watches: wide enough that a row of a table stays one line."""

# Terminals act on C0 and C1 controls; bidi controls and line separators reorder or break what people see; a
# lone surrogate cannot be encoded.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def readable(text: str) -> str:
    """Return ``text`` with every character that a terminal would act on written as an escape, ``\\x1b``.

    Line feeds and tabs stay; a carriage return before a line feed goes.
    """
    return _UNSAFE.sub(_escape, text.replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def one_line(text: str) -> str:
    """Return `readable` text with each run of white space as one space."""
    return readable(" ".join(text.replace("\r", "\n").split()))


class _Console(Console):
    """A console that leaves a closed pipe to `pyengine.cli.app`, which knows what to answer."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _console(stream: TextIO) -> Console:
    terminal = stream.isatty()
    # Rich would also let the environment declare a pipe a terminal; colour in a file helps nobody.
    return _Console(
        file=stream,
        force_terminal=terminal,
        width=None if terminal else PIPE_WIDTH,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
    )


def stdout_width() -> int:
    """Return the columns standard output has."""
    return _console(sys.stdout).width


def print_line(text: str = "", *, style: str | Style = "", indent: int = 0, wrap: bool = True) -> None:
    """Print text, wrapped at the width of a terminal.

    Parameters
    ----------
    text : str
        Made `readable` first.
    style : str or Style
        Colour and weight, where colours are shown.
    indent : int
        Columns before every line of it.
    wrap : bool
        False leaves long lines to the terminal, as what is to be copied needs.
    """
    console = _console(sys.stdout)
    width = max(20, console.width - indent)
    for line in readable(text).split("\n"):
        content = Text(line, style=style)
        pieces = content.wrap(console, width) if wrap and console.is_terminal else [content]
        for piece in pieces or [content]:
            piece.rstrip()
            console.print(Text(" " * indent) + piece, soft_wrap=True)


def print_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), indent: int = 2
) -> None:
    """Print a table without rules.

    Parameters
    ----------
    headers : sequence of str
        One a column.
    rows : sequence of sequences of str
        Cells; each is made `one_line` first.
    right : sequence of int
        Columns aligned right and never folded: numbers.
    indent : int
        Columns before every line of it.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i, header in enumerate(headers):
        number = i in right
        table.add_column(header, justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    console = _console(sys.stdout)
    with console.capture() as capture:
        console.print(table, width=max(20, console.width - indent))
    for line in capture.get().rstrip("\n").split("\n"):
        console.file.write((" " * indent + line).rstrip() + "\n")


def print_json(value: Any) -> None:
    """Print one JSON document, with whatever a terminal would act on escaped."""
    text = json.dumps(_finite(value), ensure_ascii=False, indent=2, allow_nan=False)
    # Line feeds here are layout: those of the values are escaped already.
    sys.stdout.write(_UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text) + "\n")


def _finite(value: Any) -> Any:
    """Return ``value`` with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def note(text: str) -> None:
    """Say something beside the result, on standard error."""
    sys.stderr.write(f"pyengine: {one_line(text)}\n")


@contextmanager
def progress(description: str, total: int | None = None) -> Iterator[ProgressCallback]:
    """Show a bar on standard error while the block runs, if that is a terminal; yield its callback.

    Parameters
    ----------
    description : str
        What goes on.
    total : int, optional
        Steps in all, where known beforehand.
    """
    console = _console(sys.stderr)
    if not console.is_terminal or console.is_dumb_terminal:
        yield lambda done, total: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(description, total=total)
        last = 0.0

        def update(done: int, total: int | None) -> None:
            nonlocal last
            now = time.monotonic()
            # Ten times a second is all an eye needs, and a callback per document must cost nothing.
            if now - last >= 0.1 or done == total:
                last = now
                bar.update(task, completed=done, total=total)

        yield update


def integer(value: int) -> str:
    """Return ``14896`` as ``14,896``."""
    return f"{value:,}"


def duration(seconds: float) -> str:
    """Return seconds for people: ``12 ms``, ``3.4 s``, ``2 min 5 s``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def size(n_bytes: float) -> str:
    """Return bytes for people: ``812 B``, ``1.4 MiB``."""
    if n_bytes < 1024:
        return f"{n_bytes:.0f} B"
    for unit in ("KiB", "MiB", "GiB"):
        n_bytes /= 1024
        if n_bytes < 1024:
            return f"{n_bytes:.1f} {unit}"
    return f"{n_bytes / 1024:.1f} TiB"
