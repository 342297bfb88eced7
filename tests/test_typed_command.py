import os
import re
import shlex
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dataset_tools.errors import UsageError as ToolsUsageError
from dataset_tools.files.dataset_files import interaction_files
from recbole_ext.data.files import require_files
from recbole_ext.errors import InterruptedRun, UsageError
from recbole_ext.experiments.seed_runs import _continued
from recbole_ext.pipeline.summary import _cost_lines
from recbole_ext.report import report
from recbole_ext.runs.resume import resume_command
from recbole_ext.tuning.outcome import test_command as command_of_best
from recbole_ext.tuning.tune import _budget_line, _interruptible
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


BLANK = Path("my folder")
"""A path that a shell takes for two words."""


def words_after(text: str, start: str) -> list[str]:
    """The words of a command that a message ends with, as a shell reads it."""
    return shlex.split(re.split(start, text)[-1].splitlines()[0])


def test_commands_of_runs_can_be_pasted_when_a_path_has_a_blank(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on = ["--resume=run", f"--runs_dir={BLANK}"]
    assert shlex.split(resume_command(BLANK / "run", ["recbole-ext"])) == ["recbole-ext", *on]
    result = {"run_directory": str(BLANK / "run"), "ended_by": "budget", "epochs_trained": 1}
    assert words_after(_cost_lines(result)[-1], "goes on: ") == [*on, "--budget=MORE"]
    monkeypatch.setattr(report, "write_report", lambda folder: (_ for _ in ()).throw(OSError("full")))
    monkeypatch.setattr(Path, "is_file", lambda self: True)
    report.leave_report(BLANK / "run")
    assert words_after(capsys.readouterr().err, "later with: ") == ["recbole-ext", "report", str(BLANK / "run")]
    experiment: Any = SimpleNamespace(folder=BLANK / "e", name="e")
    assert shlex.split(_continued(experiment)) == ["experiment", "run", "e", f"--experiments-dir={BLANK}"]


def test_commands_of_tunings_can_be_pasted_when_a_path_has_a_blank() -> None:
    table: Any = SimpleNamespace(folder=BLANK / "t", ended=list)
    limit: Any = SimpleNamespace(trials=3, limit=None)
    on = ["tune", "--resume=t", f"--tune-dir={BLANK}"]
    assert shlex.split(command_of_best(table)) == ["recbole-ext", f"--config_files={BLANK / 't' / 'best.yaml'}"]
    assert words_after(_budget_line(limit, table, limit), "goes on: ")[-4:] == [*on, "--budget=MORE"]
    with pytest.raises(InterruptedRun) as caught, _interruptible(table.folder):
        signal.raise_signal(signal.SIGINT)
    assert words_after(str(caught.value), "last state with: ")[-3:] == on


def test_commands_that_make_data_can_be_pasted_when_a_path_has_a_blank() -> None:
    with pytest.raises(UsageError) as caught:
        require_files("made", BLANK / "made", {})
    assert words_after(str(caught.value), "fetched|folder>")[:2] == ["--output", str(BLANK)]
    with pytest.raises(ToolsUsageError) as refused:
        interaction_files(BLANK / "made")
    assert words_after(str(refused.value), "folder> ") == ["--output", str(BLANK)]
