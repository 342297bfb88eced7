"""Budgets of runs, with a clock of the test's own: one step of the optimiser takes a minute."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.train import run
from recbole_ext.runs.run_files import read_metrics
from recbole_ext.training.cost import budget
from recbole_ext.training.steps import Steps
from tests.conftest import write_inter
from tests.training.conftest import ROWS, SIZES
from tests.written_runs import words_of

SIZE = {key: value for key, value in SIZES.items() if key not in ("hidden_size", "d_state")}
SIZE |= {"epochs": 6, "stopping_step": 20, "train_batch_size": 16, "filter_seen_items": False, "log_tensorboard": False}
STEPS = 5
"""Of an epoch of these."""


@pytest.fixture
def configure(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Config]:
    root = write_inter(tmp_path, "made", ROWS)
    return lambda model="BPR", **given: make_config(model, root, **{**SIZE, **given})


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A minute for each step; nothing else takes time."""
    made = SimpleNamespace(seconds=0.0, perf_counter=lambda: made.seconds)
    step = Steps.step

    def timed(self: Steps, *arguments: Any) -> None:
        made.seconds += 60
        step(self, *arguments)

    monkeypatch.setattr(Steps, "step", timed)
    monkeypatch.setattr(budget, "time", made)
    monkeypatch.setattr("recbole_ext.pipeline.train.time", made)
    return made


def numbers(result: dict[str, Any]) -> list[Any]:
    return [result[key] for key in ("best_epoch", "epochs_trained", "valid", "test", "baselines")]


@pytest.mark.slow
def test_a_whole_run_says_what_ended_it(configure: Callable[..., Config], clock: SimpleNamespace) -> None:
    result = run(configure(price_per_hour=6.0))
    assert (result["ended_by"], result["epochs_trained"]) == ("epochs", 6)
    assert result["total_seconds"] == 60 * STEPS * 6 == clock.seconds and result["cost"] == 0.1 * STEPS * 6
    assert run(configure(stopping_step=0, learning_rate=1e-9))["ended_by"] == "stopping_step"


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2 * STEPS, 2 * STEPS + 1])
def test_a_run_ends_at_its_best_and_goes_on_to_the_same_numbers(
    steps: int, configure: Callable[..., Config], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = run(configure())
    given = {"price_per_hour": 6.0, "budget": 0.1 * steps - 0.05}
    ended = run(configure(**given))
    assert (ended["ended_by"], ended["epochs_trained"], ended["cost"]) == ("budget", 2, pytest.approx(0.1 * steps))
    assert ended["test"] and ended["valid"] and ended["best_epoch"] in (1, 2)
    folder = Path(ended["run_directory"])
    assert json.loads((folder / "result.json").read_text())["ended_by"] == "budget"
    assert f"--resume={folder.name}" in capsys.readouterr().out
    with pytest.raises(UsageError, match=r"is finished.*its budget is spent, and a larger one goes on: --budget=MORE"):
        run(configure(**given), resume=folder.name)
    assert run(configure(**given, epochs=1), resume="newest")["run_directory"] != str(folder)
    again = run(configure(price_per_hour=6.0, budget=100.0), resume="newest")
    assert again["run_directory"] == str(folder) and again["ended_by"] == "epochs"
    assert numbers(again) == numbers(whole) and again["cost"] == pytest.approx(0.1 * STEPS * 6)


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [0.4, 2.4, 4.4])
def test_between_two_steps_means_of_the_optimiser(
    minutes: float, configure: Callable[..., Config], clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With accumulation a budget ends after a step too, so the run goes on to the same weights."""
    add = Steps.add

    def timed(self: Steps, *arguments: Any) -> list[float]:
        clock.seconds += 30
        return add(self, *arguments)

    monkeypatch.setattr(Steps, "add", timed)
    given = {"accumulate_batches": 2, "epochs": 3}
    whole = run(configure(**given))
    ended = run(configure(**given, budget_hours=minutes / 60))
    assert ended["ended_by"] == "budget_hours"
    again = run(configure(**given), resume="newest")
    assert again["run_directory"] == ended["run_directory"] and numbers(again) == numbers(whole)
    assert losses(again) == losses(whole)


def losses(result: dict[str, Any]) -> list[str]:
    return [row["train_loss"] for row in read_metrics(Path(result["run_directory"]))]


@pytest.mark.parametrize("other", [False, True])
def test_time_is_counted_once_when_a_state_of_the_same_session_is_restored(
    other: bool, configure: Callable[..., Config], clock: SimpleNamespace
) -> None:
    clock.seconds, config = 1000.0, configure()
    spent = budget.Budget(config, 0.0)
    state = spent.state_dict()
    clock.seconds = 1600.0
    counted = budget.Budget(config, 1500.0) if other else spent
    for _ in range(2):
        counted.load_state_dict(state)
    assert counted.seconds == (1100.0 if other else 1600.0)


def test_without_a_validation_the_weights_of_the_moment_are_kept(
    configure: Callable[..., Config], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(configure(budget_hours=1.5 / 60))
    assert (result["ended_by"], result["best_epoch"], result["valid"]) == ("budget_hours", 1, None)
    assert result["test"]
    assert "the last one, because the budget ended before a validation" in words_of([capsys.readouterr().out])


@pytest.mark.slow
def test_stages_that_did_not_begin_are_left_out(configure: Callable[..., Config]) -> None:
    stages = [{"epochs": 1}, {"epochs": 2, "share": 0.5}]
    result = run(configure("SASRec", loss_type="CE", stages=stages, budget_hours=4 / 60))
    assert result["ended_by"] == "budget_hours" and len(result["stages"]) == 1 and "forgetting" not in result
    again = run(configure("SASRec", loss_type="CE", stages=stages), resume="newest")
    assert len(again["stages"]) == 2 and again["forgetting"]["after"] is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"budget": 2.0}, "budget: 2 needs the price of this machine: add --price_per_hour=PRICE or --gpu_prices=FILE"),
        ({"budget_hours": 0}, "budget_hours must be above 0 and finite"),
        ({"price_per_hour": 0.0}, "price_per_hour must be above 0 and finite"),
        ({"gpu_prices": "runpod"}, "gpu_prices: no file 'runpod'; did you mean 'runpod-secure'"),
    ],
    ids=str,
)
def test_what_is_refused(given: dict[str, Any], message: str, configure: Callable[..., Config]) -> None:
    with pytest.raises(UsageError, match=message):
        configure(**given)


@pytest.mark.slow
def test_a_device_that_a_list_does_not_have_is_reported(
    configure: Callable[..., Config], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    result = run(configure(gpu_prices="runpod-secure", epochs=1))
    assert result["cost"] is None and result["price_per_hour"] is None
    assert "runpod-secure (of 2026-11-09) has no price of 'CPU'" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(UsageError, match="has no price of 'CPU'"):
        run(configure(gpu_prices="runpod-secure", budget=3.0))
    own = tmp_path / "own.yaml"
    own.write_text("date: 2026-11-29\nsource: the bill\ncurrency: EUR\nper_hour: {cpu: 6}\n")
    found = run(configure(gpu_prices=str(own), epochs=1, criteria=["cost < 1"]))
    assert found["cost"] == pytest.approx(0.1 * STEPS) and found["criteria"][0]["verdict"] == "PASS"
    assert found["price_source"] == f"CPU in {own}, EUR of 2026-11-29"
