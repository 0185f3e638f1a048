"""Reading a filter such as ``year >= 2020 and lang == 'en'``: from text to a tree, nothing is executed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias

from pyengine.errors import InvalidInputError

__all__ = ["And", "Compare", "Contains", "IsNull", "Node", "Not", "OneOf", "Or", "Test", "Value", "parse"]

Value: TypeAlias = "str | int | float | bool"

_MOST_BYTES: Final = 65_536
_DEEPEST: Final = 100
_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<column>`[^`]+`)
      | (?P<word>[^\W\d]\w*)
      | (?P<mark>==|!=|<=|>=|<|>|\(|\)|\[|\]|,)
    )""",
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS: Final = frozenset({"and", "or", "not", "in", "is", "null", "contains", "true", "false"})
_OPERATORS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Compare:
    """``column operator value``."""

    column: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class OneOf:
    """``column in (value, ...)``."""

    column: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    """``column contains value``: an element of a list, or a part of a text."""

    column: str
    value: Value


@dataclass(frozen=True, slots=True)
class IsNull:
    """``column is null``."""

    column: str


@dataclass(frozen=True, slots=True)
class Not:
    """``not node``."""

    node: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """``left and right``."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Or:
    """``left or right``."""

    left: "Node"
    right: "Node"


Test: TypeAlias = Compare | OneOf | Contains | IsNull
Node: TypeAlias = Test | Not | And | Or


def parse(text: str) -> Node:
    """Return the tree of a filter.

    Parameters
    ----------
    text : str
        The grammar, loosest first; keywords in any case, columns as they are, odd names in backquotes::

            filter     := conjunction ("or" conjunction)*
            conjunction:= condition ("and" condition)*
            condition  := "not" condition | "(" filter ")" | test
            test       := column ("==" | "!=" | "<" | "<=" | ">" | ">=") value
                        | column ["not"] "in" ("(" | "[") value ("," value)* (")" | "]")
                        | column ["not"] "contains" value
                        | column "is" ["not"] "null"
            value      := number | 'text' | "text" | true | false

    Raises
    ------
    InvalidInputError
        It does not follow the grammar, is longer than 64 KiB, or nests deeper than 100; the message says
        where.
    """
    if len(text.encode("utf-8", "replace")) > _MOST_BYTES:
        raise InvalidInputError(f"filter: expected at most {_MOST_BYTES} bytes, got {len(text)} characters")
    return _Parser(text).whole()


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, int]] = []
        at = 0
        end = len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                self._refuse(
                    at + len(text[at:]) - len(text[at:].lstrip()), "a column, a value or an operator"
                )
            kind = match.lastgroup or ""
            self._tokens.append((kind, match[kind], match.start(kind)))
            at = match.end()
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._or()
        if self._next < len(self._tokens):
            self._refuse(self._tokens[self._next][2], "'and', 'or' or the end")
        return node

    def _or(self) -> Node:
        return self._chain("or", self._and, Or)

    def _and(self) -> Node:
        return self._chain("and", self._condition, And)

    def _chain(self, word: str, part: Callable[[], Node], make: Callable[[Node, Node], Node]) -> Node:
        parts = [part()]
        while self._take_word(word):
            parts.append(part())
        # A balanced tree: a filter of a thousand alternatives is no deeper than one of ten.
        while len(parts) > 1:
            pairs = [make(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
            parts = pairs + parts[len(parts) - len(parts) % 2 :]
        return parts[0]

    def _condition(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST + 1:  # a plain test is no level
            self._refuse(self._place(), f"at most {_DEEPEST} levels of brackets and 'not'")
        if self._take_word("not"):
            node: Node = Not(self._condition())
        elif self._take_mark("("):
            node = self._or()
            self._need_mark(")")
        else:
            node = self._test()
        self._depth -= 1
        return node

    def _test(self) -> Node:
        column = self._column()
        kind, text, place = self._peek()
        if kind == "mark" and text in _OPERATORS:
            self._next += 1
            return Compare(column, text, self._value())
        if self._take_word("is"):
            negated = self._take_word("not")
            if not self._take_word("null"):
                self._refuse(self._place(), "'null'")
            return Not(IsNull(column)) if negated else IsNull(column)
        negated = self._take_word("not")
        if self._take_word("in"):
            node: Node = OneOf(column, self._values())
        elif self._take_word("contains"):
            node = Contains(column, self._value())
        else:
            self._refuse(place, "an operator: ==, !=, <, <=, >, >=, in, contains, is null")
        return Not(node) if negated else node

    def _column(self) -> str:
        kind, text, place = self._peek()
        if kind == "column":
            self._next += 1
            return text[1:-1]
        if kind != "word" or text.lower() in _KEYWORDS:
            self._refuse(place, "the name of a column (odd names in backquotes)")
        self._next += 1
        return text

    def _values(self) -> tuple[Value, ...]:
        close = ")" if self._take_mark("(") else "]"
        if close == "]":
            self._need_mark("[")
        values = [self._value()]
        while self._take_mark(","):
            values.append(self._value())
        self._need_mark(close)
        return tuple(values)

    def _value(self) -> Value:
        kind, text, place = self._peek()
        self._next += 1
        if kind == "number":
            return float(text) if re.search(r"[.eE]", text) else int(text)
        if kind == "string":
            return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
        if kind == "word" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        self._refuse(place, "a value: a number, 'text', true or false")

    def _peek(self) -> tuple[str, str, int]:
        if self._next < len(self._tokens):
            return self._tokens[self._next]
        return "end", "", len(self._text)

    def _place(self) -> int:
        return self._peek()[2]

    def _take_word(self, word: str) -> bool:
        kind, text, _ = self._peek()
        taken = kind == "word" and text.lower() == word
        self._next += taken
        return taken

    def _take_mark(self, mark: str) -> bool:
        kind, text, _ = self._peek()
        taken = kind == "mark" and text == mark
        self._next += taken
        return taken

    def _need_mark(self, mark: str) -> None:
        if not self._take_mark(mark):
            self._refuse(self._place(), f"{mark!r}")

    def _refuse(self, place: int, expected: str) -> NoReturn:
        found = repr(self._text[place : place + 20]) if place < len(self._text) else "the end"
        raise InvalidInputError(f"filter: at character {place + 1}: expected {expected}, got {found}")
