"""The contract of every registered model on a catalogue of five items and on columns of other names.

Each one ends, or reports which condition the data does not meet; its scores depend on the data, and those of the
restored best weights are those that were computed.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.data.interaction import Interaction

from recbole_ext.config.config import Config
from recbole_ext.errors import RecBoleExtError
from recbole_ext.model_entry import ModelEntry
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from recbole_ext.registry import models
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.session import Session
from recbole_ext.training.trees import feature_table
from tests.conftest import write_inter

FAST = ("BPR", "DeepFM", "DIN", "KGAT", "LightGBM", "Pop", "SASRec", "HybridVAE")
CONDITIONS = {  # models that the five items do not suffice for, and what the report names
    "GRU4RecKG": (3, "the vectors of 'ent_id', which preload_weight does not name"),
    "KSR": (3, "the vectors of 'ent_id', which preload_weight does not name"),
    "NCL": (4, "faiss"),
    "LightGBM": (4, "lightgbm"),
    "XGBoost": (4, "xgboost"),
}
NOT_PERSONAL = ("Pop", "Random")
WITHOUT_CHANCE = ("AsymKNN", "EASE", "ItemKNN", "Pop")
OF_ITS_OWN: dict[str, dict[str, Any]] = {
    "LightGBM": {"lgb_num_boost_round": 2},
    "XGBoost": {"xgb_num_boost_round": 2},
    "RaCT": {"pretrain_epochs": 1, "save_step": 1},
    "S3Rec": {"pretrain_epochs": 1, "save_step": 1, "item_attribute": "class"},
}
NAMES = {"user_id": "customer", "item_id": "product", "rating": "stars", "timestamp": "when"}
KEYS = {"USER_ID_FIELD": "customer", "ITEM_ID_FIELD": "product", "RATING_FIELD": "stars", "TIME_FIELD": "when"}
CLICKS = ("DIN", "DIEN")
REGISTRY = [entry if entry.name in FAST else pytest.param(entry, marks=pytest.mark.slow) for entry in models().values()]


def write_set(root: Path, name: str, shift: int = 0) -> Path:
    """10 users with 5 events each on 5 items, an item column, a graph; `own` has other names. Items move by `shift`."""
    names = NAMES if name == "own" else {key: key for key in NAMES}
    rows = [
        (f"u{u}", f"i{(u + k * k + k * (u % 3) + shift * (u % 2)) % 5}", 1 + (u + 2 * k) % 5, 1000 * u + 60 * k)
        for u in range(10)
        for k in range(5)
    ]
    kinds = zip(names.values(), ("token", "token", "float", "float"), strict=True)
    write_inter(root, name, rows, "\t".join(f"{column}:{kind}" for column, kind in kinds))
    tables = {
        "item": (f"{names['item_id']}:token\tclass:token_seq", [f"i{k}\t{'X Y' if k % 2 else 'Z'}" for k in range(5)]),
        "link": (f"{names['item_id']}:token\tentity_id:token", [f"i{k}\tm{k}" for k in range(5)]),
        "kg": ("head_id:token\trelation_id:token\ttail_id:token", [f"m{k}\tr{k % 2}\tg{k % 3}" for k in range(5)]),
    }
    for suffix, (header, lines) in tables.items():
        (root / name / f"{name}.{suffix}").write_text("\n".join([header, *lines]) + "\n")
    return root


def settings(entry: ModelEntry, name: str) -> dict[str, Any]:
    """What a person would give for this model and this data set."""
    names = NAMES if name == "own" else {key: key for key in NAMES}
    columns: dict[str, list[str]] = {"inter": list(names.values()), "item": [names["item_id"], "class"]}
    if entry.family == "knowledge_aware" or entry.name in ("GRU4RecKG", "KSR"):
        columns |= {"kg": ["head_id", "relation_id", "tail_id"], "link": [names["item_id"], "entity_id"]}
    given: dict[str, Any] = {"epochs": 1, "load_col": columns, "baselines": [], "MAX_ITEM_LIST_LENGTH": 8}
    given["eval_args"] = {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user"}
    given |= {**(KEYS if name == "own" else {}), **OF_ITS_OWN.get(entry.name, {})}
    if entry.family in ("context_aware", "exlib") or entry.name in CLICKS:
        return given | {"threshold": {names["rating"]: 3}}
    if entry.task == "ratings":
        return given
    return given | {"topk": [2], "metrics": ["Hit"], "valid_metric": "Hit@2"}


def scores_of(trainer: Any, batch: Any) -> torch.Tensor:
    """All scores of a batch of test rows: (rows, items) of rankers, (rows,) of the others."""
    model = trainer.model
    if not isinstance(model, torch.nn.Module):
        return torch.as_tensor(model.predict(batch))
    model.eval()
    rows = batch[0] if isinstance(batch, tuple) else batch
    with torch.no_grad():
        if trainer.config["eval_args"]["mode"]["test"] != "full":
            return model.predict(rows)
        try:
            return model.full_sort_predict(rows).view(len(rows), -1)[:, 1:]
        except NotImplementedError:
            pairs = rows.repeat_interleave(5).to(model.device)
            pairs.update(Interaction({"item_id": torch.arange(1, 6).repeat(len(rows))}))
            return model.predict(pairs).view(len(rows), 5)


def fitted(make_config: Callable[..., Config], entry: ModelEntry, root: Path, run_root: Path, **given: Any) -> Any:
    """(trainer, a batch of its test loader, the scores of the batch) after an epoch."""
    config = make_config(entry.name, root, "five", **{**settings(entry, "five"), **given})
    loaders = build_loaders(config, create_dataset(config))
    trainer = build_trainer(config, loaders, Session(RunDirectory.new(run_root, entry.name, "five")))
    trainer.fit(loaders.train, loaders.valid)
    trainer.require_best()
    trees = not isinstance(trainer.model, torch.nn.Module)
    batch = feature_table(loaders.test, config["LABEL_FIELD"])[0] if trees else next(iter(loaders.test))
    return trainer, batch, scores_of(trainer, batch)


def unmet(entry: ModelEntry, error: RecBoleExtError) -> None:
    """The condition that the error names is the one that is known."""
    code, word = CONDITIONS[entry.name]
    assert (error.exit_code, word in str(error)) == (code, True), str(error)


def stray(model: torch.nn.Module) -> list[str]:
    """Tensors with gradients that no optimiser steps and no checkpoint holds: attributes beside the parameters."""
    known = {id(parameter) for parameter in model.parameters()}
    found = []
    for where, module in model.named_modules():
        for name, value in vars(module).items():
            held = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
            inner = [p for each in held if isinstance(each, torch.nn.Module) for p in each.parameters()]
            tensors = [each for each in [*held, *inner] if isinstance(each, torch.Tensor)] if name[0] != "_" else []
            if any(each.requires_grad and each.is_leaf and id(each) not in known for each in tensors):
                found.append(f"{where}.{name}")
    return found


@pytest.mark.parametrize("entry", REGISTRY, ids=lambda entry: entry.name)
def test_five_items(make_config: Callable[..., Config], tmp_path: Path, entry: ModelEntry) -> None:
    root = write_set(tmp_path / "data", "five")
    try:
        trainer, batch, scores = fitted(make_config, entry, root, tmp_path)
    except RecBoleExtError as error:
        return unmet(entry, error)
    assert torch.isfinite(scores).all()
    if entry.name == "LightGBM":
        return  # thirty rows are fewer than its leaves hold, so it predicts their mean
    assert scores.flatten().unique().numel() > 1
    personal = entry.name not in NOT_PERSONAL
    assert scores.dim() == 1 or (scores != scores[:1]).any() == personal
    if entry.name != "Random":
        moved = fitted(make_config, entry, write_set(tmp_path / "moved", "five", shift=2), tmp_path)[2]
        assert moved.shape != scores.shape or not torch.equal(moved, scores)
    assert not isinstance(trainer.model, torch.nn.Module) or stray(trainer.model) == []
    trainer.load_best()
    if entry.name not in ("ADMMSLIM", "Random"):  # these add noise to each answer
        assert torch.equal(scores_of(trainer, batch), scores)
    if entry.name in WITHOUT_CHANCE:
        assert torch.equal(fitted(make_config, entry, root, tmp_path, seed=7)[2], scores)


@pytest.mark.parametrize("entry", REGISTRY, ids=lambda entry: entry.name)
def test_columns_of_other_names(make_config: Callable[..., Config], tmp_path: Path, entry: ModelEntry) -> None:
    try:
        result = run(make_config(entry.name, write_set(tmp_path, "own"), "own", **settings(entry, "own")))
    except RecBoleExtError as error:
        return unmet(entry, error)
    assert result["test"] and json.dumps(result, allow_nan=False)
