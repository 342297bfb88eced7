import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.errors import InterruptedRun, ResourceError, UsageError
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.tuning.settings import Settings
from recbole_ext.tuning.table import Table
from recbole_ext.tuning.tune import _interruptible, drop_checkpoints, places, tune_command, tuning_folder, wait_for_runs


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """A tuning of three trials: two are over, one is under way."""
    folder = tmp_path / "tune" / "Mamba4Rec-made-a"
    folder.mkdir(parents=True)
    Settings(**{**vars(settings), "trials": 3}).write(folder)
    table = Table(folder, True)
    for number, (state, score) in enumerate((("finished", 0.2), ("stopped", 0.1), ("running", 0.3))):
        trial = table.add({"learning_rate": 0.01 * (1 + number), "dropout_prob": 0.0})
        trial.state, trial.reports = state, [[1, score]]
        table.save(trial)
        run = RunDirectory.new(table.place(number), "Mamba4Rec", "made")
        (run.path / "config.yaml").write_text("")
        (run.checkpoints / "best.json").write_text("{}")
        run.release()
    return folder


def test_the_newest_unfinished_tuning_is_found(folder: Path) -> None:
    root = folder.parent
    assert tuning_folder(root, "newest") == tuning_folder(root, folder.name) == folder
    with pytest.raises(UsageError, match=r"no tuning of this name in .*did you mean 'Mamba4Rec-made-a'"):
        tuning_folder(root, "Mamba4Rec-made-b")
    table = Table(folder, True)
    table.trials[2].state = "finished"
    table.save(table.trials[2])
    with pytest.raises(UsageError, match="there is no unfinished tuning in"):
        tuning_folder(root, "newest")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": 9}, "--epochs cannot change in a tuning that was begun"),
        ({"space": "SS4Rec"}, "--space cannot change"),
        ({"trials": 2}, "--trials must be an integer of at least 3"),
    ],
)
def test_what_cannot_change_when_it_is_resumed(folder: Path, given: dict[str, Any], message: str) -> None:
    pytest.importorskip("ray", reason="tuning needs Ray: make tune-setup")
    with pytest.raises(UsageError, match=message):
        tune_command({**given, "tune_dir": str(folder.parent)}, folder.name)


def test_without_ray_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, words: Callable[..., Any]) -> None:
    monkeypatch.setattr("recbole_ext.tuning.tune.find_spec", lambda name: None)
    with pytest.raises(ResourceError, match=r"tune needs ray and optuna, not installed here.*make tune-setup"):
        tune_command(words(), None)


def test_only_the_best_keep_their_checkpoints(folder: Path) -> None:
    drop_checkpoints(Table(folder, True), keep=1)
    kept = {path.parts[-4] for path in folder.glob("trials/*/*/checkpoint/best.json")}
    assert kept == {"0000", "0002"}  # the best of those that are over, and the one under way


def test_a_worker_that_is_still_there_is_waited_for(folder: Path) -> None:
    table = Table(folder, True)
    run = table.run_of(table.trials[2])
    assert run
    wait_for_runs(table, seconds=0.0)
    held = RunDirectory(run)
    with pytest.raises(ResourceError, match="belongs to a process that is still going on"):
        wait_for_runs(table, seconds=0.2)
    held.release()
    wait_for_runs(table, seconds=0.0)


def test_how_many_trials_fit(settings: Settings) -> None:
    def fit(cpu: float, gpu: float = 0.0, **more: Any) -> int:
        return places(Settings(**{**vars(settings), **more}), {"CPU": cpu, "GPU": gpu})

    assert fit(8) == 8 and fit(8, cpus_per_trial=3) == 2 and fit(64) == settings.trials
    assert fit(8, 1, gpus_per_trial=0.25) == 4 and fit(16, 2, gpus_per_trial=0.3) == 6
    assert fit(8, max_concurrent=1) == 1
    with pytest.raises(ResourceError, match=r"a trial asks for 4 CPU \(there are 2\) and 1 GPU \(there are 0\)"):
        fit(2, cpus_per_trial=4, gpus_per_trial=1)


def test_one_driver_at_a_time(folder: Path) -> None:
    from recbole_ext.tuning.tune import _held

    with _held(folder):
        with pytest.raises(ResourceError, match="belongs to a tuning that is still going on"):
            with _held(folder):
                pass
    assert os.listdir(folder)


@pytest.mark.parametrize("wrapped", [SystemError, RuntimeError])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_inside_ray_is_an_interruption(
    number: signal.Signals, code: int, wrapped: type[Exception], tmp_path: Path
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(InterruptedRun, match=f"tune --resume={tmp_path.name}") as caught, _interruptible(tmp_path):
        try:
            signal.raise_signal(number)
        except InterruptedRun:
            raise wrapped("an error of C code, or of Ray's own")  # noqa: B904
    assert caught.value.exit_code == code and signal.getsignal(number) is before


def test_an_error_without_a_signal_stays_itself(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="a bug"), _interruptible(tmp_path):
        raise RuntimeError("a bug")
