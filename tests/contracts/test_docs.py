"""What the documents point at exists, what they show runs, and what changed is written down."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pyengine
from contracts.tree import ROOT, tracked

DOCUMENTS = list(tracked(".md"))
# `csrc/core/fuse.hpp`, `tests/golden/`: names in backquotes that start in a folder of this repository.
FOLDERS = sorted(
    p.name for p in ROOT.iterdir() if p.is_dir() and p.name not in {".venv", ".git", ".nox", "build"}
)
CODE_PATH = re.compile(rf"`((?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*{{}},-]*)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def slug(heading: str) -> str:
    """Return the anchor a heading gets on the usual Markdown hosts."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def expand(pattern: str) -> list[str]:
    """``a.{hpp,cpp}`` -> ``a.hpp``, ``a.cpp``."""
    braces = re.search(r"\{([^{}]*)\}", pattern)
    if braces is None:
        return [pattern]
    head, tail = pattern[: braces.start()], pattern[braces.end() :]
    return [full for part in braces[1].split(",") for full in expand(head + part + tail)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_resolve(path: Path) -> None:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file) if file else path
        assert there.exists(), f"{path.relative_to(ROOT)} links {target}, which does not exist"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), f"{path.relative_to(ROOT)} links {target}: no such heading"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_named_files_exist(path: Path) -> None:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    for pattern in CODE_PATH.findall(text):
        for name in expand(pattern):
            assert list(ROOT.glob(name.rstrip("/"))), (
                f"{path.relative_to(ROOT)} names {name}, which does not exist"
            )


def test_architecture_names_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = [p for p in (ROOT / "pyengine").iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()]
    paths = [*rooms, *(ROOT / "csrc" / "core").glob("*.hpp"), *(ROOT / "tests").glob("*/test_*.py")]
    for path in paths:
        name = path.parent if path.name.startswith("test_") else path
        if not path.name.startswith("__"):
            assert f"`{name.relative_to(ROOT)}" in text, f"ARCHITECTURE.md says nothing of {name.name}"


def test_changelog_has_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(pyengine.__version__)}\]", text, re.MULTILINE)


def test_python_of_the_readme_runs(tmp_path: Path) -> None:
    """The blocks of one document, in order, are one program, run where a user would: anywhere."""
    blocks = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S
    )
    if not blocks:
        pytest.skip("the README shows no Python")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_the_make_targets_named_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in DOCUMENTS:
        named = set(re.findall(r"(?:^|`)make ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, f"{path.relative_to(ROOT)} names {sorted(named - targets)}"


def test_the_tests_named_in_documents_exist() -> None:
    """`tests/unit/test_x.py::test_y` in a document is a test, so that a promise is held by something."""
    named = [
        (path, *match)
        for path in DOCUMENTS
        for match in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", path.read_text(encoding="utf-8"))
    ]
    assert len({test for _, _, test in named}) > 30
    for path, file, test in named:
        defined = re.compile(rf"^(?:def {test}\(|class {test}\b|{test} = )", re.MULTILINE)
        assert defined.search((ROOT / file).read_text(encoding="utf-8")), (
            f"{path.relative_to(ROOT)} names {file}::{test}, which is not there"
        )


def test_every_promise_names_its_test() -> None:
    for name in ("promises", "limits"):
        text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
        for line in text.splitlines():
            if line.startswith("| ") and not line.endswith(" held by |") and line != "| test | said |":
                assert "::test_" in line or "::Test" in line, f"docs/{name}.md: no test holds: {line}"
