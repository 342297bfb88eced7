"""Training in stages: first on everything, then on the newest fraction, each with its own rate and its own end.

A stage begins with the best weights so far and a new optimiser. One best is kept over all stages, chosen by
the same validation, so a stage that does not help changes nothing. Whether the last stage has forgotten what
was before is measured on the old window: each user's newest training target before the fraction it trains on.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from recbole_ext.data.loaders import Loaders
from recbole_ext.devices import from_leader
from recbole_ext.errors import UsageError
from recbole_ext.training.special import pretrains
from recbole_ext.training.trainer import RunTrainer
from recbole_ext.training.trees import AnyTrainer


def fit_in_stages(
    trainer: AnyTrainer, loaders: Loaders, on_epoch: Callable[[int, float], None] | None = None
) -> dict[str, Any]:
    """Train once, or in `stages`.

    Args:
        trainer: its `stages` are those of its configuration.
        loaders: of the whole training split.
        on_epoch: called after each epoch with its number and the best validation score.

    Returns:
        The result's entry on stages; {} without them.

    Raises:
        UsageError: the model cannot be trained in stages, or a stage is shorter than its warm-up.
    """
    if not trainer.settings.in_stages:
        trainer.fit(loaders.train, loaders.valid, on_epoch)
        return {}
    _require_support(trainer, loaders)
    assert isinstance(trainer, RunTrainer)
    _require_longer_than_warm_up(trainer, loaders)
    _continue(trainer)
    state, stages = trainer.state, trainer.settings.stages
    old = loaders.old_window(trainer.config, stages[-1].share)
    for number in range(max(0, len(state.stage_starts) - 1), len(stages)):
        if number == len(state.stage_starts):
            if number and trainer.budget.ends():  # the first one is begun, so that the weights of the moment are kept
                break
            _begin_with_the_best(trainer, old if number == len(stages) - 1 else None)
        newest = loaders.newest_rows(loaders.train.config, stages[number].share)
        trainer.fit_stage(stages[number], state.stage_starts[number], newest, loaders.valid, on_epoch)
    if state.best_epoch is not None:
        trainer.load_best()
    if len(state.stage_starts) < len(stages):  # the budget ended before the last stage, which forgot nothing
        old = None
    return _told(trainer, old, _metric(trainer, old))


def _require_support(trainer: AnyTrainer, loaders: Loaders) -> None:
    single = isinstance(trainer, RunTrainer) and len(trainer.plan.optimizers) == 1 and not pretrains(trainer.config)
    events = hasattr(loaders.train._dataset, "events")
    if not events and trainer.config.entry.family == "sequential":
        raise UsageError(
            f"stages: the rows of {trainer.config.dataset} have histories of their own, so there are no events of "
            "which a stage could take the newest; leave stages out, or train on a file of events"
        )
    if not single or not events:
        raise UsageError(f"{trainer.config.model} cannot be trained in stages; they are for sequence models")


def _require_longer_than_warm_up(trainer: RunTrainer, loaders: Loaders) -> None:
    """Check all stages before the first one starts."""
    warmup = trainer.schedule_settings.warmup_steps
    for number, stage in enumerate(trainer.settings.stages if warmup else []):
        batches = len(loaders.newest_rows(loaders.train.config, stage.share))
        steps = stage.epochs * -(-batches // trainer.steps.accumulate)
        if warmup > steps:
            raise UsageError(
                f"stages: entry {number} has {steps} steps, but warmup_steps is {warmup}; lower it, or give "
                "warmup_share"
            )


def _continue(trainer: RunTrainer) -> None:
    """Restore the stages of the run that is continued."""
    saved = from_leader(trainer.keeper.saved_stages(), trainer.placement)
    if saved:
        trainer.state.continue_stages(saved["starts"], saved["before"])


def _begin_with_the_best(trainer: RunTrainer, old: Any) -> None:
    if trainer.state.best_epoch is not None:
        trainer.load_best()
    trainer.state.begin_stage(_metric(trainer, old))


def _metric(trainer: RunTrainer, old: Any) -> float | None:
    """`valid_metric` of the current weights on the old window."""
    return None if old is None else float(trainer.evaluation(old).metrics[trainer.settings.valid_metric])


def _told(trainer: RunTrainer, old: Any, after: float | None) -> dict[str, Any]:
    begun = trainer.settings.stages[: len(trainer.state.stage_starts)]
    pairs = zip(begun, trainer.state.stage_starts, strict=True)
    stages = [asdict(stage) | {"first_epoch": start + 1} for stage, start in pairs]
    if old is None:
        return {"stages": stages}
    rows, before = len(old._dataset), trainer.state.old_metric
    forgetting = {"metric": trainer.settings.valid_metric, "rows": rows, "before": before, "after": after}
    return {"stages": stages, "forgetting": forgetting}
