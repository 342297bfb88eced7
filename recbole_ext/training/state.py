"""The state of a training run: the one place of what changes while it trains, besides weights and optimisers.

It is kept in `last`, so that a run continues exactly. It is taken between two steps.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from recbole_ext.errors import DataError

OTHER_VERSION = "the state of this run was saved by another version of recbole_ext; start a new run"


@dataclass
class TrainingState:
    """Progress of a run, and its best validation.

    Attributes:
        best_valid_score: of the best weights so far.
        patience_score: the last score that counted as an improvement.
        epoch: the epoch that is running, or the next one.
        batch: batches of this epoch that are done.
        step: steps of the optimiser in all epochs.
        total: sums of the loss's parts over the batches that are done.
        stopped: training is over before its last epoch.
        retries: how often the run went back because of non-finite values.
        halvings: how often the batches were halved because of missing memory.
        without_gain: validations in a row without an improvement.
        best_epoch, best_valid_result: of the best weights so far.
        train_losses: epoch -> summed loss.
        stage_starts: first epoch of each stage that has begun.
        old_metric: the metric on the old window when the last stage began.
    """

    best_valid_score: float
    patience_score: float
    epoch: int = 0
    batch: int = 0
    step: int = 0
    total: list[float] = field(default_factory=list)
    stopped: bool = False
    retries: int = 0
    halvings: int = 0
    without_gain: int = 0
    best_epoch: int | None = None
    best_valid_result: dict[str, float] | None = None
    train_losses: dict[int, float] = field(default_factory=dict)
    stage_starts: list[int] = field(default_factory=list)
    old_metric: float | None = None

    @classmethod
    def beginning(cls, bigger: bool) -> "TrainingState":
        """Of a run that has not begun; `bigger` is whether a larger score is better."""
        worst = -float("inf") if bigger else float("inf")
        return cls(worst, worst)

    def begin_pass(self) -> None:
        """A pass over the training batches begins."""
        self.batch, self.total = 0, []

    def add_loss(self, parts: list[float]) -> None:
        """One more batch is computed, whose loss has these parts."""
        self.total = [a + b for a, b in zip(self.total or [0.0] * len(parts), parts, strict=True)]

    def step_done(self, batch: int) -> None:
        """The optimiser has made a step, of which this batch was the last."""
        self.step += 1
        self.batch = batch + 1

    def next_epoch(self) -> None:
        """An epoch is over, its validation too."""
        self.epoch += 1
        self.begin_pass()

    def judge(self, score: float, result: dict[str, float], sign: int, min_delta: float) -> tuple[bool, bool]:
        """Record a validation.

        Args:
            score: by which weights are chosen.
            result: all that was measured.
            sign: 1 if a larger score is better, else -1.
            min_delta: what counts as an improvement.

        Returns:
            Whether these weights are the best so far, and whether they improve by `min_delta`.
        """
        best = sign * (score - self.best_valid_score) > 0
        if best:
            self.best_valid_score, self.best_valid_result = score, dict(result)
        better = sign * (score - self.patience_score) > min_delta
        self.patience_score, self.without_gain = (score, 0) if better else (self.patience_score, self.without_gain + 1)
        return best, better

    def begin_stage(self, old_metric: float | None) -> None:
        """A stage begins with the best weights so far, and with its full patience."""
        self.stage_starts.append(self.epoch)
        self.old_metric, self.stopped = old_metric, False
        self.without_gain, self.patience_score = 0, self.best_valid_score

    def continue_stages(self, starts: list[int], old_metric: float | None) -> None:
        """Stages that a run that is continued has begun."""
        self.stage_starts, self.old_metric = list(starts), old_metric

    def as_dict(self) -> dict[str, Any]:
        """A copy of everything."""
        return asdict(self)

    def restore(self, saved: dict[str, Any]) -> None:
        """Load what `as_dict` returned.

        Raises:
            DataError: another version of this package has saved it.
        """
        if saved.keys() != self.as_dict().keys():
            raise DataError(OTHER_VERSION)
        for name, value in saved.items():
            setattr(self, name, value)
