from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.configure import build_config, resolve
from recbole_ext.registry import models
from recbole_ext.tasks.registered import task_of


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("SS4Rec", {"learing_rate": 0.1}, "command line: unknown key 'learing_rate'; did you mean 'learning_rate'"),
        ("SASRec", {"s5_state_size": 4}, "unknown key 's5_state_size'"),
        ("SS4Rec", {"epochs": "many"}, r"command line: epochs must be of type int \(got 'many'\)"),
        ("SS4Rec", {"use_gaps": 1}, r"use_gaps must be of type bool \(got 1\)"),
        (
            "SS4Rec",
            {"time_order": "exakt"},
            r"time_order must be one of exact, recbole \(got 'exakt'\); did you mean 'exact'",
        ),
        ("SS4Rec", {"stages": [{"epoch": 3}]}, r"stages: entry 0 has an unknown key 'epoch'; did you mean 'epochs'"),
        ("SS4Rec", {"lr_schedule": "cosin"}, r"lr_schedule must be one of .*cosine.* \(got 'cosin'\)"),
        ("SS4Rec", {"warmup_share": 1.5}, r"warmup_share must lie between 0 and 1 \(got 1.5\)"),
        ("SS4Rec", {"averaging": "ema", "ema_decay": 1.0}, r"ema_decay must be at least 0 and below 1 \(got 1.0\)"),
        ("SS4Rec", {"sample_weight": "recency"}, "sample_weight: recency goes with one of recency_half_life_days"),
        ("SS4Rec", {"train_mode": "windows"}, "train_mode must be one of all_positions, prefix"),
        ("SASRec", {"loss_type": "BPRR"}, r"loss_type must be one of CE, BPR \(got 'BPRR'\); did you mean 'BPR'"),
        ("SS4Rec", {"loss_type": "BCE"}, r"loss_type must be one of CE, .*BPR \(got 'BCE'\)"),
        ("BPR", {"learner": "adamm"}, r"learner must be one of adam, .*\(got 'adamm'\); did you mean 'adam'"),
        ("SS4Rec", {"learner": "sparse_adam"}, r"learner must be one of adam, .*\(got 'sparse_adam'\)"),
        (
            "SS4Rec",
            {"baselines": ["markow"]},
            r"baselines must be among popularity, markov, skip_markov, personal_popularity \(got 'markow'\)",
        ),
        ("SS4Rec", {"metrics": ["NDCGG"]}, "there is no metric named 'NDCGG'; did you mean 'ndcg'"),
        ("SS4Rec", {"valid_metric": "AUC"}, r"valid_metric 'AUC' must be one of metrics \(Hit, NDCG, MRR, Recall\)"),
        ("SS4Rec", {"topk": [5]}, r"valid_metric 'NDCG@10' needs 10 among topk \(got \[5\]\)"),
        ("SS4Rec", {"topk": [10, 0]}, r"topk must hold positive integers \(got 0\)"),
        ("SS4Rec", {"topk": [10, "x"]}, r"topk must hold positive integers \(got 'x'\)"),
        ("SS4Rec", {"epochs": -1}, r"epochs must be at least 0 \(got -1\)"),
        ("LightGBM", {"epochs": 0}, r"epochs must be at least 1 \(got 0\)"),
        ("SS4Rec", {"enable_amp": True, "precision": "float32"}, "enable_amp: True and precision: float32 exclude"),
        (
            "BPR",
            {"min_user_inter_num": 7},
            r"unknown key 'min_user_inter_num'; write user_inter_num_interval: '\[7,inf\)'",
        ),
        ("SS4Rec", {"eval_step": 0}, r"eval_step must be positive \(got 0\)"),
        ("SS4Rec", {"learning_rate": float("nan")}, r"learning_rate must be positive \(got nan\)"),
        ("SS4Rec", {"learning_rate": -0.1}, r"learning_rate must be positive \(got -0\.1\)"),
        ("SS4Rec", {"MAX_ITEM_LIST_LENGTH": 0}, "MAX_ITEM_LIST_LENGTH must be positive"),
        ("SS4Rec", {"train_neg_sample_args": {"sample_num": 2}}, "samples no negatives"),
        ("SS4Rec", {"eval_args": {"order": "RO"}}, r"order must be TO for sequential models \(got 'RO'\)"),
        ("SS4Rec", {"eval_args": {"mod": "full"}}, "eval_args has no part 'mod' .*; did you mean 'mode'"),
        ("SS4Rec", {"eval_args": {"split": "LS"}}, r"split must be one of .*\(got 'LS'\)"),
        ("SS4Rec", {"eval_args": {"split": {"XX": 1}}}, "split must be one of"),
        ("SS4Rec", {"eval_args": "full"}, r"eval_args must be a (mapping|dict)"),
        ("SS4Rec", {"protocol": "recbol"}, r"protocol must be one of .*\(got 'recbol'\)"),
        ("SS4Rec", {"window_overlap": 1.0}, r"window_overlap must be at least 0 and below 1 \(got 1\.0\)"),
        ("SS4Rec", {"window_overlap": -0.5}, r"window_overlap must be at least 0 and below 1 \(got -0\.5\)"),
        ("SS4Rec", {"metrics": ["AUC", "NDCG"]}, "metric"),
        ("SS4Rec", {"hidden_size": 0}, r"hidden_size must be positive \(got 0\)"),
        ("SS4Rec", {"dropout_prob": 1.5}, r"dropout_prob must be at least 0 and below 1 \(got 1\.5\)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_each_fault_is_told(model: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_config(model, "ml-100k", [], {"device": "cpu", **given})


@pytest.mark.parametrize(
    ("model", "way_out"), [("SS4Rec", "train_mode: prefix"), ("MDAFMamba", "leave shuffle: False out")]
)
def test_shuffle_is_refused_where_it_is_not_honoured(model: str, way_out: str) -> None:
    with pytest.raises(UsageError, match=f"{model} makes its batches in a new random order.*{way_out}"):
        resolve(model, "ml-100k", [], {"device": "cpu", "shuffle": False})


def test_shuffle_is_taken_where_rows_are_batched() -> None:
    resolved = resolve("SASRec", "ml-100k", [], {"shuffle": False, "train_mode": "prefix", "loss_type": "CE"})
    assert resolved["shuffle"] is False
    assert resolve("HybridVAE", "ml-100k", [], {"shuffle": False})["shuffle"] is False


@pytest.mark.parametrize("model", ["HybridVAE", "MDAFMamba", "MDAFBST", "GRU4Rec", "BPR", "DeepFM", "LightGBM"])
def test_weights_of_targets_are_for_models_that_read_them(model: str) -> None:
    given = {"device": "cpu", "sample_weight": "recency", "recency_half_life_days": 1.0}
    with pytest.raises(UsageError, match=f"{model} does not weigh its targets; sample_weight: recency is for the"):
        build_config(model, "ml-100k", [], given)


def test_the_models_that_weigh_targets_are_those_with_weights() -> None:
    weighing = [e for e in models().values() if task_of(e).weighs_targets(e)]
    assert {e.name for e in weighing} == {"SS4Rec", "Mamba4Rec"} and all(e.load().weight_field for e in weighing)


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("epochs: x\n\nlearing_rate: 1\n")
    given = {"topk": [0, 10], "metrics": ["Nope", "NDCG"], "time_order": "x", "eval_args": {"order": "RO"}}
    with pytest.raises(UsageError) as caught:
        build_config("SS4Rec", "ml-100k", [str(tmp_path / "a.yaml")], given)
    lines = str(caught.value).splitlines()
    assert len(lines) == 6
    assert lines[0].startswith(f"{tmp_path / 'a.yaml'}:1: epochs must be") and ":3: unknown key" in lines[1]


@pytest.mark.parametrize(
    "given",
    [
        {"metrics": ["ndcg"], "valid_metric": "ndcg@10"},
        {"topk": [10, 20]},
        {"learner": "AdamW"},
        {"baselines": []},
        {"loss_type": "BPR", "train_neg_sample_args": {"sample_num": 1}},
        {"baselines": None},
        {"learning_rate": 1},
        {"eval_args": {"mode": "uni100"}},
        {"train_neg_sample_args": None},
        {"weight_decay": 1e-5},
    ],
    ids=str,
)
def test_what_is_right_passes(given: dict[str, Any]) -> None:
    config = build_config("SS4Rec", "ml-100k", [], {"device": "cpu", **given})
    assert all(config.origins[key] == "command line" for key in given)


def test_recboles_own_models_keep_their_loss_names(make_config: Callable[..., Config], small_ml_100k: Path) -> None:
    assert make_config("DMF", small_ml_100k, "ml-100k")["train_neg_sample_args"]["distribution"] == "uniform"


@pytest.mark.parametrize(
    ("model", "key"), [("GRU4Rec", "embedding_size"), ("SASRec", "inner_size"), ("SASRec", "n_heads")]
)
def test_sizes_of_recboles_models_are_positive(model: str, key: str) -> None:
    with pytest.raises(UsageError, match=rf"{key} must be positive \(got 0\)"):
        build_config(model, "ml-100k", [], {key: 0})
