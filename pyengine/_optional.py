"""Imports of parts that come with an extra."""

import importlib
from types import ModuleType

from pyengine.errors import MissingExtraError


def require(module: str, *, extra: str) -> ModuleType:
    """Import ``module`` or raise `MissingExtraError` naming the extra that brings it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{module} is not installed; it comes with the extra {extra!r}: pip install 'pyengine[{extra}]'"
        ) from error
