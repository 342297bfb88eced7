from typing import Any

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.evaluation.criteria import (
    OF_EPOCH,
    OF_MODEL,
    OF_RUN,
    Verdict,
    failed,
    judge,
    known_names,
    read_criterion,
    tier_reached,
    verdict_lines,
)
from recbole_ext.pipeline.configure import build_config
from recbole_ext.tasks.registered import all_tasks

ROWS = [
    {"epoch": "1", "kl": "4.0", "train_loss": "0.9", "auc": "0.50", "train_auc": "0.55", "train_valid_gap": "0.05"},
    {
        "epoch": "2",
        "kl": "4.5",
        "grad_norm_growth": "1.5",
        "train_loss": "0.8",
        "auc": "0.58",
        "train_auc": "0.60",
        "train_valid_gap": "0.02",
    },
    {"epoch": "3", "train_loss": "0.7", "auc": "0.57", "train_auc": "0.70", "train_valid_gap": ""},
]
RESULT = {
    **{"best_epoch": 2, "epochs_trained": 3, "total_seconds": 90.0, "cost": 0.025},
    "test": {"auc": 0.56, "hit@10": 0.25},
    "further_test": {"r2": 0.4, "precision@10": 0.6},
}
TIERED = {"minimum": ["valid.auc >= 0.5"], "good": "r2 > 0.3", "excellent": ["r2 > 0.5", "cost <= 1"]}


@pytest.mark.parametrize(
    ("text", "verdict", "value"),
    [
        ("valid.auc >= 0.575", "PASS", 0.58),
        ("valid.auc >= 0.58", "PASS", 0.58),
        ("valid.auc > 0.58", "FAIL", 0.58),
        ("Valid.AUC>=.575", "PASS", 0.58),
        ("best_epoch in [2, 4]", "PASS", 2),
        ("best_epoch in [3,4]", "FAIL", 2),
        ("epochs_trained < 3", "FAIL", 3),
        ("train_valid_gap in [0.03, 0.12]", "FAIL", 0.02),
        ("train_valid_gap@epoch1 in [0.03, 1.2e-1]", "PASS", 0.05),
        ("train_valid_gap@epoch3 <= 1", "NOT YET", None),
        ("train.auc@epoch3 < 0.75", "PASS", 0.70),
        ("train.auc@epoch5 < 0.75", "NOT YET", None),
        ("train.loss <= 0.8", "PASS", 0.8),
        ("hit@10 > 0.25", "FAIL", 0.25),
        ("test.hit@10 >= 0.25", "PASS", 0.25),
        ("hit@20 >= 0.25", "NOT YET", None),
        ("r2 > 0.3", "PASS", 0.4),
        ("precision@10 in [0, 1]", "PASS", 0.6),
        ("kl >= 0.01", "PASS", 4.5),
        ("kl@epoch1 >= 5", "FAIL", 4.0),
        ("grad_norm_growth@epoch2 < 50", "PASS", 1.5),
        ("train_valid_gap@epoch1 < 0.20", "PASS", 0.05),
        ("total_seconds <= 60", "FAIL", 90),
        ("cost <= 0.05", "PASS", 0.025),
        ("peak_memory_mb < 1000", "NOT YET", None),
    ],
)
def test_a_finished_run_is_judged(text: str, verdict: str, value: float | None) -> None:
    assert judge([text], ROWS, RESULT) == [Verdict(text, verdict, value)]


def test_an_unfinished_run_is_judged_by_the_epochs_that_are_named() -> None:
    found = judge(["valid.auc >= 0.5", "valid.auc@epoch2 >= 0.6", "best_epoch <= 4", "hit@10 > 0"], ROWS, None)
    assert [each.verdict for each in found] == ["NOT YET", "FAIL", "NOT YET", "NOT YET"]


def test_tiers_are_judged_in_their_order_and_only_the_lowest_fails_a_run() -> None:
    found = [vars(each) for each in judge(TIERED, ROWS, RESULT)]
    assert [(each["tier"], each["verdict"]) for each in found] == [
        *(("minimum", "PASS"), ("good", "PASS"), ("excellent", "NOT MET"), ("excellent", "PASS"))
    ]
    assert tier_reached(found) == "good" and not failed(found)
    assert verdict_lines(found)[2:] == [
        "NOT MET     excellent: r2 > 0.5  (it is 0.4)",
        "PASS        excellent: cost <= 1  (it is 0.025)",
        "tier        good reached",
    ]
    lost = [vars(each) for each in judge({**TIERED, "minimum": ["valid.auc >= 0.9"]}, ROWS, RESULT)]
    assert failed(lost) and tier_reached(lost) == "" and verdict_lines(lost)[-1] == "tier        none reached"
    assert tier_reached([vars(each) for each in judge(["r2 > 0"], ROWS, RESULT)]) is None


def test_what_is_no_number_meets_nothing() -> None:
    assert judge(["hit@10 >= 0"], [], {"test": {"hit@10": float("nan")}})[0].verdict == "FAIL"


@pytest.mark.parametrize(
    "text",
    ["valid.auc", "valid.auc = 1", "valid.auc >= x", "best_epoch in (2, 4)", "__import__('os') > 1", "1 < 2", "", None],
)
def test_what_is_no_criterion(text: Any) -> None:
    with pytest.raises(UsageError, match=r"criteria: cannot read .*write for instance 'valid.auc >= 0.575'"):
        read_criterion(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("best_epoch@epoch3 > 1", "@epoch goes with valid., train. and train_valid_gap, and with columns"),
        ("test.auc@epoch3 > 1", "@epoch goes with valid."),
        ("best_epoch in [4, 2]", "the lower bound is above the upper one"),
    ],
)
def test_what_makes_no_sense(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_criterion(text)


def test_known_names_are_those_that_the_configuration_measures() -> None:
    values = {"metrics": ["Hit", "AUC"], "topk": [5, 10], "train_sample": 0}
    of_run = [name for name in OF_RUN if name != "cost"]
    of_epoch = [name for name in OF_EPOCH if name not in OF_MODEL]
    assert known_names(values) == [
        *(*of_run, "train.loss", "valid.auc", "valid.hit@5", "valid.hit@10"),
        *("test.auc", "test.hit@5", "test.hit@10", *of_epoch),
    ]
    assert "cost" in known_names({**values, "price_per_hour": 2.5})
    assert "train.hit@5" in known_names({**values, "train_sample": 10})
    assert {"valid.gauc", "test.ece", "valid.gate_static_mean"} <= set(
        known_names(values, all_tasks()["clicks"].further_metrics)
    )


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("SS4Rec", {"criteria": ["hit@20 > 0.1"]}, r"there is no 'test.hit@20'; did you mean 'hit@10'"),
        ("SS4Rec", {"criteria": ["valid.hti@10 > 0.1"]}, r"there is no 'valid.hti@10'; did you mean 'valid.hit@10'"),
        ("SS4Rec", {"criteria": ["best_epcoh > 1"]}, r"did you mean 'best_epoch'"),
        ("SS4Rec", {"criteria": ["train_valid_gap < 1"]}, r"needs a sample .*--train_sample=1000"),
        ("SS4Rec", {"criteria": ["train.hit@10 < 1"]}, r"needs a sample .*--train_sample=1000"),
        ("SS4Rec", {"criteria": {"best_epoch": [2, 4]}}, "criteria must be of type list, str"),
        ("SS4Rec", {"criteria": "hit@10"}, "criteria: cannot read 'hit@10'"),
        ("SS4Rec", {"train_sample": -1}, r"train_sample must be a number of rows, 0 for none, or valid \(got -1\)"),
        ("SS4Rec", {"train_sample": "all"}, r"train_sample must be .*\(got 'all'\)"),
        ("SS4Rec", {"criteria": {"goood": ["hit@10 > 0"]}}, "a mapping of the tiers minimum, good, excellent"),
        ("SS4Rec", {"criteria": {"good": ["hit@20 > 0"]}}, r"there is no 'test.hit@20'"),
        ("SS4Rec", {"criteria": ["cost < 1"]}, r"needs the price of this machine; add --price_per_hour=PRICE"),
        ("SS4Rec", {"criteria": ["kl > 1"]}, r"there is no 'kl'"),
        ("SS4Rec", {"criteria": ["r2 > 0"]}, r"there is no 'test.r2'"),
        ("BPR", {"criteria": ["rmse < 1"]}, r"there is no 'test.rmse'"),
    ],
    ids=str,
)
def test_faults_are_told_before_any_data_is_read(model: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_config(model, "ml-100k", [], {"device": "cpu", **given})


@pytest.mark.parametrize(
    ("model", "criteria"),
    [
        ("HybridVAE", ["r2 > 0", "valid.r2 > 0", "precision@10 > 0", "ndcg@10 > 0", "kl@epoch3 > 0", "train.rmse < 1"]),
        ("HybridVAE", {"minimum": "rmse < 1", "excellent": ["train_valid_gap@epoch5 < 0.2"]}),
        ("SS4Rec", ["cpu_use > 0", "grad_norm_max@epoch2 < 9", "cost < 2", "train_valid_gap@epoch5 < 0.2"]),
        ("BPR", ["precision@10 > 0", "ndcg@10 > 0", "memory_share@epoch1 < 0.9", "cost < 2", "train_valid_gap < 1"]),
    ],
)
def test_what_is_measured_can_be_a_criterion_of_every_task(model: str, criteria: Any) -> None:
    given = {"device": "cpu", "criteria": criteria, "price_per_hour": 1.5, "train_sample": "valid"}
    assert build_config(model, "ml-100k", [], given)["criteria"] == criteria


def test_lines_and_failures() -> None:
    verdicts = [
        {"text": "a > 1", "verdict": "PASS", "value": 2.0},
        {"text": "b > 1", "verdict": "NOT YET", "value": None},
    ]
    assert verdict_lines(verdicts) == ["PASS        a > 1  (it is 2)", "NOT YET     b > 1"]
    assert not failed(verdicts)
    assert failed([*verdicts, {"text": "c", "verdict": "FAIL", "value": 0}])
