import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.config.keys.eval_args import EVAL_ARGS, settled
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.configure import build_config


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"split": {"RS": [1]}}, r"split RS must be a list of three numbers .*\(got \[1\]\)"),
        ({"split": {"RS": [0.9, -0.2, 0.3]}}, r"split RS must hold finite numbers of at least 0; -0\.2 is none"),
        ({"split": {"RS": [0.9, True, 0.3]}}, "True is none"),
        ({"split": {"TS": [0.9, 0.1, math.inf]}}, "inf is none"),
        ({"split": {"RS": [8, 2, 0]}}, "must give training and test a fraction above 0"),
        ({"split": {"RS": [0, 1, 1]}}, "must give training and test a fraction above 0"),
        ({"split": {"RS": [4, 3, 2, 1]}}, "split RS must be a list of three"),
        ({"split": {"RS": "0.8,0.1,0.1"}}, "split RS must be a list of three"),
        ({"split": {"TS": "abc"}}, "split TS must be a list of three"),
        (
            {"split": {"LS": "test_onyl"}},
            "split LS must be one of valid_and_test, valid_only, test_only .*mean 'test_only'",
        ),
        ({"split": {"RS": [1, 1], "LS": "test_only"}}, r"split must be one of {RS: \["),
        ({"order": "time"}, r"order must be RO for a random order or TO for the order of time \(got 'time'\)"),
        ({"order": "to"}, r"order must be RO .*\(got 'to'\); did you mean 'TO'"),
        ({"group_by": "item"}, r"group_by must be one of user, none \(got 'item'\)"),
        ({"mode": "uni-5"}, r"mode must be full, labeled, or uniN .*\(got 'uni-5'\)"),
        ({"mode": "uni0"}, "mode must be full"),
        ({"mode": "fulll"}, "did you mean 'full'"),
        ({"mode": ["full"]}, "mode must be full"),
        (
            {"mode": {"valid": "uni2", "tset": "full"}},
            r"mode has no part 'tset' \(it has valid, test\); did you mean 'test'",
        ),
        ({"mode": {"valid": "pop"}}, r"mode: valid must be full.*\(got 'pop'\)"),
        ({"mode": {}}, "mode must be full"),
        ({"spilt": {"RS": [1, 1]}}, "eval_args has no part 'spilt' .*; did you mean 'split'"),
    ],
)
def test_each_fault_is_reported_at_configuration_time(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_config("BPR", "there-is-none", [], {"device": "cpu", "eval_args": entry})


@pytest.mark.parametrize("mode", ["full", "labeled", "uni1", "pop100", {"valid": "uni5", "test": "full"}])
def test_modes_that_exist(mode: object) -> None:
    assert EVAL_ARGS.faults("eval_args", {"mode": mode}) == []


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=3))
def test_shares_that_can_be_split_are_accepted_and_no_others(shares: list[float]) -> None:
    faults = EVAL_ARGS.faults("eval_args", {"split": {"RS": shares}})
    assert bool(faults) == (shares[0] == 0 or shares[-1] == 0)


def test_two_shares_are_training_and_test() -> None:
    found = settled({"split": {"RS": [3, 1]}, "order": "RO", "group_by": None, "mode": "full"})
    assert found == {"split": {"RS": [3, 0, 1]}, "order": "RO", "group_by": None, "mode": "full"}
    assert settled(found) == found


@pytest.mark.parametrize("split", [{"LS": "test_only"}, {"TS": [8, 1, 1]}])
def test_splits_by_users_are_grouped_by_users(split: dict[str, Any]) -> None:
    assert settled({"split": split, "group_by": "none"})["group_by"] == "user"


def test_a_split_by_time_needs_the_order_of_time() -> None:
    split = {"split": {"TS": [0.8, 0.1, 0.1]}}
    with pytest.raises(UsageError, match=r"order must be TO where split is TS, which is by time \(got 'RO'\)"):
        build_config("BPR", "there-is-none", [], {"device": "cpu", "eval_args": split})
