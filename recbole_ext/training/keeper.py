"""Saves the state of training on disk, and restores it.

A state is taken between two steps. It holds the random states at the start of its epoch and the current ones: to
continue, the epoch is begun again from the first, the batches that were done are sampled and skipped, and the
second are set. So the order and the content of the batches are the same for every loader, whatever it does.
"""

import time
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import torch
from torch import nn

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, InterruptedRun
from recbole_ext.runs.checkpoint import load_checkpoint, read_description, save_checkpoint
from recbole_ext.training.attributes import changed_attributes, first_attributes, set_attributes
from recbole_ext.training.batches import Batches
from recbole_ext.training.fingerprint import data_fingerprint
from recbole_ext.training.hook import Hook
from recbole_ext.training.randomness import random_states, set_random_states
from recbole_ext.training.session import Session
from recbole_ext.training.state import OTHER_VERSION, TrainingState
from recbole_ext.training.threads import warn_of_threads


class Keeper(Hook):
    """The keeper of one run's state.

    Args:
        config: of the run.
        model: whose weights are kept.
        state: of the run.
        session: where states go.
        whole_epochs: the state can be saved between epochs only.

    Attributes:
        epoch_random: the random states at the start of the epoch.
        pending_random: those to set after the batches that are done have been skipped.
        valid_random: those before the validation that is running; None for none.
    """

    def __init__(
        self, config: Config, model: nn.Module, state: TrainingState, session: Session, whole_epochs: bool
    ) -> None:
        self.config, self.model, self.state, self.session = config, model, state, session
        self.whole_epochs, self.resuming = whole_epochs, session.is_resumed
        self.batches: Batches | None = None
        self.parts: Mapping[str, Any] = {}
        self.epoch_random: dict[str, Any] | None = None
        self.pending_random: dict[str, Any] | None = None
        self.valid_random: dict[str, Any] | None = None
        self.first_attributes = first_attributes(model)
        self.data, self.saved_at = 0, time.monotonic()

    @property
    def keeps(self) -> bool:
        """Whether states are saved: several processes have a state each."""
        return self.config.placement.world_size == 1 and self.session.run is not None and self.batches is not None

    def begin(self, batches: Batches, parts: Mapping[str, Any]) -> None:
        """Save the first state of a stage, so that a run can be continued from its start; or restore the last one.

        Args:
            batches: of the stage.
            parts: what has a state of its own: optimisers, schedule, averages.
        """
        self.batches, self.parts = batches, parts
        if not self.keeps:
            return
        self.data = data_fingerprint(batches.train)
        if self.resuming:
            self.restore()
        else:
            self.save()
        self.resuming = False

    def saved_stages(self) -> dict[str, Any] | None:
        """The stages that a continued run has recorded; None for one that begins."""
        run = self.session.run
        return read_description(run.checkpoints, "last").get("stages") if self.resuming and run else None

    def before_epoch(self) -> None:
        """Note the random states, unless the epoch is continued."""
        assert self.batches
        if not self.state.batch:
            self.epoch_random = random_states(*self.batches.loaders)

    def rest_of(self, train_data: Any) -> Iterator[tuple[int, Any]]:
        """Batches with their number; in an epoch that is continued, those that are done are skipped."""
        if self.pending_random is None:
            self.state.begin_pass()
        batches = enumerate(train_data)
        for _ in islice(batches, self.state.batch):
            pass
        if self.pending_random is not None:
            assert self.batches
            set_random_states(self.pending_random, *self.batches.loaders)
            self.pending_random = None
        yield from batches

    def after_step(self) -> None:
        """Save if the last time is `save_seconds` ago, or if a signal requested the end."""
        asked = self.session.signals.received is not None
        if not self.whole_epochs and (asked or time.monotonic() - self.saved_at >= self.config["save_seconds"]):
            self.save()

    def after_training(self, epoch: int, seconds: float) -> None:
        """Note the random states before validation."""
        assert self.batches
        self.valid_random = random_states(*self.batches.loaders)

    def after_epoch(self, epoch: int, seconds: float) -> None:
        """Save."""
        self.valid_random = None
        self.save()

    def on_error(self, error: Exception) -> bool:
        """A signal during validation saves the state from before, and validation is done again later."""
        before, self.valid_random = self.valid_random, None
        if isinstance(error, InterruptedRun) and before is not None and not self.whole_epochs:
            self.save(before)
        return False

    def save(self, random: dict[str, Any] | None = None) -> None:
        """Save everything that continuing needs; `random` are the random states, by default those of now."""
        if not self.keeps:
            return
        assert self.session.run and self.batches
        stages = {"starts": self.state.stage_starts, "before": self.state.old_metric}
        facts = {"epoch": self.state.epoch, "model": self.config.model, "dataset": self.config.dataset}
        facts |= {"data": self.data, "stages": stages, "threads": torch.get_num_threads()}
        state = {
            "training": self.state.as_dict(),
            "attributes": changed_attributes(self.model, self.first_attributes),
            "random": random or random_states(*self.batches.loaders),
            "epoch_random": self.epoch_random,
            "rows": self.session.run.rows,
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
        }
        save_checkpoint(self.session.run.checkpoints, "last", self.model, facts, state)
        self.saved_at = time.monotonic()

    def restore(self) -> None:
        """Restore everything as it was when `last` was saved.

        Raises:
            DataError: the training rows are others, or another version of this package has saved the state.
        """
        assert self.session.run and self.batches
        facts = load_checkpoint(self.session.run.checkpoints, "last", self.model, self.config["device"])
        if facts["data"] != self.data:
            raise DataError(
                f"{self.config.dataset}: the training rows are not those of {self.session.run.path}; "
                "put the old data back, or start a new run"
            )
        warn_of_threads(facts.get("threads"))
        saved, halvings = facts["state"], self.state.halvings
        self.state.restore(saved.get("training", {}))
        if not self.parts.keys() <= saved["parts"].keys():
            raise DataError(OTHER_VERSION)
        for _ in range(self.state.halvings - halvings):
            self.batches.halve()
        for name, part in self.parts.items():
            part.load_state_dict(saved["parts"][name])
        set_attributes(self.model, saved["attributes"], self.config["device"])
        self._restore_random(saved)
        self.session.run.restore_metrics(saved["rows"])

    def _restore_random(self, saved: dict[str, Any]) -> None:
        assert self.batches
        within = self.state.batch > 0
        self.epoch_random, self.pending_random = saved["epoch_random"], saved["random"] if within else None
        set_random_states(saved["epoch_random" if within else "random"], *self.batches.loaders)

    def forget_place(self) -> None:
        """The epoch is begun again, with other batches."""
        self.pending_random = None
        self.state.begin_pass()
