"""The course of one run: its columns over the epochs, as far as they are known."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

COLUMNS = {
    "epoch": ("epoch", "Epoch", "step"),
    "train_loss": ("train_loss", "training_loss", "loss"),
    "first_loss": ("first_loss",),
    "learning_rate": ("learning_rate", "lr"),
    "grad_norm": ("grad_norm_mean", "grad_norm"),
    "grad_norm_growth": ("grad_norm_growth",),
    "valid": ("valid_loss", "val_loss", "validation_loss"),
    "train_score": ("train_auc", "train_score"),
    "gap": ("train_valid_gap",),
    "train_seconds": ("train_seconds", "epoch_seconds"),
    "kl": ("kl",),
    "active_units": ("active_units",),
    "latent_units": ("latent_units",),
    "r2": ("r2", "val_r2", "valid_r2"),
    "memory_share": ("memory_share",),
    "gpu_memory_share": ("gpu_memory_share",),
}
"""Our name of a column -> its names in files."""
RATING_ERRORS = ("rmse", "mae")


@dataclass
class Course:
    """What is known of one run; a cell that is empty is no point.

    Attributes:
        points: column -> [(epoch, value)], in the order of epochs.
        last_epoch: whether or not anything was measured there.
        bigger: whether more of `valid` is better.
        settings: the configuration, as far as it is known.
        metric: the name of `valid`.
    """

    points: dict[str, list[tuple[int, float]]]
    last_epoch: int
    bigger: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    metric: str = field(default="", kw_only=True)

    @property
    def valid(self) -> list[tuple[int, float]]:
        """Validation, as a loss: a score's sign is turned."""
        sign = -1 if self.bigger else 1
        return [(epoch, sign * value) for epoch, value in self.points.get("valid", [])]

    def last(self, column: str) -> tuple[int, float] | None:
        """The newest point of a column."""
        return next(reversed(self.points.get(column, [])), None)


def course_of_rows(rows: Iterable[Mapping[str, Any]], metric: str, bigger: bool) -> Course:
    """The course that the rows of a run that is going on show.

    Args:
        rows: of metrics.csv, as numbers; the last one may be that of an epoch that is not over.
        metric: that validation chooses by, in small letters.
        bigger: whether more of it is better.
    """
    names = {ours: theirs[0] for ours, theirs in COLUMNS.items()} | {"valid": metric}
    points: dict[str, list[tuple[int, float]]] = {ours: [] for ours in names}
    last = 0
    for row in rows:
        last = int(row["epoch"])
        for ours, theirs in names.items():
            value = row.get(theirs)
            if isinstance(value, int | float) and math.isfinite(value):
                points[ours].append((last, float(value)))
    return Course({ours: found for ours, found in points.items() if found}, last, bigger, metric=metric)
