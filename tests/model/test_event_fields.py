"""What happened at an event is learned where it decides the next item, and is what serving and export say of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import recbole_ext as rx
from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, UsageError
from recbole_ext.model.sequence.event_fields import EventFields
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.serving.engine import Event, Query, open_engine
from recbole_ext.serving.live.state_engine import StateEngine
from recbole_ext.serving.recommendation_files import read_history
from recbole_ext.serving.run import Run
from tests.conftest import write_inter
from tests.model.conftest import SIZES
from tests.serving.live.conftest import OF_MODEL, TINY

Build = Callable[..., Any]
ITEMS, USERS, LENGTH = 8, 40, 10
HEADER = "user_id:token\titem_id:token\tact:token\trating:float\ttimestamp:float"


def rows(shuffled: bool = False) -> list[tuple[Any, ...]]:
    """The kind and the rating of an event say whether the next item is of the first or the second half of the items."""
    rng = np.random.default_rng(7)
    found = []
    for user in range(USERS):
        half = int(rng.integers(2))
        for k in range(LENGTH):
            item, half = half * ITEMS // 2 + int(rng.integers(ITEMS // 2)), int(rng.integers(2))
            said = int(rng.integers(2)) if shuffled else half
            found.append((f"u{user}", f"i{item}", f"a{said}", 1 + 3 * said + int(rng.integers(2)), 10**9 + 3600 * k))
    return found


@pytest.fixture
def build_events(make_config: Callable[..., Config], tmp_path: Path) -> Build:
    def make(model: str, shuffled: bool = False, **given: Any) -> Any:
        root, own = write_inter(tmp_path, "made", rows(shuffled), HEADER), {}
        if model == "SS4Rec":
            own = {"s5_state_size": 4}
        sizes = {**SIZES, **own, "train_batch_size": 128, "dropout_prob": 0.0, "filter_seen_items": False}
        config = make_config(model, root, **{**sizes, **given})
        loaders = build_loaders(config, create_dataset(config))
        return loaders, build_trainer(config, loaders)

    return make


def half_is_first(built: Any, epochs: int = 6) -> float:
    """Train; how often the best item of the test is of the target's half, which is a coin's toss without the fields."""
    loaders, trainer = built
    optimizer = torch.optim.Adam(trainer.model.parameters(), lr=0.03)
    trainer.model.train()
    for _ in range(epochs):
        for batch in loaders.train:
            optimizer.zero_grad()
            trainer.model.calculate_loss(batch).backward()
            optimizer.step()
    part = loaders.test._dataset
    halves = torch.tensor([-1, *(int(token[1:]) >= ITEMS // 2 for token in part.field2id_token["item_id"][1:])])
    tested = part[np.arange(USERS)]
    with torch.no_grad():
        best = trainer.model.eval().full_sort_predict(tested)[:, 1:].argmax(1) + 1
    return float((halves[best] == halves[tested["item_id"]]).float().mean())


SLOW = pytest.mark.slow
CASES = [
    ("Mamba4Rec", ["act"], "all_positions"),
    pytest.param("Mamba4Rec", ["rating"], "all_positions", marks=SLOW),
    pytest.param("SS4Rec", ["act", "rating"], "all_positions", marks=SLOW),
    pytest.param("SS4Rec", ["act"], "prefix", marks=SLOW),
]


@pytest.mark.parametrize(("model", "fields", "mode"), CASES)
def test_a_field_of_the_last_event_decides_the_next_item(
    build_events: Build, model: str, fields: list[str], mode: str
) -> None:
    assert half_is_first(build_events(model, event_fields=fields, train_mode=mode)) > 0.9


@SLOW
def test_without_it_or_with_that_of_other_events_it_stays_at_chance(build_events: Build) -> None:
    assert half_is_first(build_events("Mamba4Rec")) < 0.75
    assert half_is_first(build_events("Mamba4Rec", shuffled=True, event_fields=["act", "rating"])) < 0.75


def test_windows_prefix_rows_and_single_steps_agree(build_events: Build) -> None:
    """The state after each event is the same from a window, from rows and event by event."""
    loaders, trainer = build_events("SS4Rec", event_fields=["rating", "act"], use_target_time=False)
    model, batch = trainer.model.eval(), next(iter(loaders.train))
    for p in model.event_fields.parameters():
        torch.nn.init.normal_(p)
    with torch.no_grad():
        events = model.read(batch)
        whole = model(events)
        states, gaps = model.first_states(), torch.zeros(len(events.items), dtype=torch.float32)
        for k in range(3):
            gaps = (events.times[:, k] - events.times[:, max(0, k - 1)]).float()
            hidden, states = model.step(events.items[:, k], gaps, states, tuple(of[:, k] for of in events.fields))
            torch.testing.assert_close(hidden, whole[:, k], rtol=1e-4, atol=1e-5)
    assert events.fields[0].unique().tolist() == [1, 2, 4, 5]  # as the file has them, not scaled to 0 and 1


def test_values_by_hand_and_unknown_ones(build_events: Build) -> None:
    loaders, _ = build_events("Mamba4Rec", event_fields=["act", "rating"])
    fields = EventFields(loaders.train._dataset, ["act", "rating"], 3)
    read = loaders.train._dataset.inter_feat.read_events()
    numbers = loaders.train._dataset.events["rating"][read]
    z = (4 - numbers.mean()) / numbers.std(unbiased=False)
    table, weight = fields.tables[0].weight, fields.tables[1].weight[:, 0]
    found = fields((torch.tensor([1, 0, 0]), torch.tensor([float("nan"), 4.0, 1e9])))
    torch.testing.assert_close(found, torch.stack([table[1], z * weight, 5 * weight]))


@pytest.mark.parametrize(
    ("model", "fields", "error", "says"),
    [
        ("SASRec", ["act"], UsageError, r"event_fields: SASRec does not read it .* SS4Rec and Mamba4Rec do"),
        ("Mamba4Rec", ["kind"], DataError, "event_fields names 'kind'"),
        ("Mamba4Rec", ["act", "act"], UsageError, "event_fields names 'act' twice"),
    ],
)
def test_what_cannot_be_read_is_refused(
    build_events: Build, model: str, fields: list[str], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        build_events(model, event_fields=fields)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("events")
    data = write_inter(root, "made", rows(), HEADER)
    settings = {**TINY, **OF_MODEL["SS4Rec"], "runs_dir": root / "runs", "topk": [5], "valid_metric": "NDCG@5"}
    fields = {"event_fields": ["act", "rating"], "learning_rate": 0.05, "epochs": 4}
    return rx.train("SS4Rec", "made", data_path=data, **{**settings, **fields})


def test_a_given_history_and_a_followed_one_answer_as_the_run_does(run: Run) -> None:
    known = run.recommend(users=["u3"], k=5, remove_seen=False)
    table = pd.DataFrame(rows(), columns=[name.split(":")[0] for name in HEADER.split("\t")])
    mine = table[table["user_id"] == "u3"]
    given = run.recommend(history=mine.assign(user_id="x"), k=5, remove_seen=False)
    assert given["item_id"].tolist() == known["item_id"].tolist()
    np.testing.assert_allclose(given["score"], known["score"], rtol=1e-4)
    other = run.recommend(history=mine.assign(user_id="x", act="unheard of", rating=None), k=5, remove_seen=False)
    assert np.isfinite(other["score"]).all() and not np.allclose(other["score"], known["score"])
    engine = open_engine(run)
    answer = engine.recommend(Query("u3", k=5, exclude_seen=False))
    assert answer.items == known["item_id"].tolist()


COME = [("i1", {"act": "a1", "rating": 4}), ("i5", {"rating": 2.5}), ("i2", {}), ("i5", {"act": "a0", "rating": None})]
COME += [("i3", {"act": "unheard of"})] + [(f"i{k}", {"act": f"a{k % 2}", "rating": 1 + k % 4}) for k in range(7)]


@pytest.mark.parametrize("late", [False, True])
def test_events_that_come_answer_as_the_same_rows_do(run: Run, late: bool) -> None:
    engine, other = open_engine(run), open_engine(run)
    assert isinstance(engine, StateEngine) and engine.value_names == ("act", "rating")
    events = [Event("new", item, 10**9 + 60 * k, None, values) for k, (item, values) in enumerate(COME)]
    for event in reversed(events) if late else events:
        engine.update(event)
        engine.recommend(Query("new"))  # a state is kept, and goes on
        other.update(replace(event, values={**event.values, "rating": 5}))
    table = pd.DataFrame([{"user_id": "new", "item_id": e.item, "timestamp": e.time, **e.values} for e in events])
    expected = run.recommend(history=table, k=5, remove_seen=False)
    query = Query("new", k=5, exclude_seen=False)
    np.testing.assert_allclose(engine.recommend(query).scores, expected["score"], rtol=1e-4)
    assert not np.allclose(other.recommend(query).scores, expected["score"], rtol=1e-3)
    sent = replace(query, user=None, history=[(e.item, e.time, e.values) for e in events])
    np.testing.assert_allclose(engine.recommend(sent).scores, expected["score"], rtol=1e-4)


def test_a_snapshot_has_the_values(run: Run, tmp_path: Path) -> None:
    engine, other, query = open_engine(run), open_engine(run, state_memory_gb=1e-9), Query("u1", k=5)
    engine.update(Event("u1", "i1", 2 * 10**9, None, {"act": "a1", "rating": 4}))
    engine.save(tmp_path)
    other.restore(tmp_path)  # no state is kept, so that the values are read
    np.testing.assert_allclose(other.recommend(query).scores, engine.recommend(query).scores, rtol=1e-4)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"acts": "a1"}, r"event of user 'u' has a value of 'acts'.*'act'.* does not read; it reads act, rating"),
        ({"act": 1}, r"act of the event of user 'u' must be a text, as in the data \(got 1\)"),
        ({"rating": "4"}, r"rating of the event of user 'u' must be a finite number \(got '4'\)"),
        ({"rating": float("nan")}, "must be a finite number"),
    ],
)
def test_values_that_cannot_be_read_are_refused(run: Run, values: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        open_engine(run).update(Event("u", "i1", 10**9, None, values))
    with pytest.raises(UsageError, match=says.replace("event of user 'u'", "history")):
        open_engine(run).recommend(Query(history=[("i1", 10**9, values)]))


def test_a_file_of_a_history_is_read_with_its_values(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "given.tsv"
    file.write_text("item_id\ttimestamp\tact\trating\n" + "i1\t1000000000\ta1\t\n" + "i2\t1000000060\t\t4\n")
    table = read_history(run.config, file)
    found = run.recommend(history=table, k=5, remove_seen=False)
    engine = open_engine(run)
    history = [("i1", 10**9, {"act": "a1"}), ("i2", 10**9 + 60, {"rating": 4})]
    np.testing.assert_allclose(
        engine.recommend(Query(history=history, k=5, exclude_seen=False)).scores, found["score"], rtol=1e-4
    )


def test_graphs_refuse_by_name(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no input for event_fields \(act, rating\)"):
        run.export("onnx", tmp_path / "out")


def test_later_events_are_read_with_their_values(run: Run, tmp_path: Path) -> None:
    later = [(user, item, act, rating, time + 10**7) for user, item, act, rating, time in rows()]
    (tmp_path / "later.inter").write_text("\n".join([HEADER, *("\t".join(map(str, row)) for row in later)]) + "\n")
    assert run.evaluate(tmp_path / "later.inter", users=0).metrics
