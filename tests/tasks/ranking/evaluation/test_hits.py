"""Hits of whole evaluations, recounted by a loop over raw rows that uses nothing of RecBole."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.ranking.evaluation.scorer import RankingScorer
from tests.conftest import write_inter

TOPK = [1, 3, 5]
RATED = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
SIZES = {"topk": TOPK, "valid_metric": "NDCG@3", "metrics": ["Hit", "NDCG", "MRR"], "metric_decimal_place": 12}
MODELS: dict[str, dict[str, Any]] = {
    "GRU4Rec": {"hidden_size": 4, "embedding_size": 4},
    "BPR": {"embedding_size": 4, "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user"}},
}
Row = tuple[str, str, int, int]


def random_rows(seed: int) -> list[Row]:
    """Users of 4 to 9 rows among 7 items, which come back; one ends with the item that he had not met yet."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"u{u}", f"i{rng.integers(7)}", int(rng.integers(1, 6)), 10 * k)
        for u in range(1, 9)
        for k in range(int(rng.integers(4, 10)))
    ]
    return [*rows, *(("u0", f"i{k}", 5, 10 * k) for k in range(7)), *(("u9", f"i{k % 3}", 5, k) for k in range(9))]


def score(user: str, item: str) -> float:
    """Some fixed number without ties."""
    return zlib.crc32(f"{user} {item}".encode()) / 2**32


class FixedScores:
    """A scorer whose answers the loop knows too."""

    def __init__(self, dataset: Any) -> None:
        users, items = (dataset.field2id_token[field] for field in (dataset.uid_field, dataset.iid_field))
        self.table = torch.tensor([[score(str(user), str(item)) for item in items] for user in users])

    def eval(self) -> "FixedScores":
        return self

    def full_sort_predict(self, rows: Any) -> torch.Tensor:
        return self.table[rows["user_id"]].clone()

    def predict(self, rows: Any) -> torch.Tensor:
        return self.table[rows["user_id"], rows["item_id"]]


def values(ranked: list[str], target: str) -> dict[str, float]:
    found = {}
    for k in TOPK:
        rank = ranked[:k].index(target) + 1 if target in ranked[:k] else None
        found |= {f"hit@{k}": float(rank is not None), f"mrr@{k}": 1 / rank if rank else 0.0}
        found[f"ndcg@{k}"] = 1 / np.log2(rank + 1) if rank else 0.0
    return found


def recounted(lists: list[tuple[str, str, set[str]]]) -> dict[str, float]:
    """Means over (user, target, candidates); a target that is no candidate is a miss."""
    each = [values(sorted(among, key=lambda i: -score(user, i)), target) for user, target, among in lists]
    return {name: float(np.mean([one[name] for one in each])) for name in each[0]}


def held_out(rows: list[Row], back: int) -> list[tuple[str, str, set[str]]]:
    """Each user's `back`-th row from the end, with the items of the rows before it; of everybody."""
    found = []
    for user in sorted({row[0] for row in rows}):
        items = [row[1] for row in sorted((r for r in rows if r[0] == user), key=lambda r: r[3])]
        found.append((user, items[-back], set(items[:-back])))
    return found


@pytest.fixture
def evaluated(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Any]:
    """Test and validation metrics of fixed scores, the loaders and the evaluator."""

    def make(model: str, rows: list[Row], **given: Any) -> Any:
        config = make_config(model, write_inter(tmp_path, "made", rows, RATED), **{**SIZES, **MODELS[model], **given})
        loaders = build_loaders(config, create_dataset(config))
        scorer = RankingScorer(config, loaders.train)
        evaluator = Evaluator(FixedScores(loaders.train._dataset), scorer, config.placement)
        metrics = [evaluator.evaluate(getattr(loaders, split), split).metrics for split in ("valid", "test")]
        return metrics, loaders, evaluator

    return make


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("removes", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_full_rankings(model: str, removes: bool, seed: int, evaluated: Callable[..., Any]) -> None:
    rows = random_rows(seed)
    everything = {row[1] for row in rows}
    found, _, evaluator = evaluated(model, rows, filter_seen_items=removes)
    for metrics, split, back in zip(found, ("valid", "test"), (2, 1), strict=True):
        lists = [
            (user, item, everything - seen if removes else everything) for user, item, seen in held_out(rows, back)
        ]
        assert metrics == pytest.approx(recounted(lists), abs=1e-6)
        missed = sum(item not in among for _, item, among in lists)
        assert evaluator.candidates[split] == {
            "lists": len(lists),
            "targets": len(lists),
            "targets_not_candidates": missed,
            "short_lists": sum(len(among) < max(TOPK) for *_, among in lists),
        }
        assert bool(missed) == removes


@pytest.mark.parametrize("mode", ["uni5", "pop5"])
@pytest.mark.parametrize("removes", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_sampled_candidates(model: str, removes: bool, mode: str, evaluated: Callable[..., Any]) -> None:
    rows = random_rows(4)
    everything = {row[1] for row in rows}
    modes = {"eval_args": {**MODELS[model].get("eval_args", {}), "mode": mode}}
    found, loaders, evaluator = evaluated(model, rows, filter_seen_items=removes, **modes)
    for metrics, split, back in zip(found, ("valid", "test"), (2, 1), strict=True):
        loader = getattr(loaders, split)
        users, items = (loader._dataset.field2id_token[name] for name in ("user_id", "item_id"))
        sampled: dict[str, list[str]] = {}
        for batch in loader:
            for user, item in zip(batch.rows["user_id"], batch.rows["item_id"], strict=True):
                sampled.setdefault(str(users[user]), []).append(str(items[item]))
        fewer, lists = 0, []
        for user, target, seen in held_out(rows, back):
            allowed = everything - {target} - (seen if removes else set())
            others = [item for item in sampled[user] if item != target]
            assert len(others) == len(set(others)) == min(5, len(allowed)) and set(others) <= allowed
            assert sampled[user].count(target) == 1
            fewer += len(others) < 5
            lists.append((user, target, set(others) | ({target} - (seen if removes else set()))))
        assert metrics == pytest.approx(recounted(lists), abs=1e-6)
        assert evaluator.candidates[split]["lists_with_fewer_candidates"] == fewer
        assert evaluator.candidates[split]["targets_not_candidates"] == sum(t not in among for _, t, among in lists)


@pytest.mark.parametrize("mode", ["uni3", "pop3"])
@pytest.mark.parametrize("model", MODELS)
def test_candidates_depend_on_their_own_seed_alone(model: str, mode: str, evaluated: Callable[..., Any]) -> None:
    def candidates(**given: Any) -> list[list[int]]:
        modes = {"eval_args": {**MODELS[model].get("eval_args", {}), "mode": mode}}
        settings = {"filter_seen_items": False, "topk": [3], **modes, **given}
        _, loaders, _ = evaluated(model, random_rows(5), **settings)
        return [
            [item for batch in loader for item in batch.rows["item_id"].tolist()]
            for _ in "12"
            for loader in (loaders.valid, loaders.test)
        ]

    first = candidates(seed=1)
    assert first[:2] == first[2:], "each epoch meets the same candidates"
    assert first == candidates(seed=2)
    assert first != candidates(seed=1, candidate_seed=7)
    assert first == candidates(eval_batch_size=6), "batches change nothing"


@pytest.mark.parametrize("mode", ["full", "uni5"])
def test_several_rows_of_a_user_are_a_list_each_in_sequences_and_one_list_elsewhere(
    mode: str, evaluated: Callable[..., Any]
) -> None:
    rows = [(f"u{u}", f"i{(u + 2 * k) % 11}", 3, k) for u in range(5) for k in range(10)]
    split = {"split": {"RS": [0.5, 0.2, 0.3]}, "order": "TO", "group_by": "user", "mode": mode}
    for model, lists, targets in (("GRU4Rec", 10, 10), ("BPR", 5, 15)):  # no sequence ends with a user's first row
        _, loaders, evaluator = evaluated(model, rows, eval_args=split)
        counts = evaluator.candidates["test"]
        assert (counts["lists"], counts["targets"]) == (lists, targets)
        if mode != "full":
            batch = next(iter(loaders.test))
            assert len(batch.rows) <= targets * 6 and batch.rows["label"].sum() == len(batch.positive_i)


@pytest.mark.parametrize("mode", ["full", "uni2"])
def test_rows_with_label_0_are_not_to_be_found(mode: str, evaluated: Callable[..., Any]) -> None:
    rows = [(f"u{u}", f"i{(u + 2 * k) % 11}", 1 + (u + k) % 5, k) for u in range(5) for k in range(10)]
    split = {"split": {"RS": [0.4, 0.3, 0.3]}, "order": "TO", "group_by": "user", "mode": mode}
    columns = {"load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]}, "threshold": {"rating": 4}}
    for model in ("BPR", "GRU4Rec"):
        last = [row for row in rows if row[3] >= (7 if model == "BPR" else 8)]
        _, loaders, evaluator = evaluated(model, rows, eval_args=split, topk=[1, 2], valid_metric="Hit@2", **columns)
        liked = [row[1] for row in last if row[2] >= 4]
        counts = evaluator.candidates["test"]
        assert (counts["targets"], counts["rows_with_label_0"]) == (len(liked), len(last) - len(liked))
        targets = {int(item) for batch in loaders.test for item in batch[3]}
        tokens = loaders.test._dataset.field2id_token["item_id"]
        assert {str(tokens[i]) for i in targets} == set(liked)
