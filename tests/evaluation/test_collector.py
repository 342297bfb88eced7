"""Lists and hits among candidates, recounted by a plain loop."""

from typing import Any

import numpy as np
import pytest
import torch
from recbole.utils import EvaluatorType

from recbole_ext.config.old_numpy import provide_old_names
from recbole_ext.evaluation.collector import UnitCollector, top_items
from recbole_ext.evaluation.ranking_metrics import RankingMetrics

METRICS = ["Hit", "MRR", "NDCG", "Recall", "Precision", "MAP", "GAUC"]


class Settings(dict[str, Any]):
    """What RecBole's collector and metrics read."""

    def __missing__(self, key: str) -> None:
        return None


def settings(topk: list[int], metrics: list[str] = METRICS) -> Settings:
    provide_old_names()
    return Settings(
        eval_args={"mode": {"valid": "full", "test": "full"}},
        topk=topk,
        device=torch.device("cpu"),
        metrics=metrics,
        metric_decimal_place=12,
        eval_type=EvaluatorType.RANKING,
        USER_ID_FIELD="user_id",
    )


def recounted(scores: np.ndarray, targets: list[set[int]], topk: list[int]) -> dict[str, float]:
    """The definitions, list by list; a target without a score is a miss."""
    found: dict[str, list[float]] = {}
    areas, weights = [], []
    for row, wanted in zip(scores, targets, strict=True):
        ranked = [int(i) for i in np.argsort(-row, kind="stable") if row[i] != -np.inf]
        for k in topk:
            hits = [int(i in wanted) for i in ranked[:k]]
            ranks = [place for place, hit in enumerate(hits, 1) if hit]
            ideal = sum(1 / np.log2(place + 1) for place in range(1, min(len(wanted), k) + 1))
            precisions = [sum(hits[:place]) / place for place in ranks]
            values = {
                "hit": float(bool(ranks)),
                "mrr": 1 / ranks[0] if ranks else 0.0,
                "ndcg": sum(1 / np.log2(place + 1) for place in ranks) / ideal,
                "recall": len(ranks) / len(wanted),
                "precision": len(ranks) / k,
                "map": sum(precisions) / min(len(wanted), k),
            }
            for name, value in values.items():
                found.setdefault(f"{name}@{k}", []).append(value)
        others = [i for i in ranked if i not in wanted]
        if others:
            won = [sum((row[t] > row[o]) + (row[t] == row[o]) / 2 for o in others) for t in wanted]
            areas.append(sum(won) / len(others))
            weights.append(len(wanted))
    return {name: float(np.mean(values)) for name, values in found.items()} | {"gauc": sum(areas) / sum(weights)}


def random_case(seed: int) -> tuple[np.ndarray, list[set[int]]]:
    """Few items, many of them removed, targets among the removed ones too; one row without any candidate."""
    rng = np.random.default_rng(seed)
    n_rows, n_items = int(rng.integers(2, 12)), int(rng.integers(2, 9))
    scores = rng.permutation(n_rows * (n_items + 1)).reshape(n_rows, n_items + 1).astype(np.float32)
    scores[rng.random(scores.shape) < 0.5] = -np.inf
    scores[:, 0] = scores[0] = -np.inf
    scores[1, 1:] = np.arange(n_items)
    targets = [set(rng.choice(np.arange(1, n_items + 1), int(rng.integers(1, 3)), False).tolist()) for _ in scores]
    targets[1] = {1}
    return scores, targets


@pytest.mark.parametrize("seed", range(20))
def test_metrics_are_those_of_a_plain_loop_over_candidates(seed: int) -> None:
    scores, targets = random_case(seed)
    topk = [1, 2, scores.shape[1] + 3]  # more than there are items
    collector, pairs = UnitCollector(settings(topk)), [(u, i) for u, items in enumerate(targets) for i in items]
    for part in np.array_split(np.arange(len(scores)), 2):  # in batches
        mine = [(u - part[0], i) for u, i in pairs if u in part]
        row, item = torch.tensor(mine, dtype=torch.long).reshape(-1, 2).T
        collector.eval_batch_collect(torch.from_numpy(scores[part]), {}, row, item)
    found = RankingMetrics(collector.config).evaluate(collector.get_data_struct())
    assert found == pytest.approx(recounted(scores, targets, topk), abs=1e-6)
    assert all(type(value) is float for value in found.values())
    lost = sum(scores[u, i] == -np.inf for u, i in pairs)
    short = sum((row != -np.inf).sum() < topk[-1] for row in scores)
    counts = collector.counts
    assert (counts.lists, counts.targets) == (len(scores), len(pairs))
    assert (counts.targets_not_candidates, counts.short_lists) == (lost, short)


def test_places_that_no_candidate_takes_are_marked() -> None:
    scores = torch.tensor([[-np.inf, 2.0, 3.0], [-np.inf, -np.inf, -np.inf]])
    assert top_items(scores, 4).tolist() == [[2, 1, -1, -1], [-1, -1, -1, -1]]


def test_an_evaluation_begins_with_nothing_of_the_last_one() -> None:
    collector = UnitCollector(settings([1], ["Hit"]))
    for _ in range(2):
        collector = collector.emptied()
        collector.eval_batch_collect(torch.tensor([[-np.inf, 1.0, 2.0]]), {}, torch.tensor([0]), torch.tensor([2]))
        assert len(collector.get_data_struct().get("rec.topk")) == collector.counts.lists == 1
