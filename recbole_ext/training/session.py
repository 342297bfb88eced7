"""The outputs of a run, and the signals that it handles."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.signals import Signals
from recbole_ext.training.tracking.progress import Progress


@dataclass(frozen=True)
class Session:
    """By default nothing is written or shown, and no signal is handled.

    Attributes:
        run: where states, weights and rows go; None for a process that writes nothing.
        progress: the progress that is shown.
        signals: asked after each step and before each batch of an evaluation.
        is_resumed: whether `run` holds a state to continue from.
        started: `time.perf_counter` when the run was asked for.
    """

    run: RunDirectory | None = None
    progress: Progress = field(default_factory=lambda: Progress(0, enabled=False))
    signals: Signals = field(default_factory=Signals)
    is_resumed: bool = False
    started: float = field(default_factory=time.perf_counter)

    @property
    def folder(self) -> Path | None:
        """The run's directory."""
        return self.run.path if self.run else None
