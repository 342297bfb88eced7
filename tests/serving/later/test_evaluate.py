"""Later interactions: the run's own test rows get the run's own values, and later rows what was known before them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import recbole_ext as rx
from recbole_ext.config.config import Config
from recbole_ext.errors import DataError
from recbole_ext.evaluation.units import read_units
from recbole_ext.pipeline.train import run
from tests.conftest import CLICK_HEADER, SMALL_CLICKS, write_inter

ROWS = [(f"u{u}", f"i{(u + 3 * k + k * (u % 3)) % 14}", 100 * u + 10 * k) for u in range(18) for k in range(6)]
TINY: dict[str, Any] = {
    "epochs": 1,
    "baselines": [],
    "topk": [1, 3],
    "valid_metric": "MRR@3",
    "metrics": ["Hit", "NDCG", "MRR"],
}
OF_MODEL: dict[str, dict[str, Any]] = {
    "SASRec": {"hidden_size": 8, "inner_size": 8, "n_layers": 1, "n_heads": 1, "MAX_ITEM_LIST_LENGTH": 5},
    "SS4Rec": {"hidden_size": 8, "num_layers": 1, "d_state": 4, "MAX_ITEM_LIST_LENGTH": 5},
    "FPMC": {"embedding_size": 8},
    "BPR": {"embedding_size": 8},
    "EASE": {},
}
OF_USERS = ("BPR", "EASE")
NAMES = ["user_id", "item_id", "timestamp"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Trains a ranking model once; the data is gone afterwards."""
    root, kept = tmp_path_factory.mktemp("later"), dict[str, Any]()

    def make(model: str) -> Any:
        if model not in kept:
            data = write_inter(root / model, "made", ROWS)
            of_users = {"eval_args": {"split": {"RS": [0.5, 0.2, 0.3]}, "order": "TO", "group_by": "user"}}
            given = {**TINY, **OF_MODEL[model], **(of_users if model in OF_USERS else {})}
            columns = {"load_col": {"inter": NAMES}, "runs_dir": root / "runs", "show_progress": False, "device": "cpu"}
            kept[model] = rx.train(model, "made", data_path=data, **{**given, **columns})
            (data / "made" / "made.inter").unlink()
        return kept[model]

    return make


def test_table(opened: Any) -> pd.DataFrame:
    """The rows of the run's test as a file has them, in another order."""
    part = opened.loaded.loaders.parts[2]
    rows = part.inter_feat
    columns = {name: part.id2token(name, rows[name]) for name in NAMES[:2]}
    table = pd.DataFrame({**columns, "timestamp": rows["timestamp"].numpy()})
    return table.sample(frac=1, random_state=0).sort_values("timestamp", kind="stable").reset_index(drop=True)


test_table.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["SASRec", "SS4Rec", "BPR", "EASE"])
def test_ranked_rows_of_the_test_get_its_values(trained: Callable[[str], Any], model: str) -> None:
    opened = trained(model)
    later = test_table(opened)
    found = opened.evaluate(later, test_rows=True)
    assert found.metrics == opened.result["test"] and found.rows == len(later)
    units = read_units(opened.path)[model]
    for name, totals in units.totals.items():
        for user, total, weight in zip(units.tested.users, totals, units.weights[name], strict=True):
            mine = found.subset(found.table["user"] == user, with_intervals=False)
            assert np.float32(mine.metrics[name]) == np.float32(total / weight)
    whole = found.subset()
    assert {name: round(value, 4) for name, value in whole.metrics.items()} == found.metrics
    assert all(low <= whole.metrics[name] <= high for name, (low, high) in found.intervals.items())
    with pytest.raises(DataError, match=r"none of the interactions can be used: line 1: .* are a row of the run"):
        opened.evaluate(later)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["file", "random"])
def test_rows_of_one_time_stay_where_the_run_had_them(order: str, tmp_path: Path) -> None:
    data = write_inter(tmp_path, "made", [(user, item, time // 300) for user, item, time in ROWS])
    columns = {"load_col": {"inter": NAMES}, "runs_dir": tmp_path / "runs", "show_progress": False, "device": "cpu"}
    opened = rx.train("SS4Rec", "made", data_path=data, tie_order=order, **{**TINY, **OF_MODEL["SS4Rec"], **columns})
    found = opened.evaluate(test_table(opened), test_rows=True)
    assert found.metrics == opened.result["test"] and found.rows == 18
    last = pd.DataFrame({"user_id": ["u1", "u1"], "item_id": ["i13", "i2"], "timestamp": [ROWS[-1][2] // 300] * 2})
    assert opened.evaluate(last).rows == 2  # at the time of events of the run, and after them


@pytest.mark.slow
def test_ratings_of_the_test_get_its_values(
    make_config: Callable[..., Config], train_run: Callable[..., Any], tmp_path: Path
) -> None:
    rows = [(f"u{k % 12}", f"i{(k * 7 + k // 12) % 15}", 1 + k * k % 5, 100 * k) for k in range(150)]
    root = write_inter(tmp_path / "data", "rated", rows, "user_id:token\titem_id:token\trating:float\ttimestamp:float")
    done = train_run(make_config("HybridVAE", root, "rated", epochs=1, baselines=["global_mean"]))
    rating = done.loaders.test.dataset.inter_feat["rating"].numpy()
    tested = pd.DataFrame(done.tokens(done.loaders.test)).assign(rating=rating, own=done.tested)
    later = tested.sample(frac=1, random_state=0).reset_index(drop=True)
    opened = rx.load(done.folder)
    found = opened.evaluate(later, test_rows=True)
    assert found.metrics == opened.result["test"]
    expected = later.sort_values("timestamp", kind="stable")
    assert found.table["prediction"].tolist() == expected["own"].tolist()
    assert found.table["rating"].tolist() == expected["rating"].tolist()


@pytest.mark.slow
def test_clicks_of_the_test_get_its_values(
    make_config: Callable[..., Config], train_run: Callable[..., Any], tmp_path: Path
) -> None:
    rows = [(f"u{k % 9}", f"i{k * 5 % 11}", 100 * k, k * k % 3 % 2) for k in range(120)]
    root = write_inter(tmp_path / "data", "clicked", rows, CLICK_HEADER)
    done = train_run(make_config("MDAFMamba", root, "clicked", **SMALL_CLICKS))
    opened = rx.load(done.folder)
    own = opened.click_probability(pd.DataFrame(done.tokens(done.loaders.test)))["probability"]
    label = done.loaders.test.dataset.inter_feat["label"].numpy()
    later = pd.DataFrame(done.tokens(done.loaders.test)).assign(label=label, own=own).sample(frac=1, random_state=0)
    found = opened.evaluate(later, test_rows=True)
    assert found.metrics == pytest.approx({name: opened.result["test"][name] for name in found.metrics}, abs=1e-12)
    assert found.table["probability"].tolist() == later.sort_values("timestamp")["own"].tolist()
    assert set(found.intervals) == {*found.metrics} >= {"auc", "logloss", "ece"}


LATER = [
    ("u1", "i13", 5000),
    ("new", "i2", 5001),
    ("u1", "i2", 5002),
    ("new", "i5", 5003),
    ("u1", "unheard", 5004),
    ("new", "i2", 5005),
    ("u1", "i4", 5006),
    ("nobody", "i1", 5007),
]
HISTORY = [("u1", "i0", 4000), ("new", "i9", 4001)]


def place(opened: Any, user: str, item: str, history: list[tuple[Any, ...]]) -> int:
    """Where an item is in the list after a history, from 1; 0 if it is not among the first 3."""
    listed = opened.recommend([user], k=3, history=history)["item_id"].tolist()
    return listed.index(item) + 1 if item in listed else 0


@pytest.mark.parametrize("model", ["SASRec", "SS4Rec"])
@pytest.mark.parametrize("history", [[], HISTORY])
def test_sequences_see_all_that_came_before(
    trained: Callable[[str], Any], model: str, history: list[tuple[Any, ...]]
) -> None:
    opened = trained(model)
    known = pd.DataFrame(history, columns=NAMES) if history else None
    found = opened.evaluate(pd.DataFrame(LATER, columns=NAMES), known)
    events = [*ROWS, *history, *LATER]
    for number, (user, item, time) in enumerate(LATER):
        before = [row for row in events if row[0] == user and row[2] < time and row[1] != "unheard"]
        row = found.table.iloc[number]
        assert row["evaluated"] == (bool(before) and item != "unheard"), number
        if row["evaluated"]:
            assert row["rank"] == place(opened, user, item, before)
            assert row["hit@1"] == (row["rank"] == 1) and row["hit@3"] == (row["rank"] > 0)
    assert found.left_out == {"unknown item": 1, "unknown user": 1 if history else 2}
    assert (found.groups["new_users"].rows, found.groups["new_users"].evaluated) == (4, found.rows - 3)
    assert found.groups["new_items"].rows == 1 and found.groups["new_items"].metrics == {}
    missed = found.groups["new_items_as_misses"]
    assert missed.evaluated == found.rows + 1
    hits = found.subset().metrics["hit@3"] * found.rows
    assert missed.metrics["hit@3"] == pytest.approx(hits / missed.evaluated)


@pytest.mark.parametrize("model", ["SASRec", "EASE"])
def test_a_row_is_not_known_before_itself(trained: Callable[[str], Any], model: str) -> None:
    opened, later = trained(model), pd.DataFrame(LATER, columns=NAMES)
    history = pd.DataFrame(HISTORY, columns=NAMES)
    both = pd.concat([later.iloc[[0, 3, 4]], history, later.iloc[[3]], later.iloc[[6]].assign(timestamp=4500)])
    kept = pd.concat([history, later.iloc[[6]].assign(timestamp=4500)])
    expected, found = opened.evaluate(later, kept), opened.evaluate(later, both)
    pd.testing.assert_frame_equal(found.table, expected.table)
    note = "3 interactions of the history are among the later ones too; they are known from their own time on"
    assert note in found.notes and not any("history are among" in one for one in expected.notes)


def test_a_table_is_read_as_training_reads_one(trained: Callable[[str], Any]) -> None:
    opened, later = trained("FPMC"), pd.DataFrame(LATER, columns=NAMES)
    later.loc[1, "user_id"] = None
    expected = opened.evaluate(later)
    assert expected.unknown_users == 4 and {*expected.table["user"].cat.categories} == {"u1", "new", "nobody"}
    dated = opened.evaluate(later.assign(timestamp=pd.to_datetime(later["timestamp"], unit="s")))
    assert dated.metrics == expected.metrics and dated.table["time"].tolist() == later["timestamp"].tolist()
    with pytest.raises(DataError, match="line 3: timestamp is empty, and every row needs a time"):
        opened.evaluate(later.assign(timestamp=pd.to_datetime(later["timestamp"].where(later.index != 2), unit="s")))
    with pytest.raises(DataError, match=r"seems to count milliseconds .*; give it in seconds"):
        opened.evaluate(later.assign(timestamp=later["timestamp"] + 1_600_000_000_000))


def test_new_users_are_left_out_where_the_model_must_know_them(trained: Callable[[str], Any]) -> None:
    found = trained("FPMC").evaluate(pd.DataFrame(LATER, columns=NAMES))
    assert found.unknown_users == 4 and found.rows == 3 and found.groups["new_users"].evaluated == 0


def test_a_history_is_folded_in_where_lists_are_of_users(trained: Callable[[str], Any]) -> None:
    opened, later = trained("EASE"), pd.DataFrame(LATER, columns=NAMES)
    alone, found = opened.evaluate(later), opened.evaluate(later, pd.DataFrame(HISTORY, columns=NAMES))
    assert alone.unknown_users == 4 and alone.rows == 3
    assert found.unknown_users == 1 and found.rows == 6
    new = found.table[found.table["user"] == "new"]
    assert [place(opened, "new", item, HISTORY[1:]) for item in new["item"]] == new["rank"].tolist()


@pytest.mark.slow
def test_clicks_see_all_that_came_before(make_config: Callable[..., Config], tmp_path: Path) -> None:
    rows = [(f"u{k % 9}", f"i{k * 5 % 11}", 100 * k, k * k % 3 % 2) for k in range(120)]
    root = write_inter(tmp_path / "data", "clicked", rows, CLICK_HEADER)
    config = make_config(
        "MDAFMamba", root, "clicked", **SMALL_CLICKS, branches=["static", "sequential"], implicit_sets="none"
    )
    opened = rx.load(run(config)["run_directory"])
    later = [("u1", "i3", 20_000, 1), ("u1", "i4", 20_100, 0), ("u2", "i3", 20_150, 1), ("u1", "i3", 20_200, 0)]
    names = ["user_id", "item_id", "timestamp", "label"]
    found = opened.evaluate(pd.DataFrame(later, columns=names)).table
    for number, (user, item, time, _) in enumerate(later):
        before = [row for row in [*rows, *later] if row[0] == user and row[2] < time]
        lists = {
            "item_id_list": " ".join(row[1] for row in before),
            "behavior_list": " ".join(str(row[3]) for row in before),
            "age_list": " ".join(str(time - row[2]) for row in before),
        }
        asked = pd.DataFrame([{"user_id": user, "item_id": item, "timestamp": time, **lists}])
        expected = opened.click_probability(asked)["probability"].iloc[0]
        assert found["probability"].iloc[number] == pytest.approx(expected, abs=1e-6)
