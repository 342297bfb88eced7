import io
import json
import re
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from recbole_ext.cli.main import main
from recbole_ext.config import yaml_reader
from recbole_ext.files import hold
from recbole_ext.runs import setting_lines
from recbole_ext.runs.marks import Marks, read_marks
from recbole_ext.runs.resume import unfinished_runs
from recbole_ext.runs.run_files import config_text
from recbole_ext.runs.run_list import Asked, list_runs
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
    assert main(["runs", "--runs_dir", root]) == 0
    first, _, *rows = capsys.readouterr().out.splitlines()
    assert first == f"{root}: 3 runs, 2 finished"
    assert [row.split()[:3] for row in rows] == [
        [names[1], "finished", "9"],
        [names[2], "unfinished", "9"],
        [names[0], "finished", "9"],
    ]
    assert main(["runs", "--runs_dir", root, "--last=1"]) == 0 and "the newest 1 (--last=N" in capsys.readouterr().out
    (paths[0] / "result.json").write_text("{")
    assert main(["runs", "--runs_dir", root]) == 3
    shown = capsys.readouterr()
    assert re.search(rf"{names[0]} +damaged", shown.out) and "result.json is damaged: it is not JSON" in shown.err
    assert main(["runs", f"--runs_dir={root}/none"]) == 2 and main(["runs", f"--runs_dir={root}", "--last=-1"]) == 2


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
    assert len(list_runs(tmp_path / "finished", Asked(last=0)).lines()) == 2002
    assert searched - started < 0.8 and time.process_time() - searched < 1.2


@pytest.fixture
def three(finished_run: Callable[..., Path]) -> Path:
    """Runs of two models and two data sets; returns their folder."""
    for name, hits in (("A-one-20260101T000000Z-0001", 0.2), ("B-two-20260103T000000Z-0002", 0.9)):
        finished_run(name, (np.arange(200) % 10 < 10 * hits).astype(float))
    return finished_run("A-a-b-20260102T000000Z-0003", np.zeros(200), finished=False).parent


def names(folder: Path, *words: str) -> list[str]:
    """Of the listed runs, by the command's own JSON: the last character of each name."""
    out = io.StringIO()
    with redirect_stdout(out):
        assert main(["runs", "--runs_dir", str(folder), "--json", *words]) == 0
    return [run["run"][-1] for run in json.loads(out.getvalue())]


def test_a_renamed_run_is_chosen_by_its_settings(three: Path) -> None:
    next(three.glob("B*")).rename(three / "the best 2")
    assert names(three, "--model=Made") == ["2"] and names(three, "--dataset=made") == ["2"]
    (three / "the best 2" / "config.yaml").write_bytes(b"\xff")
    assert names(three, "--model=Made") == [] and names(three, "--model=A") == ["3", "1"]


def test_runs_are_chosen_by_model_data_set_and_tag_and_sorted_by_a_metric(three: Path) -> None:
    assert names(three) == ["2", "3", "1"]
    assert names(three, "--model=A") == ["3", "1"] and names(three, "--dataset=a-b") == ["3"]
    assert names(three, "--sort=HIT@10") == ["2", "1", "3"] and names(three, "--sort=hit@10", "--last=1") == ["2"]
    first = next(three.glob("A-one*"))
    assert main(["runs", "tag", str(first), "--add=good,base", "--note=the first"]) == 0
    assert names(three, "--tag=good") == ["1"]
    unfinished = next(three.glob("A-a-b*"))
    assert main(["runs", "tag", str(unfinished), "--add=good"]) == 0
    found = list_runs(three, Asked(tag="good"))
    assert (found.count, found.n_finished) == (2, 1)
    assert main(["runs", "tag", str(unfinished), "--remove=good"]) == 0
    assert main(["runs", "tag", str(first), "--remove=base"]) == 0 and names(three, "--tag=base") == []
    assert read_marks(first) == Marks(("good",), "the first")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--sort=auc", "--sort=auc: no listed run has it; they have hit@10"),
        ("tag {run}", "nothing to change; give --add=TAG"),
        ("tag {run} --add=a,,b", "a tag has 1 to 40 characters and neither blanks nor commas (got '')"),
        ("tag {folder} --add=a", "there is no run; give the directory"),
        ("rm {folder}", "there is no run; give the directory"),
    ],
)
def test_what_is_asked_wrongly(words: str, message: str, three: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [word.format(run=next(three.glob("A-one*")), folder=three) for word in words.split()]
    where = [] if given[0] in ("tag", "rm") else ["--runs_dir", str(three)]
    assert main(["runs", *given, *where]) == 2
    assert message in capsys.readouterr().err


def test_removed_runs_can_be_moved_back_and_running_ones_stay(three: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = next(three.glob("A-one*")), next(three.glob("B*"))
    lock = hold(second, "x")
    assert main(["runs", "rm", str(first), str(second)]) == 4 and first.is_dir()
    assert "is still going on; end it first" in capsys.readouterr().err
    assert list_runs(three).runs[0].state == "finished"
    lock.release()
    assert main(["runs", "rm", str(first), f"{first}/"]) == 0 and names(three) == ["2", "3"]
    (three / second.name).rename(three / "kept")
    (three / first.name).mkdir()
    (three / first.name / "config.yaml").touch()
    assert main(["runs", "rm", str(three / "kept"), str(first)]) == 2 and (three / "kept").is_dir()
    assert "is there already; remove it, or move it back, first" in capsys.readouterr().err
    (three / "kept").rename(second)
    (three / first.name / "config.yaml").unlink()
    first.rmdir()
    (three / ".trash" / first.name).rename(first)
    assert names(three) == ["2", "3", "1"]


def test_tidy_takes_what_ended_before_its_first_epoch(three: Path) -> None:
    empty = three / "C-x-20260105T000000Z-0004"
    (empty / "checkpoint").mkdir(parents=True)
    (empty / "config.yaml").write_text("model: C\n")
    assert main(["runs", "tidy", "--runs_dir", str(three)]) == 0
    assert names(three) == ["2", "3", "1"] and (three / ".trash" / empty.name).is_dir()
    assert main(["runs", "tidy", "--runs_dir", str(three)]) == 0


def test_states_of_runs_without_a_result(three: Path) -> None:
    run = next(three.glob("A-a-b*"))
    lock = hold(run, "x")
    assert [one.state for one in list_runs(three).runs] == ["finished", "running", "finished"]
    lock.release()
    (run / "events.jsonl").write_text('{"event": "failed", "time": "2026-01-01T00:00:00"}\n')
    assert list_runs(three).runs[1].state == "failed"
    (run / "marks.json").write_text("{")
    assert list_runs(three).runs[1].state == "damaged" and "marks.json" in list_runs(three).damage[0]


def test_the_page_has_links_and_keys_and_no_markup_from_outside(three: Path) -> None:
    run = next(three.glob("B*"))
    (run / "report.html").write_text("x")
    assert main(["runs", "tag", str(run), "--add=<b>", "--note=<script>alert(1)</script>"]) == 0
    assert main(["runs", "--runs_dir", str(three), "--html"]) == 0
    page = (three / "index.html").read_text()
    assert f'href="{run.name}/report.html"' in page and page.count("<script>") == 1
    assert "&lt;script&gt;alert(1)" in page and "sha256-" in page and 'data-key="0.9"' in page
