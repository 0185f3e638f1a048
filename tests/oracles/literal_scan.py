"""The order in which a text is searched for literals: the second half of the slow twin."""

from collections.abc import Iterator

import regex

from oracles.literals import (
    CHAR,
    CITATIONS,
    HTTP_STATUS,
    LETTER,
    LISTS,
    MARK,
    NAME,
    QUANTITY,
    SIGNED_CITATION,
    URL_CHAR,
    VERSION,
    A,
    Found,
    H,
    code_shape,
    full,
    is_file,
    is_host,
    is_unit,
    leading_designator,
    listed,
    lower,
    may_begin_path,
    name_kind,
    names_kind,
    slashed_kind,
)

PLUS_PLUS = "|".join(sorted(LISTS["names before ++"], key=len, reverse=True))
LANGUAGE = regex.compile(
    rf"(?:\.[nN][eE][tT]|[cfjqCFJQ]#|(?:{PLUS_PLUS})\+\+(?:[0-9][A-Za-z0-9])?)(?!{NAME}|[+#])",
)


def strip(text: str, begin: int, end: int) -> tuple[int, int]:
    """The span without marks at either end."""
    found = regex.match(rf"{MARK}*+(?P<body>.*?){MARK}*$", text[begin:end], regex.DOTALL)
    return begin + found.start("body"), begin + found.end("body")


def spans(separator: str, text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The non-empty spans between separators."""
    for found in regex.finditer(rf"(?:(?!{separator}).)+", text[begin:end], regex.DOTALL):
        yield begin + found.start(), begin + found.end()


def literals(text: str) -> list[Found]:
    out: list[Found] = []
    at = 0
    while found := regex.compile(rf"(?P<signs>§+)|{CHAR}+").search(text, at):
        at = found.end()
        if not found["signs"]:
            at = Chunk(text, *found.span(), out).read()
        elif len(found["signs"]) < 3 and (citation := SIGNED_CITATION.match(text, found.start())):
            out.append(Found(*citation.span(), "statute", "citation"))
            at = citation.end()
    return out


class Chunk:
    """One run of chunk characters."""

    def __init__(self, text: str, begin: int, end: int, out: list[Found]) -> None:
        self.text, self.begin, self.end, self.out = text, begin, end, out
        self.called = text.startswith("()", end)

    def add(self, begin: int, end: int, kind: str, parts: str = "tree") -> bool:
        self.out.append(Found(begin, end, kind, parts))
        return True

    def read(self) -> int:
        body = regex.match(f"{MARK}*", self.text[self.begin : self.end]).end() + self.begin
        if body == self.end:
            return self.end
        if self.phrase(body):
            return self.rest()
        url = self.url()
        if url:
            self.pieces(self.begin, url[0])
            self.add(*url, "host")
            return self.rest()
        if self.path():
            return max(self.end, self.out[-1].end)
        if not self.email() and not self.slashed():
            self.pieces(self.begin, self.end)
        return self.end

    def rest(self) -> int:
        end = self.out[-1].end
        if end < self.end:
            self.pieces(end, self.end)
        return max(end, self.end)

    def phrase(self, at: int) -> bool:
        for pattern in CITATIONS:
            if found := pattern.match(self.text, at):
                return self.add(*found.span(), "statute", "citation")
        quantity = QUANTITY.match(self.text, at)
        inside = regex.search(r"(?:\.|[0-9],)\Z", self.text[:at])
        if quantity and is_unit(quantity["unit"]) and not inside:
            return self.add(*quantity.span(), "quantity", "quantity")
        status = HTTP_STATUS.match(self.text, at)
        return bool(status) and self.add(*status.span(), "error_code", "status")

    def url(self) -> tuple[int, int] | None:
        chunk = self.text[self.begin : self.end]
        colon = regex.search("://(?=.)", chunk, regex.DOTALL)
        if not colon:
            return None
        scheme = regex.search(rf"[A-Za-z](?:[A-Za-z0-9+.]|{H})+$", chunk[: colon.start()])
        first = regex.compile(f"://(/?){A}").match(chunk, colon.start())
        if not scheme or not first:
            return None
        begin = self.begin + scheme.start()
        url = regex.compile(f"{URL_CHAR}+").match(self.text, begin + len(scheme[0]) + 3)
        text = self.text[begin : url.end()]
        while text[-1] in ".,;:!?*/#([" or (
            text[-1] in ")]" and text.count(text[-1]) > text.count({")": "(", "]": "["}[text[-1]])
        ):
            text = text[:-1]
        return begin, begin + len(text)

    def path(self) -> bool:
        begin, run = self.begin, regex.sub(f"{MARK}+$", "", self.text[self.begin : self.end])
        if full(rf"[A-Za-z]:[\\/].*{A}.*|\\\\{A}.*", run):
            return self.add(begin, begin + len(run), "path")
        unix = full(rf"(?:~{NAME}*|\.{{0,2}})(?:/[^/]+)+", run) and may_begin_path(self.text, begin)
        if not unix or len(regex.findall(A, run)) < 2 or not regex.search(LETTER, run):
            return False
        end = begin + len(run)
        route = regex.compile(rf"(?:\{{{NAME}+\}}{CHAR}*)+").match(self.text, self.end)
        if route:
            end = self.end + len(regex.sub(f"{MARK}+$", "", route[0]))
        return self.add(begin, end, "path")

    def email(self) -> bool:
        chunk = self.text[self.begin : self.end]
        at = chunk.find("@")
        if at < 0:
            return False
        local = regex.search(rf"{NAME}(?:(?:{NAME}|{H}|[.+])*{NAME})?$", chunk[:at])
        host = regex.compile(rf"{A}+(?:(?:\.|{H}+){A}+)*+").match(chunk, at + 1)
        if not local or not host or chunk.startswith("_", host.end()):
            return False
        self.pieces(self.begin, self.begin + local.start())
        self.add(self.begin + local.start(), self.begin + host.end(), "email")
        self.pieces(self.begin + host.end(), self.end)
        return True

    def slashed(self) -> bool:
        begin, end = strip(self.text, self.begin, self.end)
        kind = slashed_kind(self.text[begin:end])
        return kind is not None and self.add(begin, end, kind)

    def pieces(self, begin: int, end: int) -> None:
        for piece in spans(r"[/\\]", self.text, begin, end):
            self.piece(*piece)

    def piece(self, begin: int, end: int) -> None:
        language = LANGUAGE.match(lower(self.text), begin, end)
        if language:
            self.add(*language.span(), "identifier")
            begin = language.end()
        end = begin + len(regex.sub(f"{MARK}+$", "", self.text[begin:end]))
        run = self.text[begin:end]
        if not run:
            return
        if run[0] == "$" and (code_shape(run) or ("",))[0] == "ticker":
            self.add(begin, end, "ticker")
            return
        if may_begin_path(self.text, begin):
            if full(rf"{H}{H}(?={LETTER}){A}+(?:{H}{A}+)+", run) and len(run) > 4:
                self.add(begin, end, "identifier")
                return
            if full(rf"\.[a-z](?:{NAME}|{H}|\.)*", run) and len(regex.findall(A, run)) > 2:
                self.add(begin, end, "path")
                return
        begin, end = strip(self.text, begin, end)
        if "+" in self.text[begin:end] and VERSION.fullmatch(lower(self.text[begin:end])):
            self.add(begin, end, "version", "version")
            return
        for piece in spans("[@#$+~]", self.text, begin, end):
            self.unit(*strip(self.text, *piece))

    def unit(self, begin: int, end: int) -> None:
        run = self.text[begin:end]
        called = self.called and end == self.end
        if not run:
            return
        if shape := code_shape(run):
            self.add(begin, end, *shape)
        elif is_host(run):
            self.add(begin, end, "host")
        elif is_file(run):
            self.add(begin, end, "path")
        elif kind := names_kind(run, called):
            self.add(begin, end, kind)
        elif ":" in run:
            for piece in spans(":", self.text, begin, end):
                self.unit(*strip(self.text, *piece))
        elif regex.search(H, run):
            self.groups(begin, end)
        else:
            for first, last in spans(f"(?!{NAME}).", self.text, begin, end):
                if kind := name_kind(self.text[first:last], self.called and last == self.end):
                    self.add(first, last, kind)

    def groups(self, begin: int, end: int) -> None:
        after_word = False
        while begin < end:
            run = self.text[begin:end]
            group = regex.split(H, run)[0]
            prefix = len(group) < len(run) and listed("word prefixes", group)
            word = full(f"{LETTER}*", group)
            length, kind = (0, "") if prefix or (word and after_word) else leading_designator(run)
            if length:
                self.add(begin, begin + length, kind)
            else:
                length = len(group)
                self.unit(*strip(self.text, begin, begin + length))
            after_word = word and not prefix and not kind
            begin += length + regex.match(f"{H}*", run[length:]).end()
