import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from recbole_ext.config.keys.known_keys import keys_of
from recbole_ext.errors import UsageError
from recbole_ext.places import properties_folder
from recbole_ext.training.optimization.optimizer import SparseAndDense
from recbole_ext.training.optimization.schedule import Schedule, build_schedule, rate_share
from recbole_ext.training.optimization.schedule_settings import ScheduleSettings

PLAIN: dict[str, Any] = {
    "lr_schedule": "constant",
    "warmup_steps": 0,
    "warmup_share": 0.0,
    "final_lr_share": 0.0,
    "plateau_patience": 1,
    "plateau_factor": 0.5,
}


def settings(**given: Any) -> ScheduleSettings:
    return ScheduleSettings.read({**PLAIN, **given})


def rates(schedule: ScheduleSettings, total: int) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2.0)
    steps = Schedule(optimizer, schedule, total)
    found = []
    for _ in range(total):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        steps.after_step()
    return found


def test_warm_up_counts_steps_and_reaches_the_target() -> None:
    assert rates(settings(warmup_steps=4), 6) == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.0, 2.0])
    assert rates(settings(warmup_share=0.5), 4) == pytest.approx([1.0, 2.0, 2.0, 2.0])


def test_cosine_and_linear_end_at_the_final_share() -> None:
    cosine = rate_share(settings(lr_schedule="cosine", final_lr_share=0.1, warmup_steps=10), 110)
    assert [cosine(k) for k in (9, 10, 60, 110, 999)] == pytest.approx([1.0, 1.0, 0.55, 0.1, 0.1])
    linear = rate_share(settings(lr_schedule="linear"), 100)
    assert [linear(k) for k in (0, 25, 100)] == pytest.approx([1.0, 0.75, 0.0])
    assert cosine(35) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2)


def test_plateau_lowers_only_after_patience_and_only_then() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    steps = Schedule(optimizer, settings(lr_schedule="plateau"), 100)
    found = []
    for better in (True, False, False, False, False, True):
        steps.after_validation(better)
        optimizer.step()
        steps.after_step()
        found.append(optimizer.param_groups[0]["lr"])
    assert found == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]


def test_sparse_and_dense_move_together_and_resume_where_they_were() -> None:
    def build() -> tuple[SparseAndDense, Schedule]:
        dense, sparse = nn.Parameter(torch.zeros(1)), nn.Embedding(3, 2, sparse=True).weight
        both = SparseAndDense(torch.optim.SparseAdam([sparse], lr=1.0), torch.optim.Adam([dense], lr=1.0))
        return both, Schedule(both, settings(lr_schedule="cosine", warmup_steps=3), 20)

    first, steps = build()
    for _ in range(7):
        first.step()
        steps.after_step()
    again, resumed = build()
    resumed.load_state_dict(steps.state_dict())
    expected = [group["lr"] for group in first.param_groups]
    assert [group["lr"] for group in again.param_groups] == expected
    assert expected[0] == expected[1] < 1.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lr_schedule": "cosin"}, r"lr_schedule must be one of constant, cosine, linear, plateau \(got 'cosin'\)"),
        ({"warmup_share": 1.5}, r"warmup_share must lie between 0 and 1 \(got 1.5\)"),
        ({"warmup_steps": 5, "warmup_share": 0.1}, r"warmup_steps or warmup_share, not both"),
        ({"warmup_steps": -1}, r"warmup_steps must not be negative"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings(**given)


def test_a_warm_up_longer_than_the_run_is_refused() -> None:
    with pytest.raises(UsageError, match="warmup_steps is 2000, but the whole run has 30 steps"):
        rate_share(settings(warmup_steps=2000), 30)


def test_a_warm_up_counts_the_steps_of_a_run_and_never_its_epochs(build: Callable[..., Any]) -> None:
    """Warm-up is over within the first of 20 epochs, and no key counts in epochs."""
    _, loaders, trainer = build(epochs=20, warmup_steps=3, train_batch_size=8, accumulate_batches=2)
    steps = -(-len(loaders.train) // trainer.steps.accumulate)
    schedule = build_schedule([trainer.optimizer], trainer.schedule_settings, trainer.settings.epochs * steps)
    per_epoch = -(-len(loaders.train) // 2)
    assert 3 <= per_epoch < len(loaders.train)
    found = []
    for _ in range(4):
        found.append(trainer.optimizer.param_groups[0]["lr"] / 0.01)
        trainer.optimizer.step()
        schedule.after_step()
    assert found == pytest.approx([1 / 3, 2 / 3, 1.0, 1.0])
    keys = keys_of(properties_folder() / "overall.yaml")
    assert [key for key in keys if "warm" in key] == ["warmup_steps", "warmup_share"]
    with pytest.raises(UsageError, match=r"unknown key 'warmup_epochs'; did you mean 'warmup_steps'"):
        build(warmup_epochs=3)
    with pytest.raises(UsageError, match=r"warmup_steps must be of type int \(got 0\.5\)"):
        build(warmup_steps=0.5)


def test_the_falling_rate_ends_with_the_last_step_of_the_run(build: Callable[..., Any]) -> None:
    cosine = {"lr_schedule": "cosine", "warmup_share": 0.0, "final_lr_share": 0.0}
    _, loaders, trainer = build(epochs=3, accumulate_batches=3, train_batch_size=16, **cosine)
    trainer.fit(loaders.train, loaders.valid)
    assert trainer.state.step == 3 * -(-len(loaders.train) // 3)
    assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(0.0, abs=1e-12)
