"""Directories of finished runs, written and not trained; and a tiny experiment that can be trained."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.cli.main import main
from recbole_ext.evaluation.units import UNITS_FILE, Units, ranked_units, units_bytes, valued_units
from recbole_ext.runs.run_files import config_text
from tests.conftest import write_inter

PROTOCOL: dict[str, Any] = {
    "name": "no_time",
    "split": "{'LS': 'valid_and_test'} by user",
    "order": "exact time order, ties in file order",
    "seen_items": "seen items removed",
    "target_time": "target time not known",
    "candidates": "full",
    "min_counts": "users all, items all",
    "max_length": 50,
    "seed": 1,
    "data_sha256": {"made.inter": "ab" * 32},
    "packages": {},
}
CONFIG = """# 6 values; behind each one, where it came from; format 1
criteria: ['hit@10 > 0.25', 'best_epoch in [2, 4]', valid.hit@10@epoch9 > 0.1]  # mine.yaml:3
dataset: ml-100k  # derived
epochs: 12  # command line
learning_rate: 0.001  # properties/overall.yaml:3
model: SS4Rec  # derived
valid_metric: NDCG@10  # properties/model/SS4Rec.yaml:9
"""
RESULT: dict[str, Any] = {
    **{"model": "SS4Rec", "dataset": "ml-100k", "best_epoch": 3, "epochs_trained": 6, "parameters": 198432},
    **{"valid_metric": "NDCG@10", "valid_metric_bigger": True, "fit_seconds": 61.5, "peak_memory_mb": 900},
    "valid": {"hit@10": 0.19, "ndcg@10": 0.1},
    "test": {"hit@10": 0.15, "ndcg@10": 0.08},
    "baselines": {"markov": {"hit@10": 0.14, "ndcg@10": 0.07}, "skip_markov": {"hit@10": 0.19, "ndcg@10": 0.11}},
    "protocol": {"name": "no_time", "split": "LS", "seed": 7, "data_sha256": {"ml-100k.inter": "ab" * 32}},
}
N_USERS = 200


@pytest.fixture
def finished_run(tmp_path: Path) -> Callable[..., Path]:
    """A run of made results: `hit` (N_USERS,) of the model, or `errors` (N_USERS, 4) of ratings."""

    def make(
        name: str,
        hit: np.ndarray | None = None,
        errors: np.ndarray | None = None,
        seed: int = 1,
        epochs: int = 9,
        finished: bool = True,
        rows: int = 7,
        settings: dict[str, Any] | None = None,
        **protocol: Any,
    ) -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        config = {"model": "Made", "dataset": "made", "seed": seed, "epochs": 9, **(settings or {})}
        (folder / "config.yaml").write_text(config_text(config, {}))
        (folder / "metrics.csv").write_text("epoch\n" + "".join(f"{e}\n" for e in range(epochs)))
        if not finished:
            return folder
        of = _units(hit, errors, rows)
        of |= {"markov": _units(np.zeros(N_USERS), None, rows)["Made"]} if hit is not None else {}
        (folder / UNITS_FILE).write_bytes(units_bytes(of))
        test = {name: round(of["Made"].value(name), 4) for name in of["Made"].totals}
        result = {
            "model": "Made",
            "epochs_trained": epochs,
            "valid_metric": "HIT@10" if hit is not None else "RMSE",
            "test": test,
            "valid": test,
            "baselines": {"markov": {"hit@10": 0.0}} if hit is not None else {},
            "protocol": {**PROTOCOL, "seed": seed, **protocol},
        }
        (folder / "result.json").write_text(json.dumps(result))
        return folder

    return make


def _units(hit: np.ndarray | None, errors: np.ndarray | None, rows: int) -> dict[str, Units]:
    users = np.arange(N_USERS).astype(str)
    if hit is not None:
        return {"Made": ranked_units(users, rows, {"hit@10": hit.astype(float)})}
    assert errors is not None
    truth = np.tile([1.0, 2.0, 4.0, 5.0], N_USERS)
    return {"Made": valued_units(np.repeat(users, 4), truth, truth + errors.reshape(-1), ["rmse", "mae"])}


@pytest.fixture
def result() -> dict[str, Any]:
    """A `result.json`."""
    return dict(RESULT)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a run; `result=None` for one that has not finished, `end` for its last event."""

    def make(
        result: dict[str, Any] | None = RESULT,
        end: dict[str, Any] | None = None,
        config: str = CONFIG,
        columns: dict[str, list[Any]] | None = None,
        name: str = "SS4Rec-ml-100k-20260101T000000Z-ab12",
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.yaml").write_text(config)
        table = {"epoch": range(1, 7), "train_loss": [3.0, 2.5, 2.2, 2.1, 2.0, 1.9]}
        table |= {"hit@10": [0.1, 0.15, 0.19, 0.18, 0.18, 0.18], "ndcg@10": [0.05, 0.08, 0.1, 0.098, 0.098, 0.098]}
        table |= {"learning_rate": [0.001] * 6, "grad_norm_mean": [1.0] * 6, "train_seconds": [10.0] * 6} | (
            columns or {}
        )
        rows = [",".join(map(str, row)) for row in zip(*table.values(), strict=True)]
        (folder / "metrics.csv").write_text("\n".join([",".join(table), *rows]) + "\n")
        if result is not None:
            (folder / "result.json").write_text(json.dumps(result))
        machine = {"packages": {"torch": "2.13"}, "cpu_cores": 2, "device": "cpu", "memory_gb": 16.0}
        (folder / "environment.json").write_text(json.dumps(machine))
        (folder / "command.txt").write_text("python run_recbole_ext.py --model=SS4Rec\n")
        event = end or {"event": "finished", "time": "2026-01-01T12:34:56.789+00:00"}
        lines = [json.dumps({"event": "started"}), json.dumps(event), '{"event": "epo']
        (folder / "events.jsonl").write_text("\n".join(lines))
        return folder

    return make


ROWS = [(user, (user + 3 * k) % 12, 1000 * k + user) for user in range(16) for k in range(7)]
TEMPLATE = """\
model: SASRec
dataset: made
data_path: {root}
load_col: {{inter: [user_id, item_id, timestamp]}}
loss_type: CE
hidden_size: 8
inner_size: 8
n_layers: 1
MAX_ITEM_LIST_LENGTH: 6
topk: [2]
valid_metric: NDCG@2
metrics: [Hit, NDCG]
baselines: []
device: cpu
epochs: 2
train_batch_size: 64
log_tensorboard: False
show_progress: False
seeds: [1, 2]
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with data and `tiny.yaml`, a template."""
    write_inter(tmp_path, "made", ROWS)
    (tmp_path / "tiny.yaml").write_text(TEMPLATE.format(root=tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def made(tiny: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Path]:
    """Makes the experiment `t` of the template and returns its folder."""

    def make(*more: str) -> Path:
        assert main(["experiment", "create", "tiny.yaml", "t", *more]) == 0, capsys.readouterr().err
        capsys.readouterr()
        return tiny / "experiments" / "t"

    return make


def words_of(lines: Iterable[str]) -> str:
    """Lines of the terminal as one, however they were wrapped."""
    return " ".join(" ".join(lines).split())
