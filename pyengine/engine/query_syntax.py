"""Reading a query such as ``+F33.1 "major depressive" -bipolar title:code anti*``; nothing is executed."""

import re
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from pyengine.errors import InvalidInputError

__all__ = ["FIELDS", "Clause", "parse_query", "plain"]

FIELDS: Final = ("title", "text")
_MOST_BYTES: Final = 65_536
_MOST_CLAUSES: Final = 1024
_SHORTEST_PREFIX: Final = 2
# A sign or a field binds what follows at once; a quote or a blank ends a word.
_CLAUSE: Final = re.compile(
    r"""\s*(?P<sign>[+-]?)(?:(?P<field>[A-Za-z_]\w*):(?=\S))?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """One piece of a query.

    Parameters
    ----------
    text : str
        A word, the words of a phrase, or what a prefix begins with.
    kind : "word", "phrase" or "prefix"
    sign : "+", "-" or ""
        Whether a hit must have it, must not, or gains by it.
    field : "title", "text" or None
        Where it must stand; None: in either.
    """

    text: str
    kind: Literal["word", "phrase", "prefix"]
    sign: str
    field: str | None


def parse_query(query: str, *, strict: bool = False) -> list[Clause]:
    """Return the clauses of a query.

    Parameters
    ----------
    query : str
        ::

            query  := clause*
            clause := ["+" | "-"] [field ":"] (word | word "*" | '"' words '"')
            field  := "title" | "text"

    strict : bool
        Raise for what does not follow the grammar. By default such a query is one of plain words; a word
        with a colon behind something that is no field is a word.

    Raises
    ------
    InvalidInputError
        With ``strict``: a quote that is not closed, a sign or a colon without anything, another field, a
        prefix of fewer than 2 characters, more than 1024 clauses or 64 KiB; the message says where.
    """
    try:
        return _parse(query, strict=strict)
    except InvalidInputError:
        if strict:
            raise
        return [Clause(word, "word", "", None) for word in query.split()]


def plain(clauses: list[Clause]) -> str:
    """Return the words of the clauses that a hit may have, without operators: what a model is asked."""
    return " ".join(clause.text for clause in clauses if clause.sign != "-")


def _parse(query: str, *, strict: bool) -> list[Clause]:
    if len(query.encode("utf-8", "replace")) > _MOST_BYTES:
        raise InvalidInputError(f"query: expected at most {_MOST_BYTES} bytes, got more")
    clauses = []
    at = 0
    while query[at:].strip():
        found = _CLAUSE.match(query, at)
        if found is None:
            start = at + len(query[at:]) - len(query[at:].lstrip())
            _refuse(query, start, 'a word or a closed "phrase"')
        clauses.append(_clause(query, found, strict=strict))
        if len(clauses) > _MOST_CLAUSES:
            _refuse(query, found.start("sign"), f"at most {_MOST_CLAUSES} clauses")
        at = found.end()
    return clauses


def _clause(query: str, found: "re.Match[str]", *, strict: bool) -> Clause:
    sign, field, phrase, word = found["sign"], found["field"], found["phrase"], found["word"]
    if field is not None and field not in FIELDS:
        if strict:
            _refuse(query, found.start("field"), f"a field, {' or '.join(FIELDS)}")
        # Such as https://example.org or std::vector: a word that holds a colon.
        if word is not None:
            word = f"{field}:{word}"
        field = None
    if phrase is not None:
        if not phrase.strip():
            _refuse(query, found.start("phrase"), "words between the quotes")
        return Clause(phrase, "phrase", sign, field)
    if word in ("+", "-"):
        _refuse(query, found.start("word"), f"something after {word!r}")
    if word.endswith("*"):
        if len(word) - 1 < _SHORTEST_PREFIX:
            _refuse(query, found.start("word"), f"{_SHORTEST_PREFIX} characters or more before '*'")
        return Clause(word[:-1], "prefix", sign, field)
    return Clause(word, "word", sign, field)


def _refuse(query: str, at: int, expected: str) -> NoReturn:
    got = query[at : at + 20]
    raise InvalidInputError(
        f"query: at character {at + 1}: expected {expected}, got {got!r}; "
        "put it in order, or search it as plain words: strict=False"
    )
