"""A ranking model on a log whose structure changes at a known moment, end to end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.pipeline.train import run
from tests.drift.made_logs import SMALL, START, cut, walks, write_divided, write_file

LIMITS = "model: {minimum: {rows: 50}}\n"


def trained(make_config: Callable[..., Config], root: Path, **given: Any) -> Path:
    """A run on the files of a divided data set."""
    files = {"benchmark_filename": ["train", "valid", "test"]}
    return Path(run(make_config("GRU4Rec", root, **{**SMALL, **files, **given}))["run_directory"])


def measured(folder: Path, output: Path, *more: str, future: str = "test", code: int = 0) -> dict[str, Any]:
    """What `drift --run` writes."""
    limits = output.parent / "own.yaml"
    limits.write_text(LIMITS)
    command = ["drift", "--run", str(folder), "--future", future, "--output", str(output), "--windows", "5d"]
    assert main([*command, "--thresholds", str(limits), *more]) == code
    found: dict[str, Any] = json.loads((output / "drift.json").read_text())
    return found


def states(report: dict[str, Any]) -> list[str]:
    return [window["state"] for window in report["windows"]]


def values(report: dict[str, Any], metric: str = "ndcg@5") -> list[float]:
    return [window["metrics"][metric]["value"] for window in report["windows"]]


@pytest.mark.slow
def test_decay_begins_where_the_structure_changes(
    make_config: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trained on days 0 to 20, changed at day 30: in the first window after it nothing trained before could know."""
    folder = trained(make_config, write_divided(tmp_path, "made", (17, 20), walks(40, changed=30)))
    report = measured(folder, tmp_path / "out", "--fail-on-drift", code=6)
    assert states(report) == ["OK", "OK", "OK", "DRIFT"]
    before, after = values(report)[:2], values(report)[2:]
    assert min(before) > 0.8 and max(after) < 0.2
    assert report["windows"][2]["verdicts"]["ndcg@5"]["harder"] > 0.8
    refitted = [window["baselines"]["markov"]["refitted"]["ndcg@5"] for window in report["windows"]]
    assert refitted[2] < 0.2 and refitted[3] > 0.4
    apart = report["windows"][3]["baselines"]["markov"]["difference"]["ndcg@5"]
    assert apart["high"] < 0 and apart["value"] == pytest.approx(values(report)[3] - refitted[3])
    assert report["own_split"] == "valid" and report["metric"] == "ndcg@5"
    assert len(report["data"]["windows"]) >= 4 and (tmp_path / "out" / "data" / "drift.html").is_file()
    assert report["recommendation"]["retrain"] is None
    out = capsys.readouterr().out
    assert "verdict     DRIFT (ndcg@5)" in out and "OK, harder data" in out and "markov, refitted" in out


@pytest.mark.slow
def test_no_decay_where_nothing_changes_and_none_of_shuffled_data(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    rows = walks(40, changed=None)
    folder = trained(make_config, write_divided(tmp_path / "a", "made", (17, 20), rows))
    report = measured(folder, tmp_path / "flat", "--no-data-drift")
    assert states(report) == ["OK"] * 4 and report["data"] is None
    assert report["decay"]["ndcg@5"]["half_life_days"] is None and len(report["decay"]["ndcg@5"]["points"]) == 4
    items = np.random.default_rng(0).permutation([row[1] for row in rows])
    shuffled = [(user, item, time) for (user, _, time), item in zip(rows, items, strict=True)]
    folder = trained(make_config, write_divided(tmp_path / "b", "made", (17, 20), shuffled), epochs=3)
    report = measured(folder, tmp_path / "shuffled", "--no-data-drift")
    assert "DRIFT" not in states(report)
    assert report["decay"]["ndcg@5"]["half_life_days"] is None


@pytest.mark.slow
def test_later_files_have_new_users_and_items_apart(make_config: Callable[..., Config], tmp_path: Path) -> None:
    """The same future from a file: the run's own test is the reference, and its rows are history."""
    past, later = cut(walks(30, changed=None), 20)
    strangers = [(f"v{u}", f"i{(u + d) % 24}", START + (20 + d) * 86400 + u) for u in range(20) for d in range(10)]
    unknown = [("u1", "i99", START + (20 + d) * 86400 + 900) for d in range(10)]
    future = write_file(tmp_path / "later.inter", sorted([*later, *strangers, *unknown], key=lambda row: row[2]))
    folder = trained(make_config, write_divided(tmp_path, "made", (14, 17), past))
    report = measured(folder, tmp_path / "out", future=str(future))
    assert report["own_split"] == "test" and not report["future"]["of_own_data"]
    first = report["windows"][0]
    assert (first["rows"], first["new_user_rows"], first["new_item_rows"]) == (405, 100, 5)
    assert first["groups"]["new_users"]["evaluated"] == 80  # all but the first event of each
    assert first["groups"]["new_users"]["metrics"]["ndcg@5"] > 0.7
    assert first["groups"]["new_items"]["evaluated"] == 0
    assert first["evaluated"] == 380


@pytest.mark.slow
def test_a_model_that_is_trained_again_recovers_and_an_interruption_loses_nothing(
    make_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trained(make_config, write_divided(tmp_path, "made", (17, 20), walks(35, changed=22)))
    output, again = tmp_path / "out", ("--retrain=2", "--fine-tune", "--no-data-drift", "--cost", "0.1")
    with monkeypatch.context() as patch:

        def interrupted(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr("recbole_ext.drift.measure.reference_of", interrupted)
        (tmp_path / "own.yaml").write_text(LIMITS)
        command = ["drift", "--run", str(folder), "--future", "test", "--output", str(output), "--windows", "5d"]
        assert main([*command, "--thresholds", str(tmp_path / "own.yaml"), *again]) == 130
    runs = sorted(output.glob("*/*/runs/*/result.json"))
    assert [path.parts[-5] + path.parts[-4][-1] for path in runs] == [
        *(f"fine_tuned{k}" for k in "123"),
        *(f"retrained{k}" for k in "13"),
    ]
    assert not (output / "drift.json").exists()

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a finished run is trained again")

    with monkeypatch.context() as patch:
        patch.setattr("recbole_ext.drift.retrained.train", never)
        report = measured(folder, output, *again)
    last = report["windows"][2]
    old = last["metrics"]["ndcg@5"]["value"]
    assert last["retrained"]["ndcg@5"]["gain"]["low"] > 0.1
    assert last["fine_tuned"]["ndcg@5"]["value"] > old
    assert report["recommendation"]["retrain"] in (True, None) and "cost of 0.1" in report["recommendation"]["reason"]
    assert main([*command, "--thresholds", str(tmp_path / "own.yaml"), *again]) == 2  # measured already
