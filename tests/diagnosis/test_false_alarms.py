"""How often each rule of `diagnose` accuses a healthy run: at most 5 % on every kind of data, one of them held out."""

import pytest

from tests.diagnosis.healthy_runs import KINDS, false_alarms, healthy_run

NOMINAL = 0.05


def above_nominal(n: int) -> dict[tuple[str, str], float]:
    """Rates above nominal: of what is found, and of the patience that `wasted_epochs` advises."""
    return {(rule, kind): rate for rule, of in false_alarms(n).items() for kind, rate in of.items() if rate > NOMINAL}


@pytest.mark.slow
def test_a_healthy_run_learns_and_ends() -> None:
    for kind in KINDS.values():
        losses = [value for _, value in healthy_run(kind, 1).points["train_loss"]]
        assert 10 < len(losses) <= 60 and losses[-1] < losses[0]


@pytest.mark.slow
def test_no_rule_accuses_more_than_one_healthy_run_in_twenty() -> None:
    assert above_nominal(40) == {}


@pytest.mark.torture
def test_no_rule_accuses_more_than_one_healthy_run_in_twenty_at_full_counts() -> None:
    assert above_nominal(400) == {}
