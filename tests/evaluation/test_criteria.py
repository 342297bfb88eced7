from typing import Any

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.evaluation.criteria import Verdict, failed, judge, known_names, read_criterion, verdict_lines
from recbole_ext.pipeline.configure import build_config
from recbole_ext.tasks.registered import all_tasks

ROWS = [
    {"epoch": "0", "train_loss": "0.9", "auc": "0.50", "train_auc": "0.55", "train_valid_gap": "0.05"},
    {"epoch": "1", "train_loss": "0.8", "auc": "0.58", "train_auc": "0.60", "train_valid_gap": "0.02"},
    {"epoch": "2", "train_loss": "0.7", "auc": "0.57", "train_auc": "0.70", "train_valid_gap": ""},
]
RESULT = {"best_epoch": 1, "epochs_trained": 3, "test": {"auc": 0.56, "hit@10": 0.25}}


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
    ],
)
def test_a_finished_run_is_judged(text: str, verdict: str, value: float | None) -> None:
    assert judge([text], ROWS, RESULT) == [Verdict(text, verdict, value)]


def test_an_unfinished_run_is_judged_by_the_epochs_that_are_named() -> None:
    found = judge(["valid.auc >= 0.5", "valid.auc@epoch2 >= 0.6", "best_epoch <= 4", "hit@10 > 0"], ROWS, None)
    assert [each.verdict for each in found] == ["NOT YET", "FAIL", "NOT YET", "NOT YET"]


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
        ("best_epoch@epoch3 > 1", "@epoch goes with valid., train. and train_valid_gap"),
        ("test.auc@epoch3 > 1", "@epoch goes with valid."),
        ("best_epoch in [4, 2]", "the lower bound is above the upper one"),
    ],
)
def test_what_makes_no_sense(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_criterion(text)


def test_known_names_are_those_that_the_configuration_measures() -> None:
    values = {"metrics": ["Hit", "AUC"], "topk": [5, 10], "train_sample": 0}
    assert known_names(values) == [
        *("best_epoch", "epochs_trained", "train.loss", "valid.auc", "valid.hit@5", "valid.hit@10"),
        *("test.auc", "test.hit@5", "test.hit@10"),
    ]
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
        ("BPR", {"criteria": ["rmse < 1"]}, r"there is no 'test.rmse'"),
    ],
    ids=str,
)
def test_faults_are_told_before_any_data_is_read(model: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_config(model, "ml-100k", [], {"device": "cpu", **given})


def test_lines_and_failures() -> None:
    verdicts = [
        {"text": "a > 1", "verdict": "PASS", "value": 2.0},
        {"text": "b > 1", "verdict": "NOT YET", "value": None},
    ]
    assert verdict_lines(verdicts) == ["PASS        a > 1  (it is 2)", "NOT YET     b > 1"]
    assert not failed(verdicts)
    assert failed([*verdicts, {"text": "c", "verdict": "FAIL", "value": 0}])
