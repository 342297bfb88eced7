"""Ratings and clicks that change at a known moment, end to end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.pipeline.train import run
from tests.conftest import CLICK_HEADER, SMALL_CLICKS
from tests.drift.made_logs import DAY, START, Row, write_divided

RATED = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
FILES = {"benchmark_filename": ["train", "valid", "test"]}


def measured(folder: Path, output: Path, *more: str) -> dict[str, Any]:
    (output.parent / "own.yaml").write_text("model: {minimum: {rows: 50, users: 20}}\n")
    command = ["drift", "--run", str(folder), "--future", "test", "--output", str(output), "--windows", "5d"]
    assert main([*command, "--thresholds", str(output.parent / "own.yaml"), *more]) == 0
    found: dict[str, Any] = json.loads((output / "drift.json").read_text())
    return found


def rated(changed: int, days: int = 30, n_users: int = 40) -> list[Row]:
    """Ratings by the item, with half a star of noise; from day `changed` on a good item is a bad one."""
    rng = np.random.default_rng(0)
    rows = []
    for day in range(days):
        for user in range(n_users):
            item = int(rng.integers(20))
            level = 1 + item % 5 if day < changed else 5 - item % 5
            noise = float(rng.choice([-0.5, 0.0, 0.5]))
            rows.append((f"u{user}", f"i{item}", level + noise, START + day * DAY + user))
    return rows


def divided(root: Path, rows: list[Row], header: str) -> Path:
    """Days 0 to 12, 12 to 15, and from 15 on; the time is the last column of the ratings, the third of the clicks."""
    turned = [(*row[:2], row[3], row[2]) for row in rows] if header == RATED else rows
    root = write_divided(root, "made", (12, 15), turned, header)
    if header == RATED:
        for file in (root / "made").glob("*.inter"):
            lines = [line.split("\t") for line in file.read_text().splitlines()]
            text = ["\t".join((*line[:2], line[3], line[2])) if n else "\t".join(line) for n, line in enumerate(lines)]
            file.write_text("\n".join(text) + "\n")
    return root


@pytest.mark.slow
def test_ratings(make_config: Callable[..., Config], tmp_path: Path) -> None:
    root = divided(tmp_path, rated(changed=20), RATED)
    columns = {"load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]}}
    folder = Path(run(make_config("HybridVAE", root, epochs=6, **FILES, **columns))["run_directory"])
    report = measured(folder, tmp_path / "out", "--retrain", "--cost", "0.01")
    assert report["metric"] == "rmse" and {"rmse", "mae"} <= set(report["windows"][0]["metrics"])
    found, frozen = (by_window(report, "item_mean", form, "rmse") for form in ("refitted", "frozen"))
    assert found[0] < 0.6 and frozen[1] > 2 and frozen[2] == pytest.approx(frozen[1], rel=0.2) and found[2] < frozen[2]
    own = [window["metrics"]["rmse"]["value"] for window in report["windows"]]
    assert own[0] < own[1] and report["windows"][1]["verdicts"]["rmse"]["lost"] > 0.1
    assert [window["state"] for window in report["windows"]] == ["OK"] * 3  # every baseline is lost too
    again = report["windows"][2]["retrained"]["rmse"]
    assert again["gain"]["value"] == pytest.approx(own[2] - again["value"])
    assert report["recommendation"]["how"] == "retrained"
    assert report["data"]["windows"]


def by_window(report: dict[str, Any], name: str, form: str, metric: str) -> list[float]:
    """A metric of a baseline in each window."""
    return [window["baselines"][name][form][metric] for window in report["windows"]]


def clicked(changed: int, days: int = 30, n_users: int = 40) -> list[Row]:
    """Clicks on even items, and from day `changed` on on odd ones; a tenth by chance."""
    rng = np.random.default_rng(1)
    rows = []
    for day in range(days):
        for user in range(n_users):
            item = int(rng.integers(20))
            liked = (item % 2 == 0) == (day < changed)
            label = int(liked) if rng.random() > 0.1 else int(rng.integers(2))
            rows.append((f"u{user}", f"i{item}", START + day * DAY + user, label))
    return rows


@pytest.mark.slow
def test_clicks(make_config: Callable[..., Config], tmp_path: Path) -> None:
    root = divided(tmp_path, clicked(changed=20), CLICK_HEADER)
    given = {**SMALL_CLICKS, **FILES, "epochs": 3, "learning_rate": 0.01}
    folder = Path(run(make_config("MDAFMamba", root, **given))["run_directory"])
    report = measured(folder, tmp_path / "out", "--no-data-drift", "--fine-tune=3", "--fine-tune-epochs=1")
    assert {"auc", "logloss", "ece"} <= set(report["windows"][0]["metrics"])
    refitted, frozen = (by_window(report, "item_rate", form, "logloss") for form in ("refitted", "frozen"))
    own = [window["metrics"]["auc"]["value"] for window in report["windows"]]
    assert refitted[0] < 0.6 < refitted[1] and refitted[2] < frozen[2]
    assert by_window(report, "item_rate", "refitted", "auc")[0] > 0.9
    assert own[0] > own[1] and report["windows"][0]["state"] == "OK"
    assert report["windows"][0]["fine_tuned"]["auc"]["value"] > 0.5
    assert report["verdict"]["metrics"].keys() >= {"auc", "logloss"}
