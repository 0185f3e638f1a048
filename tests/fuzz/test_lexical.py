"""The fuzz program runs, for a moment."""

import pytest

from fuzz.lexical import main


def test_a_moment_of_fuzzing_finds_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seconds", "3", "--seed", "1000"]) == 0
    assert "no difference" in capsys.readouterr().out
