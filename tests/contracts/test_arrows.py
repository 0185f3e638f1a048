"""Imports go down only: the layers in pyproject.toml, checked without import-linter installed."""

import ast
import tomllib
from collections.abc import Iterator

import pytest

from contracts.tree import ROOT, modules, parse

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]
LAYERS = next(c for c in CONTRACTS if c["type"] == "layers")


def levels() -> dict[str, tuple[int, bool]]:
    """Room -> its level from the top, and whether its neighbours on that level may import it."""
    found = {}
    for level, line in enumerate(LAYERS["layers"]):
        closed = ":" not in line
        for room in line.replace(":", "|").split("|"):
            found[room.strip().strip("()")] = (level, closed)
    return found


LEVELS = levels()


def imported(name: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of everything of the project that the module imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno} imports relatively"
            if node.module and node.module.split(".")[0] == "pyengine":
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    yield node.lineno, full if full in modules() or node.module == "pyengine" else node.module
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "pyengine":
                    yield node.lineno, alias.name


def room(module: str) -> str:
    """Return the first name below the package: the room a module belongs to."""
    return module.split(".")[1] if "." in module else ""


def test_every_room_has_a_level() -> None:
    rooms = {room(name) for name in modules()} - {"", "__main__"}
    assert rooms <= set(LEVELS), "give the new room its line in [tool.importlinter] of pyproject.toml"


@pytest.mark.parametrize("name", [n for n in modules() if room(n) and room(n) != "__main__"])
def test_imports_go_down_only(name: str) -> None:
    own = room(name)
    own_level, _ = LEVELS[own]
    for line, target in imported(name, parse(modules()[name])):
        other = room(target)
        # The version is all that the package itself holds; everything else has a room of its own.
        if other in ("__version__", own):
            continue
        assert other in LEVELS, f"{name}:{line} imports {target} from the facade; import it from its room"
        level, closed = LEVELS[other]
        assert level > own_level or (level == own_level and not closed), (
            f"{name}:{line} imports {target}, which lies "
            f"{'above it' if level < own_level else 'beside it'}: see the arrows in ARCHITECTURE.md"
        )
