import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.data.interaction import Interaction

from recbole_ext.errors import UsageError
from recbole_ext.model.sequence.causal import Events
from recbole_ext.model.sequence.gaps import StepSettings, gap_seconds, steps_of
from recbole_ext.places import properties_folder
from tests.model.test_contract import test_rows

Build = Callable[..., Any]
LOG = StepSettings(gap_transform="log1p", gap_unit=10.0, max_step=20.0, use_gaps=True, use_target_time=False)


def events() -> Events:
    """Three events at 100, 100 and 107 s, the target at 117; and one event at 5, the target at 8."""
    return Events(
        torch.tensor([[4, 5, 6], [4, 0, 0]]),
        torch.tensor([[100, 100, 107], [5, 0, 0]]),
        torch.tensor([[100, 107, 117], [8, 0, 0]]),
        torch.tensor([3, 1]),
    )


def test_gaps_to_the_next_event_by_hand() -> None:
    assert gap_seconds(events(), use_target_time=True).tolist() == [[0, 7, 10], [3, 0, 0]]


def test_gaps_from_the_event_before_by_hand() -> None:
    assert gap_seconds(events(), use_target_time=False).tolist() == [[0, 0, 7], [0, 0, 0]]


def test_gaps_are_differences_of_integers() -> None:
    late = 2**31 + 64
    one = Events(
        torch.tensor([[1, 2]]),
        torch.tensor([[late, late + 1]]),
        torch.tensor([[late + 1, late + 3]]),
        torch.tensor([2]),
    )
    assert gap_seconds(one, use_target_time=True).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [("log1p", [1.0, 1.0 + 0.6931472, 20.0]), ("linear", [1.0, 2.0, 20.0]), ("none", [0.0, 10.0, 1e12])],
)
def test_steps_by_hand(transform: str, expected: list[float]) -> None:
    settings = StepSettings(transform, 10.0, 20.0, True, False)
    assert steps_of(torch.tensor([0.0, 10.0, 1e30]), settings).tolist() == pytest.approx(expected)


def test_ignored_gaps_are_steps_of_one() -> None:
    assert steps_of(torch.tensor([0.0, 1e9]), StepSettings("none", 10.0, 20.0, False, True)).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gap_transform": "sqrt"}, "gap_transform must be one of log1p, linear, none .got 'sqrt'"),
        ({"gap_unit": 0.0}, "gap_unit must be positive"),
        ({"max_step": 0.5}, "max_step at least 1"),
        ({"sublayers": "gru"}, "sublayers must be one of s5_mamba, s5, mamba .got 'gru'"),
    ],
)
def test_impossible_settings_are_named(build: Build, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build("SS4Rec", **given)


def scores_after(build: Build, change: Callable[[Interaction], dict[str, torch.Tensor]], **given: Any) -> bool:
    """Whether a change of the rows changes the scores."""
    _, loaders, trainer = build("SS4Rec", **given)
    rows = test_rows(loaders)
    model = trainer.model.eval()
    changed = Interaction({**rows.interaction, **change(rows)})
    return not torch.allclose(model.full_sort_predict(rows), model.full_sort_predict(changed), atol=1e-6)


def later_target(rows: Interaction) -> dict[str, torch.Tensor]:
    return {"timestamp": rows["timestamp"] + 10**7}


def stretched(rows: Interaction) -> dict[str, torch.Tensor]:
    return {name: rows[name] * 3 for name in ("timestamp_list", "timestamp")}


def test_target_time_matters_only_where_it_is_switched_on(build: Build) -> None:
    assert scores_after(build, later_target, use_target_time=True)
    assert not scores_after(build, later_target, use_target_time=False)


def test_gaps_matter_only_where_they_are_used(build: Build) -> None:
    assert scores_after(build, stretched)
    assert not scores_after(build, stretched, use_gaps=False)
    assert not scores_after(build, stretched, sublayers="mamba")
    assert scores_after(build, stretched, sublayers="s5")


def test_ablations_leave_out_the_sublayers_weights(build: Build) -> None:
    names = {
        which: {n.split(".")[2] for n, _ in build("SS4Rec", sublayers=which)[2].model.blocks.named_parameters("blocks")}
        for which in ("s5_mamba", "s5", "mamba")
    }
    always = {"feed_forward", "feed_forward_add"}
    assert names == {
        "s5_mamba": {"s5", "s5_add", "mamba", "mamba_add"} | always,
        "s5": {"s5", "s5_add"} | always,
        "mamba": {"mamba", "mamba_add"} | always,
    }


def test_a_zero_gap_does_not_erase_the_item(build: Build) -> None:
    """With raw seconds, as in the official code, it does: that is why gaps are transformed."""

    def another_item(rows: Interaction) -> dict[str, torch.Tensor]:
        return {"item_id_list": rows["item_id_list"].clone().fill_(3)}

    def entered(**given: Any) -> float:
        _, _, trainer = build("SS4Rec", **given)
        s5 = trainer.model.blocks[0].s5
        u = torch.randn(1, 1, 16)
        steps = steps_of(torch.zeros(1, 1), trainer.model.step_settings)
        return float((s5(u, steps)[0] - s5.D * u).abs().max().detach())

    assert entered() > 1e-4
    assert entered(gap_transform="none") == 0.0
    assert scores_after(build, another_item)


@pytest.mark.parametrize("transform", ["log1p", "linear", "none"])
def test_wild_times_give_finite_losses_and_gradients(build: Build, transform: str) -> None:
    _, loaders, trainer = build("SS4Rec", gap_transform=transform, use_target_time=True)
    batch = next(iter(loaders.train))
    batch["timestamp_list"][:, 2:] += 2**52
    batch["next_timestamp_list"][:, 1:] += 2**52
    loss = trainer.model.calculate_loss(batch)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in trainer.model.parameters() if p.grad is not None)


def test_the_official_settings_file_runs(build: Build, tmp_path: Path) -> None:
    from recbole_ext.config.layers import user_file

    official = user_file("SS4Rec-official").values
    config, loaders, trainer = build(
        "SS4Rec",
        **{
            **official,
            "epochs": 1,
            "MAX_ITEM_LIST_LENGTH": 8,
            "user_inter_num_interval": None,
            "item_inter_num_interval": None,
        },
    )
    block = trainer.model.blocks[0]
    assert block.mamba_add.norm is block.s5_add.norm
    assert (config["protocol"], config.protocol_changes) == ("recbole_time", {})
    trainer.fit(loaders.train, loaders.valid)
    assert torch.isfinite(torch.tensor(trainer.state.train_losses[0]))


def test_every_key_of_the_settings_file_is_read() -> None:
    sources = "".join(path.read_text() for path in Path("recbole_ext/model").rglob("*.py"))
    text = (properties_folder() / "model" / "SS4Rec.yaml").read_text()
    section = text[: text.index("# Training")]
    keys = re.findall(r"^(\w+):", section, re.M)
    assert [key for key in keys if f'"{key}"' not in sources and key not in StepSettings.__dataclass_fields__] == []


@pytest.mark.slow
def test_gaps_help_where_only_time_tells(build: Build, make_config: Any, tmp_path: Path) -> None:
    """The next item depends on the last gap alone: short -> 1, long -> 2; without gaps nobody can know."""
    import numpy as np

    from recbole_ext.pipeline.build import build_trainer
    from recbole_ext.pipeline.dataset import create_dataset
    from recbole_ext.pipeline.loaders import build_loaders
    from tests.conftest import write_inter
    from tests.model.conftest import SIZES

    rng, rows = np.random.default_rng(2), []
    for user in range(60):
        time, long = 10**9, bool(rng.integers(2))
        for _ in range(14):
            rows.append((user, 2 if long else 1, time))
            long = bool(rng.integers(2))
            time += 10**7 if long else 60
    root = write_inter(tmp_path / "time", "made", rows)
    hits = {}
    for use_gaps in (True, False):
        config = make_config(
            "SS4Rec",
            root,
            **{
                **SIZES,
                "topk": [1],
                "valid_metric": "Hit@1",
                "epochs": 5,
                "learning_rate": 0.03,
                "s5_state_size": 4,
                "use_gaps": use_gaps,
                "protocol": "time_aware",
                "filter_seen_items": False,
            },
        )
        loaders = build_loaders(config, create_dataset(config))
        trainer = build_trainer(config, loaders)
        trainer.fit(loaders.train, loaders.valid)
        hits[use_gaps] = trainer.evaluate(loaders.test)["hit@1"]
    assert hits[True] > 0.9
    assert hits[False] < 0.75


@pytest.mark.slow
@pytest.mark.parametrize("target_time", [False, True])
@pytest.mark.parametrize("block", ["pre_norm", "post_norm"])
@pytest.mark.parametrize("given", [{}, {"ffn_multiplier": 0.0, "ssm_variant": "mamba2"}, {"sublayers": "s5"}], ids=str)
def test_steps_from_event_to_event_give_the_states_of_whole_histories(
    build: Build, given: dict[str, Any], block: str, target_time: bool
) -> None:
    sizes = {"num_layers": 3, "block": block, "use_target_time": target_time, "head_dim": 8}
    _, loaders, trainer = build("SS4Rec", **{**sizes, **given})
    model, batch = trainer.model.eval(), next(iter(loaders.train))
    events = model.read(batch)
    with torch.no_grad():
        expected, gaps = model.encode(events), gap_seconds(events, target_time)
        states = model.first_states()
        for k in range(events.items.shape[1]):
            hidden, states = model.step(events.items[:, k], gaps[:, k], states)
            there = events.length > k
            torch.testing.assert_close(hidden[there], expected[there, k], rtol=1e-4, atol=1e-5)


def test_drop_path_leaves_out_sublayers_of_whole_sequences(build: Build) -> None:
    _, loaders, trainer = build(
        "SS4Rec", drop_path=0.5, dropout_prob=0.0, num_layers=1, sublayers="s5", ffn_multiplier=0
    )
    model, batch = trainer.model, next(iter(loaders.train))
    events = model.read(batch)
    torch.manual_seed(0)
    with torch.no_grad():
        given = model._embedded(events.items, gap_seconds(events, False), ())
        left = (
            (model.blocks[0](given, steps_of(gap_seconds(events, False), model.step_settings)) == given).all(2).all(1)
        )
        model.eval()
        assert not (model.blocks[0](given, steps_of(gap_seconds(events, False), model.step_settings)) == given).all()
    assert 0.2 < left.float().mean() < 0.8


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"block": "norm"}, r"block must be one of pre_norm, post_norm \(got 'norm'\)"),
        ({"drop_path": 1.0}, r"drop_path must be at least 0 and below 1 \(got 1.0\)"),
        ({"ffn_multiplier": -1.0}, r"ffn_multiplier must be a number of at least 0 \(got -1.0\)"),
    ],
)
def test_wrong_blocks_are_refused(build: Build, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build("SS4Rec", **given)
