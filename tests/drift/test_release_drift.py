"""The script of all steps: a step that is done is not done again, and the commands are those a person would type."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.scripts import release_drift
from recbole_ext.scripts.release_drift import Request, carry_out, main, read, steps

REQUEST = Request("ml-32m.zip", "ml-32m", "ml32m-after-ml20m", "365d", "SS4Rec", ["--epochs=1"])
RESULTS = {
    "convert": "dataset/ml-32m/ml-32m.summary.json",
    "split": "dataset/ml-32m-cut/split.json",
    "--model=SS4Rec": "runs/SS4Rec-1/result.json",
}


class Commands:
    """In the place of the commands: writes down their words, leaves their results, and can fail at one of them."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.words: list[list[str]] = []
        self.fails: str | None = None

    def run(self, command: list[str], check: bool) -> Any:
        words = command[3:]
        self.words.append(words)
        name = "drift" if words[0] == "drift" and "--past" in words else words[0]
        if self.fails == words[0]:
            (self.output / "runs" / "SS4Rec-1" / "checkpoint" / "last.json").parent.mkdir(parents=True, exist_ok=True)
            (self.output / "runs" / "SS4Rec-1" / "checkpoint" / "last.json").write_text("{}")
            return subprocess.CompletedProcess(command, 4)
        target = RESULTS.get(name, f"{Path(words[-1]).name}/drift.json")
        (self.output / target).parent.mkdir(parents=True, exist_ok=True)
        (self.output / target).write_text("{}")
        return subprocess.CompletedProcess(command, 0)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    made = Commands(tmp_path / "out")
    monkeypatch.setattr(release_drift.subprocess, "run", made.run)
    return made


def test_five_commands_once(commands: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    out = commands.output
    assert carry_out(REQUEST, out) == 0
    data = f"{out}/dataset"
    assert commands.words == [
        ["convert", "ml-32m", "--input", "ml-32m.zip", "--output", data],
        ["split", f"{data}/ml-32m", "--preset", "ml32m-after-ml20m", "--output", data],
        ["drift", "--past", f"{data}/ml-32m-cut", "--windows", "365d", "--output", f"{out}/data-drift"],
        ["--model=SS4Rec", "--dataset=ml-32m-cut", f"--data_path={data}", f"--runs_dir={out}/runs", "--epochs=1"],
        [
            "drift", "--run", f"{out}/runs/SS4Rec-1", "--future", "test", "--windows", "365d", "--output",
            f"{out}/model-drift",
        ],
    ]  # fmt: skip
    times = [json.loads(line) for line in (out / "steps.jsonl").read_text().splitlines()]
    assert [line["exit_code"] for line in times] == [0] * 5
    assert "model-drift/drift.html" in capsys.readouterr().out
    assert carry_out(REQUEST, out) == 0 and len(commands.words) == 5


def test_a_failure_is_continued_where_it_was(commands: Commands) -> None:
    commands.fails = "--model=SS4Rec"
    assert carry_out(REQUEST, commands.output) == 4 and len(commands.words) == 4
    commands.fails = None
    assert carry_out(REQUEST, commands.output) == 0
    assert [words[0] for words in commands.words[4:]] == ["--model=SS4Rec", "drift"]
    assert commands.words[4][-1] == "--resume" and "--resume" not in commands.words[3]


def test_another_request_is_refused(commands: Commands, tmp_path: Path) -> None:
    carry_out(REQUEST, commands.output)
    other = Request("ml-32m.zip", "ml-32m", "0.8", "365d", "SS4Rec", ["--epochs=1"])
    with pytest.raises(UsageError, match=r"begun with cut 'ml32m-after-ml20m', now '0\.8'"):
        carry_out(other, commands.output)
    assert main(["--input", "x.zip", "--output", str(commands.output)]) == 2


def test_what_is_typed() -> None:
    words = ["--input", "a", "--output", "b", "--release", "ml-1m", "--cut", "0.8", "--", "--epochs=3", "--lr=1"]
    request, output = read(words)
    assert (request.cut_words, request.settings, output) == (["--ratio", "0.8"], ["--epochs=3", "--lr=1"], Path("b"))
    assert read(words[:6])[0].cut_words == ["--preset", "ml32m-after-ml20m"]
    assert Request("", "", "2015-03-31T00:00:00Z", "", "", []).cut_words == ["--at", "2015-03-31T00:00:00Z"]


def test_no_result_behind_a_good_ending_is_an_error(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    done = lambda command, check: subprocess.CompletedProcess(command, 0)  # noqa: E731
    monkeypatch.setattr(release_drift.subprocess, "run", done)
    with pytest.raises(UsageError, match="convert: the command ended well"):
        carry_out(REQUEST, commands.output)
    with pytest.raises(UsageError, match="no finished run"):
        steps(REQUEST, commands.output)[-1].words()
