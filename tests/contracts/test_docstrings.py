"""Docstrings say the parameters the signature has, and raise what exists."""

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from contracts.tree import Function, modules, parse
from pyengine import errors

# From this many parameters on, a sentence of prose no longer tells them apart.
SECTION_FROM = 3


@dataclass(frozen=True)
class Item:
    """One public function, method or class, with the parameter names its caller sees."""

    where: str
    doc: str
    parameters: tuple[str, ...]
    exported: bool


def arguments(node: Function, *, bound: bool) -> tuple[str, ...]:
    a = node.args
    names = [x.arg for x in (*a.posonlyargs, *a.args)]
    if bound and not any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list):
        names = names[1:]
    names += [a.vararg.arg] if a.vararg else []
    names += [x.arg for x in a.kwonlyargs]
    names += [a.kwarg.arg] if a.kwarg else []
    return tuple(n for n in names if not n.startswith("_"))


def decorators(node: Function | ast.ClassDef) -> set[str]:
    return {name for d in node.decorator_list for name in re.findall(r"\w+", ast.unparse(d))}


def fields(node: ast.ClassDef) -> tuple[str, ...]:
    """Return the constructor's parameters: the fields of a dataclass, else those of ``__init__``."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return arguments(item, bound=True)
    if "dataclass" not in decorators(node):
        return ()
    return tuple(
        item.target.id
        for item in node.body
        if isinstance(item, ast.AnnAssign)
        and isinstance(item.target, ast.Name)
        and not item.target.id.startswith("_")
        and "ClassVar" not in ast.unparse(item.annotation)
        and not (item.value is not None and "init=False" in ast.unparse(item.value))
    )


@cache
def listed(module: str) -> frozenset[str]:
    """Return the names in the module's ``__all__``."""
    for node in parse(modules()[module]).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def exported(module: str, name: str) -> bool:
    """Whether the room, or the package, offers the name: what a room's files share stays between them."""
    parts = module.split(".")
    return any(name in listed(".".join(parts[:depth])) for depth in (1, 2))


def items(module: str) -> Iterator[Item]:
    """Yield what is public in a module, class by class."""

    def function(node: Function, prefix: str, *, bound: bool) -> Iterator[Item]:
        marks = decorators(node)
        # A command of the CLI documents itself in its help; setters and overloads share the first docstring.
        if (
            not node.name.startswith("_")
            and not {"overload", "setter", "command", "group", "override"} & marks
        ):
            top = (prefix + node.name).removeprefix(f"{module}.").split(".")[0]
            yield Item(
                prefix + node.name,
                ast.get_docstring(node) or "",
                arguments(node, bound=bound),
                exported(module, top),
            )

    for node in parse(modules()[module]).body:
        if isinstance(node, Function):
            yield from function(node, f"{module}.", bound=False)
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            doc = ast.get_docstring(node) or ""
            yield Item(f"{module}.{node.name}", doc, fields(node), exported(module, node.name))
            for inner in node.body:
                if isinstance(inner, Function):
                    yield from function(inner, f"{module}.{node.name}.", bound=True)


def section(doc: str, title: str) -> list[str] | None:
    """Return the unindented lines of a NumPy-style section, its entries; None where there is none."""
    lines = doc.splitlines()
    for i, line in enumerate(lines[:-1]):
        if line.strip() == title and set(lines[i + 1].strip()) == {"-"}:
            entries = []
            for j in range(i + 2, len(lines)):
                if j + 1 < len(lines) and lines[j + 1].strip() and set(lines[j + 1].strip()) == {"-"}:
                    break
                if lines[j].strip() and not lines[j].startswith(" "):
                    entries.append(lines[j])
            return entries
    return None


def documented(doc: str) -> tuple[str, ...] | None:
    entries = section(doc, "Parameters")
    if entries is None:
        return None
    return tuple(
        name.strip().lstrip("*") for entry in entries for name in re.split(r" ?: |:$", entry)[0].split(",")
    )


PUBLIC = [
    item
    for module in modules()
    if not any(part.startswith("_") for part in module.split("."))
    for item in items(module)
]


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.where)
def test_docstring_parameters_equal_the_signature(item: Item) -> None:
    assert item.doc, f"{item.where} is public and has no docstring"
    said = documented(item.doc)
    if said is None:
        assert len(item.parameters) < SECTION_FROM or not item.exported, (
            f"{item.where} takes {', '.join(item.parameters)} and has no Parameters section"
        )
    else:
        assert said == item.parameters, item.where


@pytest.mark.parametrize(
    "item", [i for i in PUBLIC if section(i.doc, "Raises") is not None], ids=lambda item: item.where
)
def test_what_a_docstring_raises_exists(item: Item) -> None:
    for entry in section(item.doc, "Raises") or []:
        for name in re.split(r",\s*|\s+or\s+", re.split(r"\s{2,}|:", entry)[0].strip()):
            known = getattr(errors, name, None) or getattr(builtins, name, None)
            assert isinstance(known, type), f"{item.where}: {name!r} is no exception of pyengine or Python"
            assert issubclass(known, BaseException)


def test_the_checks_can_fail() -> None:
    doc = "Add.\n\nParameters\n----------\nx, y : int\n    Terms.\n*rest\n\nReturns\n-------\nint\n    Sum."
    assert documented(doc) == ("x", "y", "rest")
    assert documented("Add ``x`` and ``y``.") is None
    assert section(doc, "Returns") == ["int"]
