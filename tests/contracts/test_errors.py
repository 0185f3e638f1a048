"""The error tree drawn for readers is the one that exists."""

import inspect
import re

from pyengine import errors


def drawn() -> dict[str, str]:
    """Name -> builtin or own base in brackets, as drawn in the module's docstring."""
    return dict(re.findall(r"[├└]─ (\w+)\((\w+)\)", errors.__doc__ or ""))


def real() -> dict[str, type[BaseException]]:
    return {
        name: value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    }


def test_tree_in_the_docstring_equals_the_classes() -> None:
    classes = real()
    assert set(classes) == set(errors.__all__) == {"PyEngineError", *drawn()}
    for name, base in drawn().items():
        bases = [b.__name__ for b in classes[name].__bases__ if b is not errors.PyEngineError]
        assert bases == [base], name


def test_each_is_caught_by_project_and_says_its_message_plainly() -> None:
    for name, error in real().items():
        assert issubclass(error, errors.PyEngineError)
        assert (error.__doc__ or "").strip().endswith("."), f"{name} has no sentence saying what happened"
        assert str(error("k: expected at least 1, got 0")) == "k: expected at least 1, got 0"
