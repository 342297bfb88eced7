"""Counted baselines of clicks, held against loops over the same rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.config.config import Config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from recbole_ext.registry import find_model
from recbole_ext.tasks.clicks.baselines import CLICK_BASELINES
from recbole_ext.tasks.ranking.evaluation.baselines import BASELINES, ROW_BASELINES
from recbole_ext.tasks.ratings.baselines import RATING_BASELINES
from recbole_ext.tasks.registered import task_of
from tests.conftest import CLICK_HEADER, SMALL_CLICKS, write_inter

COLUMNS = {"load_col": SMALL_CLICKS["load_col"], "eval_args": SMALL_CLICKS["eval_args"]}

LABELLED = {**COLUMNS, "eval_args": {"order": "TO", "group_by": None, "mode": "labeled"}}


def made(seed: int, returning: bool = False) -> list[tuple[str, str, int, int]]:
    """Thirty users; items are clicked more the higher their number, or when the user had them before."""
    rng, rows = np.random.default_rng(seed), []
    for user in range(30):
        seen: set[int] = set()
        for step in range(20):
            item = int(rng.integers(40 if returning else 6))
            chance = (0.9 if item in seen else 0.1) if returning else (item + 0.5) / 6
            rows.append((f"u{user}", f"i{item}", 100 * step + user, int(rng.uniform() < chance)))
            seen.add(item)
    return rows


@pytest.mark.parametrize("label", [0, 1])
def test_training_labels_of_one_class_give_finite_baselines(
    label: int, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    rows = [(f"u{u}", f"i{(u + t) % 6}", 100 * t, label if t < 4 else (u + t) % 2) for u in range(6) for t in range(6)]
    root = write_inter(tmp_path, "made", rows, CLICK_HEADER)
    split = {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user", "mode": "labeled"}
    result = run(make_config("LR", root, epochs=1, **{**COLUMNS, "eval_args": split}))
    assert set(result["baselines"]) == {"click_rate", "item_rate", "user_item_rate"}
    assert all(np.isfinite(value) for found in result["baselines"].values() for value in found.values())


@pytest.fixture
def loaded(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., tuple[Config, Any]]:
    def make(rows: list[tuple[Any, ...]], **given: Any) -> tuple[Config, Any]:
        config = make_config("MDAFMamba", write_inter(tmp_path, "made", rows, CLICK_HEADER), **SMALL_CLICKS, **given)
        return config, build_loaders(config, create_dataset(config))

    return make


def test_rates_are_those_of_a_loop(loaded: Callable[..., Any]) -> None:
    config, loaders = loaded(made(0))
    part = loaders.train.dataset.inter_feat
    users, items, labels = (part[name].tolist() for name in ("user_id", "item_id", "label"))
    p = sum(labels) / len(labels)

    def rate(ids: list[int], one: int) -> float:
        of_one = [label for k, label in zip(ids, labels, strict=True) if k == one]
        return (sum(of_one) + 10 * p) / (len(of_one) + 10)

    for batch in loaders.test:
        for name, scorer in CLICK_BASELINES.items():
            predicted, gate = scorer(loaders.train.dataset, config).predict_with_gate(batch)
            assert gate is None and ((predicted > 0) & (predicted < 1)).all()
            for user, item, found in zip(
                batch["user"].tolist(), batch["item"].tolist(), predicted.tolist(), strict=True
            ):
                u, i = rate(users, user), rate(items, item)
                odds = u / (1 - u) * i / (1 - i) * (1 - p) / p
                expected = {"click_rate": p, "item_rate": i, "user_item_rate": odds / (1 + odds)}
                assert found == pytest.approx(expected.get(name, found))


def test_matches_with_the_history_are_counted(loaded: Callable[..., Any]) -> None:
    config, loaders = loaded(made(1, returning=True))
    scorer = CLICK_BASELINES["match_rate"](loaders.train.dataset, config)
    assert scorer.of_cell[0] < 0.25 < 0.5 < scorer.of_cell[1]  # never before; once or twice
    train = sorted(zip(*(loaders.train.dataset.inter_feat[n].tolist() for n in ("user_id", "item_id")), strict=True))
    for batch in loaders.test:
        cells = batch["match"].tolist()
        for user, item, cell in zip(batch["user"].tolist(), batch["item"].tolist(), cells, strict=True):
            assert cell == min(3, int(np.log2(train.count((user, item)) + 1)))


def test_an_item_is_no_match_of_another_users_history(loaded: Callable[..., Any]) -> None:
    rows = [(f"u{u}", f"i{(u + k) % 40}", 100 * k + u, (u + k) % 2) for u in range(30) for k in range(20)]
    _, loaders = loaded(rows)  # nobody has an item twice
    assert all(not batch["match"].any() for batch in loaders.test)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "given", "expected"),
    [
        ("MDAFMamba", SMALL_CLICKS, ["click_rate", "item_rate", "user_item_rate", "match_rate"]),
        ("MDAFMamba", {**SMALL_CLICKS, "branches": ["static"]}, ["click_rate", "item_rate", "user_item_rate"]),
        ("MDAFMamba", {**SMALL_CLICKS, "baselines": ["item_rate"]}, ["item_rate"]),
        ("MDAFMamba", {**SMALL_CLICKS, "baselines": []}, []),
        ("FM", {**COLUMNS, "metrics": ["AUC", "LogLoss"]}, ["click_rate", "item_rate", "user_item_rate"]),
        ("DIN", {**LABELLED, "metrics": ["AUC", "LogLoss"]}, ["click_rate", "item_rate", "user_item_rate"]),
        ("BPR", {"load_col": COLUMNS["load_col"], "topk": [2], "valid_metric": "NDCG@2"}, ["popularity"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_run_stands_beside_those_of_its_task(
    model: str, given: dict[str, Any], expected: list[str], make_config: Callable[..., Config], tmp_path: Path
) -> None:
    values = {
        **given,
        "epochs": 1,
        **({"valid_metric": "AUC", "train_neg_sample_args": None} if "metrics" in given else {}),
    }
    result = run(make_config(model, write_inter(tmp_path, "made", made(0, model == "BPR"), CLICK_HEADER), **values))
    assert list(result["baselines"]) == expected
    for metrics in result["baselines"].values():
        assert list(metrics) == list(result["test"])
    if "item_rate" in expected:
        assert result["baselines"]["item_rate"]["auc"] > 0.7
    if "click_rate" in expected:
        assert result["baselines"]["click_rate"]["auc"] == 0.5 < result["baselines"]["item_rate"]["auc"]
        assert result["baselines"]["item_rate"]["logloss"] < result["baselines"]["click_rate"]["logloss"]


def test_shuffled_labels_leave_all_at_chance(loaded: Callable[..., Any]) -> None:
    rows = made(2)
    shuffled = np.random.default_rng(0).permutation([row[3] for row in rows])
    config, loaders = loaded([(*row[:3], label) for row, label in zip(rows, shuffled, strict=True)])
    for scorer in CLICK_BASELINES.values():
        found = [(scorer(loaders.train.dataset, config).predict_with_gate(b)[0], b["label"]) for b in loaders.test]
        for predicted, labels in found:
            assert abs(predicted[labels == 1].mean() - predicted[labels == 0].mean()) < 0.06


def test_what_can_be_asked_for_is_what_there_is() -> None:
    labels = [name for name in CLICK_BASELINES if name != "match_rate"]  # rows of RecBole's models have no history
    known = {"BPR": ROW_BASELINES, "SASRec": BASELINES, "DeepFM": labels, "DIN": labels, "LightGBM": {}}
    known |= {"HybridVAE": RATING_BASELINES, "MDAFMamba": CLICK_BASELINES}
    asked = {name: task_of(find_model(name)).baseline_names(find_model(name), ["AUC"]) for name in known}
    assert asked == {name: tuple(made) for name, made in known.items()}
    assert task_of(find_model("DIN")).baseline_names(find_model("DIN"), ["Hit"]) == tuple(BASELINES)
