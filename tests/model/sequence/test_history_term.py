"""The history term, held to a count by hand, to autograd over dense scores, and to what it must learn."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from benchmarks.habits import made
from recbole_ext.errors import DataError, UsageError
from recbole_ext.evaluation.protocol import TIME_KNOWN, TIME_UNREAD
from recbole_ext.model.sequence import losses
from recbole_ext.model.sequence.history_groups import HistoryGroups, Past
from recbole_ext.model.sequence.history_term import (
    HistoryItems,
    HistoryTerm,
    Slots,
    logits_of_items,
    logits_of_shared,
    slots_of,
)
from recbole_ext.model.sequence.losses import full_cross_entropy, weighted_mean
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import build_trainer
from recbole_ext.tasks.ranking.evaluation.protocol_facts import ranking_facts
from tests.conftest import write_inter

Build = Callable[..., Any]
N_ITEMS = 9


def bare_term(kind: str, n_values: int) -> HistoryTerm:
    term = HistoryTerm.__new__(HistoryTerm)
    torch.nn.Module.__init__(term)
    term.groups = HistoryGroups(kind, n_values)
    return term


def random_slots(values: bool) -> tuple[Slots, torch.Tensor]:
    """Lists of 12 with padding, up to 4 events before them, few items, so that most come back."""
    generator = torch.Generator().manual_seed(3)
    items = torch.randint(1, N_ITEMS + 1, (6, 12), generator=generator)
    items[1, 5:], items[4, 1:] = 0, 0
    earlier = torch.stack([torch.randperm(N_ITEMS, generator=generator)[:4] + 1 for _ in range(6)])
    place = torch.tensor([-9, -7, -2, -1]).repeat(6, 1)
    earlier[2], place[2] = 0, 0
    kinds = torch.randint(1, 3, (6, 16), generator=generator) if values else None
    times = torch.randint(0, 10**6, (6, 16), generator=generator).cumsum(1)
    intervals = torch.randint(-1, 2, (6, 16), generator=generator) * 10**5
    return slots_of(items, earlier, place, values=kinds, times=times, intervals=intervals), items > 0


def by_hand(slots: Slots, counted: torch.Tensor, groups: HistoryGroups, now: torch.Tensor) -> list[set[Any]]:
    """(item, group) pairs of each counted position."""
    found = []
    for (row, position), time in zip(torch.nonzero(counted).tolist(), now, strict=True):
        latest = {}
        for slot in range(slots.items.shape[1]):
            item, place = int(slots.items[row, slot]), int(slots.place[row, slot])
            if item and place <= position:
                kind = slots.values[row, slot] if slots.values is not None else None
                elapsed = (time - slots.times[row, slot]).clamp(min=0)  # type: ignore[index]
                past = Past(torch.tensor(position - place + 1), kind, elapsed, slots.intervals[row, slot])  # type: ignore[index]
                latest[item] = int(groups.of(past))
        found.append(set(latest.items()))
    return found


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("kind", ["seen", "recency", "interval"])
@pytest.mark.parametrize("compiled", [True, False])
def test_items_of_histories_equal_a_count_by_hand(
    monkeypatch: pytest.MonkeyPatch, compiled: bool, kind: str, values: bool
) -> None:
    monkeypatch.setattr("recbole_ext.model.sequence.history_term.compiled_on", lambda device: compiled)
    slots, counted = random_slots(values)
    row, position = torch.nonzero(counted, as_tuple=True)
    term, now = bare_term(kind, 3 if values else 1), torch.randint(0, 10**7, (len(row),))
    history = term.items_at(slots, row, position, now)
    pairs = list(zip(history.item.tolist(), history.group.tolist(), strict=True))
    bounds = history.bounds.tolist()
    found = [pairs[begin:end] for begin, end in pairwise(bounds)]
    assert [set(each) for each in found] == by_hand(slots, counted, term.groups, now)
    assert all(len({item for item, _ in each}) == len(each) for each in found)


def random_history(n: int, groups: int) -> HistoryItems:
    generator = torch.Generator().manual_seed(1)
    of = [torch.randperm(30, generator=generator)[: int(k)] for k in torch.randint(0, 12, (n,), generator=generator)]
    count = torch.tensor([0, *map(len, of)])
    item = torch.cat(of)
    return HistoryItems(count.cumsum(0), item, torch.randint(groups, item.shape, generator=generator))


def dense_term(history: HistoryItems, logits: torch.Tensor, n_items: int) -> torch.Tensor:
    term, bounds = torch.zeros(history.n, n_items), history.bounds.tolist()
    parts = [
        term[i].index_put((history.item[a:b],), logits[i, history.group[a:b]])
        for i, (a, b) in enumerate(pairwise(bounds))
    ]
    return torch.stack(parts)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_with_a_history_equals_torchs_over_dense_scores(
    monkeypatch: pytest.MonkeyPatch, weighted: bool, smoothing: float, compiled: bool
) -> None:
    monkeypatch.setattr(losses, "CHUNK_SCORES", 500)
    monkeypatch.setattr("recbole_ext.model.sequence.chunked_term.compiled_on", lambda device: compiled)
    torch.manual_seed(0)
    n, groups = 50, 3
    given = [torch.randn(n, 8), torch.randn(30, 8), torch.randn(n, groups)]
    targets, weights, history = torch.randint(30, (n,)), torch.rand(n) if weighted else None, random_history(50, 3)
    results = []
    for loss in (
        lambda h, w, g: weighted_mean(
            F.cross_entropy(h @ w.T + dense_term(history, g, 30), targets, label_smoothing=smoothing, reduction="none"),
            weights,
        ),
        lambda h, w, g: full_cross_entropy(h, w, targets, weights, smoothing, g, history),
    ):
        leaves = [x.clone().requires_grad_() for x in given]
        value = loss(*leaves)
        value.backward()
        results.append([value.detach(), *(x.grad for x in leaves)])
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shape", [(50,), (50, 7)])
def test_the_term_of_some_items_equals_the_dense_one(shape: tuple[int, ...]) -> None:
    history, logits = random_history(50, 3), torch.randn(50, 3, requires_grad=True)
    items = torch.randint(30, shape)
    expected = dense_term(history, logits, 30).gather(1, items.view(50, -1)).view(shape)
    found = logits_of_items(history, logits, items)
    assert found.count_nonzero() > 3
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        *(torch.autograd.grad(x.square().sum(), logits, retain_graph=True)[0] for x in (found, expected))
    )


def test_the_term_of_shared_items_equals_the_dense_one() -> None:
    history, logits = random_history(50, 3), torch.randn(50, 3, requires_grad=True)
    items = torch.tensor([4, 9, 4, 29, 0, 11])  # one twice
    expected, found = dense_term(history, logits, 30)[:, items], logits_of_shared(history, logits, items)
    assert found.count_nonzero() > 3
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        *(torch.autograd.grad(x.square().sum(), logits, retain_graph=True)[0] for x in (found, expected))
    )


def randomised(trainer: Any) -> Any:
    """The trainer's model with a history term that is not at its start of 0."""
    with torch.no_grad():
        for weight in trainer.model.history_term.parameters():
            weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(2)))
    return trainer.model


@pytest.mark.parametrize("name", ["SS4Rec", "Mamba4Rec", "SASRec", "GRU4Rec"])
@pytest.mark.parametrize("kind", ["seen", "recency", "interval"])
def test_rows_and_rankings_agree_and_see_the_whole_history(build: Build, name: str, kind: str) -> None:
    """Lists of 3 of 12 events: an item of the first event has the term as well."""
    _, loaders, trainer = build(name, history_term=kind, MAX_ITEM_LIST_LENGTH=3)
    model, rows = randomised(trainer).eval(), loaders.test._dataset[np.arange(8)]
    scores = model.full_sort_predict(rows)
    expected = scores.gather(1, rows["item_id"].unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(model.predict(rows), expected)
    without = {name: of[:, :0] if name.startswith("earlier_") else of for name, of in rows.interaction.items()}
    changed = (scores - model.full_sort_predict(type(rows)(without))).abs() > 1e-6
    for row, items in enumerate(rows["earlier_item_id_list"].tolist()):
        assert set(torch.nonzero(changed[row]).flatten().tolist()) == set(items) - {0}
        assert len(set(items) - {0}) == 8  # 12 events, of which 3 are listed and the last one is the target


@pytest.mark.parametrize("name", ["SS4Rec", "SASRec"])
@pytest.mark.parametrize(
    ("kind", "protocol"), [("recency", "no_time"), ("interval", "no_time"), ("interval", "time_aware")]
)
def test_windows_see_the_histories_of_prefix_rows(build: Build, name: str, kind: str, protocol: str) -> None:
    found = []
    for mode in ("all_positions", "prefix"):
        given = {"train_mode": mode, "MAX_ITEM_LIST_LENGTH": 5, "train_batch_size": 10_000, "shuffled": True}
        _, loaders, trainer = build(name, history_term=kind, protocol=protocol, **given)
        batch = next(iter(loaders.train))
        windows = mode == "all_positions"
        counted = batch["next_item_id_list"] > 0 if windows else None
        targets = batch["next_item_id_list"][counted] if windows else batch["item_id"]
        history = trainer.model.history_term.history(batch, counted)
        bounds = history.bounds.tolist()
        pairs = list(zip(history.item.tolist(), history.group.tolist(), strict=True))
        sets = [tuple(sorted(pairs[a:b])) for a, b in pairwise(bounds)]
        found.append(sorted(zip(targets.tolist(), sets, strict=True)))
    assert found[0] == found[1] and len(found[0]) > 300


@pytest.mark.parametrize("loss_type", ["CE", "BPR"])
@pytest.mark.parametrize("mode", ["all_positions", "prefix"])
@pytest.mark.parametrize("name", ["SASRec", "GRU4Rec"])
def test_recboles_models_get_the_term_by_the_key(build: Build, name: str, mode: str, loss_type: str) -> None:
    negatives = {"train_neg_sample_args": {"sample_num": 1}} if loss_type == "BPR" else {}
    scores = []
    for kind in ("none", "seen"):
        _, loaders, trainer = build(name, history_term=kind, train_mode=mode, loss_type=loss_type, **negatives)
        rows = loaders.test._dataset[np.arange(8)]
        scores.append(trainer.model.eval().full_sort_predict(rows))
    torch.testing.assert_close(*scores)  # it starts at 0
    trainer.model.calculate_loss(next(iter(loaders.train))).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in trainer.model.history_term.parameters())


def people(tmp_path: Path, come_back: bool) -> Path:
    """80 users: each has every item at most once, or two favourites most of the time."""
    generator = np.random.default_rng(4)
    rows = []
    for user in range(80):
        favourites = generator.choice(30, 2, replace=False)
        once = generator.permutation(30)[:20]
        for k in range(20):
            item = favourites[generator.integers(2)] if come_back and generator.random() < 0.8 else once[k]
            rows.append((user, int(item) + 1, 1000 * user + k))
    return write_inter(tmp_path, "made", rows)


@pytest.mark.slow
@pytest.mark.parametrize("come_back", [False, True])
def test_the_sign_of_the_term_is_learnt(come_back: bool, make_config: Callable[..., Any], tmp_path: Path) -> None:
    """Without it a model of this size ranks both kinds of data no better than chance allows."""
    found = {}
    for kind in ("none", "seen"):
        given = {"hidden_size": 16, "d_state": 4, "MAX_ITEM_LIST_LENGTH": 5, "epochs": 6, "learning_rate": 0.02}
        fixed = {"topk": [5], "metrics": ["Hit"], "valid_metric": "Hit@5", "baselines": [], "train_batch_size": 128}
        config = make_config(
            "Mamba4Rec", people(tmp_path, come_back), history_term=kind, protocol="recbole", **given, **fixed
        )
        loaders = build_loaders(config, create_dataset(config))
        trainer = build_trainer(config, loaders)
        trainer.fit(loaders.train, loaders.valid)
        found[kind] = trainer.evaluate(loaders.test)["hit@5"]
    assert (trainer.model.history_term.logits.bias.item() > 0) == come_back
    assert found["seen"] > found["none"] + 0.1


@pytest.mark.slow
def test_a_column_groups_the_logits(make_config: Callable[..., Any], tmp_path: Path) -> None:
    header = "user_id:token\titem_id:token\ttimestamp:float\tkind:token"
    rows = [(u, (u + 3 * k) % 11, 100 * u + k, "buy" if k % 3 else "view") for u in range(12) for k in range(9)]
    root = write_inter(tmp_path, "made", rows, header)
    columns = {"inter": ["user_id", "item_id", "timestamp", "kind"]}
    given = {"hidden_size": 8, "MAX_ITEM_LIST_LENGTH": 4, "baselines": [], "topk": [5], "valid_metric": "NDCG@5"}
    config = make_config("SS4Rec", root, load_col=columns, history_term="seen", history_field="kind", **given)
    loaders = build_loaders(config, create_dataset(config))
    trainer = build_trainer(config, loaders)
    assert trainer.model.history_term.logits.out_features == 3  # padding, buy, view
    batch = next(iter(loaders.train))
    history = trainer.model.history_term.history(batch, batch["next_item_id_list"] > 0)
    assert set(history.group.tolist()) == {1, 2}
    trainer.fit(loaders.train, loaders.valid)
    assert np.isfinite(trainer.evaluate(loaders.test)["ndcg@5"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"history_term": "all"}, r"history_term must be one of none, seen, recency, interval \(got 'all'\)"),
        ({"history_term": "seen", "history_field": "nothing"}, "history_field.*'nothing'"),
        ({"history_term": "seen", "history_field": "timestamp"}, "history_field.*'timestamp'"),
        ({"history_term": "none", "history_field": "user_id"}, "history_field"),
    ],
)
def test_wrong_settings_are_refused(build: Build, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build("SS4Rec", **given)


@pytest.mark.slow
def test_what_is_due_is_learnt_from_intervals(make_config: Callable[..., Any], tmp_path: Path) -> None:
    """Items that return after periods of their own: the distance in events says less than the time does."""
    rows = made(users=80, items=60, days=40, jitter=0.05).rows()
    found = {}
    for kind in ("recency", "interval"):
        given = {"hidden_size": 16, "d_state": 4, "MAX_ITEM_LIST_LENGTH": 20, "epochs": 6, "learning_rate": 0.01}
        fixed = {"topk": [10], "metrics": ["NDCG"], "valid_metric": "NDCG@10", "baselines": [], "train_batch_size": 256}
        root = write_inter(tmp_path / kind, "made", rows)
        config = make_config("Mamba4Rec", root, history_term=kind, protocol="recbole_time", **given, **fixed)
        loaders = build_loaders(config, create_dataset(config))
        trainer = build_trainer(config, loaders)
        trainer.fit(loaders.train, loaders.valid)
        found[kind] = trainer.evaluate(loaders.test)["ndcg@10"]
    assert found["interval"] > found["recency"] + 0.05


@pytest.mark.parametrize(("kind", "said"), [("recency", TIME_UNREAD), ("interval", TIME_KNOWN)])
def test_the_protocol_says_who_reads_the_targets_time(build: Build, kind: str, said: str) -> None:
    config, loaders, _ = build("SASRec", history_term=kind, protocol="time_aware")
    assert ranking_facts(config, loaders)["target_time"] == said


def test_intervals_need_times(make_config: Callable[..., Any], tmp_path: Path) -> None:
    rows = [(u, (u + 3 * k) % 11) for u in range(12) for k in range(9)]
    root = write_inter(tmp_path, "made", rows, "user_id:token\titem_id:token")
    columns = {"inter": ["user_id", "item_id"]}
    with pytest.raises(DataError, match=r"history_term: interval cannot do without it.*recency"):
        create_dataset(make_config("SS4Rec", root, load_col=columns, history_term="interval", protocol="no_time"))
