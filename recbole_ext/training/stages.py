"""Training in stages: first on everything, then on the newest part, each with its own rate and its own end.

A stage begins with the best weights so far and a new optimiser. One best is kept over all stages, chosen by
the same validation, so a stage that does not help changes nothing. Whether the last stage has forgotten what
was before is measured on the old window: each user's newest training target before the part it trains on.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import nn

from recbole_ext.data.loaders import Loaders
from recbole_ext.devices import from_leader
from recbole_ext.errors import UsageError
from recbole_ext.runs.checkpoint import read_description
from recbole_ext.training.optimization.averaging import Averaging
from recbole_ext.training.optimization.averaging_settings import AveragingSettings
from recbole_ext.training.stage_list import Stage
from recbole_ext.training.state import optimizers


@dataclass
class StageRecord:
    """What a run knows of its stages; it is kept with the state of training.

    Attributes:
        starts: first epoch of each stage that has begun.
        before: the metric on the old window when the last stage began.
    """

    starts: list[int] = field(default_factory=list)
    before: float | None = None


def fit_in_stages(
    trainer: Any, loaders: Loaders, on_epoch: Callable[[int, float], None] | None = None
) -> dict[str, Any]:
    """Train, in one go or in `stages`.

    Args:
        trainer: its `stages` are those of its configuration.
        loaders: of the whole training part.
        on_epoch: called after each epoch with its number and the best validation score.

    Returns:
        What the result says of stages; {} without them.

    Raises:
        UsageError: the model cannot be trained in stages, or a stage is shorter than its warm-up.
    """
    if not trainer.stages:
        trainer.fit(loaders.train, loaders.valid, callback_fn=on_epoch)
        return {}
    _require_support(trainer, loaders)
    _require_longer_than_warm_up(trainer, loaders)
    record = trainer.stage_record = _saved_record(trainer)
    old = loaders.old_window(trainer.config, trainer.stages[-1].share)
    for number in range(max(0, len(record.starts) - 1), len(trainer.stages)):
        if number == len(record.starts):
            _begin_with_the_best(trainer, number)
            record.starts.append(trainer.position.epoch)
            last = number == len(trainer.stages) - 1
            record.before = _metric(trainer, old) if last else None
        _set(trainer, trainer.stages[number], record.starts[number])
        batches = (*trainer.keeper.loaders, loaders.train)[0].config  # smaller ones, where memory has run out
        newest = loaders.newest_rows(batches, trainer.stages[number].share)
        trainer.fit(newest, loaders.valid, callback_fn=on_epoch)
        trainer.keeper.resuming = False
    if trainer.best_epoch is not None:
        trainer.load_best()
    return _told(trainer, record, old, _metric(trainer, old))


def _require_support(trainer: Any, loaders: Loaders) -> None:
    single = isinstance(trainer.model, nn.Module) and len({id(each) for each in optimizers(trainer).values()}) == 1
    host_loop = type(trainer).fit.__qualname__ != "RunTrainer.fit"
    events = hasattr(loaders.train._dataset, "events")
    if not events and trainer.config.entry.family == "sequential":
        raise UsageError(
            f"stages: the rows of {trainer.config.dataset} bring their histories along, so there are no events of "
            "which a stage could take the newest share; leave stages out, or train on a file of events"
        )
    if host_loop or not single or not events:
        raise UsageError(f"{trainer.config.model} cannot be trained in stages; they are for sequence models")


def _require_longer_than_warm_up(trainer: Any, loaders: Loaders) -> None:
    """A stage that cannot begin must not be found out after the ones before it."""
    warmup = trainer.schedule_settings.warmup_steps
    for number, stage in enumerate(trainer.stages if warmup else []):
        batches = len(loaders.newest_rows(loaders.train.config, stage.share))
        steps = stage.epochs * -(-batches // trainer.steps.accumulate)
        if warmup > steps:
            raise UsageError(
                f"stages: entry {number} has {steps} steps, but warmup_steps is {warmup}; lower it, or give "
                "warmup_share"
            )


def _saved_record(trainer: Any) -> StageRecord:
    saved = None
    if trainer.keeper.resuming and trainer.placement.leads:
        saved = read_description(trainer.run.checkpoints, "last").get("stages")
    saved = from_leader(saved, trainer.placement)
    return StageRecord(**saved) if saved else StageRecord()


def _begin_with_the_best(trainer: Any, number: int) -> None:
    if trainer.best_epoch is not None:
        trainer.load_best()
    trainer.cur_step, trainer.patience_score = 0, trainer.best_valid_score
    trainer.position = replace(trainer.position, stage=number, stopped=False)


def _set(trainer: Any, stage: Stage, start: int) -> None:
    trainer.start_epoch, trainer.epochs = start, start + stage.epochs
    trainer.learning_rate, trainer.stopping_step = stage.learning_rate, stage.stopping_step
    trainer.optimizer = trainer._build_optimizer()
    settings = AveragingSettings.read(trainer.config)
    trainer.averaging = Averaging(trainer.model, settings, trainer.start_epoch, trainer.epochs)


def _metric(trainer: Any, old: Any) -> float | None:
    """`valid_metric` of the weights of the moment on the old window."""
    if old is None:
        return None
    return float(trainer.evaluation(old).metrics[trainer.valid_metric])


def _told(trainer: Any, record: StageRecord, old: Any, after: float | None) -> dict[str, Any]:
    pairs = zip(trainer.stages, record.starts, strict=True)
    stages = [asdict(stage) | {"first_epoch": start} for stage, start in pairs]
    if old is None:
        return {"stages": stages}
    rows = len(old._dataset)
    forgetting = {"metric": trainer.valid_metric, "rows": rows, "before": record.before, "after": after}
    return {"stages": stages, "forgetting": forgetting}
