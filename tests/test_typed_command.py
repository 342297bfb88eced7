import os
import sys

import pytest

from recbole_ext.typed_command import program_of, typed_command


@pytest.mark.parametrize(
    ("argv", "started", "expected"),
    [
        (["/x/bin/recbole-ext", "--epochs=1"], "/x/bin/python", ["recbole-ext", "--epochs=1"]),
        (["/x/recbole_ext/__main__.py"], "python", ["recbole-ext"]),
        (["run_recbole_ext.py", "--resume"], "python", ["python", "run_recbole_ext.py", "--resume"]),
        ([f"{os.getcwd()}/mine.py"], ".venv/bin/python", [".venv/bin/python", "mine.py"]),
        (["-c"], "python", ["recbole-ext"]),
    ],
)
def test_the_command_can_be_typed_again(
    argv: list[str], started: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(sys, "orig_argv", [started])
    assert typed_command() == expected
    assert program_of(expected) == expected[: 2 if expected[1:] and expected[1].endswith(".py") else 1]
