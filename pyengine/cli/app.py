"""The ``pyengine`` command: its subcommands, and what every failure looks like from outside.

Exit codes: 0 done; 1 failed, with one line on standard error; 2 wrong usage; 130 interrupted (Ctrl-C); 141
the reader of standard output went away, as for any program a pipe's end closes on.
"""

import importlib
import io
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from pyengine import __version__
from pyengine.cli.console import note, one_line
from pyengine.errors import PyEngineError

__all__ = ["EXIT_FAILED", "EXIT_INTERRUPTED", "EXIT_PIPE_CLOSED", "EXIT_USAGE", "main"]

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141

DEBUG_VARIABLE = "PYENGINE_DEBUG"

# Name to module and to the line of the overview, which is kept here so that --help imports no command.
COMMANDS = {
    "demo": ("demo", "Build, search and evaluate an index of Python's own standard library."),
    "index": ("index", "Build an index from a corpus."),
    "add": ("add", "Add documents to an index, or replace them."),
    "delete": ("delete", "Delete documents from an index, by id or by a filter."),
    "compact": ("compact", "Write an index anew as one segment, without what was deleted."),
    "reembed": ("reembed", "Give an index the vectors of another model."),
    "search": ("search", "Answer one query."),
    "batch": ("batch", "Answer a file of queries, as a TREC run or JSON lines."),
    "evaluate": ("evaluate", "Measure an index or a run against judgements."),
    "compare": ("compare", "Say whether two runs differ, and how sure that is."),
    "diagnose": ("diagnose", "Say whether a corpus lies beyond its embedder, why, and what to do."),
    "census": ("census", "Count the codes, citations and identifiers of a corpus, without an index."),
    "reference": ("reference", "Make a reference of ordinary text out of a corpus of one's own."),
    "monitor": ("monitor", "Watch how far a corpus lies from ordinary text, over time."),
    "tune-fusion": ("tune_fusion", "Choose fusion weights from judged queries, if they gain."),
    "tokens": ("tokens", "Show what the index sees of a text."),
    "verify": ("verify", "Check that an index is whole."),
    "info": ("info", "Describe an index: contents, sizes, fingerprints, recall."),
}


class _PipeClosedError(Exception):
    """Whoever read standard output went away."""


class _InterruptedError(Exception):
    """Ctrl-C."""


class _Commands(click.Group):
    """A group that imports a command when it runs: ``pyengine tokens`` must not pay for the rest."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"pyengine.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        # Click would answer these two in its own way: an exit code of 1, a blank line.
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError as error:
            raise _PipeClosedError from error
        except KeyboardInterrupt as error:
            raise _InterruptedError from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pyengine")
def cli() -> None:
    """Hybrid retrieval: BM25 and embeddings over the same rows, fused, explained and measured."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows ``pyengine``; those of the process by default.

    Returns
    -------
    int
        0 done, 1 failed, 2 wrong usage, 130 interrupted, 141 output closed. Never raises for a failure: the
        reason is one line on standard error, and ``PYENGINE_DEBUG=1`` adds the traceback.
    """
    _show_warnings()
    # Python has no such stream where whoever started it closed it; nobody misses what goes there.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - lives as long as we do
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as above
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal of another encoding gets an escape, not a traceback.
            stream.reconfigure(errors="backslashreplace")
    try:
        result = cli.main(args=arguments, prog_name="pyengine", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return EXIT_USAGE
    except _PipeClosedError:
        _abandon_output()
        return EXIT_PIPE_CLOSED
    except (_InterruptedError, KeyboardInterrupt, click.Abort):
        print("pyengine: interrupted", file=sys.stderr)  # noqa: T201 - the command line prints
        return EXIT_INTERRUPTED
    except Exception as error:
        code = _failed(error)
        try:
            sys.stdout.flush()
        except OSError:
            _abandon_output()
        return code
    return result if isinstance(result, int) else 0


def _abandon_output() -> None:
    """Send what standard output could not take nowhere: the interpreter flushes once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _WarningLines(logging.Handler):
    """Show what the library warns of as lines of this program, on the standard error of the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        note(f"{record.levelname.lower()}: {record.getMessage()}")


def _show_warnings() -> None:
    logger = logging.getLogger("pyengine")
    if not any(isinstance(handler, _WarningLines) for handler in logger.handlers):
        logger.addHandler(_WarningLines(logging.WARNING))
        logger.propagate = False


def _failed(error: Exception) -> int:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exc()
    sys.stderr.write(f"pyengine: error: {one_line(_reason(error))}\n")
    return EXIT_FAILED


def _reason(error: Exception) -> str:
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, PyEngineError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return "out of memory; index fewer documents at a time"
    return f"internal error, {type(error).__name__}: {error} (set {DEBUG_VARIABLE}=1 to see where)"
