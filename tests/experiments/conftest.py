"""Directories of finished runs, written and not trained."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.evaluation.units import UNITS_FILE, Units, ranked_units, units_bytes, valued_units

PROTOCOL: dict[str, Any] = {
    "name": "no_time (track C)",
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
        (folder / "config.yaml").write_text(json.dumps(config))
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
