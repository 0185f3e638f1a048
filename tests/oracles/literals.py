"""Where the literals of a text are, by regular expressions: the slow twin of csrc/core/analyzer/literals.cpp.

Written from docs/analyzer.md, whose word lists it reads. It works on str and backtracks where the core
scans bytes once, so the two share no structure; they must agree on every text.
"""

from pathlib import Path
from typing import NamedTuple

import regex

DOC = Path(__file__).parents[2] / "docs" / "analyzer.md"
WORD_LISTS = DOC.read_text(encoding="utf-8").split("### Word lists")[1].split("```")[1]
LISTS = {
    name: frozenset(words.split())
    for name, words in (line.split(":", 1) for line in WORD_LISTS.split("\n") if line)
}

A = r"[\p{L}\p{M}\p{N}]"
LETTER = rf"(?:(?![0-9]){A})"
NAME = rf"(?:{A}|_)"
H = "[-\u2010\u2011]"
MARK = rf"(?:[./\\:@#$+~]|{H})"
CHAR = rf"(?:{NAME}|{MARK})"
WS = r"\p{White_Space}"

COMPONENT = rf"[0-9]+[A-Za-z]{{0,3}}(?!{NAME})"
SECTION = rf"(?P<section>{COMPONENT}(?:(?:\.|{H}){COMPONENT})*)(?P<paragraph>(?:\([A-Za-z0-9]{{1,5}}\))*)"
CODE = r"(?P<usc>[uU]\.? ?[sS]\.? ?[cC]\.?(?:[aA]\.?)?)|(?P<cfr>[cC]\.? ?[fF]\.? ?[rR]\.?)"
SECTION_WORD = r"(?:[sS][eE][cC][tT][iI][oO][nN][sS]?|[sS][eE][cC][sS]?\.?|[pP][aA][rR][tT][sS]?|[pP][tT]\.?)"
CITATIONS = [
    regex.compile(
        rf"(?P<title>[0-9]{{1,3}})(?![0-9]){WS}{{1,3}}(?:{CODE})(?!{NAME}){WS}{{0,3}}"
        rf"(?:§§?{WS}{{0,3}}|{SECTION_WORD}{WS}{{1,3}})?{SECTION}"
    ),
    regex.compile(
        rf"(?P<keyword>(?P<sec>[sS][eE][cC][tT][iI][oO][nN][sS]?)|[aA][rR][tT][iI][cC][lL][eE][sS]?)"
        rf"{WS}{{1,3}}{SECTION}"
    ),
    regex.compile(
        rf"(?P<keyword>(?P<sec>[sS][eE][cC][sS]?)|[aA][rR][tT][sS]?)(?:\.{WS}{{0,3}}|{WS}{{1,3}}){SECTION}"
    ),
]
SIGNED_CITATION = regex.compile(rf"§§?{WS}{{0,3}}{SECTION}")
QUANTITY = regex.compile(
    rf"(?P<number>(?:[0-9]{{1,3}}(?:,[0-9]{{3}}(?![0-9]))+|[0-9]++)(?:\.[0-9]++)?)(?:{H}|{WS})?(?P<unit>{NAME}++)"
)
HTTP_STATUS = regex.compile(
    rf"(?P<name>[hH][tT][tT][pP]){WS}(?P<number>[1-5][0-9][0-9])(?!{NAME})(?!\.[0-9])"
)
URL_CHAR = rf"(?:{A}|[-_.~:/?#\[\]@!$&()*+,;=%])"
VERSION_WORD = rf"(?:{'|'.join(sorted(LISTS['suffix words'], key=len, reverse=True))})"
GLUED_WORD = rf"(?:{'|'.join(sorted(LISTS['glued suffix words'], key=len, reverse=True))})"
# Version words are compared ASCII case aside: the text they are tried on is lowered first.
WORD_SUFFIX = rf"{H}{VERSION_WORD}[0-9]*(?:\.[0-9]+)*"
SUFFIX = rf"(?:{WORD_SUFFIX}|{H}[0-9][A-Za-z0-9]*(?:\.[0-9]+)*)"
BUILD = rf"(?:\+{A}+(?:(?:\.|{H}){A}+)*)?"
VERSION = regex.compile(
    rf"(?:v[0-9]+(?:\.[0-9]+)+|[0-9]+(?:\.[0-9]+){{2,}})(?:\.{VERSION_WORD}[0-9]*|[a-z]{{1,6}}[0-9]*)?"
    rf"{SUFFIX}*{BUILD}"
    rf"|[0-9]+\.[0-9]+(?:{GLUED_WORD}[0-9]+|{WORD_SUFFIX}){SUFFIX}*{BUILD}"
)
CATEGORY = "[A-Za-z][0-9][0-9ABab]"
# A small v before numbers alone is a version's.
ICD = (
    rf"(?:(?!v[0-9]{{2}}\.[0-9]+(?![A-Za-z0-9])){CATEGORY}\.(?=[A-Za-z]*[0-9])[A-Za-z0-9]{{1,4}}"
    r"|[A-Z][0-9]{2}\.[A-Z]{1,2})"
)
HEX = "[0-9A-Fa-f]"


class Found(NamedTuple):
    """A literal: its span, its kind, and how it falls into parts."""

    begin: int
    end: int
    kind: str
    parts: str


def lower(text: str) -> str:
    """ASCII letters to lower case; the rest as it is."""
    return "".join(c.lower() if c.isascii() else c for c in text)


def listed(name: str, text: str) -> bool:
    return lower(text) in LISTS[name]


def full(pattern: str, text: str) -> bool:
    return regex.fullmatch(pattern, text, regex.DOTALL) is not None


def is_unit(text: str) -> bool:
    if text in {"g", "ms"}:
        return True
    if text[0] in "µμ":
        return text[1:] in LISTS["units after µ"]
    return listed("units", text)


def is_ip(text: str, in_doubt: bool) -> bool:
    if not full(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", text):
        return False
    values = [int(part) for part in text.split(".")]
    typical = 0 in values or max(values) >= 100 or len(set(values)) == 1
    return max(values) < 256 and (typical or in_doubt)


def is_host(text: str) -> bool:
    authority, slash, _ = text.partition("/")
    name, colon, port = authority.partition(":")
    if colon and not full("[0-9]{1,5}", port):
        return False
    if lower(name) == "localhost":
        return bool(colon or slash)
    labels = name.split(".")
    label = rf"{A}(?:(?:{A}|{H})*{A})?"
    domain = len(labels) > 1 and all(full(label, part) for part in labels) and listed("domains", labels[-1])
    return domain or is_ip(name, bool(colon or slash))


def is_file(text: str) -> bool:
    *stems, extension = text.split(".")
    if not all(regex.search(A, part) and full(rf"(?:{NAME}|{H})+", part) for part in (*stems, extension)):
        return False
    lettered = [stem for stem in stems if regex.search(LETTER, stem)]
    if not lettered or not listed("extensions", extension):
        return False
    if len(extension) > 1:
        return True
    return any(len(regex.findall(A, stem)) > 1 for stem in lettered) and (
        extension.islower() or extension == "R"
    )


def is_ticker(text: str) -> bool:
    if regex.fullmatch(r"\$[A-Z]{2,5}(?:\.[A-Z])?", text):
        return not listed("shell variables", text[1:])
    if regex.fullmatch(r"[A-Z]{2,5}\.[A-Z]", text):
        return not regex.fullmatch("[IVXLCDM]+", text[:-2])
    found = regex.fullmatch(r"([A-Z]+):[A-Z]{1,6}(?:\.[A-Z])?", text)
    return found is not None and listed("exchanges", found[1])


ICD_END = rf"(?:{ICD}|{CATEGORY})"
HEX_GROUPS = rf"{HEX}{{8}}(?:{H}{HEX}{{4}}){{3}}{H}{HEX}{{12}}|{HEX}{{2}}(?::{HEX}{{2}}){{5}}"
SECTION_NUMBER = rf"[0-9]+\.[0-9]+[A-Za-z]{H}[0-9]+[A-Za-z]?"
CVE = rf"[cC][vV][eE]{H}[0-9]{{4}}{H}[0-9]{{4,}}|[gG][hH][sS][aA](?:{H}[A-Za-z0-9]{{4}}){{3}}"
# In order of precedence: what the shape is, whether a text has it.
CODES = [
    (("hex", "tree"), lambda text: full(HEX_GROUPS, text)),
    (("host", "version"), lambda text: is_ip(text, False)),
    (("icd", "icd"), lambda text: full(ICD, text) or full(rf"{ICD_END}{H}{ICD_END}", text)),
    (("version", "version"), lambda text: VERSION.fullmatch(lower(text)) is not None),
    (("statute", "section"), lambda text: full(SECTION_NUMBER, text)),
    (("cve", "tree"), lambda text: full(CVE, text)),
    (("ticker", "tree"), is_ticker),
]


def code_shape(text: str) -> tuple[str, str] | None:
    return next((shape for shape, fits in CODES if fits(text)), None)


HUMP_CLASSES = [("u", r"[\p{Lu}\p{Lt}]"), ("l", r"\p{Ll}"), ("d", "[0-9]"), ("o", ".")]


def humps(text: str) -> list[str]:
    """The camel humps of letters and digits, or the whole where it is no camel case."""
    kinds = "".join(
        next(kind for kind, pattern in HUMP_CLASSES if regex.match(pattern, c, regex.DOTALL)) for c in text
    )
    starts = [m.start() for m in regex.finditer("(?<=l)u|(?<=d)u(?=l)|(?<=u)u(?=ll)", kinds)]
    pieces = [text[a:b] for a, b in zip([0, *starts], [*starts, len(text)], strict=True)]
    return pieces if sum(len(piece) > 1 for piece in pieces) > 1 else [text]


def name_kind(text: str, called: bool) -> str | None:
    if not regex.search(A, text):
        return None
    if "_" in text:
        error = full("(?:ERR|ERROR|E|STATUS|HRESULT)_[A-Z0-9_]*", text)
        return "error_code" if error else "identifier"
    if full(rf"0[xX]{HEX}+", text):
        return "error_code" if full(rf"0[xX][8Cc]{HEX}{{7}}", text) else "hex"
    if full("e[0-9]{3,5}|[wcrf][0-9]{4}|(?:ts|cs|lnk|msb|kb)[0-9]{3,7}", lower(text)):
        return "error_code"
    changes = len(regex.findall("(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])", text))
    if changes > 1 and full("[0-9a-f]{7,64}|[0-9A-F]{7,64}", text):
        return "hex"
    return "identifier" if len(humps(text)) > 1 or (called and full(LETTER, text[0])) else None


def names_kind(text: str, called: bool) -> str | None:
    if not full(rf"{NAME}+(?:(?:\.|::?){NAME}+)+", text) or not regex.search(A, text):
        return None
    names = regex.split(r"\.|::?", text)
    lettered = [name for name in names if name[0] not in "0123456789"]
    numbered = names[0] in lettered and regex.search("[0-9]", names[0]) and names[1] not in lettered
    telling = called or any((len(name) > 2 and full(LETTER, name[0])) or "_" in name for name in names)
    return "identifier" if telling and (len(lettered) > 1 or numbered) else None


def group_type(group: str) -> str:
    """n: number, l: letter, c: one to five capitals, w: other letters, m: mixed, x: none of these."""
    number = regex.match("[0-9]+", group)
    if number and listed("ordinal suffixes", group[number.end() :]):
        return "x"
    if full(r"[0-9]+(?:\.[0-9]+)*", group):
        return "n"
    if not full(f"{A}+", group):
        return "x"
    if regex.search("[0-9]", group):
        return "m"
    return "l" if len(group) == 1 else "c" if full("[A-Z]{1,5}", group) else "w"


DESIGNATOR = regex.compile("(?:[lcwW][lcw]?[nm]|m[nmlc]|nnn+|nn?[mlc])[nmlc]*")


def leading_designator(text: str) -> tuple[int, str]:
    """How many characters the designator at the start has, 0 for none, and its kind."""
    groups = regex.split(H, text)
    types = "".join(group_type(group) for group in groups)
    if len(groups) > 1 and types[:2] in {f"{a}{b}" for a in "lcw" for b in "cw"} and len(groups[1]) > 4:
        return 0, ""
    found = DESIGNATOR.match(types)
    if not found:
        return 0, ""
    taken = groups[: found.end()]
    length = sum(map(len, taken)) + len(taken) - 1
    if set(found[0]) == {"n"}:
        return length, "number"
    if listed("error series", groups[0]) and full(rf"{A}+{H}[0-9]+", text[:length]):
        return length, "error_code"
    return length, "version" if any(group.count(".") > 1 for group in taken) else "sku"


def may_begin_path(text: str, at: int) -> bool:
    before = text[:at]
    quote = regex.search("[\"'`]\\Z", before)
    if quote:
        return regex.search(r"(?:^|[\t-\r\x20(\[{=,;|>!&:])[\"'`]\Z", before) is not None
    return regex.search(rf"(?:^|{WS}|[(\[{{=,;|>!&“‘«]|\p{{Cs}})\Z", before) is not None


def slashed_kind(text: str) -> str | None:
    if "/" not in text and "\\" not in text:
        return None
    if full("[0-9]+(?:/[0-9]+){2,}", text):
        return "number"
    protocol = regex.fullmatch(r"([A-Za-z]{2,})/([0-9]+(?:\.[0-9]+)*)", text)
    if protocol:
        name, number = protocol[1], protocol[2]
        if name.isupper() or lower(name) in {"http", "tls"} or (name[0].isupper() and "." in number):
            return "version"
    head, *rest = text.split("/")
    codes = all(group_type(group) in "nmlc" and "." not in group for group in rest)
    if head and 1 <= len(rest) <= 2 and codes and leading_designator(head)[0] == len(head):
        return "sku"
    if is_host(text):
        return "host"
    segments = regex.split(r"[/\\]", text)
    return "path" if all(segments) and is_file(segments[-1]) else None
