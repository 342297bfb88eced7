"""The evaluator of any task: what it refuses, what it keeps, and when it warns."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from recbole_ext.devices import Placement
from recbole_ext.errors import NonFiniteError
from recbole_ext.evaluation.evaluator import Evaluator


@dataclass
class FixedScores:
    """Scores of a split that are known beforehand."""

    metrics: dict[str, float]
    candidates: dict[str, int] = field(default_factory=dict)
    warned: dict[str, str] = field(default_factory=dict)

    def units(self) -> None: ...

    def columns(self) -> dict[str, float]:
        return {"gate": 0.5}

    def findings(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {"rows": len(rows)}

    def warnings(self, split: str) -> dict[str, str]:
        return self.warned


class FixedScorer:
    """Gives the next of some scores."""

    quiet_columns: tuple[str, ...] = ()

    def __init__(self, *scores: FixedScores) -> None:
        self.scores = iter(scores)
        self.grads: list[bool] = []

    def score(self, model: Any, loader: Any, before_batch: Callable[[], None], detailed: bool = False) -> FixedScores:
        for _ in loader:
            before_batch()
        self.grads.append(torch.is_grad_enabled() or getattr(model, "training", False))
        return next(self.scores)


ALONE = Placement(device=torch.device("cpu"), rank=0, world_size=1)


def evaluator(*scores: FixedScores) -> Evaluator:
    return Evaluator(torch.nn.Linear(2, 1), FixedScorer(*scores), ALONE)


def test_one_evaluation_has_its_metrics_columns_and_findings() -> None:
    calls: list[int] = []
    found = evaluator(FixedScores({"auc": 0.7})).evaluate([1, 2], before_batch=lambda: calls.append(1))
    assert (found.metrics, found.columns(), found.findings([{}])) == ({"auc": 0.7}, {"gate": 0.5}, {"rows": 1})
    assert len(calls) == 2


def test_the_model_is_in_evaluation_mode_without_gradients() -> None:
    scorer = FixedScorer(FixedScores({"auc": 0.7}))
    Evaluator(torch.nn.Linear(2, 1).train(), scorer, ALONE).evaluate([])
    assert scorer.grads == [False]


def test_the_first_counts_of_a_split_are_kept_and_a_split_without_a_name_is_not_counted() -> None:
    each = [FixedScores({"hit@1": 0.0}, {"lists": n}) for n in (3, 4, 5)]
    found = evaluator(*each)
    for split in (None, "valid", "valid"):
        found.evaluate([], split)
    assert found.candidates == {"valid": {"lists": 4}}


def test_a_warning_is_printed_when_it_begins_to_hold(caplog: pytest.LogCaptureFixture) -> None:
    dead, alive = FixedScores({"auc": 0.7}, warned={"gate": "dead gate"}), FixedScores({"auc": 0.7})
    found = evaluator(dead, dead, alive, dead)
    with caplog.at_level(logging.WARNING, "recbole_ext"):
        for _ in range(4):
            found.evaluate([], "valid")
    assert caplog.text.count("dead gate") == 2


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_metric_or_a_weight_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(NonFiniteError, match="a metric is no number: auc is"):
        evaluator(FixedScores({"auc": value})).evaluate([])
    bad = evaluator(FixedScores({"auc": 0.7}))
    with torch.no_grad():
        bad.model.bias.fill_(value)
    with pytest.raises(NonFiniteError, match="the weights of bias are not finite, so no metric means anything"):
        bad.evaluate([])
