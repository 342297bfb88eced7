"""Budgets of tunings; those that start Ray are in test_on_ray.py."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recbole_ext.errors import ResourceError
from recbole_ext.tuning import spending
from recbole_ext.tuning.settings import Settings, settings_of
from recbole_ext.tuning.table import Table
from recbole_ext.tuning.tune import _continued, tune

pytest.importorskip("optuna", reason="tuning needs Optuna: make tune-setup")


@pytest.fixture
def folder(words: Callable[..., dict[str, Any]], tmp_path: Path) -> Path:
    """A tuning of three trials at 2 an hour with a budget of 3, of which 1.5 hours are spent; two were running."""
    settings_of(words(trials=3, price_per_hour=2.0, budget=3.0)).write(tmp_path)
    table = Table(tmp_path, True)
    for number, (state, reports) in enumerate((("finished", [[1, 0.2]]), ("running", [[1, 0.3]]), ("running", []))):
        trial = table.add({"learning_rate": 0.01 * (1 + number), "dropout_prob": 0.0})
        trial.state, trial.reports = state, reports
        table.save(trial)
    (tmp_path / spending.FILE).write_text(json.dumps({"seconds": 5400}))
    return tmp_path


def test_a_tuning_whose_budget_is_spent_ends_with_its_best_so_far(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune(Settings.read(folder), folder)
    out = capsys.readouterr().out
    assert "best        ndcg@5 0.3000 on validation, trial 1" in out and "cost 3.0" in out
    assert "budget is spent after 1 of 3 trials; those that were running are paused" in out
    assert f"tune --resume={folder.name} --tune-dir={folder.parent} --budget=MORE" in out
    assert [trial.state for trial in Table(folder, True).trials] == ["finished", "paused", "paused"]
    assert "learning_rate: 0.02" in (folder / "best.yaml").read_text()


@pytest.mark.slow
def test_a_larger_budget_goes_on(folder: Path) -> None:
    table = Table(folder, True)
    table.pause()
    settings = _continued(folder, {"budget": 9.0})
    assert settings.given["budget"] == Settings.read(folder).given["budget"] == 9.0
    config = settings.config({})
    spent = spending.Spending(folder, config)
    assert not spent.is_spent() and spent.facts()["hours"] == pytest.approx(1.5, abs=0.01)
    pytest.importorskip("ray", reason="tuning needs Ray: make tune-setup")
    from recbole_ext.tuning.on_ray import TableSearcher, scheduler_of

    searcher = TableSearcher(settings, table, scheduler_of(settings, 9, True), 1, 2, lambda trial: None)
    jobs = [searcher.suggest(name)["job"] for name in "ab"]
    assert [(Path(job.place).name, job.reported) for job in jobs] == [("0001", 1), ("0002", 0)]
    assert table.trials[1].state == "running"


def test_without_a_score_nothing_is_chosen(folder: Path) -> None:
    table = Table(folder, True)
    for trial in table.trials:
        trial.state, trial.reports = "running", []
        table.save(trial)
    with pytest.raises(ResourceError, match="the budget ended before any trial had a score"):
        tune(Settings.read(folder), folder)


def test_the_time_is_that_of_all_sessions(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = SimpleNamespace(seconds=0.0, monotonic=lambda: clock.seconds)
    monkeypatch.setattr(spending, "time", clock)
    config = Settings.read(folder).config({})
    spent = spending.Spending(folder, config)
    clock.seconds = 60.0
    assert spent.is_spent() and json.loads(spent.path.read_text()) == {"seconds": 5460.0}
    free = spending.Spending(tmp_path / "other", settings.config({}))
    free.write()
    assert not free.is_spent() and free.lines() == [] and not free.path.exists()
