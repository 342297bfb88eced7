"""Both engines through the same tests: what they answer is what the run recommends."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recbole_ext.errors import UsageError
from recbole_ext.serving.engine import Event, Query, open_engine
from recbole_ext.serving.run import Run
from tests.serving.live.conftest import ITEMS, USERS, made_rows

Trained = Callable[..., Run]
PROTOCOLS = ("no_time", "recbole", "recbole_time", "time_aware")
MODELS = [("SS4Rec", protocol) for protocol in PROTOCOLS]
MODELS += [(model, "no_time") for model in ("Mamba4Rec", "SASRec", "GRU4Rec", "BPR", "FPMC", "Pop")]
FOLDING = [(model, protocol) for model, protocol in MODELS if model not in ("BPR", "FPMC", "Pop")]
EVENTS = [("i3", 10**9 + 5), ("i7", 10**9 + 900), ("i3", 10**9 + 90_000), ("i11", 10**9 + 90_001), ("i20", 2 * 10**9)]
EVENTS += [(f"i{k}", 2 * 10**9 + 1000 * k) for k in range(1, 6)]


def settings(engine_of: Run, history: str = "window") -> dict[str, Any]:
    recurrent = engine_of.config.model in ("SS4Rec", "Mamba4Rec")
    return {"history": history} if recurrent else {}


def same(answer: Any, table: pd.DataFrame) -> None:
    """Scores as in the table, and its items in an order that the scores allow."""
    np.testing.assert_allclose(answer.scores, table["score"], rtol=1e-4, atol=1e-5)
    known = dict(zip(table["item_id"], table["score"], strict=True))
    np.testing.assert_allclose([known[item] for item in answer.items], answer.scores, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "protocol"), MODELS)
def test_a_warm_engine_answers_as_the_run_recommends(trained: Trained, model: str, protocol: str) -> None:
    run = trained(model, protocol=protocol)
    engine = open_engine(run, **settings(run))
    expected = run.recommend(k=ITEMS)
    assert expected["user_id"].nunique() == USERS
    for user, table in expected.groupby("user_id"):
        same(engine.recommend(Query(str(user), k=ITEMS)), table)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "protocol"), FOLDING)
@pytest.mark.parametrize("history", ["whole", "window"])
def test_events_one_by_one_answer_as_their_history(trained: Trained, model: str, protocol: str, history: str) -> None:
    run = trained(model, protocol=protocol)
    engine = open_engine(run, **settings(run, history))
    for n, (item, time) in enumerate(EVENTS, start=1):
        assert engine.update(Event("somebody", item, time)) == "applied"
        if history == "whole" and n > 6 and settings(run):
            continue  # the run recommends after its window, see the test of whole histories
        for at in (time, time + 5000):
            table = run.recommend(history=[("somebody", *event) for event in EVENTS[:n]], k=ITEMS, time=at)
            same(engine.recommend(Query("somebody", k=ITEMS, at=at)), table)
            same(engine.recommend(Query(None, EVENTS[:n], k=ITEMS, at=at)), table)


@pytest.mark.parametrize(("model", "protocol"), MODELS)
def test_masks_are_exact_and_lists_full(trained: Trained, model: str, protocol: str) -> None:
    run = trained(model, protocol=protocol)
    engine = open_engine(run, **settings(run))
    known = {row[1] for row in made_rows()}
    seen = {item for user, item, _ in made_rows() if user == "u7"}
    every = engine.recommend(Query("u7", k=ITEMS, exclude_seen=False))
    assert set(every.items) == known and not every.seen_removed and len(every.items) == len(known)
    unseen = engine.recommend(Query("u7", k=ITEMS, exclude_seen=True))
    assert set(unseen.items) == known - seen and unseen.seen_removed
    assert any("items are candidates" in note for note in unseen.notes)
    denied = engine.recommend(Query("u7", k=5, deny=every.items[:8], exclude_seen=False))
    assert denied.items == every.items[8:13]
    allowed = engine.recommend(Query("u7", k=9, allow=[*every.items[20:25], "nowhere"], exclude_seen=False))
    assert allowed.items == every.items[20:25]
    assert any("'nowhere'" in note for note in allowed.notes)
    assert engine.recommend(Query("u7", k=9, allow=["nowhere"])).items == []


@pytest.mark.parametrize(("model", "protocol"), FOLDING)
def test_late_events_end_in_the_order_of_time(trained: Trained, model: str, protocol: str) -> None:
    run = trained(model, protocol=protocol)
    engine, ordered = open_engine(run, **settings(run)), open_engine(run, **settings(run))
    outcomes = []
    for place in (0, 2, 1, 9, 3, 4, 5, 8, 6, 7):
        outcomes.append(engine.update(Event("late", *EVENTS[place])))
        engine.recommend(Query("late"))
    assert outcomes == [*["applied"] * 2, "late", "applied", *["late"] * 6]
    for event in EVENTS:
        ordered.update(Event("late", *event))
    first, second = (each.recommend(Query("late", k=ITEMS)) for each in (engine, ordered))
    np.testing.assert_allclose(first.scores, second.scores, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("model", "protocol"), [MODELS[0], MODELS[3], ("SASRec", "no_time"), ("BPR", "no_time")])
def test_repeated_and_unknown_events_change_nothing(trained: Trained, model: str, protocol: str) -> None:
    run = trained(model, protocol=protocol)
    engine = open_engine(run, recent_events=2, **settings(run))
    assert engine.update(Event("u1", "i1", 2 * 10**9, "a")) == "applied"
    before = engine.recommend(Query("u1", k=ITEMS))
    assert engine.update(Event("u1", "i2", 2 * 10**9 + 1, "a")) == "duplicate"
    assert engine.update(Event("u1", "nothing", 2 * 10**9 + 2, "b")) == "unknown_item"
    assert engine.users.unknown_items == 1
    assert engine.recommend(Query("u1", k=ITEMS)) == before
    assert engine.update(Event("u1", "i2", 2 * 10**9 + 1, "c")) == "applied"
    assert engine.update(Event("u1", "i2", 2 * 10**9 + 1, "a")) == "applied"  # two ids are remembered


@pytest.mark.parametrize(("model", "protocol"), MODELS)
def test_a_snapshot_brings_everything_back(trained: Trained, model: str, protocol: str, tmp_path: Any) -> None:
    run = trained(model, protocol=protocol)
    engine = open_engine(run, **settings(run))
    for item, time in EVENTS:
        for user in ("u2", "u3"):
            engine.update(Event(user, item, time, f"{user}{time}"))
    answers = [engine.recommend(Query(user, k=ITEMS)) for user in ("u2", "u3", "u4")]
    assert open_engine(run, **settings(run)).restore(tmp_path) is None
    engine.save(tmp_path, {"position": 7})
    other = open_engine(run, **settings(run))
    assert other.restore(tmp_path) == {"position": 7}
    assert [other.recommend(Query(user, k=ITEMS)) for user in ("u2", "u3", "u4")] == answers
    assert other.update(Event("u2", "i1", 3 * 10**9, f"u2{EVENTS[0][1]}")) == "duplicate"
    for each in (engine, other):
        each.update(Event("u2", "i9", 3 * 10**9))
    assert engine.recommend(Query("u2", k=ITEMS)) == other.recommend(Query("u2", k=ITEMS))


@pytest.mark.parametrize(("model", "protocol"), [("SS4Rec", "time_aware"), ("SASRec", "no_time")])
def test_what_cannot_be_answered_is_refused(trained: Trained, model: str, protocol: str) -> None:
    run = trained(model, protocol=protocol)
    engine = open_engine(run)
    for query, message in (
        (Query("u1", k=0), "k must be a whole number of at least 1 .got 0"),
        (Query("u1", k="3"), "k must be a whole number"),  # type: ignore[arg-type]
        (Query("nobody"), "no event of user 'nobody' is known"),
        (Query(), "names a user or gives a history"),
        (Query(history=[]), "no event of a known item"),
        (Query(history=[("nothing", 3)]), "no event of a known item"),
        (Query(history=[("i1", 3), ("i2", None)]), "have a time, or none"),
        (Query("u1", at="now"), "at of a query must be a whole number of seconds"),  # type: ignore[arg-type]
        (Query("u1", at=float("nan")), "at of a query must be a whole number of seconds"),  # type: ignore[arg-type]
        (Query("u1", at=1_700_000_000_000), "at of a query must be a number of seconds since 1970"),
    ):
        with pytest.raises(UsageError, match=message):
            engine.recommend(query)
    for event, message in (
        (Event("u1", "i1", None), "time of an event of user 'u1' must be a whole number of seconds .got None"),
        (Event("u1", "i1", 1_700_000_000_000), "a number of seconds since 1970 .got 1700000000000, which counts milli"),
        (Event("u1", "i1", -(2**60)), "a number of seconds since 1970 .got -1152921504606846976, which counts nano"),
        (Event("u1", "i1", 5 * 10**9), "before 2100, as the times of the run's data are .got 5000000000 .2128-06-11"),
        (Event("", "i1", 1), "user of an event must be a text"),
        (Event("u1", 5, 1), "item of an event must be a text"),  # type: ignore[arg-type]
    ):
        with pytest.raises(UsageError, match=message):
            engine.update(event)
    assert engine.users.newest == run.loaded.train.events["timestamp"].max()
    for given, message in (({"histroy": "whole"}, "did you mean 'history'"), ({"index": "flat"}, "index must be one")):
        with pytest.raises(UsageError, match=message):
            open_engine(run, **given)


def test_arguments_of_a_query_of_another_type(trained: Trained) -> None:
    engine, known = open_engine(trained("SASRec", protocol="no_time")), ("i1", 3)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"user": 1}, "user of a query must be a text"),
        ({"allow": [1]}, r"allow must hold ids of items as text \(got 1\)"),
        ({"deny": pd.DataFrame({"item_id": ["i1"]})}, "deny must hold ids of items as text"),
        ({"exclude_seen": "no"}, "exclude_seen must be True, False or None"),
        *(({"history": of}, "a history holds") for of in ("i1", ["i1"], [("i1",)], [(1, 3)], [(*known, {}, 1)])),
        ({"history": [(*known, None)]}, "values of the history must be a mapping"),
    ]
    for given, message in wrong:
        with pytest.raises(UsageError, match=message):
            engine.recommend(Query(**{"user": "u1", **given}))
    every = engine.recommend(Query("u1", k=ITEMS, exclude_seen=False)).items
    for deny in (every[0], np.array(every[:1]), pd.Series(every[:1]), {every[0]}, (item for item in every[:1])):
        assert engine.recommend(Query("u1", k=ITEMS, exclude_seen=False, deny=deny)).items == every[1:]
    number: Any = np.int64(2)
    assert engine.recommend(Query("u1", k=number, allow=every[0], exclude_seen=False)).items == every[:1]


def test_models_of_users_refuse_new_ones(trained: Trained) -> None:
    engine = open_engine(trained("BPR", protocol="no_time"))
    engine.update(Event("somebody", "i1", 5))
    for query in (Query("somebody"), Query(history=[("i1", 3)])):
        with pytest.raises(UsageError, match="BPR ranks for users of its training data"):
            engine.recommend(query)


def test_models_that_fold_in_elsewhere_say_what_an_engine_ranks_by(trained: Trained) -> None:
    run = trained("EASE", protocol="no_time")
    assert len(run.recommend(history=["i1", "i2"], k=3)) == 3
    query = Query(history=[("i1", 3)])
    with pytest.raises(UsageError, match="EASE folds in the histories of `recommend`, and an engine ranks by") as error:
        open_engine(run).recommend(query)
    assert str(error.value).endswith("models of sequences: SS4Rec, Mamba4Rec, SASRec, GRU4Rec")
    by_users = trained("ItemKNN", protocol="no_time", knn_method="user")
    with pytest.raises(UsageError, match=r"ItemKNN ranks for users .*EASE, ItemKNN \(knn_method: item\), MultiVAE"):
        by_users.recommend(history=["i1"])
    with pytest.raises(UsageError, match=r"ItemKNN ranks for users .* alone: SS4Rec, Mamba4Rec, SASRec, GRU4Rec$"):
        open_engine(by_users).recommend(query)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["SS4Rec", "Mamba4Rec", "SASRec"])
def test_data_without_times_are_followed_in_the_order_of_arrival(trained: Trained, model: str) -> None:
    run = trained(model, TIME_FIELD=None, load_col={"inter": ["user_id", "item_id"]})
    engine = open_engine(run, **settings(run))
    for n, (item, _) in enumerate(EVENTS, start=1):
        assert engine.update(Event("x", item, None if n % 2 else 10**9 - n)) == "applied"
        table = run.recommend(history=[item for item, _ in EVENTS[:n]], k=ITEMS)
        same(engine.recommend(Query("x", k=ITEMS)), table)
    with pytest.raises(UsageError, match="at: the events of this run have no times"):
        engine.recommend(Query("x", at=5))
