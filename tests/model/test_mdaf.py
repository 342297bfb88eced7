"""What every click model of this package must do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recbole.data.interaction import Interaction
from torch.nn import functional as F

from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import UsageError
from recbole_ext.model.click.row_fields import RowFields
from recbole_ext.model.mdaf import Prediction
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.runs.checkpoint import load_checkpoint, save_checkpoint
from recbole_ext.training.trainer import RunTrainer
from tests.conftest import write_inter
from tests.model.conftest import CLICK_SIZES

Build = Callable[..., tuple[Loaders, RunTrainer]]
BOTH = pytest.mark.parametrize("model", ["MDAFMamba", "MDAFBST"])


@pytest.fixture
def build(build_clicks: Build) -> Build:
    return build_clicks


def first_batch(loaders: Loaders) -> Interaction:
    return next(iter(loaders.train))


@BOTH
def test_loss_is_that_of_guessing_and_every_parameter_gets_a_gradient(build: Build, model: str) -> None:
    loaders, trainer = build(model, dropout_prob=0.0, num_layers=2, cross_attention=True)
    total = sum((trainer.model.calculate_loss(batch) for batch in loaders.train), torch.zeros(()))
    assert abs(total.item() / len(loaders.train) - np.log(2)) < 0.1
    total.backward()
    aside = ("static.exponential.logit", "static.linear.logit", "sequential.logit")  # Tri-BCE alone trains them
    without = [n for n, p in trainer.model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert [name for name in without if not name.startswith(aside)] == []


@BOTH
def test_a_row_is_predicted_alike_in_any_batch_and_with_more_padding(build: Build, model: str) -> None:
    loaders, trainer = build(model)
    network = trainer.model.eval()
    loader = loaders.test
    whole = {}
    for batch in loader:
        whole |= dict(zip(batch["row"].tolist(), network.predict(batch).tolist(), strict=True))
    for row in (0, 7, 3):
        single = loader.batch(np.array([row]))
        assert network.predict(single).item() == pytest.approx(whole[row], abs=1e-5)
        padded = {k: F.pad(v, (0, 3)) if v.dim() == 2 else v for k, v in single.interaction.items()}
        assert network.predict(Interaction(padded)).item() == pytest.approx(whole[row], abs=1e-5)


@BOTH
def test_what_comes_after_a_row_changes_nothing(build: Build, model: str) -> None:
    loaders, trainer = build(model)
    network, batch = trainer.model.eval(), loaders.train.batch(np.arange(24))
    before = network.predict(batch)
    row = int(batch["visible"].argmin())
    later = {k: v.clone() for k, v in batch.interaction.items()}
    history, seen = int(batch["history"][row]), int(batch["visible"][row])
    later["history_item"][history, seen:] = 7
    later["history_behaviour"][history, seen:] = 1
    later["history_time"][history, seen:] += 999
    later["label"] = 1 - later["label"]
    after = network.predict(Interaction(later))
    assert after[row].item() == pytest.approx(before[row].item(), abs=1e-6)
    later["history_behaviour"][:, 0] = 3 - later["history_behaviour"][:, 0]
    assert (network.predict(Interaction(later)) - before)[batch["visible"] > 0].abs().max() > 1e-6


def test_events_beyond_the_longest_history_are_not_read(build: Build) -> None:
    loaders, trainer = build(encoder="none", MAX_ITEM_LIST_LENGTH=4)
    network, batch = trainer.model.eval(), loaders.test.batch(np.arange(3))
    changed = {k: v.clone() for k, v in batch.interaction.items()}
    unread = int(batch["visible"].min()) - 4
    assert unread >= 1
    changed["history_item"][:, :unread] = 1
    changed["history_behaviour"][:, :unread] = 1
    torch.testing.assert_close(network.predict(Interaction(changed)), network.predict(batch))


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"branches": ["static"], "implicit_sets": "none"},
        {"branches": ["sequential"], "implicit_sets": "none"},
        {"branches": ["sets"], "implicit_sets": "none"},
    ],
    ids=["both", "static", "sequential", "sets"],
)
def test_planted_tastes_are_learnt_by_each_branch(build: Build, model: str, given: dict[str, Any]) -> None:
    loaders, trainer = build(model, n_users=100, epochs=12, dropout_prob=0.0, **given)
    trainer.fit(loaders.train, loaders.valid)
    assert (
        trainer.evaluate(loaders.test)["auc"] > 0.68
    )  # chance is 0.50 +- 0.04; with one label in ten wrong, knowing all gives 0.90


@pytest.mark.slow
@BOTH
def test_random_labels_stay_at_chance(build: Build, model: str) -> None:
    """200 users with 2 tested rows each: the standard error of the AUC is 0.029."""
    loaders, trainer = build(model, shuffled=True, n_users=200, epochs=4)
    trainer.fit(loaders.train, loaders.valid)
    assert 0.41 < trainer.evaluate(loaders.test)["auc"] < 0.59


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [
        {"branches": ["static"]},
        {"branches": ["sequential"]},
        {"branches": ["sets"]},
        {"branches": ["static", "sets"]},
        {"branches": ["static", "sequential", "sets"]},
        {"target_attention": False},
        {"cross_attention": True},
        {"encoder": "none"},
        {"encoder": "transformer"},
        {"encoder": "mean"},
        {"feed_forward": True},
        {"ssm_variant": "mamba2", "head_dim": 8},
        {"implicit_sets": "none"},
        {"time_fields": False},
        {"matches": False},
        {"gate": "vector"},
        {"gate": "softmax"},
        {"gate": "none"},
    ],
    ids=str,
)
def test_each_ablation_is_another_model_that_learns(build: Build, given: dict[str, Any]) -> None:
    loaders, trainer = build(epochs=1)
    _, other = build(epochs=1, **given)
    names = [{name for name, _ in t.model.named_parameters()} for t in (trainer, other)]
    shapes = [sum(p.numel() for p in t.model.parameters()) for t in (trainer, other)]
    assert names[0] != names[1] or shapes[0] != shapes[1]
    other.fit(loaders.train, loaders.valid)
    assert set(other.evaluate(loaders.test)) == {"auc", "gauc", "logloss", "ece"}


def test_one_branch_alone_is_the_published_prediction(build: Build) -> None:
    loaders, trainer = build(branches=["static"])
    predicted = trainer.model.eval()(first_batch(loaders))
    mean = (predicted.of_branches["ecn"] + predicted.of_branches["lcn"]) / 2
    assert torch.equal(predicted.logit, mean)
    assert predicted.gate_static is None


def test_the_gate_weighs_the_static_branch(build: Build) -> None:
    loaders, trainer = build(gate="scalar", matches=False)
    network, batch = trainer.model.eval(), first_batch(loaders)
    with torch.no_grad():
        network.gate.judge[-1].weight.zero_()
        network.gate.judge[-1].bias.fill_(20.0)
        only_static = network(batch)
        static, _ = network.static(only_static.fields)
    assert only_static.gate_static.min() > 0.999
    torch.testing.assert_close(only_static.logit, network.head(static).squeeze(1), atol=1e-5, rtol=1e-4)


def test_tri_bce_adds_what_a_branch_lacks(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, trainer = build(label_smoothing=0.2, tri_bce=True)
    network, labels = trainer.model, torch.tensor([1.0, 0.0])
    logit, good, bad = torch.tensor([0.5, -0.5]), torch.tensor([3.0, -3.0]), torch.tensor([-1.0, 1.0])
    predicted = Prediction(logit, {"ecn": good, "lcn": bad}, None, torch.zeros(2, 1, 1))
    monkeypatch.setattr(network, "forward", lambda rows: predicted)
    smooth = torch.tensor([0.9, 0.1])
    loss, of_bad = (F.binary_cross_entropy_with_logits(x, smooth) for x in (logit, bad))
    expected = loss + (of_bad - loss) * of_bad
    torch.testing.assert_close(network.calculate_loss(Interaction({"label": labels})), expected)


def test_values_that_training_does_not_have_are_zero_vectors(build: Build) -> None:
    loaders, trainer = build(epochs=1)
    network, part = trainer.model, loaders.train.dataset
    trainer.fit(loaders.train, loaders.valid)
    seen = set(part.inter_feat["item_id"].tolist())
    for number in range(part.item_num):
        assert bool(network.fields.item.id.weight[number].any()) == (number in seen)
    assert not network.fields.user.id.weight[0].any()


def test_training_begins_where_counting_ends(build: Build) -> None:
    loaders, trainer = build(dropout_prob=0.0)
    rates = loaders.train.dataset.match_rates()
    assert trainer.model.match.weight.squeeze(1).tolist() == pytest.approx(torch.logit(rates).tolist(), abs=1e-6)
    batch = next(iter(loaders.test))
    before = trainer.model.eval()(batch)
    with torch.no_grad():
        trainer.model.match.weight[batch["match"]] += 1
    after = trainer.model(batch)
    assert (after.logit - before.logit).tolist() == pytest.approx([1.0] * len(before.logit), abs=1e-5)
    for name, logit in before.of_branches.items():
        assert (after.of_branches[name] - logit).mean().item() == pytest.approx(float(name == "sequential"), abs=1e-5)


def test_an_empty_history_is_defined(build: Build) -> None:
    loaders, trainer = build()
    visible = loaders.train.visible
    batch = loaders.train.batch(np.flatnonzero(visible == 0))
    assert torch.isfinite(trainer.model.eval().predict(batch)).all()


@pytest.mark.slow
@BOTH
def test_reload_and_repetition_give_equal_scores(build: Build, model: str, tmp_path: Path) -> None:
    results = []
    for seed in (3, 3, 4):
        loaders, trainer = build(model, epochs=1, seed=seed)
        trainer.fit(loaders.train, loaders.valid)
        results.append(trainer.evaluate(loaders.test))
    assert results[0] == results[1] != results[2]
    save_checkpoint(tmp_path, "best", trainer.model, {"epoch": 0})
    _, fresh = build(model, seed=9)
    load_checkpoint(tmp_path, "best", fresh.model, torch.device("cpu"))
    batch = loaders.test.batch(np.arange(6))
    assert torch.equal(fresh.model.eval().predict(batch), trainer.model.eval().predict(batch))


@pytest.mark.slow
def test_tastes_are_learnt_with_sparse_updates(build: Build) -> None:
    loaders, trainer = build(epochs=5, learning_rate=0.02, dropout_prob=0.0, sparse_embedding=True)
    trainer.fit(loaders.train, loaders.valid)
    assert trainer.evaluate(loaders.test)["auc"] > 0.7


NAMES = ("type", "keys", "values", "training", "a.b", "a%2Eb", "column_type")


def test_columns_may_have_any_name(make_config: Callable[..., Any], tmp_path: Path) -> None:
    header = "user_id:token\titem_id:token\ttimestamp:float\tlabel:float\tupdate:token\tc.d:token"
    rows = [(k % 6, k % 5, k, k * 7 % 3 % 2, f"u{k % 4}", f"c{k % 3}") for k in range(60)]
    root = write_inter(tmp_path, "made", rows, header)
    columns = {"inter": ["user_id", "item_id", "timestamp", "label", "update", "c.d"]}
    for suffix, n, before in (("user", 6, "u"), ("item", 5, "")):
        names = columns[suffix] = [f"{suffix}_id", *(before + name for name in NAMES)]
        kinds = ["token", *("token", "float") * len(NAMES)]
        lines = ["\t".join(f"{name}:{kind}" for name, kind in zip(names, kinds, strict=False))]
        lines += ["\t".join([str(k), *(str(k % 3) for _ in NAMES)]) for k in range(n)]
        (root / "made" / f"made.{suffix}").write_text("\n".join(lines) + "\n")
    config = make_config("MDAFMamba", root, load_col=columns, **CLICK_SIZES)
    loaders = build_loaders(config, create_dataset(config))
    model = build_trainer(config, loaders).model
    assert torch.isfinite(model.calculate_loss(first_batch(loaders)))
    fields = next(part for part in model.modules() if isinstance(part, RowFields))
    assert fields.item.n_vectors == fields.user.n_vectors == 1 + len(NAMES) and len(fields.context) == 2


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"branches": ["static", "deep"]}, "branches must name one or more of static, sequential, sets"),
        ({"branches": []}, "branches must name one or more"),
        ({"gate": "tanh"}, r"gate must be one of scalar, vector, softmax, none \(got 'tanh'\)"),
        ({"encoder": "transformer", "feed_forward": True}, "feed_forward goes with encoder: mamba"),
        ({"encoder": "lstm"}, r"encoder must be one of mamba, transformer, mean, none \(got 'lstm'\)"),
        ({"train_on": "every"}, r"train_on must be one of train, train_valid, all \(got 'every'\)"),
        ({"attention_heads": 3}, r"attention_heads must be positive and divide hidden_size \(got 3, 16\)"),
    ],
)
def test_impossible_settings(build: Build, given: dict[str, Any], fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        build(**given)
