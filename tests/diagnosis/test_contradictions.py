"""What is printed of one result in several places agrees: verdict, findings, their advice, tables and pages."""

from typing import Any

import pytest

from recbole_ext.comparison.comparison import Row
from recbole_ext.diagnosis.curve import Curve
from recbole_ext.diagnosis.result_rules import worse_than_baseline, worse_than_mean
from recbole_ext.drift.estimates import Estimate
from recbole_ext.drift.recommendation import recommend
from recbole_ext.evaluation.best_baseline import against_baselines


def curve(result: dict[str, Any], valid: list[float] | None = None, bigger: bool = True) -> Curve:
    points = {"epoch": [(e, float(e)) for e in range(1, 10)]}
    points |= {"valid": list(enumerate(valid, 1))} if valid else {}
    return Curve(points, len(valid or [0] * 9), bigger, {"model": "Made"}, result)


def ratings(own: float, mean: float, r2: float) -> dict[str, Any]:
    facts = {"model": "Made", "valid_metric": "RMSE", "valid_metric_bigger": False, "test": {"rmse": own}}
    return {**facts, "baselines": {"global_mean": {"rmse": mean}}, "ratings": {"all": {"r2": r2}}}


@pytest.mark.parametrize(("own", "mean"), [(1.10, 1.20), (1.20, 1.10), (1.15, 1.15)])
def test_a_model_that_beats_the_mean_is_not_called_worse_than_it(own: float, mean: float) -> None:
    result = ratings(own, mean, -0.2)
    found, verdict = worse_than_mean(curve(result)), against_baselines(result)
    assert found is not None
    wins = "does not beat" not in verdict
    assert wins == (own < mean) == ("worse than the mean" not in found.text) == ("do not use it" not in found.advice)
    assert (worse_than_baseline(curve(result)) is None) == wins


@pytest.mark.parametrize("bigger", [True, False])
@pytest.mark.parametrize("own", [0.1, 0.2, 0.3])
@pytest.mark.parametrize("errors", [None, 0.5, 5.0])
def test_the_verdict_and_the_finding_agree(own: float, errors: float | None, bigger: bool) -> None:
    result = {"model": "Made", "valid_metric": "AUC" if bigger else "LogLoss", "valid_metric_bigger": bigger}
    name = str(result["valid_metric"]).lower()
    result |= {"test": {name: own}, "baselines": {"mean": {name: 0.2}}, "standard_errors_from_best": errors}
    verdict, found = against_baselines(result), worse_than_baseline(curve(result))
    is_ahead = own > 0.2 if bigger else own < 0.2
    assert (found is None) == is_ahead == ("does not beat" not in verdict)
    words = {None: "Made is ahead of", 0.5: "is not significantly ahead of", 5.0: "Made beats"}
    assert not is_ahead or words[errors] in verdict
    assert ("not tested over users" in verdict) == (errors is None)


@pytest.mark.parametrize(
    ("valid", "advised", "not_advised"),
    [
        ([0.1, 0.2, 0.3], "more epochs, because", "do not change it"),
        ([0.1, 0.3, 0.2, 0.2], "more epochs do not change it, because validation was best in epoch 2 of 4", "the last"),
        (None, "epochs, stopping_step", "do not change it"),
    ],
)
def test_more_epochs_are_advised_where_validation_still_improved(
    valid: list[float] | None, advised: str, not_advised: str
) -> None:
    result = {"model": "Made", "valid_metric": "AUC", "test": {"auc": 0.1}, "baselines": {"mean": {"auc": 0.2}}}
    found = worse_than_baseline(curve(result, valid))
    assert found is not None and advised in found.advice and not_advised not in found.advice


@pytest.mark.parametrize(
    ("low", "high", "p", "verdict"),
    [
        (0.01, 0.05, 0.01, "better"),
        (-0.01, 0.05, 0.01, "not shown"),
        (-0.05, -0.01, 0.01, "worse"),
        (0.01, 0.05, 0.2, "not shown"),
    ],
)
@pytest.mark.parametrize("metric", ["ndcg@10", "rmse"])
def test_no_difference_is_claimed_beside_an_interval_that_holds_0(
    low: float, high: float, p: float, verdict: str, metric: str
) -> None:
    turned = {"better": "worse", "worse": "better"}
    of = {"smaller": metric == "rmse", "difference": (low + high) / 2, "users": (low, high), "users_p": p}
    row = Row(entry=None, own=None, **of)  # type: ignore[arg-type]
    expected = turned.get(verdict, verdict) if metric == "rmse" else verdict
    assert row.verdict().partition(",")[0] == expected


@pytest.mark.parametrize(("value", "word"), [(0.02, "better by +0.02"), (-0.02, "worse by -0.02")])
def test_what_got_worse_is_not_called_better(value: float, word: str) -> None:
    found = recommend("ndcg@10", {"retrained": Estimate(value, value - 0.01, value + 0.01)}, 0.005, None)
    assert word in found.reason and found.retrain is (value > 0)
