"""Settings of click models are refused before any data is read: no data set of this name exists."""

from types import SimpleNamespace
from typing import Any

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.pipeline.configure import build_config
from recbole_ext.tasks.registered import task_of

IN_TIME = {"eval_args": {"order": "TO"}}


@pytest.mark.parametrize("model", ["MDAFMamba", "MDAFBST"])
@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"branches": ["statik"]}, r"branches must name .*\(got \['statik'\]\); did you mean 'static'"),
        ({"branches": []}, r"branches must name one or more of static, sequential, sets \(got \[\]\)"),
        ({"attention_heads": 5}, r"attention_heads must be positive and divide hidden_size \(got 5, 64\)"),
        ({"attention_heads": 0}, r"attention_heads must be positive and divide hidden_size \(got 0, 64\)"),
        ({"gate": "tanh"}, r"gate must be one of scalar, vector, softmax, none \(got 'tanh'\)"),
        ({"next_in_time": "future"}, r"next_in_time must be one of both, past, none \(got 'future'\)"),
        ({"history_from": "befor"}, r"history_from must be one of train, before .*did you mean 'before'"),
        ({"history_from": "before"}, "history_from: before needs rows in the order of time"),
        (
            {**IN_TIME, "history_from": "before", "implicit_sets": "train"},
            "implicit_sets: train requires history_from:",
        ),
        ({**IN_TIME, "history_from": "before", "branches": ["sets"]}, "branches: sets requires history_from: train"),
        ({"set_embedding_size": 0}, r"set_embedding_size must be positive \(got 0\)"),
        ({"set_dropout_prob": 1.0}, r"set_dropout_prob must be at least 0 and below 1 \(got 1.0\)"),
    ],
    ids=str,
)
def test_faults_are_told_before_data_is_read(model: str, given: dict[str, Any], fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        build_config(model, "there-is-none", [], {"device": "cpu", "threshold": {"rating": 4}, **given})


def test_the_faults_come_together() -> None:
    given = {"branches": ["deep"], "attention_heads": 5, "history_from": "before"}
    with pytest.raises(UsageError) as caught:
        build_config("MDAFMamba", "there-is-none", [], {"device": "cpu", **given})
    assert len(str(caught.value).splitlines()) == 3


def test_a_click_model_is_checked_whatever_its_name() -> None:
    entry: Any = SimpleNamespace(name="Mine", task="clicks", own=True, family="context_aware")
    other: Any = SimpleNamespace(name="MDAFMamba", task="ranking", own=True, family="context_aware")
    given = {"history_from": "before", "eval_args": {"order": "RO"}, "branches": ["deep"]}
    assert [fault.split()[0] for fault in task_of(entry).faults(entry, [], given)] == ["branches", "history_from:"]
    assert task_of(entry).faults(entry, [], {"eval_args": {"order": "RO"}}) == []
    assert task_of(other).faults(other, [], given) == []
