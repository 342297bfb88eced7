"""Keeps the state of training on disk, and puts it back."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from torch import nn

from recbole_ext.errors import DataError
from recbole_ext.runs.checkpoint import load_checkpoint, save_checkpoint
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.guards.memory import halve
from recbole_ext.training.randomness import random_states, set_random_states
from recbole_ext.training.state import data_fingerprint, first_attributes, set_trainer_state, trainer_state


class Keeper:
    """The keeper of one trainer's state.

    Args:
        trainer: its state is `trainer_state`.
        whole_epochs: the state can be saved between epochs only (RecBole's special trainers).

    Attributes:
        run: where states go; None for a process that writes nothing.
        epoch_random: the random states at the start of the epoch.
        pending_random: those to set after the batches that are done have been passed over.
    """

    def __init__(self, trainer: Any, whole_epochs: bool) -> None:
        self.trainer, self.whole_epochs = trainer, whole_epochs
        self.run: RunDirectory | None = None
        self.resuming = False
        self.loaders: tuple[Any, ...] = ()
        self.epoch_random: dict[str, Any] | None = None
        self.pending_random: dict[str, Any] | None = None
        self.first_attributes = first_attributes(trainer.model) if isinstance(trainer.model, nn.Module) else {}
        self.data = 0
        self.saved_at = time.monotonic()

    @property
    def keeps(self) -> bool:
        """Whether states are saved: those of trees are their file, and several processes have a state each."""
        alone = self.trainer.placement.world_size == 1
        return alone and self.run is not None and isinstance(self.trainer.model, nn.Module) and bool(self.loaders)

    def begin(self, *loaders: Any) -> None:
        """Save the first state, so that a run can be continued from its start; or put the last one back."""
        self.loaders = loaders
        if not self.keeps:
            return
        self.data = data_fingerprint(loaders[0])
        if self.resuming:
            self.restore()
        else:
            self.save()

    def begin_epoch(self) -> None:
        """Note the random states, unless the epoch is continued."""
        if not self.trainer.position.batch:
            self.epoch_random = random_states(*self.loaders)

    def rest_of(self, train_data: Any) -> Iterator[tuple[int, Any]]:
        """Batches with their number; in an epoch that is continued, those that are done are passed over."""
        position = self.trainer.position
        if self.pending_random is None:
            position.batch, position.total, position.several = 0, [], False
        batches = enumerate(train_data)
        for _ in islice(batches, position.batch):
            pass
        if self.pending_random is not None:
            set_random_states(self.pending_random, *self.loaders)
            self.pending_random = None
        yield from batches

    def after_step(self, seconds: float, asked: bool) -> None:
        """Save if the last time is `seconds` ago, or if somebody asked for the end."""
        if not self.whole_epochs and (asked or time.monotonic() - self.saved_at >= seconds):
            self.save()

    def save(self, random: dict[str, Any] | None = None) -> None:
        """Save everything that continuing needs; `random` are the random states, by default those of now."""
        if not self.keeps:
            return
        assert self.run
        config, position = self.trainer.config, self.trainer.position
        facts = {"epoch": position.epoch, "model": config.model, "dataset": config.dataset, "data": self.data}
        facts["stages"] = asdict(self.trainer.stage_record)
        state = trainer_state(self.trainer, random or random_states(*self.loaders))
        save_checkpoint(self.run.checkpoints, "last", self.trainer.model, facts, state)
        self.saved_at = time.monotonic()

    def restore(self) -> None:
        """Put everything where `last` was saved.

        Raises:
            DataError: the training rows are others.
        """
        assert self.run
        facts = load_checkpoint(self.run.checkpoints, "last", self.trainer.model, self.trainer.device)
        if facts["data"] != self.data:
            raise DataError(
                f"{self.trainer.config.dataset}: the training rows are not those of {self.run.path}; "
                "put the old data back, or start a new run"
            )
        for _ in range(facts["state"]["position"]["halvings"] - self.trainer.position.halvings):
            halve(self.trainer)
        set_trainer_state(self.trainer, facts["state"])
