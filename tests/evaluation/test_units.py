import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError
from recbole_ext.evaluation.click_metrics import Scored, auc, click_metrics, placements, user_aucs
from recbole_ext.evaluation.units import (
    UNITS_FILE,
    fingerprint,
    ranked_units,
    read_units,
    units_bytes,
    valued_units,
)
from recbole_ext.pipeline.train import run
from tests.conftest import write_inter
from tests.pipeline.test_train import TINY

ROWS = [(user, (user + 3 * k) % 12, 1000 * k + user) for user in range(16) for k in range(7)]
USERS = np.array(["b", "a", "b", "a", "c", "c", "c"])
LABELS = np.array([1.0, 0, 0, 1, 1, 0, 0])
CHANCES = np.array([0.9, 0.2, 0.4, 0.4, 0.3, 0.3, 0.1])


def test_means_of_rows_are_summed_by_user() -> None:
    units = ranked_units(np.array(["b", "a", "b"]), 7, {"hit@2": np.array([1.0, 0.0, 0.5])})
    assert units.tested.users.tolist() == ["a", "b"] and units.tested.rows == 7
    assert units.totals["hit@2"].tolist() == [0.0, 1.5] and units.weights["hit@2"].tolist() == [1, 2]
    assert units.value("hit@2") == 0.5


def test_values_of_ratings() -> None:
    truth, predicted = np.array([1.0, 2, 3]), np.array([2.0, 2, 5])
    units = valued_units(np.array(["u", "v", "u"]), truth, predicted, ["rmse", "mae", "auc"])
    assert units.totals["rmse"].tolist() == [5.0, 0.0]
    assert units.value("rmse") == pytest.approx((5 / 3) ** 0.5)
    assert units.value("mae") == 1.0
    assert "auc" not in units.totals  # there are no labels of 0 and 1


def test_values_of_clicks_are_the_metrics() -> None:
    units = valued_units(USERS, LABELS, CHANCES, ["auc", "gauc", "logloss"])
    expected = click_metrics(Scored(np.unique(USERS, return_inverse=True)[1], LABELS, CHANCES))
    for name in ("auc", "gauc", "logloss"):
        assert units.value(name) == pytest.approx(expected[name])
    both, areas, rows = user_aucs(Scored(np.unique(USERS, return_inverse=True)[1], LABELS, CHANCES))
    assert units.weights["gauc"].tolist() == rows.tolist() == [2, 2, 3] and len(both) == 3
    assert units.totals["gauc"] == pytest.approx(areas * rows)


def test_placements_average_to_the_auc_within_each_class() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 300).astype(float), rng.integers(0, 20, 300) / 20
    place = placements(labels, scores)
    assert place[labels == 1].mean() == pytest.approx(roc_auc_score(labels, scores))
    assert place[labels == 0].mean() == pytest.approx(roc_auc_score(labels, scores))


@pytest.mark.slow
def test_pseudo_values_have_the_spread_of_the_auc() -> None:
    """The variance by pseudo-values is that of AUCs of many samples of users."""
    rng = np.random.default_rng(1)
    areas, variances = [], []
    for _ in range(300):
        user = np.repeat(np.arange(60), 5)
        taste = rng.normal(size=60)[user]
        labels = (rng.normal(size=300) + taste > 0).astype(float)
        scores = labels * 0.8 + rng.normal(size=300) + 0.5 * taste
        areas.append(auc(labels, scores))
        totals = valued_units(user.astype(str), labels, 1 / (1 + np.exp(-scores)), ["auc"]).totals["auc"]
        variances.append(totals.var(ddof=1) / 60)
    assert np.mean(variances) == pytest.approx(np.var(areas), rel=0.25)


def test_a_fingerprint_is_of_the_pairs_in_any_order() -> None:
    users, items = np.array(["1", "1", "2"]), np.array(["x", "y", "x"])
    assert fingerprint(users, items) == fingerprint(users[::-1], items[::-1])
    assert fingerprint(users, items) != fingerprint(users, np.roll(items, 1))
    assert fingerprint(users, items) != fingerprint(users[:2], items[:2])
    assert fingerprint(users, np.array([1.0, 2.0, 1.0])) != fingerprint(users, np.array([1.0, 1.0, 2.0]))


def test_a_file_brings_back_what_was_written(tmp_path: Path) -> None:
    units = valued_units(USERS, LABELS, CHANCES, ["auc", "logloss"])
    (tmp_path / UNITS_FILE).write_bytes(units_bytes({"Model": units, "markov": units}))
    back = read_units(tmp_path)
    assert set(back) == {"Model", "markov"} and back["Model"].tested.users.tolist() == ["a", "b", "c"]
    assert back["Model"].tested.rows == units.tested.rows
    for name in ("auc", "logloss"):
        assert back["markov"].totals[name] == pytest.approx(units.totals[name], rel=1e-6)
    assert read_units(tmp_path / "nothing") == {}


@pytest.mark.parametrize("content", ["cut", "format", "shape", "object"])
def test_a_damaged_file_is_refused(content: str, tmp_path: Path) -> None:
    whole = units_bytes({"M": valued_units(USERS, LABELS, CHANCES, ["auc"])})
    arrays: dict[str, Any] = dict(np.load(io.BytesIO(whole)))
    changed = {"format": {"format": np.array(9)}, "shape": {"total/M/auc": np.zeros(2)}, "cut": {}}
    changed["object"] = {"users": np.array(["a", None], dtype=object)}
    file = io.BytesIO()
    np.savez(file, **(arrays | changed[content]))
    (tmp_path / UNITS_FILE).write_bytes(whole[:100] if content == "cut" else file.getvalue())
    with pytest.raises(DataError, match=r"cannot read .*test_units.npz: it is damaged"):
        read_units(tmp_path)


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("Mamba4Rec", {}),
        ("Mamba4Rec", {"eval_args": {"mode": "uni5"}}),
        ("BPR", {"eval_args": {"split": {"RS": [0.6, 0.2, 0.2]}, "order": "RO", "mode": "full"}}),
        ("BPR", {"eval_args": {"split": {"RS": [0.6, 0.2, 0.2]}, "order": "RO", "mode": "uni3"}}),
    ],
    ids=str,
)
def test_a_run_leaves_the_units_of_its_model_and_baselines(
    model: str, given: dict[str, Any], make_config: Callable[..., Config], tmp_path: Path
) -> None:
    sizes = {k: v for k, v in TINY.items() if model == "Mamba4Rec" or k not in ("hidden_size", "d_state")}
    sizes |= {"epochs": 1, "metrics": ["Recall", "MRR", "NDCG", "Hit", "Precision", "MAP"], "topk": [1, 2]}
    result = run(make_config(model, write_inter(tmp_path, "made", ROWS), **{**sizes, **given}))
    units = read_units(Path(result["run_directory"]))
    assert set(units) == {model, *result["baselines"]}
    for name, metrics in {model: result["test"], **result["baselines"]}.items():
        for metric, value in metrics.items():
            assert units[name].value(metric) == pytest.approx(value, abs=6e-5)
    tested = units[model].tested
    assert len(tested.users) == 16 and all(of.tested.rows == tested.rows for of in units.values())


@pytest.mark.slow
def test_labelled_rows_of_recboles_models(make_config: Callable[..., Config], tmp_path: Path) -> None:
    rows = [(u, (7 * u + 3 * k) % 20, 100 * k + u, (7 * u + 3 * k) % 2) for u in range(30) for k in range(20)]
    root = write_inter(tmp_path, "made", rows, "user_id:token\titem_id:token\ttimestamp:float\tlabel:float")
    columns = {"load_col": {"inter": ["user_id", "item_id", "timestamp", "label"]}, "epochs": 1}
    result = run(make_config("FM", root, **columns, metrics=["AUC", "LogLoss", "RMSE"], valid_metric="AUC"))
    units = read_units(Path(result["run_directory"]))["FM"]
    for metric, value in result["test"].items():
        assert units.value(metric) == pytest.approx(value, abs=6e-5)
    clicks = run(make_config("MDAFMamba", root, **columns, hidden_size=8, embedding_size=4, attention_heads=2))
    units = read_units(Path(clicks["run_directory"]))["MDAFMamba"]
    for metric in ("auc", "gauc", "logloss"):
        assert units.value(metric) == pytest.approx(clicks["test"][metric], abs=1e-5)
