"""One training run in two processes, with the variables that torchrun sets, against one with the same batches."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests import forked

SETTINGS: dict[str, dict[str, Any]] = {
    "SS4Rec": {
        **{"hidden_size": 16, "num_layers": 1, "d_state": 4, "s5_state_size": 4, "MAX_ITEM_LIST_LENGTH": 10},
        **{"dropout_prob": 0.0, "train_batch_size": 150, "topk": "[5]", "valid_metric": "NDCG@5", "baselines": "[]"},
    },
    "BPR": {"embedding_size": 8, "train_batch_size": 101, "topk": "[5]", "valid_metric": "MRR@5"},
}
"""Batch sizes that neither processes nor rows divide, so that no two parts are of one size."""


def trained(model: str, processes: int, data: Path, folder: Path) -> Path:
    """The directory of a finished run."""
    fixed = {"model": model, "dataset": "ml-100k", "data_path": data, "runs_dir": folder / "runs", "device": "cpu"}
    fixed |= {"epochs": 2, "torch_threads": 1, "show_progress": False}
    words = [f"--{key}={value}" for key, value in {**fixed, **SETTINGS[model]}.items()]
    folder.mkdir()
    log = folder / "out.txt"
    codes = forked.run_in_two(words, folder, log) if processes == 2 else [forked.run(words, folder, log)]
    assert codes == [0] * processes, log.read_text()[-2000:]
    (run,) = (folder / "runs").iterdir()  # one, whatever the number of processes
    return run


@pytest.mark.slow
@pytest.mark.parametrize("model", SETTINGS)
def test_two_processes_take_the_steps_of_one(model: str, small_ml_100k: Path, tmp_path: Path) -> None:
    one, two = (trained(model, n, small_ml_100k, tmp_path / str(n)) for n in (1, 2))
    results = [json.loads((run / "result.json").read_text()) for run in (one, two)]
    weights = [load_file(next((run / "checkpoint").glob("best-*.safetensors"))) for run in (one, two)]
    assert results[0]["best_epoch"] == results[1]["best_epoch"] and weights[0].keys() == weights[1].keys()
    far = max(float((weights[0][name] - weights[1][name]).abs().max()) for name in weights[0])
    assert far < 1e-5 and any(torch.any(tensor != 0) for tensor in weights[0].values())
    assert results[1]["test"] == pytest.approx(results[0]["test"], abs=1e-4)
    losses = [[float(row["train_loss"]) for row in csv.DictReader((run / "metrics.csv").open())] for run in (one, two)]
    assert len(losses[0]) == 2 and losses[1] == pytest.approx(losses[0], rel=1e-5)
    events = [json.loads(line)["event"] for line in (two / "events.jsonl").read_text().splitlines()]
    assert events.count("epoch") == 2 and events.count("started") == events.count("finished") == 1
