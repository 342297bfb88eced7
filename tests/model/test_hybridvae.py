from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.model.rating.settings import CHOICES
from recbole_ext.model.rating.table import Columns, Pairs, RatingTable, calendar
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.runs.checkpoint import load_checkpoint, save_checkpoint
from tests.conftest import write_inter

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
SIZES: dict[str, Any] = {
    "embedding_size": 4,
    "latent_size": 2,
    "train_batch_size": 512,
    "learning_rate": 0.1,
    "load_col": None,
    "baselines": [],
    "epochs": 7,
    "stopping_step": 12,
}
SIZES_OF: dict[str, dict[str, Any]] = {
    "sets": {"hidden_size": 8, "table_kl_weight": 0.1},
    "pairwise": {"pairwise_widths": [16, 8]},
}


def rating_rows(shuffled: bool, n_users: int = 60, n_items: int = 40) -> list[tuple[int, int, int, int]]:
    """Two tastes: each user likes one half of the items and not the other; shuffled: stars at random."""
    rng = np.random.default_rng(5)
    rows = []
    for user in range(n_users):
        for item in rng.permutation(n_items)[:25]:
            stars = 5 if user % 2 == item % 2 else 2
            rows.append((user, int(item), int(rng.integers(1, 6)) if shuffled else stars, int(rng.integers(10**6))))
    return rows


@pytest.fixture
def build(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Any]:
    """Configuration, loaders and trainer on planted (or shuffled) ratings."""

    def make(shuffled: bool = False, **given: Any) -> Any:
        root = write_inter(tmp_path, "made", rating_rows(shuffled), HEADER)
        config = make_config("HybridVAE", root, **{**SIZES, **SIZES_OF[given.get("architecture", "sets")], **given})
        loaders = build_loaders(config, create_dataset(config))
        return config, loaders, build_trainer(config, loaders)

    return make


def rmse_after_training(build: Callable[..., Any], **given: Any) -> float:
    _, loaders, trainer = build(**given)
    trainer.fit(loaders.train, loaders.valid)
    return trainer.evaluate(loaders.test)["rmse"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "loss", ["ordinal", *(pytest.param(loss, marks=pytest.mark.slow) for loss in ("mse", "huber", "mae", "mixed"))]
)
def test_planted_taste_is_learnt(build: Callable[..., Any], loss: str) -> None:
    epochs = 7 if loss == "ordinal" else 20
    assert rmse_after_training(build, loss=loss, epochs=epochs) < 0.5  # stars have a standard deviation of 1.5


@pytest.mark.slow
def test_planted_taste_is_learnt_pairwise(build: Callable[..., Any]) -> None:
    given: dict[str, Any] = {"architecture": "pairwise", "loss": "mse", "latent_size": 4, "kl_weight": 1e-4}
    given |= {"embedding_size": 16, "dropout_prob": 0.0, "learning_rate": 0.01, "train_batch_size": 256, "epochs": 50}
    assert rmse_after_training(build, **given) < 0.8


@pytest.mark.parametrize(
    "given",
    [
        {"latent_levels": 2},
        {"embedding_dropout_prob": 0.3},
        {"architecture": "pairwise", "loss": "mae", "skip_connections": True, "rating_normalization": "user"},
        {"architecture": "pairwise", "loss": "huber", "latent_levels": 2, "mixup_alpha": 0.2},
        {"architecture": "pairwise", "loss": "mse", "rating_normalization": "user_item", "mixup_alpha": 0.2},
    ],
    ids=str,
)
def test_every_parameter_of_a_variant_gets_a_gradient(build: Callable[..., Any], given: dict[str, Any]) -> None:
    _, loaders, trainer = build(**given, dropout_prob=0.0, shuffled=True)
    model = trainer.model
    if given.get("architecture") != "pairwise":
        torch.nn.init.normal_(model.network.decoder[-1].weight)
    loss = model.calculate_loss(next(iter(loaders.train)))
    loss.backward()
    missing = [n for n, p in model.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert torch.isfinite(loss) and [name for name in missing if not name.startswith("likelihood.")] == []
    rows = next(iter(loaders.test))[0]
    whole = model.eval().predict(rows)
    torch.testing.assert_close(model.predict(rows[torch.arange(5)]), whole[:5])


@pytest.mark.slow
def test_ranking_alone_orders_a_users_ratings(build: Callable[..., Any]) -> None:
    _, loaders, trainer = build(loss="bpr")
    trainer.fit(loaders.train, loaders.valid)
    rows, *_ = next(iter(loaders.test))
    scores = trainer.model.eval()(rows).mean
    assert scores[rows["rating"] == 5].mean() > scores[rows["rating"] == 2].mean() + 1


@pytest.mark.slow
def test_shuffled_stars_stay_at_chance(build: Callable[..., Any]) -> None:
    """Their standard deviation is 1.41; nothing honest is better than that by more than the noise of 150 rows."""
    assert 1.3 < rmse_after_training(build, shuffled=True) < 1.7


def self_influence(build: Callable[..., Any], **given: Any) -> float:
    """How far a training prediction moves when its own rating goes from the lowest to the highest."""
    _, loaders, trainer = build(shuffled=True, **given)
    train = loaders.train._dataset.inter_feat
    model, rows = trainer.model.eval(), loaders.train.batch(torch.arange(40))
    before = model.expected(rows).detach()
    moved = []
    for row in range(0, 40, 8):
        kept = train["rating"][row].clone()
        train["rating"][row] = 6 - kept if kept != 3 else 5
        again = type(model)(trainer.config, loaders.train._dataset)
        again.load_state_dict(model.state_dict())
        moved.append(float((again.eval().expected(rows).detach()[row] - before[row]).abs()))
        train["rating"][row] = kept
    return max(moved)


@pytest.mark.slow
def test_a_rating_never_predicts_itself_and_a_planted_leak_is_found(build: Callable[..., Any]) -> None:
    everything = {"attention_heads": 2, "tower_widths": [8]}
    honest, leaking = self_influence(build, **everything), self_influence(build, leave_one_out=False)
    assert honest < 1e-3 < 3e-3 < leaking


@pytest.mark.slow
def test_a_leak_learns_shuffled_stars_in_training_that_it_cannot_tell_in_test(build: Callable[..., Any]) -> None:
    gaps = []
    for leave_one_out in (True, False):
        _, loaders, trainer = build(shuffled=True, leave_one_out=leave_one_out, variational=False, table_kl_weight=0.0)
        trainer.fit(loaders.train)
        rows = loaders.train.batch(torch.arange(1000))
        error = (trainer.model.eval().predict(rows) - rows["rating"]).square().mean().sqrt()
        gaps.append(trainer.evaluate(loaders.test)["rmse"] - float(error.detach()))
    assert gaps[1] > gaps[0]


@pytest.mark.parametrize("architecture", ["sets", "pairwise"])
@pytest.mark.parametrize("loss", CHOICES["loss"])
def test_every_parameter_gets_a_finite_gradient(build: Callable[..., Any], architecture: str, loss: str) -> None:
    more = {"attention_heads": 2, "tower_widths": [8]} if architecture == "sets" else {}
    _, loaders, trainer = build(architecture=architecture, loss=loss, dropout_prob=0.0, shuffled=True, **more)
    batch = next(iter(loaders.train))
    torch.nn.init.normal_(trainer.model.network.decoder[-1].weight) if architecture == "sets" else None
    loss_value = trainer.model.calculate_loss(batch)
    loss_value.backward()
    assert torch.isfinite(loss_value)
    unused = [n for n, p in trainer.model.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    apart = ("likelihood.",) if loss == "bpr" or architecture == "pairwise" else ()
    assert [name for name in unused if not name.startswith(apart or ("-",))] == []


def test_predictions_do_not_depend_on_the_batch_and_stay_on_the_scale(build: Callable[..., Any]) -> None:
    _, loaders, trainer = build()
    model, rows = trainer.model.eval(), next(iter(loaders.test))[0]
    whole = model.predict(rows)
    torch.testing.assert_close(model.predict(rows[torch.arange(5)]), whole[:5])
    with torch.no_grad():
        model.network.fields["user"].mean[:, 0] += 100.0
    assert model.predict(rows).max() <= 5 and (model.variance(rows) >= 0).all()


@pytest.mark.slow
def test_reload_and_seed(build: Callable[..., Any], tmp_path: Path) -> None:
    _, loaders, trainer = build(epochs=2)
    trainer.fit(loaders.train, loaders.valid)
    save_checkpoint(tmp_path, "best", trainer.model, {"epoch": 1})
    _, _, fresh = build(seed=9)
    load_checkpoint(tmp_path, "best", fresh.model, torch.device("cpu"))
    rows = next(iter(loaders.test))[0]
    assert torch.equal(fresh.model.eval().predict(rows), trainer.model.eval().predict(rows))
    _, again, same = build(epochs=2)
    same.fit(again.train, again.valid)
    assert torch.equal(same.model.eval().predict(rows), trainer.model.eval().predict(rows))


def test_kl_columns(build: Callable[..., Any]) -> None:
    _, loaders, trainer = build(epochs=1)
    trainer.fit(loaders.train, loaders.valid)
    trainer.model.train()
    trainer.model.calculate_loss(next(iter(loaders.train)))
    row = trainer.model.epoch_columns()
    assert {"fit", "kl_tables", "kl", "active_units", "kl_d0", "kl_d3"} <= set(row)
    assert row["kl"] == pytest.approx(sum(value for name, value in row.items() if name.startswith("kl_d")), rel=1e-4)
    assert row["latent_units"] == sum(name.startswith("kl_d") for name in row)
    assert trainer.model.epoch_columns() == {}


@pytest.mark.slow
def test_batches_of_users_predict_as_batches_of_ratings_do(build: Callable[..., Any]) -> None:
    given = {"item_sets": False, "latent_size": 0}
    _, loaders, trainer = build(**given)
    _, by_user, other = build(**given, batches_of="users")
    other.model.load_state_dict(trainer.model.state_dict())
    for rows in (next(iter(by_user.train)), next(iter(loaders.test))[0]):
        torch.testing.assert_close(other.model.eval().expected(rows), trainer.model.eval().expected(rows))
    assert rmse_after_training(build, **given, batches_of="users") < 0.6


def test_unknown_users_and_items_get_a_prediction(build: Callable[..., Any]) -> None:
    _, loaders, trainer = build(epochs=1)
    rows = next(iter(loaders.test))[0]
    rows.interaction["user_id"][0] = 0
    rows.interaction["item_id"][1] = 0
    assert torch.isfinite(trainer.model.eval().predict(rows)).all()


@pytest.mark.parametrize("unit", [86400, 86400 * 1000])
def test_the_table_of_days_grows_with_days_and_not_with_the_clock(unit: int) -> None:
    days = np.array([5, 6, 6, 9, 1000, 1008, 400_000])
    found = calendar(days * unit)
    assert len(found) <= 7 * len(days)
    assert set(days * (unit // 86400)) <= set(found.tolist())
    assert (np.diff(found) > 0).all()
    if unit == 86400:
        assert found.tolist() == [5, 6, 7, 8, 9, 1000, 1008, 400_000]


def test_days_are_numbered_and_unknown_ones_have_no_vector(
    make_config: Callable[..., Config], tmp_path: Path, write: Any
) -> None:
    """One wild time among the others adds one row to the table, and a day between the two has none."""
    day = 86400
    rows: list[tuple[int, ...]] = [(k // 4, k % 4, k % 5 + 1, (20 + k) * day) for k in range(16)]
    rows[0] = (*rows[0][:3], 400_000 * day)
    root = write(tmp_path, "made", rows, HEADER)
    config = make_config("HybridVAE", root, load_col=None)
    table = RatingTable(Columns.read(config), create_dataset(config).build()[0])
    assert table.context_sizes["day"] <= 17
    times = torch.tensor([table.rows[2].min(), 400_000 * day, 200_000 * day, 0])
    ids = dict(table.side_ids(Pairs(torch.ones(4, dtype=torch.long), torch.ones(4, dtype=torch.long), times, None)))
    assert ids["day"].tolist()[0] == 1 and ids["day"].tolist()[2:] == [0, 0]


@pytest.mark.parametrize(
    "given", [{}, {"latent_levels": 2}, {"architecture": "pairwise", "latent_levels": 2, "loss": "mse"}]
)
def test_columns_may_have_any_name(given: dict[str, Any], make_config: Callable[..., Config], tmp_path: Path) -> None:
    root, names = write_inter(tmp_path, "made", rating_rows(False), HEADER), ["type", "a.b", "a%2Eb", "keys"]
    lines = ["\t".join(["item_id:token", *(f"{name}:token" for name in names)])]
    lines += ["\t".join([str(k), *(f"{k % 3}" for _ in names)]) for k in range(40)]
    (root / "made" / "made.item").write_text("\n".join(lines) + "\n")
    sizes = SIZES_OF[given.get("architecture", "sets")]
    config = make_config("HybridVAE", root, **{**SIZES, **sizes, **given, "side_features": names})
    loaders = build_loaders(config, create_dataset(config))
    model = build_trainer(config, loaders).model
    assert len(model.table.side_sizes) == 4
    assert torch.isfinite(model.calculate_loss(next(iter(loaders.train))))


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["mse", "huber", "mae"])
def test_the_deviation_of_pairwise_models_is_that_of_their_errors(loss: str, build: Callable[..., Any]) -> None:
    _, loaders, trainer = build(shuffled=True, architecture="pairwise", loss=loss, epochs=15, learning_rate=0.02)
    trainer.fit(loaders.train, loaders.valid)
    model, errors, deviations = trainer.model.eval(), [], []
    for batch in loaders.train:
        errors.append((batch["rating"] - model.predict(batch)).detach())
        deviations.append(model.variance(batch).sqrt().detach())
    found, expected = torch.cat(deviations).mean(), torch.cat(errors).square().mean().sqrt()
    assert found.item() == pytest.approx(expected.item(), rel=0.25)


def test_an_unknown_user_or_item_has_no_vector_of_its_own_in_pairwise(build: Callable[..., Any]) -> None:
    """Row 0 stands for every unknown id: a sampled vector there would be noise in each cold row."""
    network = build(architecture="pairwise", loss="mse", latent_size=4)[2].model.network
    assert not network.user.weight[0].any() and not network.item.weight[0].any()
    assert network.user.weight[1:].any() and network.user.weight.is_leaf
