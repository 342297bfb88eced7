"""Which settings a run leaves unread, and what is advised instead."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.cli.keys_help import keys_text
from recbole_ext.cli.main import main
from recbole_ext.config.keys.unread_rules import RULES
from recbole_ext.pipeline.configure import build_config, resolve
from tests.conftest import write_inter


def unread(model: str, **given: Any) -> list[str]:
    return resolve(model, "there-is-none", [], given).unread


@pytest.mark.parametrize(
    ("model", "given", "advice"),
    [
        ("BPR", {"threshold": {"stars": 3.5}}, "threshold .* val_interval, as in {stars: '[3.5,inf)'}"),
        ("SASRec", {"threshold": {"rating": 4}}, "threshold .* SASRec ranks by what users took"),
        ("LightGCN", {"checkpoint_dir": "mine"}, "checkpoint_dir .* choose its place by runs_dir"),
        ("BPR", {"save_dataset": True}, "save_dataset .* dataset_tools split"),
        ("BPR", {"dataloaders_save_path": "x"}, "dataloaders_save_path .* every run reads the files"),
        ("BPR", {"state": "DEBUG"}, "state .* --debug"),
        ("BPR", {"loss_decimal_place": 6}, "loss_decimal_place .* metrics.csv"),
        ("BPR", {"gpu_id": "0,2"}, "gpu_id .* torchrun --nproc_per_node=N"),
        ("BPR", {"gpu_id": "1", "device": "cpu"}, "gpu_id .* device decides"),
        ("SASRec", {"repeatable": False}, "repeatable .* filter_seen_items: False"),
        ("BPR", {"train_mode": "prefix"}, "train_mode .* sequence models that train on windows"),
        ("GRU4Rec", {"worker": 2}, "worker .* in the training process"),
        ("HybridVAE", {"train_neg_sample_args": {"distribution": "uniform"}}, "train_neg_sample_args .* no negatives"),
        ("MultiVAE", {"train_neg_sample_args": {"sample_num": 4}}, "MultiVAE samples no negatives"),
        ("ItemKNN", {"learning_rate": 0.5}, "ItemKNN is computed without steps of an optimiser"),
        ("BPR", {"numerical_features": ["price"]}, "numerical_features .* BPR reads ids alone"),
        ("BPR", {"kg_reverse_r": True}, "kg_reverse_r .* reads no knowledge graph"),
        ("HybridVAE", {"filter_seen_items": False}, "filter_seen_items.*ranks no items"),
        ("LightGCN", {"transform": "crop_itemseq"}, "transform .* reads no sequence"),
        ("BPR", {"n_enc_epochs": 2}, "n_enc_epochs .* it is a setting of RecVAE"),
        ("BPR", {"mask_ratio": 0.1}, "mask_ratio .* it is a setting of .*BERT4Rec"),
        ("SS4Rec", {"enable_scaler": True}, "enable_scaler .* with enable_amp: True"),
        ("DeepFM", {"world_size": 2}, "world_size .* torchrun"),
        ("SS4Rec", {"item_fields_mode": "gated"}, "item_fields_mode .* it goes with item_fields"),
        ("SASRec", {"item_fields_mode": "gated"}, "item_fields_mode .* SS4Rec and Mamba4Rec read it"),
        ("MDAFMamba", {"item_vectors_mode": "frozen"}, "item_vectors_mode .* it goes with item_vectors"),
        ("Mamba4Rec", {"item_vectors_dropout": 0.5}, "item_vectors_dropout .* goes with item_vectors or item_fields"),
        ("BPR", {"item_vectors_dropout": 0.5}, "item_vectors_dropout .* BPR reads no vectors of items"),
    ],
    ids=str,
)
def test_a_setting_that_is_not_read_is_named_with_what_to_use(model: str, given: dict[str, Any], advice: str) -> None:
    found = unread(model, **given)
    assert len(found) == 1 and found[0].startswith("command line: ")
    assert all(piece in found[0] for piece in advice.split(".*"))


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("FM", {"threshold": {"rating": 4}, "numerical_features": ["price"], "worker": 1}),
        ("MDAFMamba", {"threshold": {"rating": 4}, "numerical_features": ["price"]}),
        (
            "BPR",
            {"threshold": {"rating": 4}, "eval_args": {"mode": "labeled"}, "metrics": ["AUC"], "valid_metric": "AUC"},
        ),
        ("BPR", {"threshold": {"rating": 4}, "train_neg_sample_args": None}),
        ("SASRec", {"filter_seen_items": False, "window_overlap": 0.25, "gpu_id": "1"}),
        ("BPR", {"gpu_id": 0, "device": "cpu"}),
        ("SASRec", {"train_mode": "prefix", "worker": 2, "transform": "mask_itemseq", "mask_ratio": 0.3}),
        ("CKE", {"kg_reverse_r": True}),
        ("GRU4RecKG", {"preload_weight": {"a": "b"}}),
        ("LightGCN", {"require_pow": True, "reg_weight": 0.1}),
        ("RecVAE", {"n_enc_epochs": 2}),
        ("SS4Rec", {"item_fields": ["genre"], "item_fields_mode": "gated", "item_vectors_dropout": 0.5}),
        ("MDAFBST", {"item_vectors": "v.npy", "item_vectors_mode": "frozen", "item_vectors_dropout": 0.5}),
        ("SS4Rec", {"use_target_time": True, "enable_amp": True, "enable_scaler": True}),
        ("SASRec", {"use_target_time": True, "history_term": "interval"}),
        ("BPR", {"state": "INFO", "checkpoint_dir": "saved", "loss_decimal_place": 4, "repeatable": True}),
    ],
    ids=str,
)
def test_what_is_read_or_repeats_the_default_is_not_named(model: str, given: dict[str, Any]) -> None:
    assert unread(model, **given) == []


def test_a_users_file_is_named_with_its_line_and_a_recorded_run_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("epochs: 3\nstate: ERROR\n")
    found = resolve("BPR", "there-is-none", [str(tmp_path / "a.yaml")], {}).unread
    assert [line.partition(" ")[0] for line in found] == [f"{tmp_path / 'a.yaml'}:2:"]


def test_a_run_prints_and_records_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(user, (user + 3 * k) % 12, k) for user in range(8) for k in range(6)]
    root = write_inter(tmp_path, "made", rows)
    words = ["--model=BPR", "--dataset=made", f"--data_path={root}", f"--runs_dir={tmp_path / 'runs'}", "--device=cpu"]
    assert main([*words, "--epochs=0", "--topk=[2]", "--valid_metric=MRR@2", "--checkpoint_dir=mine"]) == 0
    out = capsys.readouterr().out
    assert "WARNING     command line: checkpoint_dir is not read by this run: checkpoints lie in" in out
    assert "weights     as the model was made, without an epoch of training" in out
    result = (next((tmp_path / "runs").iterdir()) / "result.json").read_text()
    assert '"unread_settings": [' in result and "checkpoint_dir is not read" in result


@pytest.mark.parametrize("model", [None, "BPR", "SS4Rec", "HybridVAE", "DeepFM", "CKE"])
def test_help_lists_no_key_that_does_nothing(model: str | None) -> None:
    listed = {line.split()[0] for line in keys_text(model).splitlines() if line.startswith("  ") and line.strip()}
    dead = {"state", "checkpoint_dir", "save_dataset", "save_dataloaders", "loss_decimal_place", "POSITION_FIELD"}
    assert not listed & dead
    assert "learning_rate" in listed and "threshold" in listed
    assert ("kg_reverse_r" in listed) == (model in (None, "CKE"))
    assert ("filter_seen_items" in listed) == (model != "HybridVAE")


def test_every_rule_names_keys_that_exist() -> None:
    from recbole_ext.config.keys.model_keys import known_keys
    from recbole_ext.config.layers import default_layers
    from recbole_ext.registry import find_model

    entry = find_model("SS4Rec")
    known = known_keys(entry, default_layers(entry, "ml-100k", None))
    assert [key for rule in RULES for key in rule.keys if key not in known] == []


@pytest.mark.parametrize(
    ("given", "precision"),
    [
        ({}, "float32"),
        ({"enable_amp": True}, "bf16"),
        ({"enable_amp": True, "enable_scaler": True}, "bf16"),
        ({"enable_amp": True, "precision": "fp16"}, "fp16"),
        ({"enable_scaler": True}, "float32"),
    ],
    ids=str,
)
def test_recboles_mixed_precision_is_a_precision(given: dict[str, Any], precision: str) -> None:
    """On a CPU, where there is nothing to scale."""
    assert build_config("SS4Rec", "ml-100k", [], {"device": "cpu", **given})["precision"] == precision


def test_sequences_are_repeatable_for_recbole_whatever_was_given(make_config: Callable[..., Any]) -> None:
    assert make_config("SASRec", Path("none"), repeatable=False)["repeatable"] is True
