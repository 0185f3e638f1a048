"""Reading a query such as ``+F33.1 "major depressive" -bipolar title:code anti*``; nothing is executed."""

import re
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from pyengine.errors import InvalidInputError

__all__ = ["FIELDS", "Clause", "parse_query", "plain"]

FIELDS: Final = ("title", "text")
_MOST_BYTES: Final = 65_536
_MOST_CLAUSES: Final = 1024
_MOST_PREFIXES: Final = 32  # each looks through all terms
_SHORTEST_PREFIX: Final = 2
_MEND: Final = "; put it in order, or search it as plain words: strict=False"
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

    @property
    def is_condition(self) -> bool:
        """Whether hits must have it, or must not; else it only scores."""
        return bool(self.sign) or self.kind != "word" or self.field is not None


def parse_query(query: str, *, strict: bool = False, notes: list[str] | None = None) -> list[Clause]:
    """Return the clauses of a query.

    Parameters
    ----------
    query : str
        ::

            query  := clause*
            clause := ["+" | "-"] [field ":"] (word | word "*" | '"' words '"')
            field  := "title" | "text"

    strict : bool
        Raise for what does not follow the grammar. By default such a query is searched as it stands, one
        clause of plain words; and something before a colon that names no field is a part of the word.
    notes : list of str, optional
        Where to say that, and why.

    Raises
    ------
    InvalidInputError
        With ``strict``: a quote that is not closed, a sign or a colon without anything, another field, a
        prefix of fewer than 2 characters; more than 1024 clauses, 32 prefixes or 64 KiB. It says where.
    """
    try:
        return _parse(query, strict=strict)
    except InvalidInputError as error:
        if strict:
            raise
        if notes is not None:
            why = str(error).removeprefix("query: ").removesuffix(_MEND)
            notes.append(f"the query is not well formed and was searched as plain words: {why}")
        return [Clause(query, "word", "", None)]


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
        clauses += _clause(query, found, strict=strict)
        if len(clauses) > _MOST_CLAUSES:
            _refuse(query, found.start("sign"), f"at most {_MOST_CLAUSES} clauses")
        if sum(clause.kind == "prefix" for clause in clauses) > _MOST_PREFIXES:
            _refuse(query, found.start("sign"), f"at most {_MOST_PREFIXES} prefixes")
        at = found.end()
    return clauses


def _clause(query: str, found: "re.Match[str]", *, strict: bool) -> list[Clause]:
    """Return the clause that was found; two where a phrase follows what is no field."""
    sign, field, phrase, word = found["sign"], found["field"], found["phrase"], found["word"]
    before: list[Clause] = []
    if field is not None and field not in FIELDS:
        if strict:
            _refuse(query, found.start("field"), f"a field, {' or '.join(FIELDS)}")
        if word is not None:  # such as https://example.org or std::vector
            word = f"{field}:{word}"
        elif sign != "-":
            before = [Clause(field, "word", "", None)]
        field = None
    if phrase is not None:
        if not phrase.strip():
            _refuse(query, found.start("phrase"), "words between the quotes")
        return [*before, Clause(phrase, "phrase", sign, field)]
    if word in ("+", "-"):
        _refuse(query, found.start("word"), f"something after {word!r}")
    if word[:-1] in FIELDS and word.endswith(":"):
        _refuse(query, found.start("word"), f"something after {word!r}")
    if word.endswith("*"):
        if len(word) - 1 < _SHORTEST_PREFIX:
            _refuse(query, found.start("word"), f"{_SHORTEST_PREFIX} characters or more before '*'")
        return [Clause(word[:-1], "prefix", sign, field)]
    return [Clause(word, "word", sign, field)]


def _refuse(query: str, at: int, expected: str) -> NoReturn:
    got = query[at : at + 20]
    raise InvalidInputError(f"query: at character {at + 1}: expected {expected}, got {got!r}{_MEND}")
