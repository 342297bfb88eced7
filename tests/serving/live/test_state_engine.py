"""What is particular to states: whole histories, memory, half precision, indexes, threads, foreign snapshots."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

import recbole_ext as rx
from recbole_ext.errors import UsageError
from recbole_ext.serving.engine import Event, Query, open_engine
from recbole_ext.serving.live.snapshot import FILE, Fingerprint, read_snapshot
from recbole_ext.serving.run import Run
from tests.conftest import write_inter
from tests.serving.live.conftest import ITEMS, OF_MODEL, TINY, made_rows
from tests.serving.live.test_engines import PROTOCOLS, same

Trained = Callable[..., Run]


def long_history(n: int = 40) -> list[tuple[str, int]]:
    rng = np.random.default_rng(8)
    times = 10**9 + np.cumsum(np.floor(10 ** rng.uniform(0, 6, n)).astype(np.int64))
    return [(f"i{rng.integers(20)}", int(time)) for time in times]


@pytest.mark.slow
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "given",
    [
        {"model": "SS4Rec", "history_term": "recency"},
        {"model": "SS4Rec", "history_term": "interval"},
        {"model": "Mamba4Rec", "history_term": "interval"},
    ],
    ids=str,
)
def test_states_over_whole_histories_are_those_of_the_full_pass(
    trained: Trained, given: dict[str, Any], protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, events = trained(**given, protocol=protocol), long_history()
    engine = open_engine(run, history="whole")
    monkeypatch.setattr(run.loaded.train.inter_feat, "width", 1000)  # recommend then encodes whole histories
    for n, (item, time) in enumerate(events, start=1):
        engine.update(Event("x", item, time))
        if n in (1, 2, 6, 7, 13, 40):
            table = run.recommend(history=[("x", *event) for event in events[:n]], k=ITEMS, time=time + 77)
            same(engine.recommend(Query("x", k=ITEMS, at=time + 77)), table)
            same(engine.recommend(Query(history=events[:n], k=ITEMS, at=time + 77)), table)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["no_time", "time_aware"])
def test_models_without_a_compiled_step_are_followed_by_their_own(trained: Trained, protocol: str) -> None:
    run, events = trained("SS4Rec", protocol=protocol, ssm_variant="mamba2", head_dim=8), long_history(9)
    engine = open_engine(run)
    for n, (item, time) in enumerate(events, start=1):
        engine.update(Event("x", item, time))
        table = run.recommend(history=[("x", *event) for event in events[:n]], k=ITEMS, time=time + 50)
        same(engine.recommend(Query("x", k=ITEMS, at=time + 50)), table)


@pytest.mark.parametrize("protocol", ["no_time", "time_aware"])
@pytest.mark.parametrize("index", ["exact", "int8", "hnsw", "ivf"])
def test_every_index_and_a_full_memory_give_the_same_lists(trained: Trained, protocol: str, index: str) -> None:
    run = trained("SS4Rec", protocol=protocol)
    engine, small = open_engine(run), open_engine(run, index=index, state_memory_gb=2e-6)
    assert small.states.most < 3  # type: ignore[attr-defined]
    for item, time in long_history(12):
        for user in ("u1", "u2", "x", "u3", "y"):
            for each in (engine, small):
                each.update(Event(user, item, time))
            expected, found = (each.recommend(Query(user, k=8)) for each in (engine, small))
            np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-4, atol=1e-5)
    assert small.states.rows == small.states.most  # type: ignore[attr-defined]


def test_states_in_half_precision_take_half_the_memory_and_lose_little(trained: Trained) -> None:
    run, events = trained("SS4Rec", protocol="no_time"), long_history()
    full, half = (open_engine(run, history="whole", state_dtype=f"float{bits}") for bits in (32, 16))
    for item, time in events:
        for each in (full, half):
            each.update(Event("x", item, time))
            each.recommend(Query("x"))
    expected, found = (each.recommend(Query("x", k=ITEMS)) for each in (full, half))
    scores = dict(zip(found.items, found.scores, strict=True))
    np.testing.assert_allclose([scores[item] for item in expected.items], expected.scores, atol=3e-3)
    wide, narrow = (each.states.nbytes for each in (full, half))  # type: ignore[attr-defined]
    assert narrow < 0.7 * wide


@pytest.mark.slow
def test_a_field_of_events_groups_the_history_term(tmp_path: Path) -> None:
    rows = [(*row, f"b{k % 3}") for k, row in enumerate(made_rows())]
    header = "user_id:token\titem_id:token\ttimestamp:float\tbehaviour:token"
    data = write_inter(tmp_path / "data", "made", rows, header)
    columns = {"inter": ["user_id", "item_id", "timestamp", "behaviour"]}
    own = {"history_term": "seen", "history_field": "behaviour", "load_col": columns, "learning_rate": 0.1}
    settings = {**TINY, **OF_MODEL["SS4Rec"], **own, "filter_seen_items": False, "epochs": 4}
    run = rx.train("SS4Rec", "made", data_path=data, runs_dir=tmp_path / "runs", **settings)
    assert np.ptp(run.loaded.model.history_term.logits.bias.detach().numpy()) > 1e-3
    engine = open_engine(run)
    for user in ("u3", "u9", "u11"):
        same(engine.recommend(Query(user, k=ITEMS)), run.recommend([user], k=ITEMS))


def test_users_are_followed_from_several_threads(trained: Trained) -> None:
    run = trained("SS4Rec", protocol="time_aware")
    engine, alone, failed = open_engine(run), open_engine(run), []

    def follow(user: str) -> None:
        try:
            for item, time in long_history(30):
                engine.update(Event(user, item, time))
                engine.recommend(Query(user))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=follow, args=(f"t{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for item, time in long_history(30):
        alone.update(Event("t0", item, time))
    assert not failed
    expected = alone.recommend(Query("t0", k=ITEMS))
    for k in range(4):
        answer = engine.recommend(Query(f"t{k}", k=ITEMS))
        np.testing.assert_allclose(answer.scores, expected.scores, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_snapshots_of_other_weights_and_catalogues_are_refused(trained: Trained, tmp_path: Path) -> None:
    run = trained("SS4Rec", protocol="no_time")
    engine = open_engine(run)
    engine.update(Event("x", "i1", 2 * 10**9))
    engine.save(tmp_path)
    other = open_engine(trained("SS4Rec", protocol="no_time", seed=7))
    with pytest.raises(UsageError, match=r"(?s)holds states of other weights \(sha256 .*use the run that wrote it"):
        other.restore(tmp_path)
    own = Fingerprint.of(run.loaded)
    with pytest.raises(UsageError, match=r"(?s)other weights .*the catalogue has 5 items more now"):
        read_snapshot(tmp_path, replace(own, weights="0" * 64, n_items=own.n_items + 5))
    with pytest.raises(UsageError, match="is of another vocabulary"):
        read_snapshot(tmp_path, replace(own, vocabulary="0" * 64))
    with pytest.raises(UsageError, match="no event of user 'x' is known"):
        other.recommend(Query("x"))


def test_damaged_snapshots_are_refused(trained: Trained, tmp_path: Path) -> None:
    engine = open_engine(trained("SS4Rec", protocol="no_time"))
    engine.save(tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole[:100], save({"a": np.zeros(1)}, {"format": "2"})):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(UsageError, match="is damaged"):
            engine.restore(tmp_path)
    (tmp_path / FILE).write_bytes(save({"a": np.zeros(1)}, {"format": "9", "facts": json.dumps({})}))
    with pytest.raises(UsageError, match="has format '9'; this version reads format 2"):
        engine.restore(tmp_path)


def test_a_snapshot_of_the_other_kind_of_history_keeps_the_events(trained: Trained, tmp_path: Path) -> None:
    run = trained("SS4Rec", protocol="no_time")
    whole, window = open_engine(run, history="whole"), open_engine(run, history="window")
    for item, time in long_history(12):
        for each in (whole, window):
            each.update(Event("x", item, time))
            each.recommend(Query("x"))
    whole.save(tmp_path)
    other = open_engine(run, history="window")
    other.restore(tmp_path)
    assert other.recommend(Query("x", k=ITEMS)) == window.recommend(Query("x", k=ITEMS))


def test_an_event_during_a_snapshot_is_in_no_state_of_it(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained("SS4Rec", protocol="no_time")
    engine, other = open_engine(run, history="whole"), open_engine(run, history="whole")
    for user in ("u1", "u2"):
        engine.update(Event(user, "i3", 2 * 10**9))
    before = [engine.recommend(Query(user, k=ITEMS)) for user in ("u1", "u2")]
    copied = engine._arrays  # type: ignore[attr-defined]

    def with_event(count: np.ndarray) -> Any:
        engine.update(Event("u1", "i4", 2 * 10**9 + 5))
        return copied(count)

    monkeypatch.setattr(engine, "_arrays", with_event)
    engine.save(tmp_path)
    other.restore(tmp_path)
    assert [other.recommend(Query(user, k=ITEMS)).items for user in ("u1", "u2")] == [each.items for each in before]
