"""Rules about the course of a run: each one speaks and each one is silent."""

import random

from recbole_ext.diagnosis.curve import Curve
from recbole_ext.diagnosis.curve_rules import gap_under_dropout, train_valid_gap, wasted_epochs


def curve_of(valid: list[float], **columns: list[float]) -> Curve:
    points = {name: list(enumerate(values)) for name, values in (columns | {"valid": valid}).items()}
    return Curve(points | {"epoch": [(e, float(e)) for e in range(len(valid))]}, len(valid) - 1)


def scored(gap: float, metric: str = "auc") -> Curve:
    curve = curve_of([0.6, 0.7, 0.65], gap=[0.0, gap, 0.9])
    curve.bigger, curve.metric = True, metric
    return curve


def test_a_gap_counts_at_the_best_epoch_and_in_the_unit_of_its_metric() -> None:
    found = train_valid_gap(scored(0.13))
    assert (
        found is not None and found.evidence == [(1, 0.13)] and "overfitting to the training rows: 0.1300" in found.text
    )
    assert train_valid_gap(scored(0.12)) is None and train_valid_gap(scored(-0.2)) is None
    assert train_valid_gap(scored(0.34, "ndcg@10")) is None and train_valid_gap(scored(0.36, "ndcg@10")) is not None
    assert train_valid_gap(curve_of([0.5])) is None


def test_a_gap_of_evaluation_mode_is_not_blamed_on_dropout() -> None:
    curve = curve_of([0.58], train_score=[0.54])
    curve.bigger, curve.settings = True, {"dropout_prob": 0.2}
    assert gap_under_dropout(curve) is not None
    curve.points["gap"] = [(0, -0.04)]
    assert gap_under_dropout(curve) is None


def test_a_patience_of_seven_survives_noise_that_one_of_three_does_not() -> None:
    generator = random.Random(0)

    def stopped(patience: int) -> float:
        return sum(stops(patience) for _ in range(4000)) / 4000

    def stops(patience: int) -> bool:
        failures = 0
        for _ in range(30):
            failures = 0 if generator.random() < 0.5 else failures + 1
            if failures > patience:
                return True
        return False

    assert stopped(3) > 0.5 and 0.03 < stopped(7) < 0.07


def test_a_patience_is_advised_where_the_run_has_shown_a_wait() -> None:
    never_better = wasted_epochs(curve_of([0.5] + [0.6] * 12))
    assert never_better is not None and never_better.changes == []
    assert never_better.advice == "none: no validation was better than the first"
    found = wasted_epochs(curve_of([1.0, *[1.1] * 8, 0.9, *[1.1] * 15]))
    assert found is not None and [change.value for change in found.changes] == [13]
    assert "a patience of 8 validations would have found the same best and saved 6" in found.text


def test_a_patience_counts_validations_and_ends_the_run_at_one_more() -> None:
    values = [1.0, *[1.1] * 8, 0.9, *[1.1] * 15]
    curve = curve_of(values)
    curve.points["valid"] = [(5 * place + 5, value) for place, value in enumerate(values)]
    curve.last_epoch = 5 * len(values)
    found = wasted_epochs(curve)
    assert found is not None and found.text.startswith("75 wasted epochs: the best is 50, the run stopped at 125")
    assert "a patience of 8 validations would have found the same best and saved 30" in found.text
    assert [(change.key, change.value) for change in found.changes] == [("stopping_step", 13)]
    stopped, failures, best = 0, 0, float("inf")
    for epoch, value in curve.valid:
        best, failures = (value, 0) if value < best else (best, failures + 1)
        stopped = stopped or epoch * (failures > 8)
    assert (best, stopped) == (0.9, 125 - 30)


def test_one_validation_after_the_best_is_no_waste() -> None:
    curve = curve_of([1.0, 0.9, 0.8, 0.7, 0.75])
    curve.points["valid"], curve.last_epoch = [(10 * e + 10, value) for e, value in curve.points["valid"]], 50
    assert wasted_epochs(curve) is None


def test_few_epochs_after_the_best_are_not_advised_away() -> None:
    found = wasted_epochs(curve_of([1.0, 0.5] + [0.6] * 6))
    assert found is not None and found.changes == [] and found.advice.startswith("none")
