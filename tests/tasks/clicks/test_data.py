from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.clicks.batches import ClickLoader, stretches
from recbole_ext.tasks.clicks.past import Slices, past_of
from tests.conftest import write_inter

HEADER = "user_id:token\titem_id:token\ttimestamp:float\tlabel:float"
IN_TIME = {"eval_args": {"order": "TO", "group_by": "user"}}


def made_rows(n_users: int = 12, n_items: int = 15, seed: int = 0) -> list[tuple[int, int, int, int]]:
    """Rows of users with 5 to 40 events in random file order, many at the same second."""
    rng = np.random.default_rng(seed)
    rows = [
        (user, int(rng.integers(n_items)), int(rng.integers(60)), int(rng.integers(2)))
        for user in range(n_users)
        for _ in range(rng.integers(5, 40))
    ]
    return [rows[i] for i in rng.permutation(len(rows))]


@pytest.fixture
def build(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Loaders]:
    def make(rows: list[tuple[Any, ...]] | None = None, **given: Any) -> Loaders:
        root = write_inter(tmp_path, "made", rows or made_rows(), HEADER)
        columns = {"load_col": {"inter": ["user_id", "item_id", "timestamp", "label"]}}
        config = make_config("MDAFMamba", root, **{**columns, "MAX_ITEM_LIST_LENGTH": 4, **given})
        return build_loaders(config, create_dataset(config))

    return make


def keys(loader: ClickLoader) -> np.ndarray:
    """(n, 3) user, time and place in the file of each row."""
    table = loader.dataset.inter_feat
    return np.stack([table[name].numpy() for name in ("user_id", "timestamp", "_row")], axis=1)


def test_train_valid_trains_on_both_and_tests_the_same_rows(build: Any) -> None:
    apart, both = build(**IN_TIME), build(**IN_TIME, train_on="train_valid")
    assert both.valid is None
    assert np.array_equal(keys(both.train), np.concatenate([keys(apart.train), keys(apart.valid)]))
    assert np.array_equal(keys(both.test), keys(apart.test))
    assert (both.test.dataset.past.of_user.end >= apart.test.dataset.past.of_user.end).all()


@pytest.mark.parametrize("train_on", ["train", "train_valid"])
def test_of_two_files_the_tested_rows_are_never_trained_on(
    train_on: str, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    for name, rows in (("train", made_rows()), ("test", made_rows(n_users=4, seed=1))):
        write_inter(tmp_path, "made", rows, HEADER)
        (tmp_path / "made" / "made.inter").rename(tmp_path / "made" / f"made.{name}.inter")
    files = {"benchmark_filename": ["train", "test"], "train_on": train_on, "MAX_ITEM_LIST_LENGTH": 4}
    columns = {"load_col": {"inter": ["user_id", "item_id", "timestamp", "label"]}}
    config = make_config("MDAFMamba", tmp_path, **columns, **files)
    loaders = build_loaders(config, create_dataset(config))
    assert loaders.valid is None
    assert len(loaders.train.dataset) == len(made_rows()) and len(loaders.test.dataset) == len(made_rows(4, seed=1))


@pytest.mark.parametrize("history", ["train", "before"])
@pytest.mark.parametrize("phase", ["train", "valid", "test"])
def test_histories_are_the_events_before_the_row_and_nothing_else(build: Any, history: str, phase: str) -> None:
    loaders = build(**IN_TIME, history_from=history)
    parts = {name: keys(getattr(loaders, name)) for name in ("train", "valid", "test")}
    events = parts["train"] if history == "train" else np.concatenate(list(parts.values()))
    loader = getattr(loaders, phase)
    item_of = {}
    for name in parts:
        table = getattr(loaders, name).dataset.inter_feat
        item_of |= dict(zip(table["_row"].tolist(), table["item_id"].tolist(), strict=True))
    n_rows = 0
    for batch in loader:
        for k, row in enumerate(batch["row"].tolist()):
            user, time, number = parts[phase][row]
            before = [e for e in events.tolist() if e[0] == user and (e[1], e[2]) < (time, number)]
            before.sort(key=lambda e: (e[1], e[2]))
            seen = int(batch["visible"][k])
            history_items = batch["history_item"][batch["history"][k]][max(0, seen - 4) : seen].tolist()
            assert history_items == [item_of[e[2]] for e in before[-4:]]
            times = batch["history_time"][batch["history"][k]][:seen]
            assert (times <= time).all()
            n_rows += 1
    assert n_rows == len(loader.dataset)


def test_a_random_split_shows_no_label_of_validation_or_test(build: Any) -> None:
    loaders = build()
    training = set(loaders.train.dataset.inter_feat["_row"].tolist())
    assert len(training) == len(loaders.train.dataset.past.by_user.item)
    for part in (loaders.valid, loaders.test):
        assert part.dataset.past.by_user.item.tolist() == loaders.train.dataset.past.by_user.item.tolist()
        assert not training & set(part.dataset.inter_feat["_row"].tolist())
        assert (part.dataset.past.of_user.own == -1).all()


def test_padding_is_item_0_and_no_event_is(build: Any) -> None:
    for batch in build(**IN_TIME).train:
        lengths = np.zeros(len(batch["history_item"]), int)
        np.maximum.at(lengths, batch["history"].numpy(), batch["visible"].numpy())
        inside = np.arange(batch["history_item"].shape[1]) < lengths[:, None]
        for name in ("item", "behaviour"):
            assert ((batch[f"history_{name}"].numpy() > 0) == inside).all()


@pytest.mark.parametrize("rows_per_history", [0, 3])
def test_each_row_comes_once_per_epoch_and_epochs_differ(build: Any, rows_per_history: int) -> None:
    loader = build(rows_per_history=rows_per_history, train_batch_size=20).train
    first, second = ([batch["row"].tolist() for batch in loader] for _ in range(2))
    for epoch in (first, second):
        assert sorted(row for batch in epoch for row in batch) == list(range(len(loader.dataset)))
        assert all(len(set(batch)) == len(batch) for batch in epoch)
    assert first != second


def test_rows_of_a_history_share_it(build: Any) -> None:
    for batch in build(train_batch_size=100_000).train:
        pairs = set(zip(batch["history"].tolist(), batch["slot"].tolist(), strict=True))
        assert len(pairs) == len(batch["row"])
        assert len(batch["history_item"]) < len(batch["row"]) / 2


@pytest.mark.parametrize("n_events", [0, 3, 4, 5, 8, 9, 13, 40])
def test_a_stretch_holds_the_last_events_of_each_row(n_events: int) -> None:
    start, visible = stretches(Slices(np.array([100]), np.array([100 + n_events]), np.array([200]), np.array([-1])), 4)
    assert start + visible == 100 + n_events
    assert min(4, n_events) <= visible[0] <= 8


@pytest.mark.parametrize(
    ("n_users", "n_items"), [(12, 15), (40, 500)], ids=["items with many rows", "items that training does not have"]
)
@pytest.mark.parametrize("sets", ["before", "train"])
def test_sets_hold_others_and_never_the_row_itself(build: Any, sets: str, n_users: int, n_items: int) -> None:
    given = IN_TIME if sets == "before" else {}
    loaders = build(made_rows(n_users, n_items), **given, implicit_sets=sets, implicit_set_size=1000)
    train = loaders.train.dataset.inter_feat
    rows = [tuple(int(train[n][k]) for n in ("user_id", "item_id", "timestamp", "_row")) for k in range(len(train))]
    for loader in (loaders.train, loaders.test):
        table = loader.dataset.inter_feat
        for batch in loader:
            for k, row in enumerate(batch["row"].tolist()):
                user, item, time, number = (int(table[n][row]) for n in ("user_id", "item_id", "timestamp", "_row"))
                others = [r for r in rows if r[3] != number]
                if sets == "before":
                    others = [r for r in others if (r[2], r[3]) < (time, number)]
                for side, expected in (
                    ("user", [r[1] for r in others if r[0] == user]),
                    ("item", [r[0] for r in others if r[1] == item]),
                ):
                    set_of_row = batch[f"{side}_set_owner"] == batch[f"{side}_set_group"][k]
                    members = batch[f"{side}_set_member"][set_of_row].tolist()
                    if batch[f"{side}_set_own"][k] > 0:
                        members.remove(item if side == "user" else user)
                    assert sorted(members) == sorted(expected)


def test_a_context_column_keeps_its_values_whatever_its_name(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    """Batches have fields of their own that are called so too."""
    names = ("time", "slot", "match", "label", "type", "row")
    own = ("user_id", "item_id", "timestamp", "clicked")
    kinds = [f"{name}:{'token' if name.endswith('_id') else 'float'}" for name in own]
    header = "\t".join([*kinds, *(f"{name}:token" for name in names)])
    rows = [(*row, *(f"{n}{(7 * k + at) % 5}" for at, n in enumerate(names))) for k, row in enumerate(made_rows())]
    root, columns = write_inter(tmp_path, "made", rows, header), {"inter": [*own, *names]}
    config = make_config("MDAFMamba", root, load_col=columns, LABEL_FIELD="clicked", MAX_ITEM_LIST_LENGTH=4)
    loaders = build_loaders(config, create_dataset(config))
    table = loaders.test.dataset.inter_feat
    for batch in loaders.test:
        rows_of = batch["row"]
        assert torch.equal(batch["time"], table["timestamp"][rows_of])
        assert torch.equal(batch["label"], table["clicked"][rows_of])
        assert all(torch.equal(batch[f"context_{name}"], table[name][rows_of]) for name in names)
        assert int(batch["slot"].max()) < len(rows_of) and batch["history"].max() < len(batch["history_item"])
    assert torch.isfinite(build_trainer(config, loaders).model.calculate_loss(next(iter(loaders.train))))


def test_ties_keep_the_order_of_the_file() -> None:
    events = {name: np.array(v) for name, v in {"user": [1, 1, 1], "item": [5, 6, 7], "time": [9, 9, 9]}.items()}
    events |= {"row": np.array([2, 0, 1]), "behaviour": np.array([1, 2, 1])}
    past = past_of(events, None)
    assert past.by_user.item.tolist() == [6, 7, 5]
    assert (past.of_user.end - past.of_user.start).tolist() == [2, 0, 1]
    again = past_of(events, events)
    assert again.of_user.end.tolist() == past.of_user.end.tolist() == again.of_user.own.tolist()


def test_the_random_order_is_that_of_its_own_seed(build: Any) -> None:
    tested = [
        build(seed=seed, split_seed=split).test.dataset.inter_feat["_row"].tolist()
        for seed, split in ((1, 5), (2, 5), (1, 6))
    ]
    assert tested[0] == tested[1] != tested[2]


@pytest.mark.parametrize(
    ("rows", "given", "fault"),
    [
        ([(1, k, k, 1) for k in range(20)], {}, "training split: all 16 labels are 1; AUC needs"),
        ([(1, k, k, k % 3) for k in range(20)], {}, r"a label must be 0 or 1 \(got 2"),
        (None, {"LABEL_FIELD": "clicked"}, "MDAFMamba needs labels, and made has no column 'clicked'"),
        (None, {"TIME_FIELD": "when"}, "has no column 'when' .TIME_FIELD: the time of each row.; it has user_id:token"),
        (None, {"behaviour_field": "mood"}, "behaviour_field names 'mood' .command line., which made.inter does not"),
    ],
)
def test_data_that_cannot_be_learnt_from(build: Any, rows: Any, given: dict[str, Any], fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        build(rows, **given)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"history_from": "all"}, r"history_from must be one of train, before \(got 'all'\)"),
        ({"history_from": "before"}, "history_from: before needs rows in the order of time"),
        ({"implicit_sets": "some"}, r"implicit_sets must be one of none, before, train \(got 'some'\)"),
        ({"implicit_sets": "train", "history_from": "before", **IN_TIME}, "implicit_sets: train requires history_from"),
    ],
)
def test_settings_that_would_show_the_future(build: Any, given: dict[str, Any], fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        build(**given)


def test_the_rating_is_what_a_past_event_was(make_config: Any, write: Any, tmp_path: Path) -> None:
    ratings = [1, 5, 4, 2, 5, 1, 4, 2, 1, 5]
    rows = [(u, i, 10 * i, (ratings * 2)[i + u]) for u in range(6) for i in range(10)]
    write(tmp_path, "made", rows, HEADER.replace("label", "rating"))
    columns = {"load_col": {"inter": ["user_id", "item_id", "timestamp", "rating"]}, "threshold": {"rating": 4}}
    config = make_config("MDAFMamba", tmp_path, **columns, **IN_TIME)
    loaders = build_loaders(config, create_dataset(config))
    assert loaders.train.dataset.n_behaviours == 4
    batch = next(iter(loaders.train))
    assert loaders.train.dataset.behaviour_names == ["1", "2", "4", "5"]
    first = int(batch["history"][batch["user"] == 1][-1])
    assert batch["history_behaviour"][first][:7].tolist() == [1, 4, 3, 2, 4, 1, 3]
    assert batch["label"].unique().tolist() == [0.0, 1.0]
    assert loaders.train.dataset.context_fields() == []
