"""What is kept of recommended lists: places down to 100, hits that agree with the metrics, and a few users."""

from typing import Any

import numpy as np
import pytest
import torch
from recbole.data.interaction import Interaction

from recbole_ext.evaluation.analysis.examples import example_lists
from recbole_ext.evaluation.analysis.list_analysis import list_analysis
from recbole_ext.evaluation.analysis.list_record import DEPTH, ListRecord, example_users
from recbole_ext.evaluation.collector import UnitCollector


class Settings(dict):  # type: ignore[type-arg]
    """What a collector reads of a configuration."""

    def __getitem__(self, key: str) -> Any:
        return self.get(key)


def recorded(scores: torch.Tensor, topk: int) -> tuple[UnitCollector, ListRecord]:
    names = {"USER_ID_FIELD": "u", "ITEM_ID_FIELD": "i", "LIST_SUFFIX": "_list"}
    collector = UnitCollector(Settings(topk=[topk], metrics=["Hit"], eval_args={"mode": "full"}, **names))
    collector.record = ListRecord(scores.shape[1], np.array([1, 2, 3]))
    users = torch.arange(1, len(scores) + 1)
    rows = torch.arange(len(scores))
    collector.eval_batch_collect(scores, Interaction({"u": users}), rows, rows + 1)
    return collector, collector.record


@pytest.mark.parametrize("topk", [1, 5, 100, 120])
def test_hits_within_k_are_those_of_the_scores(topk: int) -> None:
    scores = torch.rand(40, 300, generator=torch.Generator().manual_seed(1))
    scores[:, 0] = -torch.inf
    collector, record = recorded(scores, topk)
    rank = (scores > scores[torch.arange(40), torch.arange(1, 41)].unsqueeze(1)).sum(1).numpy() + 1
    within = list_analysis(record, collector.targets()[0], np.ones(300))["hits"]
    assert within["lists"] == 40 and within["within"] == [int((rank <= k).sum()) for k in range(1, DEPTH + 1)]
    assert np.array_equal(record.places, np.where(rank > DEPTH, 0, rank))


def test_ties_and_short_catalogues_agree_with_the_metrics_lists() -> None:
    scores = torch.zeros(4, 6)
    scores[:, 0] = -torch.inf
    collector, record = recorded(scores, 2)
    first = collector.places.numpy()
    assert np.array_equal(record.places[first > 0], first[first > 0]) and (record.places[first == 0] > 2).all()
    assert record.listed.sum() == 4 * min(5, 2) or record.listed.sum() == 4 * 5
    assert set(record.examples) == {1, 2, 3} and len(record.examples[1].items) == 5


def test_a_user_is_shown_with_tokens_and_targets_are_marked() -> None:
    scores = torch.tensor([[-torch.inf, 1.0, 3.0, 2.0]])
    _, record = recorded(scores, 2)
    tokens = np.array(["[PAD]", "a", "b", "c"])

    class Part:
        uid_field, iid_field = "u", "i"
        inter_feat: dict[str, Any] = {"u": torch.tensor([1, 2, 1]), "i": torch.tensor([3, 1, 2])}  # noqa: RUF012

    user = example_lists(record.examples, [Part()], tokens, tokens)[0]
    assert user["user"] == "a" and user["history"] == ["c", "b"] and user["history_length"] == 2
    assert user["list"] == [{"item": n, "target": n == "a"} for n in ("b", "c", "a")] and user["missed"] == []


def test_the_users_are_the_same_for_every_model() -> None:
    users = np.repeat(np.arange(1, 1000), 3)
    assert np.array_equal(example_users(users), example_users(np.random.default_rng(1).permutation(users)))
    assert len(example_users(users)) == 5 and example_users(np.array([7, 7])).tolist() == [7]


def test_recommended_items_are_counted_by_class() -> None:
    scores = torch.tensor([[-torch.inf, 9.0, 8.0, 7.0]])
    collector, record = recorded(scores, 2)
    found = list_analysis(record, collector.targets()[0], np.array([0, 6, 2, 0]))["recommended"]
    assert (found["items"], found["items_listed"], found["k"]) == (3, 3, 10)
    classes = {one["name"]: one for one in found["classes"]}
    assert classes["head"]["trained"] == 0.75 and classes["new"]["recommended"] == pytest.approx(1 / 3)
    assert classes["head"]["tested"] == 1.0 and found["mean_popularity"] == pytest.approx(8 / 3)
    assert found["concentration"]["trained"][-1] == [1.0, 1.0]
