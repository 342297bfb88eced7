from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.cli.main import main
from recbole_ext.errors import DataError
from recbole_ext.tuning.settings import Settings, settings_of
from recbole_ext.tuning.table import Table

pytest.importorskip("optuna", reason="tuning needs Optuna: make tune-setup")


def filled(folder: Path, settings: Settings, states: str = "fsfxf") -> Table:
    """A table of trials: f finished, s stopped, x failed."""
    names = {"f": "finished", "s": "stopped", "x": "failed"}
    table = Table(folder, True)
    for n, state in enumerate(states):
        trial = table.add({"learning_rate": 0.01 + 0.01 * n, "dropout_prob": 0.2})
        trial.state, trial.reports = names[state], [[1, 0.1 * n]] + [[2, 0.1 * n + 0.05]] * (state == "f")
        trial.cause = "NonFiniteError: a loss" if state == "x" else ""
        table.save(trial)
    return table


def test_best_yaml_is_taken_as_it_is(
    words: Callable[..., dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from recbole_ext.tuning.outcome import write_outcome
    from recbole_ext.tuning.spending import Spending

    extra = tmp_path / "extra.yaml"
    extra.write_text("num_layers: 1\ntrain_batch_size: 64\n")
    settings = settings_of(words(config_files=str(extra), budget_hours=9, price_per_hour=2.0))
    table, config = filled(tmp_path, settings), settings.config({})
    lines = "\n".join(write_outcome(settings, table, config, Spending(tmp_path, config)))
    assert "price of an hour 2 by price_per_hour" in lines
    assert "ndcg@5 0.4500 on validation, trial 4: learning_rate=0.05 dropout_prob=0.2" in lines
    text = (tmp_path / "best.yaml").read_text()
    assert "budget" not in text and "price_per_hour: 2.0" in text
    assert "learning_rate: 0.05  # tuned: {'loguniform': [0.001, 0.1]}" in text and "test split was not read" in text
    assert main([f"--config_files={tmp_path / 'best.yaml'}", "--print_config"]) == 0
    shown = {line.split(" = ")[0].strip(): line for line in capsys.readouterr().out.splitlines()}
    assert "0.05" in shown["learning_rate"] and "best.yaml" in shown["learning_rate"]
    assert " 1 " in shown["num_layers"] and " 32 " in shown["train_batch_size"]  # the command line above the file


def test_the_report_holds_the_account(settings: Settings, tmp_path: Path) -> None:
    from recbole_ext.tuning.outcome import write_outcome
    from recbole_ext.tuning.spending import Spending

    config = settings.config({})
    write_outcome(settings, filled(tmp_path, settings), config, Spending(tmp_path, config))
    page = (tmp_path / "report.html").read_text()
    for words in ("Tuning of Mamba4Rec on made", "NonFiniteError: a loss", "epochs spent", "learning_rate", "<svg"):
        assert words in page
    assert "learning_rate (logarithmic)" in page and "{&#39;" not in page  # loguniform, although it differs fivefold
    assert (tmp_path / "trials.csv").read_text().count("\n") == 6


def test_choices_of_words_have_a_line_each(settings: Settings, tmp_path: Path) -> None:
    from recbole_ext.tuning.outcome import _choices

    table = Table(tmp_path, True)
    for n, choice in enumerate(("cosine", "constant", "cosine", None)):
        table.add({"lr_schedule": choice}).reports = [[1, 0.1 * n]]
    found = _choices(table.trials, "lr_schedule", True)
    assert [(row.name, row.value, row.low, row.high) for row in found] == [
        ("None", pytest.approx(0.3), pytest.approx(0.3), pytest.approx(0.3)),
        ("cosine", pytest.approx(0.1), 0.0, pytest.approx(0.2)),
        ("constant", pytest.approx(0.1), pytest.approx(0.1), pytest.approx(0.1)),
    ]
    assert [row.name for row in _choices(table.trials, "lr_schedule", False)][-1] == "None"


def test_no_trial_with_a_score_is_said_with_its_causes(settings: Settings, tmp_path: Path) -> None:
    from recbole_ext.tuning.tune import tune

    table = filled(tmp_path, settings, "xxx")
    assert table.hopeless() and not filled(tmp_path / "other", settings, "xxf").hopeless()
    with pytest.raises(DataError, match="none of 3 trials has a score: NonFiniteError: a loss"):
        tune(settings, tmp_path)
    assert not (tmp_path / "best.yaml").exists() and (tmp_path / "report.html").exists()
