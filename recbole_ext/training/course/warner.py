"""Warns of what the table of rules finds while a run goes on: each rule once, and through one logger.

The line reaches the console, `log.txt`, `events.jsonl` and the messages of `training/tracking`.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from recbole_ext.training.course.course import course_of_rows
from recbole_ext.training.course.rules import COURSE_RULES
from recbole_ext.training.hook import Hook
from recbole_ext.training.session import Session
from recbole_ext.training.settings import TrainingSettings
from recbole_ext.training.state import TrainingState

_LOG = logging.getLogger(__name__)
SECONDS = 1.0
"""Between two looks within an epoch."""


def found_in(rows: Sequence[Mapping[str, Any]], metric: str, bigger: bool) -> dict[str, str]:
    """What the rules find in the rows of a run, each with its advice.

    Args:
        rows: of metrics.csv, as numbers.
        metric: that validation chooses by, in small letters.
        bigger: whether more of it is better.
    """
    course = course_of_rows(rows, metric, bigger)
    judged = ((rule, rule.evidence(course)) for rule in COURSE_RULES)
    return {rule.name: f"{rule.sentence(course, seen)}; {rule.advice}" for rule, seen in judged if seen}


class CourseWarnings(Hook):
    """Judges the rows of a run after each epoch, and within epochs with what is known of the current one.

    A run that is continued is not warned again of what its rows have shown before.

    Args:
        state: of the run.
        settings: of the run, with the metric that chooses.
        session: whose rows are judged; a process that writes none warns of nothing.
        current: cells of the epoch that is not over.
    """

    def __init__(
        self,
        state: TrainingState,
        settings: TrainingSettings,
        session: Session,
        current: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self.state, self.settings, self.session, self.current = state, settings, session, current
        self.warned: set[str] | None = None
        self.looked_at = time.monotonic()

    def before_epoch(self) -> None:
        """What restored rows show was warned when they were written."""
        if self.warned is None:
            self.warned = set(self._found(self._rows()))

    def after_step(self) -> None:
        """Look within an epoch, now and then."""
        if time.monotonic() - self.looked_at >= SECONDS:
            self._warn([*self._rows(), {"epoch": self.state.epoch + 1, **self.current()}])

    def after_training(self, epoch: int, seconds: float) -> None:
        """Look at the row of the epoch, which is written."""
        self._warn(self._rows())

    def _rows(self) -> list[dict[str, Any]]:
        return self.session.run.rows if self.session.run else []

    def _found(self, rows: list[dict[str, Any]]) -> dict[str, str]:
        return found_in(rows, self.settings.valid_metric, self.settings.sign > 0)

    def _warn(self, rows: list[dict[str, Any]]) -> None:
        self.looked_at = time.monotonic()
        warned = self.warned if self.warned is not None else set()
        for name, text in self._found(rows).items():
            if name not in warned and self.session.run:
                _LOG.warning("%s", text, extra={"rule": name})
                warned.add(name)
        self.warned = warned
