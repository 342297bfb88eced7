"""`preflight`: a line for each part of a run, the exit code of the kind that fails, and nothing left behind."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recbole_ext.cli.main import main
from recbole_ext.model_list import DEFAULT_TASK, TASKS
from recbole_ext.preflight import flight, packages, preflight
from tests.conftest import write_inter
from tests.model.test_precision import DATA, FORMS

NAMES = [
    *("installation", "configuration", "tracking", "data files", "splits", "model", "training"),
    *("validation", "test", "baselines", "checkpoint", "disk", "time"),
]
MODELS = [pytest.param(m, marks=[] if m in ("Mamba4Rec", "HybridVAE") else [pytest.mark.slow]) for m in [*FORMS, "BPR"]]


@pytest.fixture
def words(tmp_path: Path) -> Callable[..., list[str]]:
    """The words for a model on made data of its task; runs would go to `runs` of the folder of the test."""

    def make(model: str = "Mamba4Rec", **given: Any) -> list[str]:
        columns, rows, sizes = DATA[TASKS.get(model, DEFAULT_TASK)]
        write_inter(tmp_path / "data", "made", rows(), f"user_id:token\titem_id:token\t{columns}")
        sizes = {name: sizes[name] for name in ("topk", "valid_metric") if name in sizes} if model == "BPR" else sizes
        sizes = {name: value for name, value in sizes.items() if name not in ("load_col", "baselines")}
        fixed = {"data_path": tmp_path / "data", "runs_dir": tmp_path / "runs", "device": "cpu"}
        own = {"s5_state_size": 4} if model == "SS4Rec" else {}
        keys = {"model": model, "dataset": "made", **sizes, **fixed, **own, **given}
        return ["preflight", *(f"--{name}={value}" for name, value in keys.items())]

    return make


def states(text: str) -> dict[str, str]:
    """Name of each check -> ok, FAILED or -."""
    return {
        line[8:23].strip(): line[:8].strip() for line in text.splitlines() if line[:8].strip() in ("ok", "FAILED", "-")
    }


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_every_part_of_a_run_has_a_line(
    model: str, words: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(words(model)) == 0
    text = capsys.readouterr().out
    assert states(text) == dict.fromkeys(NAMES, "ok")
    assert "an epoch takes about" in text and text.endswith("no problems found\n")
    assert [path.name for path in tmp_path.iterdir()] == ["data"], "nothing is left behind"


@pytest.mark.parametrize(
    ("given", "failed", "code"),
    [
        ({"epochs": "many"}, "configuration", 2),
        ({"dataset": "nowhere"}, "configuration", 2),
        ({"log_wandb": True}, "tracking", 4),
        ({"user_inter_num_interval": "[1000,inf)"}, "splits", 3),
        ({"learning_rate": 1e30}, "training", 5),
    ],
)
def test_a_failed_check_has_the_exit_code_of_its_kind(
    given: dict[str, Any],
    failed: str,
    code: int,
    words: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("recbole_ext.training.tracking.sinks.find_spec", lambda name: None)
    assert main(words(**given)) == code
    found = states(capsys.readouterr().out)
    assert [name for name, state in found.items() if state == "FAILED"] == [failed]
    after = NAMES[NAMES.index(failed) + 1 :]
    assert all(found.get(name, "-") == ("ok" if failed == "tracking" else "-") for name in after)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_rows_are_read_by_the_rules_of_validate(
    words: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    typed = words()
    with open(tmp_path / "data" / "made" / "made.inter", "a") as file:
        file.write("7\t3\tyesterday\n")
    assert main(typed) == 3
    text = capsys.readouterr().out
    assert states(text)["data files"] == "FAILED" and "yesterday" in text


def test_another_encoding_and_times_that_are_not_read_are_no_errors(
    words: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    typed = words("BPR", eval_args="{split: {RS: [0.8, 0.1, 0.1]}, order: RO}")
    path = tmp_path / "data" / "made" / "made.inter"
    header, *rows = path.read_text().splitlines()
    late = [row.rpartition("\t")[0] + f"\t{1_600_000_000_000 + k}" for k, row in enumerate(rows)]
    path.write_text("\n".join([header, *late, "\xfc\t3\t1600000000000"]), encoding="latin-1")
    assert main([*typed, "--encoding=latin-1"]) == 0
    text = capsys.readouterr().out
    assert states(text) == dict.fromkeys(NAMES, "ok") and "latin-1: the reader of the run checks the rows" in text
    path.write_text("\n".join([header, *late]))
    assert main(typed) == 0 and "rows, no errors" in capsys.readouterr().out


def test_a_full_disk_and_an_old_package_are_named(
    words: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight.shutil, "disk_usage", lambda place: SimpleNamespace(free=10))
    monkeypatch.setattr(preflight, "broken", lambda: [packages.Package("torch", "2.1", "too old", "pip install x")])
    assert main(words()) == 4
    text = capsys.readouterr().out
    assert "FAILED  installation   torch 2.1: too old; run: pip install x" in text
    assert states(text)["disk"] == "FAILED" and "choose another --runs_dir" in text and states(text)["time"] == "ok"


def test_a_place_that_cannot_be_written_is_a_missing_resource(
    words: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(preflight, "temporary_folder", refuse)
    assert main(words()) == 4
    assert "cannot write in" in capsys.readouterr().err
