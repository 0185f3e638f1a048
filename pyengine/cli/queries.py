"""Files of queries: BEIR JSON lines, tab-separated values, or one query a line."""

import json
from pathlib import Path
from typing import Any

from pyengine.errors import InvalidInputError, NotFoundError

__all__ = ["read_queries"]


def read_queries(path: Path) -> tuple[list[str], list[str]]:
    """Read the ids and texts of a file of queries.

    Parameters
    ----------
    path : Path
        By its ending: ``.jsonl`` holds ``{"_id" or "id", "text"}`` a line; ``.tsv`` an id, a tab and the
        text; anything else one query a line, whose id is its line number from 1. Blank lines are no queries.
        A folder means its ``queries.jsonl``.

    Returns
    -------
    tuple of (list of str, list of str)
        Ids and texts, in order of the file.

    Raises
    ------
    NotFoundError
        No such file.
    InvalidInputError
        A line that is not as above, an id twice, or no query at all; the message names file and line.
    """
    file = path / "queries.jsonl" if path.is_dir() else path
    if not file.exists() or file.is_dir():
        raise NotFoundError(f"{file}: no such file; expected queries as .jsonl, .tsv or one a line")
    parse = {".jsonl": _json_line, ".tsv": _tab_line}.get(file.suffix.lower(), _plain_line)
    ids: list[str] = []
    texts: list[str] = []
    seen: dict[str, int] = {}
    for number, raw in enumerate(file.read_bytes().split(b"\n"), start=1):
        where = f"{file}, line {number}"
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r")
        except UnicodeDecodeError as error:
            raise InvalidInputError(
                f"{where}: expected UTF-8, got {error.reason}; convert the file"
            ) from None
        if not line.strip():
            continue
        query_id, text = parse(line, number, where)
        if query_id in seen:
            raise InvalidInputError(
                f"{where}: query id {query_id!r} is on line {seen[query_id]} already; ids must differ"
            )
        seen[query_id] = number
        ids.append(query_id)
        texts.append(text)
    if not ids:
        raise InvalidInputError(f"{file}: expected at least one query, got none")
    return ids, texts


def _json_line(line: str, number: int, where: str) -> tuple[str, str]:
    try:
        row: Any = json.loads(line)
    except ValueError as error:
        raise InvalidInputError(f"{where}: expected one JSON object, got {error}") from None
    if not isinstance(row, dict):
        raise InvalidInputError(f"{where}: expected a JSON object, got {type(row).__name__}")
    text, query_id = row.get("text"), row.get("_id", row.get("id"))
    if not isinstance(text, str):
        raise InvalidInputError(f"{where}, field 'text': expected a string, got {type(text).__name__}")
    if isinstance(query_id, int) and not isinstance(query_id, bool):
        query_id = str(query_id)
    if not isinstance(query_id, str):
        raise InvalidInputError(
            f"{where}, field '_id' (or 'id'): expected a string, got {type(query_id).__name__}"
        )
    return query_id, text


def _tab_line(line: str, number: int, where: str) -> tuple[str, str]:
    query_id, tab, text = line.partition("\t")
    if not tab or not query_id:
        raise InvalidInputError(f"{where}: expected an id, a tab and the query, got no tab or no id")
    return query_id, text


def _plain_line(line: str, number: int, where: str) -> tuple[str, str]:
    return str(number), line.strip()
