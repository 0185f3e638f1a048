"""What a text becomes, by regular expressions and unicodedata: the slow twin of csrc/core/analyzer."""

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import regex

from oracles.literal_scan import literals
from oracles.literals import (
    CITATIONS,
    HTTP_STATUS,
    MARK,
    NAME,
    QUANTITY,
    SIGNED_CITATION,
    WS,
    A,
    Found,
    H,
    humps,
)

IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")

# UAX #29 over one letter per code point. P and p are pictographs, the former a letter as well.
CLASSES = [
    ("C", "\r"),
    ("F", "\n"),
    ("V", r"[\p{WB=Newline}\p{Cs}]"),
    ("z", "\u200d"),
    ("x", r"[\p{WB=Extend}\p{WB=Format}]"),
    ("r", r"\p{WB=RI}"),
    ("K", r"\p{WB=Katakana}"),
    ("H", r"\p{WB=HL}"),
    ("P", r"(?=\p{WB=LE})\p{Extended_Pictographic}"),
    ("A", r"\p{WB=LE}"),
    ("Q", "'"),
    ("D", '"'),
    ("M", r"\p{WB=MB}"),
    ("L", r"\p{WB=ML}"),
    ("n", r"\p{WB=MN}"),
    ("0", r"\p{WB=NU}"),
    ("E", r"\p{WB=EX}"),
    ("s", r"\p{WB=WSegSpace}"),
    ("p", r"\p{Extended_Pictographic}"),
    ("o", r"(?s:.)"),
]
CLASS = regex.compile("|".join(f"(?P<{'digit' if c == '0' else c}>{pattern})" for c, pattern in CLASSES))
I = "[xz]*"  # noqa: E741 - what WB4 ignores; the name keeps the rules below readable
LE = "[AHP]"
# (what stands before, what follows, whether they stay together), the first that fits decides.
RULES = [
    ("C", "F", True),  # WB3
    ("[CFV]", "", False),  # WB3a
    ("", "[CFV]", False),  # WB3b
    ("z", "[pP]", True),  # WB3c
    ("s", "s", True),  # WB3d
    ("", "[xz]", True),  # WB4
    (f"{LE}{I}", LE, True),  # WB5
    (f"{LE}{I}", f"[LMQ]{I}{LE}", True),  # WB6
    (f"{LE}{I}[LMQ]{I}", LE, True),  # WB7
    (f"H{I}", "Q", True),  # WB7a
    (f"H{I}", f"D{I}H", True),  # WB7b
    (f"H{I}D{I}", "H", True),  # WB7c
    (f"0{I}", "0", True),  # WB8
    (f"{LE}{I}", "0", True),  # WB9
    (f"0{I}", LE, True),  # WB10
    (f"0{I}[nMQ]{I}", "0", True),  # WB11
    (f"0{I}", f"[nMQ]{I}0", True),  # WB12
    (f"K{I}", "K", True),  # WB13
    (f"[AHP0KE]{I}", "E", True),  # WB13a
    (f"E{I}", "[AHP0K]", True),  # WB13b
    (f"(?:^|[^rxz]){I}(?:r{I}r{I})*r{I}", "r", True),  # WB15, WB16
    ("", "", False),  # WB999
]
COMPILED = [
    (regex.compile(left, regex.REVERSE), regex.compile(right), joined) for left, right, joined in RULES
]


class Token(NamedTuple):
    term: str
    start: int
    end: int
    kind: str
    part: bool


def normalize(text: str) -> str:
    def nfkc(s: str) -> str:
        return unicodedata.normalize("NFKC", s)

    return nfkc(nfkc(IGNORABLE.sub("", text)).casefold())


def segments(text: str) -> Iterator[tuple[int, int]]:
    """The word segments of a text, after UAX #29."""
    classes = "".join("0" if (name := CLASS.match(c).lastgroup) == "digit" else name for c in text)
    begin = 0
    # Nothing joins what is before a space, a line break or a code point without a class to it, but for
    # WB3 and WB3d: the rules need to see no more than one stretch at a time.
    for stretch in regex.finditer("(?:CF|[oCFV]|s+)?[^oCFVs]*", classes):
        run = stretch[0]
        for at in range(1, len(run) + 1):
            if not joins(run, at):
                yield begin, stretch.start() + at
                begin = stretch.start() + at


def joins(run: str, at: int) -> bool:
    if at == len(run):
        return False
    return next(joined for left, right, joined in COMPILED if right.match(run, at) and left.match(run, 0, at))


def words(text: str, offset: int = 0) -> Iterator[Token]:
    for begin, end in segments(text):
        found = regex.search(rf"(?!{WS}).*(?<!{WS})", text[begin:end], regex.DOTALL)
        if found and regex.search(r"[\p{L}\p{N}]", found[0]) and (term := normalize(found[0])):
            yield Token(term, offset + begin + found.start(), offset + begin + found.end(), "word", False)


def whitespace(text: str) -> Iterator[Token]:
    for found in regex.finditer(rf"(?:(?!{WS}|\p{{Cs}}).)+", text, regex.DOTALL):
        yield Token(found[0], *found.span(), "word", False)


def domain(text: str) -> Iterator[Token]:
    done = 0
    for literal in literals(text):
        yield from words(text[done : literal.begin], done)
        yield from literal_tokens(text, literal)
        done = literal.end
        possessive = regex.compile(rf"['’][sS](?!{MARK}*{NAME})").match(text, done)
        if possessive:
            done = possessive.end()
    yield from words(text[done:], done)


def literal_term(text: str) -> str:
    return normalize(text).replace("\u2010", "-")


def literal_tokens(text: str, literal: Found) -> Iterator[Token]:
    begin, end, kind, parts = literal
    source = text[begin:end]
    if parts == "citation":
        whole, pieces = citation(text, begin)
    elif parts == "quantity":
        whole, pieces = quantity(text, begin)
    elif parts == "status":
        found = HTTP_STATUS.match(text, begin)
        whole = f"http {found['number']}"
        pieces = [(*found.span(name), literal_term(found[name])) for name in ("name", "number")]
    else:
        whole = literal_term(source.removeprefix("$") if kind == "ticker" else source)
        divided = version_spans(source) if parts == "version" else tree_spans(source, parts)
        pieces = [(begin + a, begin + b, literal_term(source[a:b])) for a, b in divided]
    yield Token(whole, begin, end, kind, False)
    for a, b, term in pieces:
        if term not in ("", whole):
            yield Token(term, a, b, kind, True)


def version_spans(source: str) -> list[tuple[int, int]]:
    numbers = list(regex.finditer(r"[0-9]+", regex.match(r"[vV]?[0-9]+(?:\.[0-9]+)*", source)[0]))
    first, core = numbers[0].start(), numbers[-1].end()
    found = [(first, core)]
    found += [(first, numbers[i].end()) for i in (2, 1) if i + 1 < len(numbers)]
    if first or len(numbers) > 1:
        found.append((0, numbers[0].end()))
    found += [(core + m.start(), core + m.end()) for m in regex.finditer(f"{A}+", source[core:])]
    return sorted(found, key=lambda span: (span[0], -span[1]))


SEPARATORS = {
    "marks": rf"(?!{A}|_|{H}|\.).",
    "dots": r"\.(?<![0-9]\.(?=[0-9]))",
    "all dots": r"\.",
    "hyphens": H,
    "underscores": "_",
}
LEVELS = {
    "tree": ["marks", "dots", "hyphens", "underscores"],
    "section": ["marks", "all dots", "hyphens", "underscores"],
    "icd": ["marks", "hyphens", "all dots", "underscores"],
}


def tree_spans(source: str, parts: str) -> list[tuple[int, int]]:
    """Every span that dividing by ever finer separators gives, each once, without the whole."""
    level = {(0, len(source))}
    found: set[tuple[int, int]] = set()
    for name in LEVELS[parts]:
        finer = set()
        for begin, end in level:
            at = begin
            for cut in [*regex.finditer(SEPARATORS[name], source[begin:end], regex.DOTALL), None]:
                stop = begin + cut.start() if cut else end
                if regex.search(A, source[at:stop]):
                    finer.add((at, stop))
                at = begin + cut.end() if cut else end
        found |= finer
        level = finer
    for begin, end in level:
        leaf = source[begin:end]
        if regex.fullmatch("0[xX][0-9A-Fa-f]+", leaf):
            found.add((begin + 2, end))
            continue
        at = begin
        for piece in regex.split(rf"(?<=(?![0-9]){A})(?=[0-9])", leaf) if "." in leaf else humps(leaf):
            found.add((at, at + len(piece)))
            at += len(piece)
    return sorted(found - {(0, len(source))}, key=lambda span: (span[0], -span[1]))


Pieces = list[tuple[int, int, str]]


def citation(text: str, begin: int) -> tuple[str, Pieces]:
    found = next(m for p in (*CITATIONS, SIGNED_CITATION) if (m := p.match(text, begin)))
    fields = found.groupdict()
    section = found["section"]
    pieces: Pieces = []
    if fields.get("title"):
        code = "usc" if fields["usc"] else "cfr"
        base = f"{found['title']} {code} {literal_term(section)}"
        pieces = [
            (*found.span("title"), found["title"]),
            (*found.span(code), code),
        ]
    elif fields.get("keyword"):
        base = f"{'§' if fields['sec'] else 'art '}{literal_term(section)}"
        pieces = [(*found.span("keyword"), literal_term(found["keyword"]))]
    else:
        base = f"§{literal_term(section)}"
    at = found.start("section")
    numbers_only = regex.fullmatch(r"[0-9]+(?:\.[0-9]+)*", section)
    spans = version_spans(section) if numbers_only else [(0, len(section)), *tree_spans(section, "section")]
    inner = [(at + a, at + b, literal_term(section[a:b])) for a, b in spans]
    paragraph = found.start("paragraph")
    inner += [
        (paragraph + m.start(1), paragraph + m.end(1), literal_term(m[1]))
        for m in regex.finditer(r"\(([^)]*)\)", found["paragraph"])
    ]
    whole = base + literal_term(found["paragraph"])
    return whole, [(begin, found.end("section"), base), *pieces, *inner]


def quantity(text: str, begin: int) -> tuple[str, Pieces]:
    found = QUANTITY.match(text, begin)
    unit = literal_term(found["unit"])
    whole = found["number"].replace(",", "") + ("μg" if unit in ("ug", "mcg") else unit)
    return whole, [(*found.span("number"), literal_term(found["number"])), (*found.span("unit"), unit)]


def analyze(text: str, preset: str = "domain") -> list[Token]:
    """The tokens of a text, as `pyengine.Analyzer` must give them."""
    return list({"domain": domain, "words": words, "whitespace": whitespace}[preset](text))
