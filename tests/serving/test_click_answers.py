"""A row of a run's splits gets the probability that the run computed: it sees neither itself nor more than then."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from recbole.data.interaction import Interaction

from recbole_ext.config.config import Config
from recbole_ext.serving.click_answers import ClickAnswers
from recbole_ext.serving.load import load_run
from recbole_ext.serving.score import read_rows, score
from recbole_ext.tasks.clicks.batches import ClickLoader
from tests.conftest import CLICK_HEADER, SMALL_CLICKS, write_inter
from tests.serving.conftest import Trained, predicted_clicks

SETTINGS: dict[str, dict[str, Any]] = {
    "before": {"history_from": "before", "implicit_sets": "before"},
    "sets": {"branches": ["static", "sequential", "sets"], "implicit_sets": "train"},
    "random": {"eval_args": {"order": "RO", "group_by": None}, "implicit_sets": "train"},
    "newest of all": {"eval_args": {"order": "TO", "group_by": None}, "implicit_sets": "before"},
}
SAME_SECOND = 4
"""Events of a user that share their second."""


def click_rows(context: bool = False) -> list[tuple[Any, ...]]:
    """A click depends on user and item; seconds are shared, and users come back to items."""
    rng = np.random.default_rng(3)
    rows = []
    for user in range(15):
        items = np.concatenate([rng.permutation(12)[:SAME_SECOND] for _ in range(6)])
        for k, item in enumerate(items.tolist()):
            label = int((user + item + int(rng.integers(3) == 0)) % 2)
            rows.append((f"u{user}", f"i{item}", 1000 + 100 * (k // SAME_SECOND) + user, label, f"c{k % 3}"))
    return rows if context else [row[:4] for row in rows]


def make(make_config: Callable[..., Config], folder: Path, context: bool = False, **given: Any) -> Config:
    header = CLICK_HEADER + ("\tplace:token" if context else "")
    root = write_inter(folder, "made", click_rows(context), header)
    columns = {"load_col": {"inter": [name.partition(":")[0] for name in header.split("\t")]}}
    sizes = {**SMALL_CLICKS, **columns, "eval_batch_size": 23, "train_batch_size": 64}
    return make_config("MDAFMamba", root, **{**sizes, **given})


@pytest.fixture(params=["before", "sets", *(pytest.param(n, marks=pytest.mark.slow) for n in list(SETTINGS)[2:])])
def trained(
    request: Any, make_config: Callable[..., Config], once: Any, train_run: Callable[[Config], Trained]
) -> Trained:
    def train(folder: Path) -> Trained:
        return train_run(make(make_config, folder, runs_dir=str(folder / "runs"), **SETTINGS[request.param]))

    return once(request.param, train)


def answers(trained: Trained) -> Callable[[dict[str, Any], Any], np.ndarray]:
    """Probabilities of columns of tokens, or of some of their rows."""
    loaded = load_run(trained.folder, trained.config)
    answering = ClickAnswers(loaded)

    def of(columns: dict[str, Any], order: Any = None) -> np.ndarray:
        table = pl.DataFrame({name: list(map(str, column)) for name, column in columns.items()})
        table = table if order is None else table[order]
        return answering.probabilities(read_rows(loaded.train, table))

    return of


@pytest.mark.slow
def test_a_row_of_the_splits_gets_what_the_run_computed_for_it(trained: Trained) -> None:
    of, rng, loaders = answers(trained), np.random.default_rng(0), trained.loaders
    unshuffled = ClickLoader(trained.config, loaders.train.dataset)
    for loader, split in ((loaders.test, loaders.test), (loaders.valid, loaders.valid), (unshuffled, loaders.train)):
        expected, columns = predicted_clicks(trained, loader), trained.tokens(split)
        assert (of(columns) == expected).all()
        order = rng.permutation(len(expected))[: len(expected) // 2]
        assert (of(columns, order) == expected[order]).all()
    in_order = np.concatenate([batch["row"].numpy() for batch in loaders.test])
    assert (trained.tested == predicted_clicks(trained, loaders.test)[in_order]).all()


def test_a_training_row_is_scored_as_the_training_loader_shows_it(trained: Trained) -> None:
    columns = trained.tokens(trained.loaders.train)
    scored = answers(trained)(columns)
    for batch in trained.loaders.train:  # drawn, so that sums are rounded otherwise
        with torch.no_grad():
            expected = trained.model.predict(batch).double().numpy()
        assert scored[batch["row"].numpy()] == pytest.approx(expected, abs=1e-5)


def trained_on(make_config: Callable[..., Config], folder: Path, train_run: Any, **given: Any) -> Trained:
    sizes = {"branches": ["static", "sequential"], "implicit_sets": "train"}
    return train_run(make(make_config, folder, **{**sizes, **given}))


@pytest.mark.slow
def test_a_row_that_is_none_of_the_runs_sees_what_came_strictly_before(
    make_config: Callable[..., Config], tmp_path: Path, train_run: Any
) -> None:
    trained = trained_on(make_config, tmp_path, train_run, implicit_sets="before")
    taken = {item for user, item, time, _ in click_rows() if (user, time) == ("u1", 1101)}
    item = next(f"i{k}" for k in range(12) if f"i{k}" not in taken)
    of = answers(trained)
    columns = {"user_id": ["u1"] * 3, "item_id": [item] * 3, "timestamp": [1100, 1101, 1102]}
    before, at, after = of(columns)
    assert before != after and at != after  # four events of the user are in the second 1101
    loaded = load_run(trained.folder, trained.config)
    table = pl.DataFrame({name: list(map(str, column)) for name, column in columns.items()})
    past = ClickAnswers(loaded)._new_part(read_rows(loaded.train, table), np.full(3, -1)).past
    seen = [past.by_user.time[low:high] for low, high in zip(past.of_user.start, past.of_user.end, strict=True)]
    assert [len(times) for times in seen] == [SAME_SECOND, SAME_SECOND, 2 * SAME_SECOND]
    assert all((times < moment).all() for times, moment in zip(seen, columns["timestamp"], strict=True))


@pytest.mark.slow
def test_a_training_row_with_a_given_history_is_left_out_of_the_set_of_its_item(
    make_config: Callable[..., Config], tmp_path: Path, train_run: Any
) -> None:
    trained = trained_on(make_config, tmp_path, train_run)
    split, loaded = trained.loaders.train, load_run(trained.folder, trained.config)
    columns = {name: list(map(str, column)) for name, column in trained.tokens(split).items()}
    n = len(columns["user_id"])
    columns |= {"item_id_list": ["i1 i2"] * n, "behavior_list": ["1 0"] * n, "age_list": ["900 800"] * n}
    rows = read_rows(loaded.train, pl.DataFrame(columns))
    shown: list[Any] = []

    def predict(batch: Any) -> torch.Tensor:
        shown.append(batch)
        return torch.zeros(len(batch["row"]))

    loaded.model.predict = predict
    ClickAnswers(loaded).probabilities(rows)
    expected = own_sets(ClickLoader(trained.config, split.dataset))
    assert own_sets(shown) == expected
    assert len(expected) == n and all(behaviour > 0 for behaviour, *_ in expected.values())


def own_sets(batches: Any) -> dict[int, tuple[int, list[int], list[int]]]:
    """Row -> its own behaviour in the set of its item, and the users and behaviours in that set."""
    found = {}
    for batch in batches:
        names = ("row", "item_set_group", "item_set_own")
        for row, group, own in zip(*(batch[name].tolist() for name in names), strict=True):
            mine = batch["item_set_owner"] == group
            found[row] = own, *(batch[f"item_set_{name}"][mine].tolist() for name in ("member", "behaviour"))
    return found


@pytest.mark.slow
def test_context_of_the_file_counts_and_the_row_still_does_not_see_itself(
    make_config: Callable[..., Config], tmp_path: Path, train_run: Any
) -> None:
    trained = trained_on(make_config, tmp_path, train_run, context=True)
    of, part = answers(trained), trained.loaders.train.dataset
    columns = trained.tokens(trained.loaders.train)
    own = part.id2token("place", part.inter_feat["place"]).tolist()
    other = ["c0" if place == "c1" else "c1" for place in own]
    expected = predicted_clicks(trained, ClickLoader(trained.config, part))
    assert (of(columns | {"place": own}) == expected).all()
    table = dict(part.inter_feat.interaction)
    table["place"] = torch.tensor([int(part.field2token_id["place"][place]) for place in other])
    moved = predicted_clicks(trained, ClickLoader(trained.config, part.copy(Interaction(table))))
    assert (of(columns | {"place": other}) == moved).all() and (moved != expected).mean() > 0.9
    twice = {name: of_it + of_it for name, of_it in columns.items()} | {"place": own + other}
    assert of(twice) == pytest.approx(np.concatenate([expected, moved]), abs=1e-6)


@pytest.mark.slow
def test_the_file_is_rounded_to_six_places(make_config: Callable[..., Config], tmp_path: Path, train_run: Any) -> None:
    trained = trained_on(make_config, tmp_path, train_run)
    columns, expected = trained.tokens(trained.loaders.test), predicted_clicks(trained, trained.loaders.test)
    pl.DataFrame(columns).write_csv(tmp_path / "in.tsv", separator="\t")
    score(trained.folder, tmp_path / "in.tsv", tmp_path / "out.tsv")
    assert pl.read_csv(tmp_path / "out.tsv", separator="\t")["probability"].to_list() == expected.round(6).tolist()
