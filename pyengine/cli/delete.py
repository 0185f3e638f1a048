"""``pyengine delete``: documents leave an index, by id or by a filter."""

import sys
from pathlib import Path

import click

from pyengine.cli.console import integer, print_json, print_line, progress
from pyengine.cli.options import cores, filter_option, json_option, path_type
from pyengine.errors import StorageError

__all__ = ["command"]


@click.command("delete")
@click.argument("index", type=path_type)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--ids-from", type=path_type, metavar="FILE", help="Ids, one a line; - is standard input.")
@filter_option
@click.option("--missing-ok", is_flag=True, help="Pass over ids that no document has.")
@json_option
def command(
    *,
    index: Path,
    ids: tuple[str, ...],
    ids_from: Path | None,
    condition: str | None,
    missing_ok: bool,
    as_json: bool,
) -> None:
    """Delete documents from INDEX, named by ID or by a filter, and commit."""
    if (condition is None) == (not ids and ids_from is None):
        raise click.UsageError("expected ids, --ids-from FILE or --filter TEXT, and not ids and a filter")
    wanted = [*ids, *(_lines(ids_from) if ids_from is not None else ())]
    from pyengine.engine import Engine  # noqa: PLC0415 - loaded late: --help does without

    with Engine.open(index) as engine:
        if condition is None:
            deleted = engine.delete(wanted, missing_ok=missing_ok)
        else:
            deleted = engine.delete(filter=condition)
        with progress("indexing") as callback:
            engine.commit(n_threads=cores(), progress=callback)
        summary = {
            "index": str(index),
            "deleted": deleted,
            "documents": engine.n_documents,
            "generation": engine.generation,
        }
    if as_json:
        print_json(summary)
    else:
        print_line(f"{index}: {integer(deleted)} documents deleted, {integer(engine.n_documents)} left")


def _lines(path: Path) -> list[str]:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path}: cannot read ids ({error}); expected UTF-8, one id a line") from error
    return [line for line in text.splitlines() if line]
