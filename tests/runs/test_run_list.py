import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recbole_ext.cli.main import main
from recbole_ext.config import yaml_reader
from recbole_ext.runs import setting_lines
from recbole_ext.runs.resume import unfinished_runs
from recbole_ext.runs.run_files import config_text
from recbole_ext.runs.run_list import list_runs
from recbole_ext.runs.setting_lines import SameSettings
from tests.written_runs import RESULT

SETTINGS = {f"key_{number}": number for number in range(150)} | {
    "model": "BPR",
    "dataset": "made",
    "learning_rate": 0.5,
}


def many(root: Path, count: int, finished: bool = False) -> None:
    """Runs that differ in their learning rate."""
    text = config_text({**SETTINGS, "learning_rate": 1}, {})
    for number in range(count):
        moment = f"20260101T{number // 3600:02}{number // 60 % 60:02}{number % 60:02}Z"
        folder = root / f"BPR-made-{moment}-{number:04x}"
        (folder / "checkpoint").mkdir(parents=True)
        changed = text.replace("learning_rate: 1 ", f"learning_rate: {number + 1} ")
        (folder / "config.yaml").write_text(changed)
        (folder / "checkpoint" / "last.json").write_text("{}")
        if finished:
            (folder / "result.json").write_text(json.dumps(RESULT))


def test_the_newest_runs_are_listed_and_damage_is_named(
    finished_run: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"M-d-2026010{day}T000000Z-000{day}" for day in (1, 3, 2)]
    paths = [finished_run(name, np.zeros(200), finished=name != names[2]) for name in names]
    root = str(paths[0].parent)
    assert main(["runs", root]) == 0
    first, _, *rows = capsys.readouterr().out.splitlines()
    assert first == f"{root}: 3 runs, 2 finished"
    assert [row.split()[:3] for row in rows] == [
        [names[1], "finished", "9"],
        [names[2], "unfinished", "9"],
        [names[0], "finished", "9"],
    ]
    assert main(["runs", root, "--last=1"]) == 0 and "the newest 1 (--last=N" in capsys.readouterr().out
    (paths[0] / "result.json").write_text("{")
    assert main(["runs", root]) == 3
    shown = capsys.readouterr()
    assert re.search(rf"{names[0]} +damaged", shown.out) and "result.json is damaged: it is not JSON" in shown.err
    assert main(["runs", f"{root}/none"]) == 2 and main(["runs", root, "--last=-1"]) == 2


def test_resume_reads_no_configuration_as_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many(tmp_path, 40)
    wanted = setting_lines.setting_lines(config_text(SETTINGS, {}))
    calls: list[str] = []
    monkeypatch.setattr(yaml_reader, "_load", lambda text: calls.append(text))
    found = list(unfinished_runs(tmp_path, "BPR-made-"))
    same = SameSettings(wanted)
    assert len(found) == 40 and not any(same.are_those_of(run) for run in found) and not calls
    (found[7] / "config.yaml").write_text(config_text(SETTINGS, dict.fromkeys(SETTINGS, "elsewhere")))
    assert [run for run in found if same.are_those_of(run)] == [found[7]] and not calls


@pytest.mark.slow
def test_two_thousand_runs_are_searched_and_listed_in_time(tmp_path: Path) -> None:
    """A fifth of 10,000, in a fifth of 2 and 3 seconds of processor time, and as much again on a busy machine."""
    many(tmp_path / "unfinished", 2000)
    many(tmp_path / "finished", 2000, finished=True)
    wanted = setting_lines.setting_lines(config_text(SETTINGS, {}))
    started = time.process_time()
    same = SameSettings(wanted)
    assert not any(same.are_those_of(run) for run in unfinished_runs(tmp_path / "unfinished", "BPR-made-"))
    searched = time.process_time()
    assert len(list_runs(tmp_path / "finished", 0).lines()) == 2002
    assert searched - started < 0.8 and time.process_time() - searched < 1.2
