"""What the docstrings and the page about evaluation show runs, and says what they say."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "evaluation.md"


@pytest.mark.parametrize("name", ["pyengine.eval.metrics", "pyengine.eval.compare"])
def test_examples_of_docstrings(name: str) -> None:
    # By name: the package shows the function compare in place of the module.
    tried = doctest.testmod(import_module(name))
    assert tried.attempted > 0
    assert tried.failed == 0


def test_the_blocks_of_the_page_are_one_program() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 3
    space: dict[str, object] = {}
    exec("\n".join(blocks), space)
    assert str(space["result"]).startswith("ndcg@10: lexical ")
