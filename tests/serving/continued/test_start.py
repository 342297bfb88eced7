"""The continued run begins with the earlier weights, bit for bit, and trains on what `replay` leaves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.data.rows.replay import replayed
from recbole_ext.errors import DataError, UsageError
from recbole_ext.model_entry import ModelEntry
from recbole_ext.model_list import GROWING
from recbole_ext.pipeline.build import build_on_device
from recbole_ext.pipeline.splits import open_splits
from recbole_ext.registry import find_model, models
from recbole_ext.runs.checkpoint import load_weights
from recbole_ext.serving.continued.joined_files import joined_data
from recbole_ext.serving.continued.new_rows import NewRows, Shares, read_new
from recbole_ext.serving.continued.settings import continued_config
from tests.serving.continued.conftest import LATER, PAST


@pytest.fixture
def new(past_run: Any, later_file: Callable[..., Path]) -> NewRows:
    return read_new(past_run.loaded, later_file(), Shares())


@pytest.fixture
def config(past_run: Any, new: NewRows, tmp_path: Path) -> Callable[..., Config]:
    """The configuration of a continued run, its data in the test's folder."""
    root = joined_data(past_run.loaded, new, None, tmp_path)
    return lambda replay=1.0, **given: continued_config(past_run.loaded, new, root, replay, given)


def test_old_ids_keep_their_rows_and_new_ones_are_initialised(
    past_run: Any, config: Callable[..., Config], tmp_path: Path
) -> None:
    settings = config()
    splits = open_splits(settings)
    started = build_on_device(settings, splits.loaders).state_dict()
    fresh = build_on_device(settings, splits.loaders, is_resumed=True).state_dict()
    old = load_weights(past_run.path / "checkpoint", "best")
    n_items, table = past_run.loaded.train.item_num, "item_embedding.weight"
    assert len(started[table]) == n_items + 2
    assert torch.equal(started[table][:n_items], old[table]) and torch.equal(
        started[table][n_items:], fresh[table][n_items:]
    )
    assert all(torch.equal(started[name], old[name]) for name in old if name != table)
    tokens = splits.dataset.field2id_token["item_id"]
    assert tokens[:n_items].tolist() == past_run.loaded.train.field2id_token["item_id"].tolist()
    assert set(tokens[n_items:]) == {"x0", "x1"}


def test_the_files_have_every_row_of_both(past_run: Any, new: NewRows, config: Callable[..., Config]) -> None:
    parts = open_splits(config()).loaders.parts
    events = parts[0].events
    names = parts[0].field2id_token
    rows = [
        (str(names["user_id"][u]), str(names["item_id"][i]), int(t))
        for u, i, t in zip(events["user_id"], events["item_id"], events["timestamp"], strict=True)
    ]
    assert sorted(rows) == sorted((*PAST, *LATER))
    assert [len(part) for part in parts[1:]] == [len(new.of(name)) for name in ("valid", "test")]


def test_the_same_rows_are_written_once(past_run: Any, new: NewRows, tmp_path: Path) -> None:
    root = joined_data(past_run.loaded, new, None, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert joined_data(past_run.loaded, new, None, tmp_path) == root
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_keys_that_are_set_by_the_earlier_run(config: Callable[..., Config]) -> None:
    with pytest.raises(UsageError, match="continue sets train_on itself"):
        config(train_on="all")
    assert config(epochs=7, learning_rate=0.5)["epochs"] == 7


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_replay_leaves_a_sample_of_the_old_targets(new: NewRows, config: Callable[..., Config], share: float) -> None:
    whole, some = (open_splits(config(replay)).loaders.train for replay in (1.0, share))
    n_old = len(PAST) - 30  # the first event of a user is no target
    n_new = int(whole.n_targets.sum()) - n_old
    assert int(some.n_targets.sum()) == n_new + -(-int(share * 10) * n_old // 10)
    assert len(some.dataset.events) == len(whole.dataset.events)
    again = open_splits(config(share)).loaders.train
    assert torch.equal(again.is_target, some.is_target)


def test_what_is_replayed_is_seeded_and_needs_times() -> None:
    times = torch.arange(100)

    class Settings(dict[str, Any]):
        dataset = "made"

    first, second, other = (
        replayed(Settings(replay={"share": 0.25, "before": 60}, seed=seed), times) for seed in (1, 1, 2)
    )
    assert first is not None and second is not None and other is not None
    assert torch.equal(first, second) and not torch.equal(first, other)
    assert len(first) == 15 + 40 and first[-40:].tolist() == list(range(60, 100))
    assert replayed(Settings(replay=None, seed=1), times) is None
    with pytest.raises(DataError, match="made has no times"):
        replayed(Settings(replay={"share": 1, "before": 0}, seed=1), None)


@pytest.mark.parametrize("entry", [entry for entry in models().values() if entry.own], ids=lambda entry: entry.name)
def test_the_list_of_models_is_that_of_the_classes(entry: ModelEntry) -> None:
    assert getattr(entry.load(), "grows", False) == entry.grows == (entry.name in GROWING)


def test_replay_is_refused_where_it_would_be_ignored(make_config: Callable[..., Config], tmp_path: Path) -> None:
    assert not find_model("BPR").grows
    for model, given, message in (
        ("BPR", {}, "replay: BPR trains on all rows"),
        ("SS4Rec", {"train_mode": "prefix"}, "replay goes with train_mode: all_positions"),
        ("SS4Rec", {"stages": [{}]}, "replay and stages"),
        ("SS4Rec", {"replay": {"share": 2, "before": 5}}, "replay: share must lie between 0 and 1"),
        ("SS4Rec", {"replay": {"share": 0.5}}, "replay needs before"),
    ):
        with pytest.raises(UsageError, match=message):
            make_config(model, tmp_path, **{"replay": {"share": 0.5, "before": 5}, **given})
