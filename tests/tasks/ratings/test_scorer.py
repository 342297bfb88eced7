"""Training of rating models: what can be judged, and an epoch's row after an interruption within the epoch."""

import csv
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.errors import InterruptedRun
from recbole_ext.pipeline.train import run
from recbole_ext.training.keeper import Keeper
from tests.conftest import write_inter
from tests.model.test_hybridvae import HEADER, SIZES, rating_rows

KL = ("fit", "kl_tables", "kl", "active_units", "kl_d0", "kl_d3")


@pytest.fixture
def configure(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Config]:
    root = write_inter(tmp_path, "made", rating_rows(shuffled=False), HEADER)
    return lambda folder: make_config("HybridVAE", root, **{**SIZES, "epochs": 2, "runs_dir": str(tmp_path / folder)})


def columns(result: dict[str, Any]) -> list[dict[str, str]]:
    with open(Path(result["run_directory"]) / "metrics.csv") as file:
        return [{name: row[name] for name in KL} for row in csv.DictReader(file)]


@pytest.mark.slow
def test_all_that_a_rating_run_measures_can_be_judged(configure: Callable[..., Config]) -> None:
    config = configure("judged")
    asked = ["r2 > -99", "valid.r2 > -99", "precision@10 >= 0", "ndcg@10 >= 0", "correlation >= -1", "kl@epoch2 >= 0"]
    asked += ["train_valid_gap@epoch1 < 9", "active_units >= 0", "memory_share in [0, 1]", "total_seconds > 0"]
    asked += ["peak_memory_mb > 1", "cost > 0"]
    config.final_config_dict |= {"criteria": asked, "price_per_hour": 3600.0, "train_sample": "valid"}
    result = run(config)
    assert {each["text"]: each["verdict"] for each in result["criteria"]} == dict.fromkeys(asked, "PASS")
    assert result["cost"] == pytest.approx(result["total_seconds"]) and result["tier"] is None
    assert result["criteria"][0]["value"] == result["ratings"]["all"]["r2"]


@pytest.mark.slow
def test_columns_of_an_epoch_that_is_resumed_are_those_of_all_its_batches(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = columns(run(configure("whole")))
    original = Keeper.after_step

    def interrupted(self: Keeper) -> None:
        if self.state.step == 5:  # the second of the second epoch's three batches
            self.session.signals.received = signal.SIGTERM
        original(self)

    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "after_step", interrupted)
        with pytest.raises(InterruptedRun):
            run(configure("halved"))
    assert columns(run(configure("halved"), resume="newest")) == expected


def test_the_rating_that_is_learnt_is_the_one_that_is_measured(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    rows = [(user, item, 10 * stars, stars, time) for user, item, stars, time in rating_rows(False, 20, 40)]
    header = "user_id:token\titem_id:token\tpoints:float\trating:float\ttimestamp:float"
    root = write_inter(tmp_path, "made", rows, header)
    given = {**SIZES, "epochs": 1, "RATING_FIELD": "points", "baselines": ["global_mean"]}
    result = run(make_config("HybridVAE", root, **given))
    assert result["test"]["rmse"] == pytest.approx(result["ratings"]["all"]["rmse"], abs=1e-4)
    assert 5 < result["test"]["rmse"] < 20 and 5 < result["baselines"]["global_mean"]["rmse"] < 20


@pytest.mark.slow
def test_a_metric_of_another_column_ends_the_run(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure("other")
    monkeypatch.setitem(config.final_config_dict, "LABEL_FIELD", "timestamp")
    with pytest.raises(RuntimeError, match="not of the same ratings"):
        run(config)
