"""Where a text is cut, slowly: the slow twin of csrc/core/chunker.cpp and csrc/core/sentences.cpp.

Written from docs/chunking.md, whose lists it reads, over str with regular expressions. The tokens come from
the analyzer, which has a slow twin of its own.
"""

from pathlib import Path

import regex

from pyengine import Analyzer

DOC = Path(__file__).parents[2] / "docs" / "chunking.md"
PAGE = DOC.read_text(encoding="utf-8")
LISTS = {
    name: words.split()
    for name, words in (
        line.split(": ") for line in PAGE[PAGE.index("marks: 0021") :].split("```")[0].strip().split("\n")
    )
}


def characters(name: str) -> str:
    return "[" + "".join(rf"\u{code}" for code in LISTS[name]) + "]"


WIDE = regex.compile(characters("wide marks"))
ENDS = regex.compile(f"((?:{characters('marks')}|{characters('wide marks')})+){characters('closers')}*")
SPACES = regex.compile(r"\p{White_Space}+")
CASED = regex.compile(r"\p{Lu}|\p{Lt}|\p{Ll}")
ANALYZER = Analyzer("domain")


class Unit:
    """A word or a whole literal."""

    def __init__(self, text: str, start: int, end: int, term: str, kind: str) -> None:
        self.start, self.end, self.term, self.kind = start, end, term, kind
        self.text = text[start:end]


def units(text: str) -> list[Unit]:
    return [
        Unit(text, token.start, token.end, token.term, token.kind)
        for token in ANALYZER.tokens(text)
        if not token.part
    ]


def abbreviates(text: str, last: Unit, following: Unit) -> bool:
    if last.kind != "word":
        return False
    cased = CASED.match(last.text) is not None
    if cased and (len(last.text) == 1 or "." in last.text):
        return True
    if regex.fullmatch("[0-9]{1,3}", last.text):
        return regex.search(r"(?:\A|\n)[ \t]*\Z", text[: last.start]) is not None
    number = regex.match("[0-9]", following.text) or regex.fullmatch("[IVXLCDM]+", following.text)
    return last.term in LISTS["titles"] or (last.term in LISTS["before numbers"] and bool(number))


def sentence_end(text: str, last: Unit, following: Unit) -> tuple[int, int] | None:
    """Return where the left part ends and the right one begins, or None."""
    gap = text[last.end : following.start]
    for found in ENDS.finditer(gap):
        spaces = SPACES.match(gap, found.end())
        after = spaces.end() if spaces else found.end()
        lower = regex.match(r"\p{Ll}", following.text)
        if not WIDE.search(found[1]) and (spaces is None or lower):
            continue
        if found[1] == "." and found.start() == 0 and abbreviates(text, last, following):
            continue
        return last.end + found.end(), last.end + after
    for spaces in SPACES.finditer(gap):
        if len(regex.findall("[\n\u0085\u2028]", spaces[0])) >= 2 or "\u2029" in spaces[0]:
            return last.end + spaces.start(), last.end + spaces.end()
    return None


def spans(text: str, tokens: int, overlap: int, sentences: bool) -> list[tuple[int, int]]:
    """Return the chunks of a text, in code points."""
    found = units(text)
    outer = regex.search(r"\A\p{White_Space}*(.*?)\p{White_Space}*\Z", text, regex.DOTALL)
    first, final = outer.span(1) if outer and outer[1] else (0, 0)
    cuts = {}
    ends = set()
    for i in range(1, len(found)):
        cut = sentence_end(text, found[i - 1], found[i]) if sentences else None
        if cut is not None:
            ends.add(i)
        else:
            spaces = list(SPACES.finditer(text, found[i - 1].end, found[i].start))
            cut = spaces[-1].span() if spaces else (found[i].start, found[i].start)
        cuts[i] = cut
    result, begin, done = [], 0, 0
    while True:
        end = min(begin + tokens, len(found))
        if end < len(found) and sentences:
            end = max((i for i in ends if done < i <= end), default=end)
        start = first if begin == 0 else cuts[begin][1]
        if end == len(found):
            return [*result, (start, final)]
        result.append((start, cuts[end][0]))
        least = max(begin + 1, end - overlap)
        begin = min((i for i in ends if least <= i <= end), default=least)  # no ends: sentences are not asked
        done = end
