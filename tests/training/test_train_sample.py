import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recbole.utils import init_seed

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders, training_sample
from recbole_ext.pipeline.train import run
from tests.conftest import write_inter
from tests.training.conftest import ROWS, SIZES

RATED = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
HOST = {name: value for name, value in SIZES.items() if name not in ("hidden_size", "d_state")}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "windows": ("Mamba4Rec", SIZES),
    "prefix": ("SASRec", {**HOST, "train_mode": "prefix", "loss_type": "CE"}),
    "sampled candidates": ("Mamba4Rec", {**SIZES, "eval_args": {"mode": "uni5"}}),
    "general": ("BPR", HOST),
    "context": ("FM", {**HOST, "eval_args": {"mode": "labeled"}, "metrics": ["AUC"], "valid_metric": "AUC"}),
    "rating": ("HybridVAE", {"epochs": 2, "train_batch_size": 32, "embedding_size": 4, "hidden_size": 4}),
    "clicks": ("MDAFMamba", {"epochs": 2, "hidden_size": 8, "embedding_size": 4, "d_state": 4, "attention_heads": 2}),
}


@pytest.fixture
def configure(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Config]:
    """A configuration by the name of a case."""

    def make(case: str, **given: Any) -> Config:
        rng, (model, settings) = np.random.default_rng(0), CASES[case]
        rows: list[tuple[Any, ...]] = [(user, item, int(rng.integers(1, 6)), time) for user, item, time in ROWS]
        root = write_inter(tmp_path, "made", rows, RATED)
        labels = {"threshold": {"rating": 3}} if case in ("context", "clicks") else {}
        columns = {"load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]}}
        return make_config(model, root, **{**columns, **settings, **labels, "baselines": [], **given})

    return make


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_sample_changes_no_weight_and_no_other_number(case: str, configure: Callable[..., Config]) -> None:
    weights, rows = [], []
    for sample in (0, 7):
        config = configure(case, train_sample=sample)
        init_seed(1, True)
        loaders = build_loaders(config, create_dataset(config))
        trainer = build_trainer(config, loaders)
        trainer.fit(loaders.train, loaders.valid)
        weights.append(trainer.model.state_dict())
        rows.append(trainer.state.best_valid_result)
    assert all(torch.equal(a, b) for a, b in zip(weights[0].values(), weights[1].values(), strict=True))
    assert {name: value for name, value in rows[1].items() if not name.startswith("train_")} == rows[0]
    metric, sign = trainer.settings.valid_metric, 1 if (trainer.settings.sign > 0) else -1
    assert rows[1]["train_valid_gap"] == pytest.approx(sign * (rows[1][f"train_{metric}"] - rows[1][metric]))


@pytest.mark.parametrize("case", CASES)
def test_the_sample_is_of_training_rows_and_the_same_for_each_seed(case: str, configure: Callable[..., Config]) -> None:
    found = []
    for seed in (1, 2):
        split = {} if case == "rating" else {"eval_args": {"order": "TO", "group_by": "user"}}
        config = configure(case, train_sample=5, seed=seed, **split)
        loaders = build_loaders(config, create_dataset(config))
        sample, part = training_sample(config, loaders), loaders.train._dataset
        batches = [batch[0] if isinstance(batch, tuple) else batch for batch in sample]
        names = ("user", "item") if case == "clicks" else (part.uid_field, part.iid_field)
        pairs = [tuple(pair) for b in batches for pair in zip(*(b[n].tolist() for n in names if n in b), strict=True)]
        found.append(pairs)
        known = part.events.columns if hasattr(part, "events") else part.inter_feat
        rows = set(zip(*(known[n].tolist() for n in (part.uid_field, part.iid_field)), strict=True))
        users = {user for user, _ in rows}
        assert all(pair in rows if len(pair) > 1 else pair[0] in users for pair in pairs)
    assert found[0] == found[1] and found[0]
    assert training_sample(configure(case, train_sample=0), loaders) is None


def test_a_rating_of_the_sample_is_predicted_without_itself(configure: Callable[..., Config]) -> None:
    config = configure("rating", train_sample=20)
    loaders = build_loaders(config, create_dataset(config))
    batch = next(iter(training_sample(config, loaders)))[0]
    rows = batch["rating_row"]
    assert torch.equal(loaders.train.columns["item_id"][rows], batch["item_id"])
    model = build_trainer(config, loaders).model.eval()
    seen = {name: column for name, column in batch.interaction.items() if name != "rating_row"}
    with torch.no_grad():
        assert not torch.equal(model.predict(batch), model.predict(type(batch)(seen)))


@pytest.mark.slow
def test_criteria_are_judged_stored_and_told_by_the_exit_code(
    configure: Callable[..., Config], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    criteria = ["valid.ndcg@2@epoch1 >= 0", "train_valid_gap in [-1, 1]", "train.loss@epoch9 < 1"]
    result = run(configure("windows", train_sample="valid", criteria=criteria))
    assert [each["verdict"] for each in result["criteria"]] == ["PASS", "PASS", "NOT YET"]
    folder = Path(result["run_directory"])
    assert json.loads((folder / "result.json").read_text())["criteria"] == result["criteria"]
    last = list(csv.DictReader((folder / "metrics.csv").open()))[result["best_epoch"] - 1]
    assert result["criteria"][1]["value"] == float(last["train_valid_gap"])
    assert "PASS        train_valid_gap in [-1, 1]  (it is" in capsys.readouterr().out
    again = ["--model=Mamba4Rec", "--dataset=made", f"--config_files={folder}/config.yaml"]
    assert main(again) == 0
    assert main([*again, "--criteria=[best_epoch > 7]"]) == 6
    assert "FAIL        best_epoch > 7" in capsys.readouterr().out
