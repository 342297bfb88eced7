"""A run may be named as the tables and pages of the program name it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.cli.main import main
from recbole_ext.cli.run_names import entry_of, run_of
from tests.written_runs import N_USERS


def test_a_name_is_looked_up_in_the_folder_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "config.yaml").touch()
    (tmp_path / "b").mkdir()
    assert [str(run_of(name)) for name in ("a", "b", "none", "runs/a")] == ["runs/a", "b", "none", "runs/a"]
    assert entry_of("a,runs/a,experiment") == "runs/a,runs/a,experiment"


def test_commands_take_names(
    finished_run: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name in ("one", "other"):
        finished_run(name, hit=np.arange(N_USERS) % 3 == 0)
    monkeypatch.chdir(tmp_path)
    for words in (["compare", "one", "other"], ["report", "one"], ["runs", "tag", "one", "--add=good"]):
        assert main(words) == 0
    assert main(["compare", "one", "none"]) == 2
    assert "none: there is no run" in capsys.readouterr().err
