import os
import sys

import pytest

from recbole_ext.typed_command import program_of, typed_command


@pytest.mark.parametrize(
    ("argv", "started", "expected", "program"),
    [
        (["/x/bin/recbole-ext", "--epochs=1"], "/x/bin/python", ["recbole-ext", "--epochs=1"], ["recbole-ext"]),
        (["/x/recbole_ext/__main__.py"], "python", ["recbole-ext"], ["recbole-ext"]),
        (
            ["run_recbole_ext.py", "--resume"],
            "python",
            ["python", "run_recbole_ext.py", "--resume"],
            ["python", "run_recbole_ext.py"],
        ),
        ([f"{os.getcwd()}/mine.py", "5"], ".venv/bin/python", [".venv/bin/python", "mine.py", "5"], ["recbole-ext"]),
        (["-c"], "python", ["recbole-ext"], ["recbole-ext"]),
    ],
)
def test_the_command_can_be_typed_again_and_its_program_takes_our_options(
    argv: list[str], started: str, expected: list[str], program: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(sys, "orig_argv", [started])
    assert typed_command() == expected
    assert program_of(expected) == program
