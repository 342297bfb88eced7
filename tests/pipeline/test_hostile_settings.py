"""Settings of a wrong kind or size: each is an error with its key, before any data is read; RecBole's refusals too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.config.keys.layer_faults import KeyRules
from recbole_ext.config.keys.model_keys import known_keys
from recbole_ext.config.layers import Layer, default_layers, merge
from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.pipeline.build import build_on_device
from recbole_ext.pipeline.configure import resolve
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.refused_settings import refused_settings
from recbole_ext.registry import models

NAN, INF = float("nan"), float("inf")
HOSTILE: dict[str, list[tuple[str, Any]]] = {
    "BPR": [
        *(("seed", value) for value in (-1, 2**64, 1.5, None, "x", [1])),
        *(("worker", value) for value in (-1, 10**6)),
        *(("torch_threads", value) for value in (-1, 10**9)),
        *(("weight_decay", value) for value in (NAN, INF, -1.0)),
        *(("embedding_size", value) for value in (-1, 0, 2**40, None, 1.5, True)),
        *(("learning_rate", value) for value in (INF, None, "fast")),
        *(("train_batch_size", value) for value in (0, 10**30)),
        *(("stopping_step", -3), ("eval_step", -1), ("epochs", 10**30), ("keep_checkpoints", -1), ("nan_retries", -1)),
        *(("load_col", value) for value in ([], 7, "inter", {1: ["a"]}, {"inter": 5}, {"inter": [[1]]})),
        *(
            ("load_col", {"inter": {"a": 1}}),
            ("unload_col", {"inter": "x"}),
            ("unused_col", {"inter": ["item_id"]}),
            ("seq_len", {"a": -1}),
        ),
        *(("encoding", value) for value in (5, ["utf-8"], {}, "base64", "undefined", "hex", "utf-8\0", "nope")),
        *(("metrics", value) for value in ([], [3], {}, [["a"]])),
        *(("topk", value) for value in ([True], [], "x", [1.5])),
        *(("USER_ID_FIELD", value) for value in ("", 3, None)),
        *(("ITEM_ID_FIELD", "user_id"), ("NEG_PREFIX", ""), ("LIST_SUFFIX", None)),
        *(("data_path", "a\0b"), ("data_path", 3), ("runs_dir", ["x"]), ("runs_dir", "a\0b")),
        *(("eval_args", {"split": {"RS": [NAN, 1, 1]}}), ("eval_args", []), ("eval_args", {"mode": ["full"]})),
        *(("eval_args", {"mode": {"valid": 3}}), ("eval_args", {"group_by": 4}), ("eval_args", {"split": {"TS": []}})),
        *(("train_neg_sample_args", {"sample_num": value}) for value in (NAN, 10**30)),
        *(("train_neg_sample_args", {"distribution": ["uniform"]}), ("train_neg_sample_args", {1: 2})),
        *(("clip_grad_norm", {"max_norm": NAN}), ("val_interval", {"rating": {}}), ("threshold", {"rating": NAN})),
        *(("user_inter_num_interval", value) for value in ("[nan,inf)", 5, ["a"])),
        *(("metric_decimal_place", -1), ("candidate_seed", -1), ("save_seconds", NAN), ("hang_seconds", -1.0)),
        *(("min_delta", NAN), ("price_per_hour", -1.0), ("seeds", {}), ("seeds", [-1]), ("criteria", [3])),
        *(("stages", value) for value in ([3], [{"share": NAN}], [{"learning_rate": INF}], [{"epochs": 10**30}])),
        *(("device", 3), ("device", "cuda:-1"), ("gpu_id", [0]), ("learner", ["adam"]), ("averaging", None)),
        *(("warmup_share", NAN), ("plateau_factor", INF), ("plateau_patience", -1), ("accumulate_batches", 0)),
        *(
            ("field_separator", 5),
            ("seq_separator", None),
            ("notify_hosts", 5),
            ("start_from", 3),
            ("baselines", [[1]]),
        ),
    ],
    "SS4Rec": [
        *(("dropout_prob", value) for value in (1.5, NAN, -0.1)),
        *(
            ("num_layers", 0),
            ("s5_state_size", 3),
            ("gap_unit", 0.0),
            ("max_step", -1.0),
            ("dt_min", 1.0),
            ("dt_min", -1.0),
        ),
        *(("drop_path", 1.5), ("ffn_multiplier", NAN), ("block", "x"), ("gap_transform", "x"), ("sublayers", "x")),
        *(("negative_distribution", "x"), ("history_term", "x"), ("n_negatives", 0), ("gbce_calibration", 2.0)),
        *(("embedding_l2", -1.0), ("window_overlap", NAN), ("hidden_size", 2**31), ("overweight_share", NAN)),
    ],
    "HybridVAE": [
        *(("rating_scale", value) for value in ([1], ["a", "b"], [NAN, 5], 3)),
        *(("tower_widths", value) for value in (None, [0], "x")),
        *(("attention_heads", 3), ("latent_size", -1), ("prior_std", NAN), ("kl_weight", NAN), ("free_bits", INF)),
        *(
            ("side_features", [[1]]),
            ("time_context", 3),
            ("architecture", None),
            ("relevant_rating", NAN),
            ("split_seed", -1),
        ),
    ],
    "MDAFMamba": [
        *(("branches", value) for value in ([], ["x"], "x", [[1]], None)),
        *(("attention_heads", 5), ("gate", 3), ("encoder", "x"), ("ecn_layers", -1), ("implicit_set_size", 0)),
        *(("time_zone_hours", NAN), ("set_kl_weight", -1.0), ("behaviour_field", 3), ("set_dropout_prob", 1.0)),
    ],
    "Mamba4Rec": [
        ("hidden_size", None),
        ("dropout_prob", None),
        ("ssm_variant", "mamba3"),
        ("loss_type", 3),
        ("head_dim", 0),
    ],
    "SASRec": [
        *(("n_heads", value) for value in (3, 0, -2)),
        *(("n_layers", value) for value in (0, -1)),
        *(("hidden_act", "foo"), ("hidden_dropout_prob", 1.5), ("layer_norm_eps", NAN), ("initializer_range", -1.0)),
        *(("inner_size", 0), ("hidden_size", 63), ("loss_type", 3)),
    ],
    "DeepFM": [
        *(("mlp_hidden_size", value) for value in ([0], ["a"], 5, [1.5])),
        *(("dropout_prob", 2), ("threshold", {"rating": "x"}), ("numerical_features", [3])),
    ],
    "AutoInt": [("num_heads", 3), ("dropout_probs", [1.5, 0, 0])],
    "ItemKNN": [("k", 0), ("k", "x"), ("shrink", -1.0)],
    "SLIMElastic": [("alpha", "x"), ("l1_ratio", 7.0)],
}
CASES = [(model, key, value) for model, given in HOSTILE.items() for key, value in given]


@pytest.mark.parametrize(("model", "key", "value"), CASES, ids=[f"{m}-{k}-{str(v)[:24]!r}" for m, k, v in CASES])
def test_a_value_of_a_wrong_kind_or_size_is_an_error_with_its_key(model: str, key: str, value: Any) -> None:
    with pytest.raises(UsageError, match=key):
        resolve(model, "ml-100k", [], {"device": "cpu", key: value})


def test_they_are_over_a_hundred() -> None:
    assert len(CASES) > 150


@pytest.mark.parametrize("model", models())
def test_the_defaults_of_every_model_are_right(model: str) -> None:
    """RecBole's own files keep to the ranges that its documentation gives."""
    entry = models()[model]
    layers = default_layers(entry, "there-is-none", None)
    rules = KeyRules(entry, known_keys(entry, layers), merge(layers)[0])
    assert rules.faults(Layer("defaults", merge(layers)[0])) == {}


def test_a_wrong_value_does_not_hide_what_else_is_wrong() -> None:
    with pytest.raises(UsageError) as caught:
        resolve("SASRec", "ml-100k", [], {"seed": -1, "topk": [0, 10], "eval_args": {"order": "RO"}, "metrics": {}})
    assert len(str(caught.value).splitlines()) == 4


def test_the_file_of_a_data_set_is_checked_too(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "made.yaml").write_text("seed: -1\n")
    with pytest.raises(UsageError, match=r"made.yaml:1: seed must be an integer from 0 to 4294967295 \(got -1\)"):
        resolve("BPR", "made", [], {"data_path": str(tmp_path)})


ROWS = [(f"u{u}", f"i{(3 * u + k) % 9}", 1 + (u + k) % 5, 1000 * u + k, k % 2) for u in range(8) for k in range(6)]
HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\tlabel:float"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, write: Callable[..., Path]) -> Path:
    return write(tmp_path_factory.mktemp("data"), "made", ROWS, HEADER)


def built(make_config: Callable[..., Config], root: Path, model: str, given: dict[str, Any]) -> Any:
    ranked = {"topk": [1], "metrics": ["MRR"], "valid_metric": "MRR@1"} if model in ("BPR", "SASRec", "ConvNCF") else {}
    config = make_config(model, root, load_col=None, **ranked, **given)
    loaders = build_loaders(config, create_dataset(config))
    return build_on_device(config, loaders)


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("DeepFM", {"mlp_hidden_size": []}, r"while building the model \(DeepFM\): .*\nit reads mlp_hidden_size=\[\]"),
        ("AutoInt", {"dropout_probs": [0.1]}, r"IndexError: .*\nit reads dropout_probs=\[0.1\] \(command line\)"),
        ("ConvNCF", {"cnn_channels": [1, 32]}, "it reads cnn_channels="),
        ("BPR", {"benchmark_filename": ["a", "b", "c", "d"]}, "benchmark_filename must be"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isalnum() else None,
)
def test_what_recbole_cannot_compute_with_is_reported_with_key_and_value(
    model: str, given: dict[str, Any], message: str, make_config: Callable[..., Config], root: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        built(make_config, root, model, given)


def test_an_error_of_this_package_is_no_error_of_the_settings(make_config: Callable[..., Config], root: Path) -> None:
    config = make_config("BPR", root, embedding_size=8)
    for raised in (raise_here, lambda: torch.zeros(2) @ torch.zeros(3)):
        with pytest.raises((KeyError, RuntimeError)) as caught:
            raised()
        assert refused_settings(config, caught.value, "building the model") is None


def raise_here() -> None:
    raise KeyError("embedding_size")


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        (
            "BPR",
            {"embedding_size": 2**31 - 1},
            r"\(embedding_size\) for 19 users and items take 608",
        ),
        (
            "HybridVAE",
            {"embedding_size": 2**31 - 1},
            r"building HybridVAE: vectors of 2,147,483,647 .*lower embedding_size",
        ),
        ("SASRec", {"MAX_ITEM_LIST_LENGTH": 2**31 - 1}, "out of memory while building SASRec: 512.00 GiB in one piece"),
    ],
)
def test_memory_that_is_not_there(
    model: str, given: dict[str, Any], message: str, make_config: Callable[..., Config], root: Path
) -> None:
    with pytest.raises(ResourceError, match=message):
        built(make_config, root, model, given)
