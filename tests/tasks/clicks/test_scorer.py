import csv
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.pipeline.train import run
from tests.conftest import write_inter

TINY: dict[str, Any] = {"hidden_size": 8, "embedding_size": 4, "d_state": 4, "attention_heads": 2, "epochs": 2}


@pytest.fixture
def ran(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """A run on 30 users of 20 rows each, whose label is whether the item's number is even."""

    def start(**given: Any) -> dict[str, Any]:
        rows = [(u, (7 * u + 3 * k) % 20, 100 * k + u, (7 * u + 3 * k) % 2) for u in range(30) for k in range(20)]
        root = write_inter(tmp_path, "made", rows, "user_id:token\titem_id:token\ttimestamp:float\tlabel:float")
        columns = {"load_col": {"inter": ["user_id", "item_id", "timestamp", "label"]}}
        order = {"eval_args": {"order": "TO", "group_by": "user"}}
        return run(make_config("MDAFMamba", root, **{**columns, **order, **TINY, **given}))

    return start


@pytest.mark.slow
def test_a_run_tells_metrics_gate_and_intervals(ran: Any) -> None:
    result = ran()
    folder = Path(result["run_directory"])
    rows = list(csv.DictReader((folder / "metrics.csv").open()))
    assert len(rows) == 2
    for name in (
        "auc",
        "gauc",
        "logloss",
        "ece",
        "train_auc",
        "train_valid_gap",
        "gate_static_mean",
        "gate_static_entropy",
    ):
        assert float(rows[-1][name]) == float(rows[-1][name])
    assert float(rows[-1]["train_valid_gap"]) == pytest.approx(float(rows[-1]["train_auc"]) - float(rows[-1]["auc"]))
    stored = json.loads((folder / "result.json").read_text())
    low, high = stored["test_intervals"][stored["model"]]["logloss"]
    assert low < stored["test"]["logloss"] < high
    assert sum(stored["clicks"]["reliability"]["rows"]) == 60
    assert 0 < stored["clicks"]["gate"]["gate_static_mean"] < 1


@pytest.mark.slow
def test_one_branch_has_no_gate(ran: Any) -> None:
    result = ran(branches=["static"])
    assert "gate" not in result["clicks"]
    assert "gate_static_mean" not in result["valid"]


@pytest.mark.slow
def test_a_dead_gate_is_warned_about(ran: Any, caplog: pytest.LogCaptureFixture, monkeypatch: Any) -> None:
    monkeypatch.setattr("recbole_ext.tasks.clicks.scorer.is_dead", lambda statistics: True)
    with caplog.at_level(logging.WARNING, "recbole_ext"):
        ran(gate="none")
        assert "dead gate" not in caplog.text
        ran()
    assert caplog.text.count("dead gate: gate_static is 0.") == 1  # of two epochs


@pytest.mark.slow
def test_a_seed_repeats_a_run(ran: Any) -> None:
    assert ran()["test"] == ran()["test"]
