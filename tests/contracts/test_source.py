"""Habits of the source: no assert on input, nothing half done, nothing of one machine, no endless file."""

import ast
import re
from pathlib import Path

import pytest

from contracts.tree import ROOT, modules, parse, tracked

SOURCES = list(tracked(".py", ".cpp", ".hpp", ".md", ".toml", ".yml", ".yaml", ".txt", ""))
# Spelled apart, so that this file does not carry what it looks for.
UNFINISHED = re.compile(
    r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b[:(]"
)
LONGEST_FILE = 450
LONGEST_FUNCTION = 80


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("name", modules())
def test_no_assert_without_a_reason(name: str) -> None:
    """``python -O`` drops asserts: bad input needs an error of the tree; an invariant says that it is one."""
    path = modules()[name]
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Assert):
            beside = lines[node.lineno - 2 : node.end_lineno]
            assert any("#" in line for line in beside), f"{name}:{node.lineno}: assert without a comment"


def test_nothing_is_left_half_done() -> None:
    found = [str(path.relative_to(ROOT)) for path in SOURCES if UNFINISHED.search(text(path))]
    assert not found


def test_nothing_of_this_machine() -> None:
    """The folder this checkout lies in, and the home of whoever runs this, mean nothing elsewhere."""
    here = re.compile(
        "|".join(rf"(?<![\w.]){re.escape(str(p))}(?![\w-])" for p in (ROOT, Path.home() / ".cache"))
    )
    found = [str(path.relative_to(ROOT)) for path in SOURCES if here.search(text(path))]
    assert not found


def test_files_and_functions_have_one_purpose() -> None:
    long = []
    for path in tracked(".py", ".cpp", ".hpp"):
        lines = text(path).splitlines()
        # Tables written by a program are as long as their data.
        if len(lines) > LONGEST_FILE and not re.search(r"[Gg]enerated", "\n".join(lines[:5])):
            long.append(f"{path.relative_to(ROOT)}: {len(lines)} lines")
        if path.suffix == ".py":
            for node in ast.walk(parse(path)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    length = (
                        (node.end_lineno or 0)
                        - node.lineno
                        + 1
                        - len((ast.get_docstring(node) or "").splitlines())
                    )
                    if length > LONGEST_FUNCTION:
                        long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines")
    assert not long


def test_suppressions_say_why() -> None:
    """A silenced checker has the rule's name and a reason beside it, or on the line above."""
    marks = re.compile(r"#\s*(?:type: ignore|noqa)|//\s*NOLINT")
    complete = re.compile(
        r"#\s*(?:type: ignore\[[\w,\- ]+\]|noqa: [A-Z0-9, ]+?)\s*(?:#|[-—:(])\s*\w+"
        r"|//\s*NOLINT\w*\([\w\-,.* ]+\):? \w+"
    )
    found = []
    for path in tracked(".py", ".cpp", ".hpp"):
        if path == Path(__file__):
            continue
        lines = text(path).splitlines()
        for i, line in enumerate(lines):
            above = lines[i - 1].strip() if i else ""
            if marks.search(line) and not complete.search(line) and not above.startswith(("#", "//")):
                found.append(f"{path.relative_to(ROOT)}:{i + 1}")
    assert not found
