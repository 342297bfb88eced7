"""What items have beside their ids is learned where it decides what follows, for items without interactions too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from tests.conftest import write_inter
from tests.model.conftest import SIZES

Build = Callable[..., Any]
GROUPS, OF_GROUP, USERS, LENGTH = 4, 5, 48, 9
ITEMS = [f"w{g}{k}" for g in range(GROUPS) for k in range(OF_GROUP)] + [f"c{g}" for g in range(GROUPS)]
"""Items of each group, and one per group that is in no interaction but the last of users."""


def group_of(item: str) -> int:
    return int(item[1])


def grouped_rows() -> list[tuple[str, str, int]]:
    """Users who step through the groups in turn, with a random item of each; the last item is the group's cold one."""
    rng = np.random.default_rng(3)
    rows = []
    for user in range(USERS):
        start = int(rng.integers(GROUPS))
        groups = [(start + step) % GROUPS for step in range(LENGTH)]
        items = [f"w{g}{rng.integers(OF_GROUP)}" for g in groups[:-1]] + [f"c{groups[-1]}"]
        rows += [(f"u{user}", item, 10**9 + 60 * k) for k, item in enumerate(items)]
    return rows


def described(shuffled: bool) -> dict[str, int]:
    """The group of each item as it is given to the model; shuffled: that of another item."""
    groups = [group_of(item) for item in ITEMS]
    if shuffled:
        groups = [(g + 1 + k % (GROUPS - 1)) % GROUPS for k, g in enumerate(groups)]
    return dict(zip(ITEMS, groups, strict=True))


@pytest.fixture
def build_grouped(make_config: Callable[..., Config], tmp_path: Path) -> Build:
    def make(model: str, shuffled: bool = False, **given: Any) -> Any:
        root, groups = write_inter(tmp_path, "made", grouped_rows()), described(shuffled)
        rows = "".join(f"{item}\tg{group}\tg{group} all\t1\n" for item, group in groups.items())
        header = "item_id:token\tgroup:token\ttags:token_seq\tprice:float\n"
        (root / "made" / "made.item").write_text(header + rows)
        width = int(given.pop("width", 6))
        np.save(root / "v.npy", np.eye(GROUPS, width, dtype=np.float32)[list(groups.values())])
        (root / "v.ids").write_text("\n".join(groups) + "\n")
        own = {"s5_state_size": 4} if model == "SS4Rec" else {}
        config = make_config(model, root, **{**SIZES, **own, "train_batch_size": 128, "dropout_prob": 0.0, **given})
        loaders = build_loaders(config, create_dataset(config))
        return loaders, build_trainer(config, loaders)

    return make


def vectors(root: Path) -> str:
    return str(root / "v.npy")


def share_of_group_first(loaders: Any, model: Any) -> float:
    """How often the cold target is before all items of other groups, in the list of the test."""
    tokens = loaders.train._dataset.field2id_token["item_id"]
    groups = torch.tensor([-1, *(group_of(token) for token in tokens[1:])])
    rows = loaders.test._dataset[np.arange(USERS)]
    with torch.no_grad():
        scores = model.eval().full_sort_predict(rows)
    target = rows["item_id"]
    others = scores.masked_fill(groups == groups[target].unsqueeze(1), -torch.inf)[:, 1:].amax(1)
    return float((scores.gather(1, target.unsqueeze(1)).squeeze(1) > others).float().mean())


def trained(built: Any, epochs: int = 8) -> float:
    loaders, trainer = built
    optimizer = torch.optim.Adam(trainer.model.parameters(), lr=0.03)
    trainer.model.train()
    for _ in range(epochs):
        for batch in loaders.train:
            optimizer.zero_grad()
            trainer.model.calculate_loss(batch).backward()
            optimizer.step()
    return share_of_group_first(loaders, trainer.model)


CASES = [
    ("Mamba4Rec", "added"),
    pytest.param("SS4Rec", "projected", marks=pytest.mark.slow),
    pytest.param("Mamba4Rec", "frozen", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("model", "mode"), CASES)
def test_an_item_without_interactions_is_ranked_by_its_vector(
    build_grouped: Build, tmp_path: Path, model: str, mode: str
) -> None:
    width = {"width": SIZES["hidden_size"]} if mode == "frozen" else {}
    built = build_grouped(model, item_vectors=vectors(tmp_path), item_vectors_mode=mode, **width)
    assert trained(built) > 0.9


@pytest.mark.slow
def test_without_vectors_or_with_those_of_others_it_is_not(build_grouped: Build, tmp_path: Path) -> None:
    assert trained(build_grouped("Mamba4Rec")) < 0.1
    assert trained(build_grouped("Mamba4Rec", shuffled=True, item_vectors=vectors(tmp_path))) < 0.5


def places_of_cold_twins(make_config: Callable[..., Config], root: Path, **given: Any) -> torch.Tensor:
    """Places from 1 of items without interactions, each with the vector of a popular item, which is the best answer."""
    rng, rows = np.random.default_rng(3), []
    for user in range(USERS):
        start = int(rng.integers(GROUPS))
        groups = [(start + step) % GROUPS for step in range(LENGTH)]
        items = [f"w{g}{0 if rng.random() < 0.6 else rng.integers(OF_GROUP)}" for g in groups[:-1]]
        rows += [(f"u{user}", item, 10**9 + 60 * k) for k, item in enumerate([*items, f"c{groups[-1]}"])]
    of_item = dict(zip(ITEMS, np.random.default_rng(1).normal(size=(len(ITEMS), 16)), strict=True))
    of_item |= {f"c{g}": of_item[f"w{g}0"] for g in range(GROUPS)}
    np.save(root / "v.npy", np.stack(list(of_item.values())).astype(np.float32))
    (root / "v.ids").write_text("\n".join(of_item) + "\n")
    settings = {**SIZES, "train_batch_size": 128, "dropout_prob": 0.0, "item_vectors": vectors(root), **given}
    config = make_config("Mamba4Rec", write_inter(root, "made", rows), **settings)
    loaders = build_loaders(config, create_dataset(config))
    trainer = build_trainer(config, loaders)
    trained((loaders, trainer), epochs=14)
    tested = loaders.test._dataset[np.arange(USERS)]
    with torch.no_grad():
        scores = trainer.model.eval().full_sort_predict(tested)[:, 1:]
    return (scores > scores.gather(1, tested["item_id"].unsqueeze(1) - 1)).sum(1) + 1


DROPPED = [(0.5, 1.0), pytest.param(0.0, 0.0, marks=pytest.mark.slow)]


@pytest.mark.parametrize(("dropout", "share"), DROPPED)
def test_an_item_with_the_vector_of_a_popular_one_is_at_the_top_where_own_vectors_are_dropped(
    make_config: Callable[..., Config], tmp_path: Path, dropout: float, share: float
) -> None:
    places = places_of_cold_twins(make_config, tmp_path, item_vectors_dropout=dropout)
    assert float((places <= 2).float().mean()) == pytest.approx(share, abs=0.2)


FIELDS = [
    (["group"], "summed"),
    (["group", "tags"], "gated"),
    pytest.param(["tags"], "summed", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("fields", "mode"), FIELDS)
def test_an_item_without_interactions_is_ranked_by_its_fields(
    build_grouped: Build, fields: list[str], mode: str
) -> None:
    assert trained(build_grouped("Mamba4Rec", item_fields=fields, item_fields_mode=mode)) > 0.9


@pytest.mark.slow
def test_fields_of_other_items_do_not_help(build_grouped: Build) -> None:
    assert trained(build_grouped("SS4Rec", shuffled=True, item_fields=["group"])) < 0.5


@pytest.mark.parametrize("mode", ["summed", "gated"])
def test_fields_vectors_and_gate_are_all_learned(build_grouped: Build, tmp_path: Path, mode: str) -> None:
    given = {"item_vectors": vectors(tmp_path), "item_fields": ["group", "tags"], "loss_type": "sampled_softmax"}
    given |= {"item_fields_mode": mode, "item_vectors_dropout": 0.3}
    loaders, trainer = build_grouped("SS4Rec", **given)
    trainer.model.calculate_loss(next(iter(loaders.train))).backward()
    for name, p in trainer.model.item_embedding.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, name


def test_a_field_that_the_items_lack_or_that_is_a_number_is_refused(build_grouped: Build) -> None:
    with pytest.raises(DataError, match="item_fields names 'brand'"):
        build_grouped("Mamba4Rec", item_fields=["brand"])
    with pytest.raises(DataError, match="item_fields is for token or token_seq columns, and price is of type float"):
        build_grouped("Mamba4Rec", item_fields=["price"])
    with pytest.raises(UsageError, match=r"item_fields_mode must be one of summed, gated .got 'gate'."):
        build_grouped("Mamba4Rec", item_fields=["group"], item_fields_mode="gate")
    with pytest.raises(UsageError, match=r"item_fields: SASRec does not read it .* SS4Rec and Mamba4Rec do"):
        build_grouped("SASRec", item_fields=["group"])


@pytest.mark.parametrize("loss_type", ["CE", "BPR", "sampled_softmax", "gBCE"])
@pytest.mark.parametrize("train_mode", ["all_positions", "prefix"])
def test_every_loss_reaches_every_parameter(
    build_grouped: Build, tmp_path: Path, loss_type: str, train_mode: str
) -> None:
    given = {"item_vectors": vectors(tmp_path), "history_term": "seen"}
    loaders, trainer = build_grouped("Mamba4Rec", loss_type=loss_type, train_mode=train_mode, **given)
    loss = trainer.model.calculate_loss(next(iter(loaders.train)))
    loss.backward()
    without = [name for name, p in trainer.model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert torch.isfinite(loss) and without == []


def test_predict_equals_full_ranking(build_grouped: Build, tmp_path: Path) -> None:
    loaders, trainer = build_grouped("SS4Rec", item_vectors=vectors(tmp_path))
    model, rows = trainer.model.eval(), loaders.test._dataset[np.arange(6)]
    expected = model.full_sort_predict(rows).gather(1, rows["item_id"].unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(model.predict(rows), expected)
    model.fix_items()
    torch.testing.assert_close(model.predict(rows), expected)


@pytest.mark.parametrize("mode", ["init", "frozen", "projected", "added"])
def test_click_models_read_vectors_of_items(build_clicks: Build, tmp_path: Path, mode: str) -> None:
    np.save(tmp_path / "v.npy", np.eye(10, 8, dtype=np.float32) + 1)
    (tmp_path / "v.ids").write_text("\n".join([*map(str, range(9)), "new"]) + "\n")
    loaders, trainer = build_clicks(item_vectors=vectors(tmp_path), item_vectors_mode=mode)
    model, train = trainer.model, loaders.train._dataset
    new = train.field2token_id["item_id"]["new"]
    assert model.fields.item.id(torch.tensor([new])).abs().sum() > 0
    model.calculate_loss(next(iter(loaders.train))).backward()
    if mode in ("projected", "added"):
        assert model.fields.item.id.projection.weight.grad.abs().sum() > 0
