"""Members become an ensemble: weights on validation, then one pass over test for the ensemble and its members."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.comparison.blending import (
    blended,
    candidate_values,
    convex_weights,
    fused_scores,
    searched_weights,
)
from recbole_ext.comparison.members import Member, member_values, ranked_batches
from recbole_ext.errors import UsageError
from recbole_ext.evaluation.predicted_values import Measured, Values
from recbole_ext.tasks.ranking.evaluation.scorer import RankingScores

OF_RANKINGS, OF_VALUES = ("score", "rank"), ("mean",)
"""Methods of blending; the first is the default."""


@dataclass(frozen=True)
class Weighing:
    """What validation chose.

    Attributes:
        weights: (M,).
        rows, of_rows: how many validation rows the weights were chosen on, of how many.
        members: validation metrics of each member on those rows.
        ensemble: those of the ensemble.
    """

    weights: np.ndarray
    rows: int
    of_rows: int
    members: list[dict[str, float]]
    ensemble: dict[str, float]


def chosen_method(members: list[Member], method: str | None) -> str:
    """The method, by default the first for this kind of prediction.

    Raises:
        UsageError: the method is not for it.
    """
    allowed = OF_RANKINGS if members[0].ranks else OF_VALUES
    if method is not None and method not in allowed:
        raise UsageError(
            f"--method={method}: predictions of {members[0].predicts} are blended by {' or '.join(allowed)}"
        )
    return method or allowed[0]


def weigh(members: list[Member], method: str, given: np.ndarray | None) -> Weighing:
    """Choose weights on the validation split, unless they are given.

    Ratings: exact least squares. Else a search by coordinates for the metric that chose the members' weights.
    """
    weigher = _weigh_rankings if members[0].ranks else _weigh_values
    return weigher(members, method, given)


def measure_test(members: list[Member], method: str, weights: np.ndarray) -> tuple[list[Measured], Measured]:
    """Metrics of the members and of the ensemble, in one pass over the test split."""
    if not members[0].ranks:
        rows, predicted = member_values(members, "test")
        whole = _blend(members[0], rows, predicted, weights)
        return [_valued(members[0], rows, of, "test") for of in predicted], _valued(members[0], rows, whole, "test")
    judges = [_Judge(members[0]) for _ in range(len(members) + 1)]
    for found in ranked_batches(members, "test", np.arange(members[0].part("test").sample_size)):
        batch, first, row, item = found[0]
        values = [candidate_values(scores, method) for _, scores, _, _ in found]
        for judge, scores in zip(
            judges, [*(f[1] for f in found), fused_scores(values, weights, _known(first))], strict=True
        ):
            judge.add(batch, scores, row, item)
    measured = [judge.measured("test") for judge in judges]
    return measured[:-1], measured[-1]


def _known(scores: Tensor) -> Tensor:
    return ~torch.isneginf(scores)


class _Judge:
    """The metrics of a member's task, for anybody's scores."""

    def __init__(self, member: Member) -> None:
        self.member, self.collector = member, member.ranking_scorer.collector()

    def add(self, batch: Any, scores: Tensor, row: Tensor, item: Tensor) -> None:
        self.collector.eval_batch_collect(scores, batch, row, item)

    def measured(self, part: str) -> Measured:
        scores = RankingScores(self.collector, self.member.ranking_scorer.metrics, self.member.part(part))
        return Measured(scores.metrics, scores.units())


def _blend(member: Member, rows: Values, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    may_be = not member.value_scorer.squares_errors
    return blended(predicted, weights, probabilities=may_be and bool(np.isin(rows.truth, (0, 1)).all()))


def _valued(member: Member, rows: Values, predicted: np.ndarray, part: str) -> Measured:
    """Metrics of (n,) predicted values."""
    return member.value_scorer.measured(member.part(part)._dataset, replace(rows, predicted=predicted))


def _score(member: Member, metrics: dict[str, float]) -> float:
    """The metric that chose the weights of the members, as something to be raised."""
    return metrics[member.metric] * (1 if member.config["valid_metric_bigger"] else -1)


def _weigh_values(members: list[Member], method: str, given: np.ndarray | None) -> Weighing:
    first = members[0]
    rows, predicted = member_values(members, "valid")
    weights = given
    if weights is None and first.value_scorer.squares_errors:
        weights = convex_weights(predicted, rows.truth)
    elif weights is None:
        weights = searched_weights(
            lambda w: _score(first, _valued(first, rows, _blend(first, rows, predicted, w), "valid").metrics),
            len(members),
        )
    alone = [_valued(first, rows, of, "valid").metrics for of in predicted]
    whole = _valued(first, rows, _blend(first, rows, predicted, weights), "valid").metrics
    return Weighing(weights, len(rows.truth), len(rows.truth), alone, whole)


def _weigh_rankings(members: list[Member], method: str, given: np.ndarray | None) -> Weighing:
    """The values of the candidates of as many rows as `eval_memory_gb` holds, sampled with a fixed seed."""
    first = members[0]
    n_rows = first.part("valid").sample_size
    n_items = first.loaders.train._dataset.item_num
    most = max(1, int(first.config["eval_memory_gb"] * 1e9 / (4 * n_items * (len(members) + 1))))
    rows = np.sort(np.random.default_rng(0).permutation(n_rows)[:most])
    kept: list[tuple[Interaction, list[Tensor], Tensor, Tensor, Tensor]] = []
    judges = [_Judge(first) for _ in members]
    field = first.config["USER_ID_FIELD"]
    for found in ranked_batches(members, "valid", rows):
        batch, scores, row, item = found[0]
        for judge, (_, own, _, _) in zip(judges, found, strict=True):
            judge.add(batch, own, row, item)
        users = Interaction({field: batch[field].cpu()})
        kept.append((users, [candidate_values(f[1], method) for f in found], _known(scores), row, item))

    def metrics(weights: np.ndarray) -> dict[str, float]:
        judge = _Judge(first)
        for users, values, known, row, item in kept:
            judge.add(users, fused_scores(values, weights, known), row, item)
        return judge.measured("valid").metrics

    weights = given
    if weights is None:
        weights = searched_weights(lambda w: _score(first, metrics(w)), len(members))
    return Weighing(weights, len(rows), n_rows, [judge.measured("valid").metrics for judge in judges], metrics(weights))


def best_member(members: list[Member], weighing: Weighing) -> int:
    """The member that is best on validation."""
    return int(np.argmax([_score(members[0], metrics) for metrics in weighing.members]))
