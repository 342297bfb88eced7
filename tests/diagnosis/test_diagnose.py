"""Known curves with known faults, and what their numbers cannot carry."""

import json
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.cli.main import main
from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.diagnosis.curve import Curve, is_bigger_better, read_curve
from recbole_ext.diagnosis.diagnose import diagnose
from recbole_ext.diagnosis.finding import THRESHOLDS
from recbole_ext.diagnosis.rules import findings
from recbole_ext.errors import DataError, UsageError

TRAIN = {1: 4.1156, 8: 3.9638, 14: 3.7182, 24: 3.4407, 26: 3.3584}
VALID = {1: 1.3616, 8: 1.2697, 14: 0.9440, 15: 1.0109, 16: 1.0881, 17: 1.3257, 18: 1.5602, 19: 1.6139}
SPIKE = {22: 2.1549}  # its epoch was not reported; any after 19 shows the same
SETTINGS = "{learning_rate: 0.001, warmup_steps: 2000, epochs: 100, stopping_step: 15}"
COLUMNS = "{epoch: ep, train_loss: tr, valid: va, learning_rate: rate}"


def warmup_file(folder: Path) -> Path:
    """The reported points alone, under foreign names; other cells are empty."""
    rates, valid = {1: "0.000001", 29: "0.000015"}, VALID | SPIKE
    lines = [f"{e},{TRAIN.get(e, '')},{valid.get(e, '')},{rates.get(e, '')}" for e in range(1, 30)]
    path = folder / "history.csv"
    path.write_text("\n".join(["ep,tr,va,rate", *lines]) + "\n")
    return path


def curve_of(valid: list[float], **columns: list[float]) -> Curve:
    points = {name: list(enumerate(values)) for name, values in (columns | {"valid": valid}).items()}
    return Curve(points | {"epoch": [(e, float(e)) for e in range(len(valid))]}, len(valid) - 1)


def names(curve: Curve) -> list[str]:
    return [one.name for one in findings(curve)]


def diagnosed(file: Path, capsys: Any, *options: str) -> dict[str, Any]:
    assert main(["diagnose", str(file), "--json", *options]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_the_warmup_that_was_stepped_per_epoch(tmp_path: Path, capsys: Any) -> None:
    tuned = tmp_path / "tuned.yaml"
    options = [f"--columns={COLUMNS}", f"--settings={SETTINGS}", "--reported={r2: -0.0927}", f"--output={tuned}"]
    found = diagnosed(warmup_file(tmp_path), capsys, *options)["findings"]
    text = {one["name"]: one["text"] for one in found}
    assert list(text) == [
        *("rate_never_reached", "erratic_validation", "over_fitting", "wasted_epochs", "worse_than_mean")
    ]
    assert "never passed 1.5 % of its target 0.001" in text["rate_never_reached"]
    assert "0.001 x epoch / 2000" in text["rate_never_reached"]
    assert "2.1549 in epoch 22" in text["erratic_validation"]
    assert "15 wasted epochs: the best is 14, the run stopped at 29; a patience of 7 val" in text["wasted_epochs"]
    assert "R2 is -0.0927" in text["worse_than_mean"]
    said = json.dumps(found).lower()
    assert "too high" not in said and "lower the learning rate" not in said
    assert read_yaml(tuned)[0] == {"warmup_steps": 0, "warmup_share": 0.05, "stopping_step": 10}
    assert all("  # was " in line for line in tuned.read_text().splitlines()[1:])


@pytest.mark.parametrize(
    ("train", "valid", "dropout"), [(0.5410, 0.5829, 0.20), (0.5265, 0.5814, 0.25), (None, 0.5698, 0.30)]
)
def test_one_epoch_of_five_concludes_nothing(
    tmp_path: Path, capsys: Any, train: float | None, valid: float, dropout: float
) -> None:
    path = tmp_path / "phase.csv"
    path.write_text(f"epoch,train_auc,valid_auc,lr\n1,{train or ''},{valid},0.0003\n")
    settings = f"--settings={{epochs: 5, seeds: 5, dropout_prob: {dropout}, learning_rate: 0.001, warmup_steps: 2000}}"
    answer = diagnosed(path, capsys, "--metric=valid_auc", settings)
    assert all(one["limit"] for one in answer["findings"]) and answer["tuned"] == ""
    assert "1 of 5 epochs, 1 of 5 seeds: no conclusion" in answer["findings"][0]["text"]
    assert [one["name"] for one in answer["findings"]][1:] == (["gap_under_dropout"] if train else [])


def test_a_metric_is_found_whatever_its_capitals_and_an_absent_one_is_refused(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "history.csv"
    path.write_text("epoch,val_loss,Val_AUC,NDCG@10\n1,0.7,0.6,0.1\n2,0.6,0.7,0.3\n")
    for metric in ("Val_AUC", "val_auc", "VAL_AUC"):
        curve = read_curve(path, {}, {}, {}, metric)
        assert curve.points["valid"] == [(1, 0.6), (2, 0.7)]
        assert curve.bigger and curve.metric == "Val_AUC"
    assert read_curve(path, {}, {"valid_metric": "ndcg@10"}, {}).metric == "NDCG@10"
    assert main(["diagnose", str(path), "--metric=val_auk"]) == 3
    assert "no column 'val_auk'; did you mean 'Val_AUC'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["HR@10", "val/hr@10", "valid_f1", "ItemCoverage@10", "TailPercentage@5"])
def test_more_of_a_score_is_better(name: str, tmp_path: Path) -> None:
    rows = [f"{epoch},{value}" for epoch, value in enumerate([0.1, 0.3, 0.2], 1)]
    (tmp_path / "c.csv").write_text("\n".join([f"epoch,{name}", *rows]) + "\n")
    curve = read_curve(tmp_path / "c.csv", {}, {}, {}, metric=name)
    assert min(curve.valid, key=lambda point: point[1])[0] == 2


@pytest.mark.parametrize("name", ["val_mape", "map_loss", "hit_error", "chr"])
def test_less_of_an_error_is_better(name: str) -> None:
    assert not is_bigger_better(name)


def test_rows_of_one_epoch_are_one_value(tmp_path: Path) -> None:
    steps = [(epoch, step) for epoch in range(1, 9) for step in range(3)]
    rows = [f"{epoch},{2 - 0.1 * epoch - 0.01 * step},{1 + abs(epoch - 3)}" for epoch, step in steps]
    (tmp_path / "c.csv").write_text("\n".join(["epoch,train_loss,val_loss", *rows]) + "\n")
    found, curve = diagnose(tmp_path / "c.csv", {}, {}, {})
    assert curve.n_epochs == 8 and curve.points["train_loss"][0] == (1, pytest.approx(1.88))
    assert "over_fitting" in [one.name for one in found]
    (tmp_path / "c.csv").write_text("epoch,val_loss\n0.5,1\n1.0,2\n")
    with pytest.raises(DataError, match=r"epoch must be a whole number in each row \(got 0.5\)"):
        read_curve(tmp_path / "c.csv", {}, {}, {})


def test_a_healthy_run_is_left_alone() -> None:
    falling = [1.0, 0.8, 0.7, 0.65, 0.63, 0.62, 0.625]
    assert names(curve_of(falling, train_loss=falling, train_seconds=[3.0] * 7, kl=[5.0] * 7)) == []


def test_each_rule_can_be_silent_and_can_speak() -> None:
    flat = [0.5] * 9
    assert names(curve_of(flat, kl=[0.001] * 9)) == ["wasted_epochs", "posterior_collapse"]
    assert "slow_down" in names(curve_of(flat, train_seconds=[1.0] * 3 + [2.0] * 6))
    assert "slow_down" not in names(curve_of(flat, train_seconds=[1.0] * 3 + [1.4] * 6))
    reached = curve_of(flat, learning_rate=[0.0001 * e for e in range(1, 10)])
    reached.settings = {"learning_rate": 0.001, "warmup_steps": 10}
    assert "rate_never_reached" not in names(reached)


def test_a_diverged_run_is_called_so_before_anything_else_and_its_metrics_accuse_nothing() -> None:
    lost = curve_of([2.3, 2.4, 2.2, 2.5, 2.3, 2.4], train_loss=[1.7e7] * 6, first_loss=[1.57] * 6)
    lost.points["grad_norm_growth"] = [(0, 1.5e6)]
    audit = {"findings": [{"name": "ids_remapped", "text": "the predictions do not follow the items"}]}
    lost.result = {"audit": audit, "test": {"rmse": 2.3}, "valid_metric": "RMSE", "reported": {"r2": -3.2}}
    found = findings(lost)
    assert [one.name for one in found] == ["diverged", "exploding_gradients", "too_little"]
    assert "the training loss is 1.7e+07 in epoch 5, that of untrained weights is 1.57" in found[0].text
    lost.points["train_loss"] = [(e, 1.5) for e in range(6)]
    assert {"suspiciously_good", "worse_than_mean"} <= set(names(lost))


def test_a_rate_that_another_cause_keeps_low_is_not_explained_by_the_unit() -> None:
    low = curve_of([0.5] * 6, learning_rate=[1e-5] * 6)
    low.settings = {"learning_rate": 0.001, "warmup_steps": 2000}
    text = findings(low)[0].text
    assert "never passed 1 %" in text and "per epoch" not in text


def test_a_run_directory_needs_no_options(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "config.yaml").write_text(
        "valid_metric: NDCG@10\nlearning_rate: 0.001\nepochs: 30\nstopping_step: 10\n"
    )
    scores = [0.1, 0.2, 0.3, 0.31] + [0.3] * 9
    rows = [f"{e},{1 - 0.05 * e},{score}" for e, score in enumerate(scores)]
    (tmp_path / "metrics.csv").write_text("\n".join(["epoch,train_loss,ndcg@10", *rows]))
    assert main(["diagnose", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "9 wasted epochs: the best is 3, the run stopped at 12; a patience of 7 validations" in out
    assert "found the same best and saved 1" in out
    assert "evidence epoch 3: 0.31" in out and "stopping_step: 7  # was 10" in out


def test_every_threshold_has_a_reason() -> None:
    assert all(number > 0 and len(reason) > 20 for number, reason in THRESHOLDS.values())


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    with pytest.raises(UsageError, match="epochs must be a number"):
        diagnose(path, {}, {"epochs": "many"}, {})
    with pytest.raises(UsageError, match="seeds must be a number or a list"):
        diagnose(path, {}, {"seeds": "all"}, {})
    with pytest.raises(UsageError, match="no column of ours"):
        diagnose(path, {"vald": "v"}, {}, {})
    with pytest.raises(DataError, match="cannot read"):
        read_curve(tmp_path / "none.csv", {}, {}, {})
    (tmp_path / "a.csv").write_text("epoch,v\n1,2\n")
    with pytest.raises(DataError, match="no column 'w'; the header has epoch, v"):
        read_curve(tmp_path / "a.csv", {"valid": "w"}, {}, {})
    (tmp_path / "a.csv").write_text("epoch,v\n,2\n")
    with pytest.raises(DataError, match="a row has no epoch"):
        read_curve(tmp_path / "a.csv", {}, {}, {})
    (tmp_path / "result.json").write_text("{")
    (tmp_path / "metrics.csv").write_text("epoch,v\n1,2\n")
    (damage,) = read_curve(tmp_path, {}, {}, {}).damage
    assert "result.json is damaged: it is not JSON" in damage
