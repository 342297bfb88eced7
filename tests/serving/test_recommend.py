"""Recommendations: what is asked for, what was seen, new users, and what cannot be answered."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import recbole_ext as rx
from recbole_ext.errors import DataError, UsageError
from recbole_ext.serving.given_histories import read_histories
from recbole_ext.serving.recommendation_files import read_history
from recbole_ext.serving.run import Run
from recbole_ext.serving.skipped import Skipped
from tests.conftest import write_inter

ROWS = [(f"u{u}", f"i{(u + 3 * k + k * (u % 3)) % 14}", 100 * u + 10 * k) for u in range(18) for k in range(6)]
TINY: dict[str, Any] = {
    "epochs": 1,
    "baselines": [],
    "topk": [3],
    "valid_metric": "MRR@3",
    "hidden_size": 8,
    "inner_size": 8,
    "n_layers": 1,
    "n_heads": 1,
    "num_layers": 1,
    "d_state": 4,
    "MAX_ITEM_LIST_LENGTH": 5,
    "embedding_size": 8,
    "show_progress": False,
    "device": "cpu",
}
_OF = {
    "SASRec": ("hidden_size", "inner_size", "n_layers", "n_heads"),
    "SS4Rec": ("hidden_size", "num_layers", "d_state"),
    "BPR": ("embedding_size",),
    "FPMC": ("embedding_size",),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Trains a model once; the data is gone afterwards."""
    root, kept = tmp_path_factory.mktemp("front"), {}

    def make(model: str, **given: Any) -> Run:
        name = f"{model}{given}"
        if name not in kept:
            data = write_inter(root / f"data{len(kept)}", "made", ROWS)
            model_keys = {key for keys in _OF.values() for key in keys} - {*_OF[model]}
            settings = {key: value for key, value in TINY.items() if key not in model_keys}
            columns = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "runs_dir": root / "runs"}
            run = rx.train(model, "made", data_path=data, **{**settings, **columns, **given})
            (data / "made" / "made.inter").unlink()
            kept[name] = run
        return kept[name]

    return make


def events_of(user: str) -> list[tuple[str, str, int]]:
    return [row for row in ROWS if row[0] == user]


@pytest.mark.slow
def test_seen_items_are_left_out_as_the_protocol_does(trained: Any) -> None:
    seen = {(user, item) for user, item, _ in ROWS}
    for model in ("SASRec", "BPR"):
        run = trained(model)
        found = run.recommend(k=14)
        assert not seen & {*zip(found["user_id"], found["item_id"], strict=True)}
        lengths = found.groupby("user_id").size()
        assert {user: 14 - len({item for u, item in seen if u == user}) for user in lengths.index} == lengths.to_dict()
        every = run.recommend(k=14, remove_seen=False)
        assert (every.groupby("user_id").size() == 14).all() and np.isfinite(every["score"]).all()
    run = trained("SASRec")
    tested = run.recommend(["u3"], k=14, at="test")
    assert events_of("u3")[-1][1] in tested["item_id"].to_list()  # the target is still to come
    assert len(run.recommend(["u3"], k=14, at="valid", remove_seen=False)) == 14


def test_unknown_users_are_reported_and_the_others_answered(trained: Any) -> None:
    run = trained("BPR")
    with pytest.warns(UserWarning, match=r"left out: line 2: user_id 'nobody' is not in the run's data"):
        found = run.recommend(["u2", "nobody", "u1", "u2"], k=2)
    assert found["user_id"].to_list() == ["u2", "u2", "u1", "u1"] and found["rank"].to_list() == [1, 2, 1, 2]
    assert found.attrs["skipped"] == ["line 2: user_id 'nobody' is not in the run's data"]
    with pytest.raises(DataError, match=r"none of the users can be used: line 1: user_id '7' is not"):
        run.recommend([7])
    with pytest.raises(DataError, match="no users are given"):
        run.recommend([])
    assert run.recommend("u1", k=1)["user_id"].to_list() == ["u1"]


@pytest.mark.slow
def test_a_history_is_ranked_like_the_user_who_has_it(trained: Any) -> None:
    for model in ("SASRec", "SS4Rec"):
        run = trained(model)
        known = run.recommend(["u4"], k=4, time=9999)
        rows = events_of("u4")
        table = pd.DataFrame([("somebody", *row[1:]) for row in rows], columns=["user_id", "item_id", "timestamp"])
        for history in (table, rows, table.sample(frac=1, random_state=1)):
            found = run.recommend(history=history, k=4, time=9999)
            assert found["item_id"].to_list() == known["item_id"].to_list()
            assert np.allclose(found["score"], known["score"], atol=1e-6)
    items = run.recommend(history=[item for _, item, _ in rows], k=2, users=["me"])
    assert items["user_id"].to_list() == ["me", "me"]


def test_several_histories_and_what_is_wrong_with_them(trained: Any) -> None:
    run = trained("SASRec")
    history = [("new", "i1", 5), ("new", "i2", 3), ("u4", "i3", 1), ("lost", "x", 1), ("new", "y", 9)]
    with pytest.warns(UserWarning, match="left out: line 4: item_id 'x' is not in the run's data; line 5: item_id 'y'"):
        found = run.recommend(history=history, k=2)
    assert found["user_id"].to_list() == ["new", "new", "u4", "u4"]
    assert found.attrs["skipped"][-1] == "user_id 'lost' has no event of a known item"
    alone = run.recommend(history=[("new", "i2", 3), ("new", "i1", 5)], k=2)
    assert alone["item_id"].to_list() == found["item_id"].to_list()[:2]
    for wrong, words in (
        (["x", "y"], "none of the events can be used: line 1: item_id 'x' is not"),
        ([], "no events are given"),
        (pd.DataFrame({"a": [1]}), "the history has no column 'item_id'; it has a"),
        ([("u", "i1", "noon")], "line 1: timestamp 'noon' is not a number"),
    ):
        with pytest.raises(DataError, match=words):
            run.recommend(history=wrong)
    for wrong in ("i1", 3, [("a", "b")], {"i1", "i2"}, {"item_id": ["i1"]}, [{"item_id": "i1"}], b"i1"):
        with pytest.raises(UsageError, match="history"):
            run.recommend(history=wrong)
    rows = np.array([["new", "i2", 3], ["new", "i1", 5]], dtype=object)
    assert run.recommend(history=rows, k=2).equals(alone)


def test_a_table_of_histories_is_read_as_training_reads_one(trained: Any) -> None:
    run = trained("SASRec")
    rows = [("new", "i1", 5), ("new", "i2", 3), (None, "i3", 4), ("new", None, 6)]
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
    dated = table.assign(timestamp=pd.to_datetime(table["timestamp"], unit="s"))
    expected = run.recommend(history=rows[:2], k=3)
    for given in (table, dated, pl.DataFrame(rows, schema=[*table], orient="row")):
        with pytest.warns(UserWarning, match=r"left out: line 3: user_id is empty; line 4: item_id is empty"):
            found = run.recommend(history=given, k=3)
        assert found["user_id"].to_list() == ["new"] * 3 and found["score"].to_list() == expected["score"].to_list()
    for times, words in (
        (dated["timestamp"].where(dated.index != 1), "line 2: timestamp is empty, and every row needs a time"),
        (table["timestamp"].where(table.index != 1), "line 2: timestamp is empty"),
        (
            table["timestamp"].astype(float).where(table.index != 1, np.inf),
            "line 2: timestamp 'inf' is not a time in seconds",
        ),
        (table["timestamp"] + 1_600_000_000_000, "seems to count milliseconds .*; give it in seconds"),
    ):
        with pytest.raises(DataError, match=words):
            run.recommend(history=table.assign(timestamp=times))


def test_a_file_of_histories_is_in_the_unit_of_the_run(trained: Any, tmp_path: Path) -> None:
    run, path = trained("SASRec", time_unit="milliseconds"), tmp_path / "history.csv"
    history = [("new", "i1", 1_600_000_000_500), ("new", "i2", 1_600_000_000_400)]
    pd.DataFrame(history, columns=["user_id", "item_id", "timestamp"]).to_csv(path, index=False)
    table = read_history(run.config, path)
    given = read_histories(run.loaded, table, "", Skipped("events"), str(path))
    assert given.columns["timestamp"].tolist() == [1_600_000_000] * 2
    known = run.loaded.train.field2token_id["item_id"]
    assert given.columns["item_id"].tolist() == [known["i2"], known["i1"]]
    path.write_text(path.read_text().replace("1600000000400", "nan"))
    with pytest.raises(DataError, match=r"history.csv:3: timestamp 'nan' is not a time in seconds since 1970"):
        read_histories(run.loaded, read_history(run.config, path), "", Skipped("events"), str(path))


def test_models_that_must_know_the_user_say_so(trained: Any) -> None:
    with pytest.raises(UsageError, match=r"FPMC ranks for users of its training data: it reads 'user_id'.*SS4Rec"):
        trained("FPMC").recommend(history=["i1", "i2"])
    found = trained("FPMC").recommend(history=[("u3", "i1", 1)], k=1)
    assert found["user_id"].to_list() == ["u3"]
    with pytest.raises(UsageError, match=r"BPR ranks for users of its training data.*SS4Rec"):
        trained("BPR").recommend(history=["i1", "i2"])


def test_wrong_questions(trained: Any) -> None:
    run = trained("SASRec")
    for given, words in (
        ({"k": 0}, "k must be a whole number of at least 1"),
        ({"k": 1.5}, "k must be a whole number"),
        ({"at": "noon"}, "at must be one of now, test, valid"),
        ({"time": 1_700_000_000_000}, "time must be a whole number of seconds since 1970"),
        ({"at": "test", "time": 3}, "time is for at='now'"),
        ({"history": ["i1"], "at": "test"}, "leave history out"),
        ({"history": ["i1"], "users": ["a", "b"]}, "users names 2 users beside a history"),
    ):
        with pytest.raises(UsageError, match=words):
            run.recommend(**given)
    numbers = run.recommend(["u1"], k=np.int64(2), time=np.int64(900))
    assert numbers.equals(run.recommend(["u1"], k=2, time=900))


def test_tables_of_users_and_items(trained: Any) -> None:
    run = trained("SASRec")
    expected = run.recommend(["u1", "u2"], k=2, deny=["i1", "i2"])
    users, items = pd.DataFrame({"age": [1, 2], "user_id": ["u1", "u2"]}), pl.DataFrame({"item_id": ["i1", "i2"]})
    assert run.recommend(users, k=2, deny=items).equals(expected)
    assert {*run.recommend(users, k=2, allow=items, remove_seen=False)["item_id"]} == {"i1", "i2"}


def test_devices_and_paths_that_are_none(trained: Any) -> None:
    path = trained("SASRec").path
    devices: list[Any] = [0, "", [], True, "banana"]
    for device in devices:
        with pytest.raises(UsageError, match=r"device must be auto, cpu, cuda, cuda:N or mps \(got "):
            rx.load(path, device=device).config  # noqa: B018
    cpu: Any = torch.device("cpu")
    assert rx.load(path, device=cpu).config["device"] == torch.device("cpu")
    paths: list[Any] = [None, 5, rx.load(path), b"runs"]
    for wrong in paths:
        with pytest.raises(UsageError, match=r"a run is named by the path of its directory \(got "):
            rx.load(wrong)


def test_a_folder_of_data_that_is_not_there_is_refused(trained: Any, tmp_path: Path) -> None:
    run = trained("SASRec")
    with pytest.raises(
        DataError, match=r"--data_path=.*: no file of the data set .* is there; .* leave the option out"
    ):
        rx.load(run.path, data_path=tmp_path / "mistyped").recommend(["u1"])


@pytest.mark.slow
def test_later_interactions(trained: Any, tmp_path: Path) -> None:
    later = [("u1", "i13", 5000), ("u2", "i2", 5001), ("nobody", "i1", 5002), ("u3", "new", 5003), ("u4", "i5", 5004)]
    table = pd.DataFrame(later, columns=["user_id", "item_id", "timestamp"])
    path = write_inter(tmp_path, "later", later) / "later" / "later.inter"
    for model in ("SASRec", "BPR"):
        run = trained(model, filter_seen_items=False)
        found, again = run.evaluate(table), run.evaluate(path)
        assert found == again == run.evaluate(pl.DataFrame(later, schema=[*table], orient="row"), users=np.int64(0))
        assert (found.rows, found.unknown_users, found.unknown_items) == (3, 1, 1)
        ranked = run.recommend(["u1", "u2", "u4"], k=3)
        hits = [(user, item) in {*zip(ranked["user_id"], ranked["item_id"], strict=True)} for user, item, _ in later]
        assert found.metrics["hit@3"] == pytest.approx(sum(hits) / 3, abs=1e-4)
    with pytest.raises(DataError, match="none of the interactions can be used: line 1: user_id 'x' is not"):
        run.evaluate(table.assign(user_id="x"))
    with pytest.raises(DataError, match="the table has no column 'item_id'"):
        run.evaluate(table.drop(columns="item_id"))
    with pytest.raises(DataError, match="there is no file"):
        run.evaluate(tmp_path / "none.inter")
    for wrong, words in (
        ({"later": 5}, r"a data set's folder or a table is needed \(got int\)"),
        ({"users": "3"}, r"must be a whole number of at least 0 \(got '3'\)"),
        ({"users": True}, r"must be a whole number of at least 0 \(got True\)"),
        ({"test_rows": "no"}, r"test_rows must be True or False \(got 'no'\)"),
    ):
        with pytest.raises(UsageError, match=words):
            run.evaluate(**{"later": table, **wrong})


def test_vectors_and_what_a_run_holds(trained: Any, tmp_path: Path) -> None:
    run = trained("BPR")
    items, users = run.item_embeddings(), run.user_embeddings()
    assert items.shape == (14, 8) and users.shape == (18, 8) and items.index.name == "item_id"
    found = run.recommend(["u5"], k=1, remove_seen=False).iloc[0]
    assert float(users.loc["u5"] @ items.loc[found["item_id"]]) == pytest.approx(found["score"], rel=1e-5)
    with pytest.raises(UsageError, match=r"SASRec has no table of user vectors of its own; .* BPR"):
        trained("SASRec").user_embeddings()
    assert run.result["model"] == "BPR" and len(run.curves) == 1 and run.report.is_file() and run.task == "ranking"
    assert repr(run) == f"Run({str(run.path)!r})"
    for call in (run.rate, run.click_probability):
        with pytest.raises(UsageError, match="BPR is a model of ranking and answers recommend"):
            call(pd.DataFrame())
    with pytest.raises(UsageError, match="there is no run"):
        rx.load(tmp_path)
    compared = rx.compare([run, trained("SASRec")])
    assert {"BPR", "SASRec"} <= {name.split("-")[0] for name in compared.as_frame()["name"]} and "on test" in str(
        compared
    )


def test_training_ends_with_the_errors_of_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no model named 'SS4'"):
        rx.train("SS4", "made")
    with pytest.raises(UsageError, match="unknown key 'epoch'"):
        rx.train("BPR", "made", epoch=3)
    with pytest.raises(UsageError, match="there is no data set named 'made'"):
        rx.train("BPR", "made", data_path=tmp_path)
