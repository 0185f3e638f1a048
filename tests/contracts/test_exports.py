"""The public names are exactly the documented ones, and types reach the user."""

import importlib
import inspect
import tomllib

import pytest

import pyengine
from contracts.tree import PACKAGE, ROOT, modules, parse

# Running it would start the command line.
IMPORTABLE = [name for name in modules() if not name.endswith("__main__")]


def test_all_is_what_can_be_imported() -> None:
    assert len(pyengine.__all__) == len(set(pyengine.__all__))
    for name in pyengine.__all__:
        assert hasattr(pyengine, name), f"pyengine.__all__ names {name}, which does not exist"


def test_nothing_public_is_missing_from_all() -> None:
    public = {
        name
        for name, value in vars(pyengine).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public <= set(pyengine.__all__)


def test_every_name_is_loaded_from_where_it_is_said_to_be() -> None:
    eager = {"diagnose", "errors"}
    assert set(pyengine._WHERE) == set(pyengine.__all__) - eager
    for name, module in pyengine._WHERE.items():
        assert getattr(pyengine, name) is getattr(importlib.import_module(f"pyengine.{module}"), name)
    with pytest.raises(AttributeError, match="no attribute 'Enigne'"):
        _ = pyengine.Enigne


@pytest.mark.parametrize("name", IMPORTABLE)
def test_every_module_imports_and_has_what_it_lists(name: str) -> None:
    module = importlib.import_module(name)
    missing = [entry for entry in getattr(module, "__all__", ()) if not hasattr(module, entry)]
    assert not missing, f"{name}.__all__ names what it does not define: {missing}"


@pytest.mark.parametrize("name", [n for n in IMPORTABLE if not any(p.startswith("_") for p in n.split("."))])
def test_every_public_module_says_what_it_is(name: str) -> None:
    assert (importlib.import_module(name).__doc__ or "").strip(), f"{name} has no docstring"


def test_version_is_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert pyengine.__version__ == project["version"]


def test_types_ship() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_stub_of_the_core_names_what_the_core_has() -> None:
    stub = PACKAGE / "_core.pyi"
    if not stub.is_file():
        pytest.skip("the extension has no stub yet")
    core = importlib.import_module("pyengine._core")
    said = {node.name for node in parse(stub).body if hasattr(node, "name") and not node.name.startswith("_")}
    real = {
        name for name in dir(core) if not name.startswith("_") and not inspect.ismodule(getattr(core, name))
    }
    assert said == real
