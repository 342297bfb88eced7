import csv
import math
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.training.step_record import StepRecord
from recbole_ext.training.trainer import RunTrainer

Build = Callable[..., tuple[Config, Loaders, RunTrainer]]


def test_the_last_rate_and_the_mean_and_largest_norm() -> None:
    record = StepRecord(SimpleNamespace())
    assert record.columns() == {}
    for rate, norm in ((0.1, 1.0), (0.2, 3.0)):
        record.add(rate, norm)
    again = StepRecord(SimpleNamespace())
    again.load_state_dict(record.state_dict())
    again.add(0.05, 2.0)
    assert again.columns() == {"learning_rate": 0.05, "grad_norm_mean": 2.0, "grad_norm_max": 3.0}
    assert record.columns()["grad_norm_mean"] == 2.0


def test_a_step_that_fp16_skipped_leaves_no_infinite_norm() -> None:
    record = StepRecord(SimpleNamespace())
    for norm in (math.inf, 2.0, math.nan):
        record.add(0.1, norm)
    assert record.columns() == {"learning_rate": 0.1, "grad_norm_mean": 2.0, "grad_norm_max": 2.0}


def rows(trainer: RunTrainer) -> list[dict[str, str]]:
    with open(trainer.session.run.path / "metrics.csv") as file:
        return list(csv.DictReader(file))


def test_metrics_csv_has_the_rate_of_each_epochs_last_step(build: Build) -> None:
    """Linear over all steps: the k-th of n is made with 1 - k / n of the rate."""
    linear = {"lr_schedule": "linear", "warmup_share": 0.0, "final_lr_share": 0.0}
    _, loaders, trainer = build(epochs=3, learning_rate=0.01, **linear)
    trainer.fit(loaders.train, loaders.valid)
    per_epoch = len(loaders.train)
    expected = [0.01 * (1 - (per_epoch * (epoch + 1) - 1) / (3 * per_epoch)) for epoch in range(3)]
    assert [float(row["learning_rate"]) for row in rows(trainer)] == pytest.approx(expected)


def test_norms_are_those_before_clipping_and_start_anew_each_epoch(build: Build) -> None:
    _, loaders, trainer = build(epochs=2, clip_grad_norm={"max_norm": 1e-4})
    trainer.fit(loaders.train, loaders.valid)
    for row in rows(trainer):
        assert 1e-4 < float(row["grad_norm_mean"]) <= float(row["grad_norm_max"])
    assert trainer.record.norms == []
