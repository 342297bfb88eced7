from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.config.keys.metric_kinds import LISTS, METRIC_KINDS
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.configure import build_config
from recbole_ext.registry import find_model
from recbole_ext.tasks.registered import task_of

OF_TASK = {"ranking": "SASRec", "labels": "DeepFM", "trees": "LightGBM", "clicks": "MDAFMamba", "ratings": "HybridVAE"}
OF_MODE = {"full": "full", "sampled": "pop20", "labeled": "labeled"}


def configured(model: str, metric: str, mode: Any, **given: Any) -> Config:
    chosen = f"{metric}@10" if metric in LISTS and metric != "gauc" else metric
    settings = {"eval_args": {"mode": mode}, "metrics": [metric], "valid_metric": chosen, **given}
    return build_config(model, "ml-100k", [], {"device": "cpu", **settings})


@pytest.mark.parametrize("metric", METRIC_KINDS)
@pytest.mark.parametrize("mode", OF_MODE)
@pytest.mark.parametrize("task", OF_TASK)
def test_each_pair_of_the_table(task: str, mode: str, metric: str) -> None:
    entry = find_model(model := OF_TASK[task])
    allowed = task_of(entry).metrics(entry).get(mode)
    if allowed and metric in allowed:
        assert configured(model, metric, OF_MODE[mode])["metrics"] == [metric]
        return
    words = f"metrics: (?i:{metric}) cannot be measured for {model}" if allowed else "mode must be labeled for"
    with pytest.raises(UsageError, match=words):
        configured(model, metric, OF_MODE[mode])


@pytest.mark.parametrize(
    ("model", "metric", "mode", "message"),
    [
        ("BPR", "RMSE", "uni3", "metrics: RMSE cannot be measured for BPR in mode uni3; choose among Hit"),
        ("BPR", "AUC", "uni50", r"AUC cannot be measured for BPR .*, or give --eval_args='\{mode: labeled\}'"),
        ("BPR", "LogLoss", "labeled", "LogLoss cannot be measured for BPR in mode labeled; choose among AUC"),
        ("FM", "Recall", "labeled", r"Recall cannot be measured for FM in mode labeled; .*mode: full\}"),
        ("SASRec", "AUC", {"valid": "full", "test": "labeled"}, "AUC cannot be measured for SASRec in mode full"),
        ("HybridVAE", "AUC", "labeled", "AUC cannot be measured for HybridVAE in mode labeled; choose among RMSE, MAE"),
        ("HybridVAE", "RMSE", "uni5", r"mode must be labeled for HybridVAE, which ranks no lists \(got 'uni5'\)"),
        ("MDAFMamba", "RMSE", "labeled", "RMSE cannot be measured for MDAFMamba"),
    ],
)
def test_messages(model: str, metric: str, mode: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        configured(model, metric, mode)


def test_click_models_of_the_sequence_family_are_click_models() -> None:
    assert configured("DIN", "AUC", "uni100")["eval_args"]["mode"]["test"] == "uni100"


def test_lists_and_values_are_not_mixed() -> None:
    with pytest.raises(UsageError, match="metrics: AUC, Hit are not measured in one run"):
        configured("DeepFM", "AUC", "uni100", metrics=["AUC", "Hit"])


@pytest.mark.parametrize(("mode", "topk"), [("uni1", [2]), ("uni9", [1, 10]), ("pop4", [5]), ("uni3", [50])])
def test_a_list_as_long_as_its_candidates_finds_everything(mode: str, topk: list[int]) -> None:
    candidates = int(mode[3:]) + 1
    with pytest.raises(UsageError, match=rf"topk {max(topk)} with mode {mode}: a target is ranked among {candidates}"):
        configured("SASRec", "Hit", {"valid": "full", "test": mode}, topk=topk, valid_metric=f"Hit@{topk[0]}")
    assert configured("SASRec", "Hit", mode, topk=[candidates - 1], valid_metric=f"Hit@{candidates - 1}")
    assert configured("SASRec", "GAUC", mode, topk=topk)


@pytest.mark.parametrize(
    ("model", "metric", "baseline", "message"),
    [
        ("BPR", "Hit", "markov", r"baselines must be among popularity \(got 'markov'\)"),
        ("DeepFM", "AUC", "popularity", "baselines must be among click_rate, item_rate, user_item_rate"),
        ("LightGBM", "AUC", "click_rate", "baselines: LightGBM has none to be compared with"),
    ],
)
def test_baselines_that_a_run_would_not_compute_are_refused(
    model: str, metric: str, baseline: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        configured(model, metric, "full" if metric == "Hit" else "labeled", baselines=[baseline])
