import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import InterruptedRun, UsageError
from recbole_ext.pipeline.train import run
from recbole_ext.training.keeper import Keeper
from recbole_ext.training.stage_list import Stage, read_stages
from recbole_ext.training.stages import fit_in_stages
from recbole_ext.training.trainer import RunTrainer
from tests.conftest import write_inter
from tests.training.conftest import SIZES

Build = Callable[..., tuple[Config, Loaders, RunTrainer]]
DEFAULTS = {"learning_rate": 0.001, "epochs": 20, "stopping_step": 3}


def test_what_a_stage_leaves_out_is_the_runs_own_setting() -> None:
    given = [{}, {"share": 0.2, "learning_rate": 1e-4, "epochs": 5, "stopping_step": 0}]
    assert read_stages({**DEFAULTS, "stages": given}) == [Stage(1.0, 0.001, 20, 3), Stage(0.2, 1e-4, 5, 0)]
    assert read_stages({**DEFAULTS, "stages": None}) == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (3, r"stages: entry 1 must be a mapping with some of share, learning_rate, epochs, stopping_step \(got 3\)"),
        ({"epoch": 3}, r"stages: entry 1 has an unknown key 'epoch'; did you mean 'epochs'\?"),
        ({"epochs": 1.5}, r"stages: entry 1: epochs must be an integer \(got 1\.5\)"),
        ({"learning_rate": "x"}, r"stages: entry 1: learning_rate must be a number \(got 'x'\)"),
        ({"share": 1.5}, r"stages: entry 1: share must be above 0 and at most 1 \(got 1\.5\)"),
        ({"share": 0}, r"stages: entry 1: share must be above 0 and at most 1 \(got 0\)"),
        ({"epochs": 0}, r"stages: entry 1: epochs must be positive \(got 0\)"),
        ({"stopping_step": -1}, r"stages: entry 1: stopping_step must be at least 0 \(got -1\)"),
    ],
)
def test_what_makes_no_sense_is_refused(entry: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_stages({**DEFAULTS, "stages": [{}, entry]})


def targets(loader: Any, mode: str) -> list[int]:
    """Times of all targets of an epoch."""
    found = []
    for batch in loader:
        windows = mode == "all_positions"
        times = batch["next_timestamp_list" if windows else "timestamp"]
        found += (times[batch["next_item_id_list"] > 0] if windows else times).tolist()
    return sorted(found)


@pytest.mark.parametrize("mode", ["all_positions", "prefix"])
def test_the_newest_rows_and_the_old_window_share_no_target(mode: str, build: Build) -> None:
    """16 users with targets at 1000 k + user, k = 1 to 4; the newest half is k = 3 and 4."""
    _, loaders, _ = build(train_mode=mode)
    everything = targets(loaders.train, mode)
    assert everything == [1000 * k + user for k in (1, 2, 3, 4) for user in range(16)]
    config = loaders.train.config
    assert targets(loaders.newest_rows(config, 0.5), mode) == everything[32:]
    assert loaders.newest_rows(config, 1.0) is loaders.train
    old = loaders.old_window(config, 0.5)
    assert sorted(old._dataset.inter_feat["timestamp"].tolist()) == everything[16:32]
    assert loaders.old_window(config, 1.0) is None


def test_the_histories_of_the_newest_rows_reach_back(build: Build) -> None:
    _, loaders, _ = build(MAX_ITEM_LIST_LENGTH=6)
    recent = next(iter(loaders.newest_rows(loaders.train.config, 0.25)))
    assert recent["item_length"].tolist() == [4] * len(recent)
    assert ((recent["next_item_id_list"] > 0).sum(1) == 1).all()


def test_weights_have_mean_1_in_each_stage_and_are_those_of_the_whole_afterwards(build: Build) -> None:
    _, loaders, _ = build(sample_weight="recency", recency_half_life_days=0.02)
    config = loaders.train.config

    def weights(loader: Any) -> torch.Tensor:
        return torch.cat([batch["next_sample_weight_list"][batch["next_item_id_list"] > 0] for batch in loader])

    before = weights(loaders.train).sort().values
    for share, n in ((0.5, 32), (0.25, 16), (1.0, 64)):
        found = weights(loaders.newest_rows(config, share))
        assert len(found) == n and found.mean().item() == pytest.approx(1.0)
    assert torch.equal(weights(loaders.train).sort().values, before)


def rates(trainer: RunTrainer) -> list[float]:
    return [row["learning_rate"] for row in trainer.session.run.rows]


@pytest.mark.slow
def test_each_stage_has_its_rate_its_epochs_and_its_schedule(build: Build) -> None:
    stages = [{"epochs": 2}, {"epochs": 3, "learning_rate": 0.5, "share": 0.25}]
    linear = {"lr_schedule": "linear", "warmup_share": 0.0, "final_lr_share": 0.0}
    _, loaders, trainer = build(stages=stages, stopping_step=50, train_batch_size=64, **linear)
    assert trainer.settings.epochs == 5
    found = fit_in_stages(trainer, loaders)
    assert [stage["first_epoch"] for stage in found["stages"]] == [1, 3]
    assert len(loaders.train) == 1
    assert rates(trainer) == pytest.approx([0.01, 0.005, 0.5, 0.5 * 2 / 3, 0.5 / 3])


@pytest.mark.slow
def test_a_stage_begins_with_the_best_weights_and_stops_by_its_own_patience(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = [{"epochs": 9, "stopping_step": 1}, {"epochs": 9, "stopping_step": 0, "share": 0.5}]
    _, loaders, trainer = build(stages=stages)
    scores, starts = iter([0.1, 0.5, 0.2, 0.3, 0.6, 0.4]), []
    monkeypatch.setattr(trainer.validator, "measure", lambda *loaders: (lambda s: (s, {"ndcg@2": s}))(next(scores)))
    kept = {}
    judge, fit = trainer.state.judge, trainer.fit_stage

    def weights() -> torch.Tensor:
        return trainer.model.item_embedding.weight.detach().clone()

    monkeypatch.setattr(trainer.state, "judge", lambda *of: kept.update({trainer.state.epoch: weights()}) or judge(*of))
    monkeypatch.setattr(trainer, "fit_stage", lambda *data, **more: starts.append(weights()) or fit(*data, **more))
    found = fit_in_stages(trainer, loaders)
    assert [stage["first_epoch"] for stage in found["stages"]] == [1, 5]
    assert torch.equal(starts[1], kept[1]) and not torch.equal(starts[1], kept[3])
    assert trainer.state.best_epoch == 4 and len(kept) == 6 and torch.equal(weights(), kept[4])


@pytest.mark.slow
def test_one_stage_on_everything_is_a_run_without_stages(build: Build) -> None:
    found = []
    for stages in (None, [{}]):
        _, loaders, trainer = build(stages=stages, epochs=3)
        stage_result = fit_in_stages(trainer, loaders)
        found.append((trainer.state.train_losses, trainer.state.best_valid_result))
        assert stage_result.get("forgetting") is None
    assert found[0] == found[1]


def changed_habits() -> list[tuple[int, int, int]]:
    """Users step by 1 through 12 items; the last 8 of 14 events, at later times, they step by 5."""
    rows = []
    for user in range(16):
        item = user
        for k in range(14):
            rows.append((user, item % 12, 1000 * k + user + 10**6 * (k >= 6)))
            item += 1 if k < 5 else 5
    return rows


@pytest.mark.slow
def test_fine_tuning_learns_the_new_and_the_old_is_seen_to_be_forgotten(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    root = write_inter(tmp_path, "made", changed_habits())
    given = {**SIZES, "epochs": 8, "stopping_step": 50, "dropout_prob": 0.0, "hidden_size": 16, "topk": [1]}
    given |= {"valid_metric": "Hit@1", "filter_seen_items": False, "MAX_ITEM_LIST_LENGTH": 3}
    stages = [{"learning_rate": 0.003}, {"share": 0.55, "epochs": 20, "learning_rate": 0.03}]
    result = run(make_config("Mamba4Rec", root, **given, stages=stages))
    forgetting = result["forgetting"]
    assert (forgetting["metric"], forgetting["rows"]) == ("hit@1", 16)
    assert forgetting["before"] > 0.5 > 0.2 > forgetting["after"]
    assert result["test"]["hit@1"] > 0.8 and result["best_epoch"] >= 9
    saved = json.loads((Path(result["run_directory"]) / "result.json").read_text())
    assert saved["forgetting"] == result["forgetting"] and saved["stages"] == result["stages"]


def outcome(result: dict[str, Any]) -> list[Any]:
    return [result[key] for key in ("best_epoch", "epochs_trained", "valid", "test", "stages", "forgetting")]


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 9])
def test_an_interrupted_run_goes_on_in_its_stage(
    step: int, make_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_inter(tmp_path, "made", changed_habits())
    stages = [{"epochs": 1}, {"share": 0.5, "epochs": 2, "learning_rate": 0.02}]
    given = {**SIZES, "stages": stages, "train_batch_size": 32, "averaging": "ema", "dropout_prob": 0.3}
    expected = run(make_config("Mamba4Rec", root, **given))
    original, calls = Keeper.after_step, []

    def interrupted(self: Keeper) -> None:
        calls.append(1)
        if len(calls) == step:
            self.session.signals.received = signal.SIGTERM
        original(self)

    with monkeypatch.context() as patch, pytest.raises(InterruptedRun):
        patch.setattr(Keeper, "after_step", interrupted)
        run(make_config("Mamba4Rec", root, **given))
    torch.manual_seed(step)
    assert outcome(run(make_config("Mamba4Rec", root, **given), resume="newest")) == outcome(expected)


def test_models_without_a_sequence_of_targets_are_refused(build: Build) -> None:
    _, loaders, trainer = build("BPR", stages=[{}])
    with pytest.raises(UsageError, match="BPR cannot be trained in stages; they are for sequence models"):
        fit_in_stages(trainer, loaders)


def test_a_warm_up_longer_than_a_stage_is_refused_before_the_first_one(build: Build) -> None:
    stages = [{"epochs": 5}, {"epochs": 2, "share": 0.25}]
    _, loaders, trainer = build(stages=stages, warmup_steps=3, train_batch_size=64)
    with pytest.raises(UsageError, match=r"stages: entry 1 has 2 steps, but warmup_steps is 3; lower it, or give warm"):
        fit_in_stages(trainer, loaders)
    assert trainer.state.train_losses == {}


@pytest.mark.parametrize("stages", [[{"epochs": 1}], [{"epochs": 1}, {"epochs": 1, "share": 0.5}]])
def test_a_budget_that_is_spent_before_the_first_stage_keeps_the_weights_of_the_moment(
    stages: list[dict[str, Any]], build: Build
) -> None:
    _, loaders, trainer = build(stages=stages, budget_hours=1e-9)
    begun = fit_in_stages(trainer, loaders)["stages"]
    trainer.require_best()
    assert [stage["epochs"] for stage in begun] == [1] and trainer.ended_by == "budget_hours"
    assert trainer.state.train_losses == {} and trainer.state.best_epoch is not None
