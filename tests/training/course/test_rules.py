"""Each rule of the table fires on a planted case and is silent on a healthy run."""

from typing import Any

import pytest

from recbole_ext.training.course.course import Course, course_of_rows
from recbole_ext.training.course.limits import COURSE_LIMITS
from recbole_ext.training.course.rules import COURSE_RULES
from recbole_ext.training.course.warner import found_in

HEALTHY: dict[str, list[float]] = {
    "train_loss": [0.68, 0.64, 0.61, 0.59, 0.57, 0.56, 0.55, 0.54],
    "first_loss": [0.69] * 8,
    "grad_norm_growth": [0.9, 1.3, 2.0, 2.2, 2.4, 2.5, 2.6, 2.7],
    "learning_rate": [0.001] * 8,
    "auc": [0.60, 0.64, 0.66, 0.67, 0.675, 0.676, 0.677, 0.6775],
    "train_valid_gap": [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.06, 0.07],
    "kl": [4.0, 5.0, 5.5, 6.0, 6.0, 6.0, 6.0, 6.0],
    "active_units": [8.0] * 8,
    "latent_units": [8.0] * 8,
    "memory_share": [0.5] * 8,
    "gpu_memory_share": [0.8] * 8,
}


def found(metric: str = "auc", bigger: bool = True, epochs: int = 8, **columns: list[float]) -> list[str]:
    """The rules that fire on a healthy run with some columns replaced."""
    table = HEALTHY | columns
    rows = [{"epoch": e} | {name: values[e] for name, values in table.items()} for e in range(epochs)]
    return list(found_in(rows, metric, bigger))


def test_a_healthy_run_is_left_alone_after_each_epoch() -> None:
    assert [found(epochs=n) for n in range(1, 9)] == [[]] * 8


@pytest.mark.parametrize(
    ("rules", "columns"),
    [
        (["diverged"], {"train_loss": [0.68, 0.9, 1.2, 1.3, 1.3, 1.4, 1.4, 1.5]}),
        (["diverged", "exploding_gradients"], {"train_loss": [1.7e7] * 8, "grad_norm_growth": [1.5e6] * 8}),
        (["exploding_gradients"], {"train_loss": [0.7, *HEALTHY["train_loss"][1:]], "grad_norm_growth": [60.0] * 8}),
        (["posterior_collapse"], {"active_units": [0.0] * 8}),
        (["train_valid_gap"], {"train_valid_gap": [0.01] * 7 + [0.13]}),
        (["memory"], {"memory_share": [0.5] * 7 + [0.91]}),
        (["gpu_memory"], {"gpu_memory_share": [0.5] * 7 + [0.97]}),
        (["plateau"], {"auc": [0.60, 0.61] + [0.6] * 6, "train_loss": [0.68, 0.67] + [0.669] * 6}),
    ],
    ids=str,
)
def test_a_planted_fault_is_named(rules: list[str], columns: dict[str, list[float]]) -> None:
    assert found(**columns) == rules


@pytest.mark.parametrize(
    "columns",
    [
        {"grad_norm_growth": [500.0] * 8},  # the loss is below that of untrained weights: it learns
        {"grad_norm_growth": [40.0] * 8, "train_loss": [0.7] * 8, "auc": HEALTHY["auc"]},
        {"auc": [0.60, 0.61] + [0.6] * 6},  # the training loss falls: over-fitting and no plateau
        {"auc": [0.6] * 8, "train_loss": [0.67] * 8, "learning_rate": [1e-3] * 7 + [4e-4]},  # the schedule's end
    ],
    ids=str,
)
def test_what_only_resembles_a_fault_is_none(columns: dict[str, list[float]]) -> None:
    assert found(**columns) == []


def test_a_gap_is_judged_in_the_unit_of_its_metric() -> None:
    assert found("rmse", False, rmse=[0.9] * 8, train_valid_gap=[0.14] * 8, train_loss=HEALTHY["train_loss"]) == []
    assert found("rmse", False, rmse=[0.9] * 8, train_valid_gap=[0.16] * 8) == ["train_valid_gap"]
    assert found("ndcg@10", **{"ndcg@10": [0.2] * 8, "train_valid_gap": [0.11] * 8}) == ["train_valid_gap"]


def test_a_loss_below_zero_diverges_upwards_only() -> None:
    falling = [-1.0 - 0.1 * e for e in range(8)]
    assert found(train_loss=falling, first_loss=[-0.9] * 8) == []
    assert found(train_loss=[-0.9] * 7 + [0.1], first_loss=[-0.9] * 8) == ["diverged"]


def test_a_collapse_needs_a_few_epochs_and_counts_units_where_they_are_known() -> None:
    assert found(epochs=2, active_units=[0.0] * 8) == []
    course = Course({"kl": [(0, 0.001), (1, 0.001), (2, 0.001)]}, 2)
    collapse = next(rule for rule in COURSE_RULES if rule.name == "posterior_collapse")
    assert collapse.evidence(course) == [(2, 0.001)]
    assert collapse.sentence(course, [(2, 0.001)]) == "posterior collapse: KL is 0.001 nats in epoch 2"


def test_a_file_without_the_first_step_is_measured_from_its_first_epoch() -> None:
    rows: list[dict[str, Any]] = [
        {"epoch": e, "train_loss": 2.0 + 3 * e, "grad_norm_mean": 0.5 * 80**e} for e in range(2)
    ]
    assert list(found_in(rows, "rmse", False)) == ["diverged", "exploding_gradients"]
    assert list(found_in(rows[:1], "rmse", False)) == []


def test_cells_that_hold_no_number_are_no_points() -> None:
    rows: list[dict[str, Any]] = [{"epoch": 0, "train_loss": float("nan"), "auc": None}, {"epoch": 1, "auc": 0.5}]
    course = course_of_rows(rows, "auc", True)
    assert course.points == {"epoch": [(0, 0.0), (1, 1.0)], "valid": [(1, 0.5)]} and course.last_epoch == 1


def test_every_rule_says_what_to_do_and_every_threshold_why() -> None:
    assert all(rule.advice and rule.name for rule in COURSE_RULES)
    assert all(number > 0 and len(reason) > 20 for number, reason in COURSE_LIMITS.values())
