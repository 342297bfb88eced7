"""Events of one time: kept in the order of the file or hashed, and a warning where that order is one of the items."""

import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recbole_ext.config.config import Config
from recbole_ext.data.event_order import hashed, order_of_ties, tied_events, tied_rows
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from recbole_ext.runs.run_files import read_analysis
from tests.conftest import write_inter

Row = tuple[str, str, int]
START, SIZE, N_ITEMS = 1_600_000_000, 4, 24


def log(ordered: bool, users: int = 150, baskets: int = 5) -> list[Row]:
    """Baskets of items with one time each, named in the order of the items, or in one of the user's own."""
    rng, rows = random.Random(5), []
    for user in range(users):
        items = rng.sample(range(N_ITEMS), SIZE * baskets)
        for number in range(baskets):
            basket = items[SIZE * number : SIZE * (number + 1)]
            named = sorted(basket) if ordered else basket
            rows += [(f"u{user}", f"i{item:02}", START + 1000 * number + user) for item in named]
    return rows


def sequences(dataset: Any) -> dict[str, list[tuple[int, str]]]:
    """Time and item of each user's events, in the order of the data set."""
    users, items = (dataset.field2id_token[name] for name in ("user_id", "item_id"))
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for user, item, time in zip(
        *(dataset.events[n].tolist() for n in ("user_id", "item_id", "timestamp")), strict=True
    ):
        found[users[user]].append((time, items[item]))
    return found


def opened(config: Config) -> Any:
    dataset = create_dataset(config)
    dataset._change_feat_format()
    return dataset


@pytest.mark.parametrize(("ordered", "warned"), [(True, True), (False, False)])
def test_an_order_that_files_share_is_warned_of(
    ordered: bool, warned: bool, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    dataset = opened(make_config("SS4Rec", write_inter(tmp_path, "made", log(ordered))))
    ties = order_of_ties(dataset)
    assert ties.share == pytest.approx(15 / 19) and ties.pairs > 2000
    assert ties.agreement == 1.0 if ordered else abs(ties.agreement - 0.5) < 0.05
    found = [text for text in dataset.ledger.warnings if "tie_order" in text]
    assert bool(found) is warned
    assert not warned or (
        "79% of the events share their time" in found[0] and "100% of cases, 50% by chance" in found[0]
    )


@pytest.mark.parametrize("protocol", ["no_time", "recbole"])
def test_random_ties_move_nothing_but_events_of_one_time(
    protocol: str, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    root = write_inter(tmp_path, "made", log(ordered=True))
    given = {"protocol": protocol, "filter_inter_by_user_or_item": False}
    by_file, by_hash, again = (
        opened(make_config("SS4Rec", root, tie_order=order, seed=seed, **given))
        for order, seed in (("file", 1), ("random", 1), ("random", 2))
    )
    assert not [text for text in by_hash.ledger.warnings if "tie_order" in text]
    assert abs(order_of_ties(by_hash).agreement - 0.5) < 0.05
    first, second = sequences(by_file), sequences(by_hash)
    assert second == sequences(again) and second != first
    for user, events in first.items():
        assert sorted(events) == sorted(second[user])
        assert [time for time, _ in second[user]] == sorted(time for time, _ in events) or protocol == "recbole"


def test_files_of_a_cut_data_set_stay_in_order(make_config: Callable[..., Config], tmp_path: Path) -> None:
    rows = log(ordered=True)
    place = [number % (5 * SIZE) for number in range(len(rows))]
    for name, inside in (("train", range(17)), ("valid", [17, 18]), ("test", [19])):  # within the last basket
        part = [row for row, k in zip(rows, place, strict=True) if k in inside]
        write_inter(tmp_path, "made", part)
        (tmp_path / "made" / "made.inter").rename(tmp_path / "made" / f"made.{name}.inter")
    given = {"benchmark_filename": ["train", "valid", "test"], "tie_order": "random"}
    dataset = create_dataset(make_config("SS4Rec", tmp_path, **given))
    test = dataset.build()[2]
    items = dataset.field2id_token["item_id"]
    expected = [row[1] for row, k in zip(rows, place, strict=True) if k == 19]
    assert sorted(items[k] for k in test.inter_feat["item_id"].tolist()) == sorted(expected)


@pytest.mark.parametrize("model", ["BPR", "SASRec"])
def test_ties_decide_who_is_tested_on_what(model: str, make_config: Callable[..., Config], tmp_path: Path) -> None:
    root, last = write_inter(tmp_path, "made", log(ordered=True)), {}
    by_time = {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user", "mode": "full"}
    columns = {"inter": ["user_id", "item_id", "timestamp"]}
    for order in ("file", "random"):
        config = make_config(model, root, tie_order=order, eval_args=by_time, load_col=columns)
        test = build_loaders(config, create_dataset(config)).parts[2]
        users, items = (test.id2token(name, test.inter_feat[name]) for name in ("user_id", "item_id"))
        last[order] = dict(zip(users.tolist(), items.tolist(), strict=True))
    baskets: dict[str, set[str]] = defaultdict(set)
    for user, item, time in log(ordered=True):
        baskets[user] |= {item} if time >= START + 4000 else set()
    assert all(item == max(baskets[user]) for user, item in last["file"].items())
    assert all(item in baskets[user] for user, item in last["random"].items())
    assert 20 < sum(item == max(baskets[user]) for user, item in last["random"].items()) < 60  # of 150, a quarter


def test_hashes_are_of_the_pair_alone_and_differ() -> None:
    users, items = np.repeat(np.arange(300), 300), np.tile(np.arange(300), 300)
    found = hashed(users, items)
    assert len(np.unique(found)) == len(found)
    assert hashed(users[7:9], items[7:9]).tolist() == found[7:9].tolist()
    lower = found.reshape(300, 300)[:, 1] < found.reshape(300, 300)[:, 2]
    assert 100 < lower.sum() < 200


def test_tied_rows_are_found_among_tested_ones(make_config: Callable[..., Config], tmp_path: Path) -> None:
    rows = [("a", "x", 1), ("a", "y", 5), ("a", "z", 5), ("b", "y", 1), ("b", "x", 2), ("b", "z", 3), ("c", "x", 5)]
    rows += [("c", "z", 5), ("c", "y", 6)]
    dataset = create_dataset(make_config("SS4Rec", write_inter(tmp_path, "made", rows)))
    test = dataset.build()[2]
    assert tied_events(dataset).tolist() == [False, False, True, False, False, False, False, True, False]
    named = [(dataset.token2id("user_id", u), dataset.token2id("item_id", i)) for u, i in (("c", "y"), ("a", "z"))]
    tested = pd.DataFrame(named, columns=["user", "item"])
    found = tied_rows(test, tested)
    assert found is not None and found.tolist() == [False, True]
    assert tied_rows(test, tested[["item"]]) is None


@pytest.mark.slow
def test_counts_of_transitions_are_at_chance_without_the_order(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    """Of five candidates the last of a basket is known where items have an order, and not where they have none."""
    root = write_inter(tmp_path, "made", log(ordered=True, users=400))
    given = {"topk": [1], "metrics": ["Hit"], "valid_metric": "hit@1", "epochs": 1, "hidden_size": 8, "d_state": 4}
    hits = {}
    for order in ("file", "random"):
        result = run(make_config("SS4Rec", root, tie_order=order, **given), ["run"])
        hits[order] = result["baselines"]["markov"]["hit@1"]
        assert f"ties in {order} order" in result["protocol"]["order"]
        groups = read_analysis(Path(result["run_directory"]))["groups"]
        assert [(g["name"], g["rows"]) for g in groups["time"]] == [("same time", 400)]
    assert hits["file"] > 0.35 and 0.12 < hits["random"] < 0.28
