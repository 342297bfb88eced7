"""The keys of the learning rate's schedule; free of torch, so that they are checked before it is imported."""

from dataclasses import dataclass
from typing import Any

from recbole_ext.errors import UsageError

SCHEDULES = ("constant", "cosine", "linear", "plateau")


@dataclass(frozen=True)
class ScheduleSettings:
    """The fields are keys of overall.yaml."""

    lr_schedule: str
    warmup_steps: int
    warmup_share: float
    final_lr_share: float
    plateau_patience: int
    plateau_factor: float

    @property
    def warms_up(self) -> bool:
        """Whether the run begins with a warm-up."""
        return bool(self.warmup_steps or self.warmup_share)

    @classmethod
    def read(cls, config: Any) -> "ScheduleSettings":
        """Take the settings from a configuration.

        Raises:
            UsageError: an unknown schedule, a fraction outside [0, 1], or a warm-up in both steps and a fraction.
        """
        settings = cls(*(config[name] for name in cls.__dataclass_fields__))
        if settings.lr_schedule not in SCHEDULES:
            raise UsageError(f"lr_schedule must be one of {', '.join(SCHEDULES)} (got {settings.lr_schedule!r})")
        for name in ("warmup_share", "final_lr_share", "plateau_factor"):
            if not 0 <= getattr(settings, name) <= 1:
                raise UsageError(f"{name} must lie between 0 and 1 (got {getattr(settings, name)})")
        if settings.warmup_steps and settings.warmup_share:
            raise UsageError(
                f"give warmup_steps or warmup_share, not both (got {settings.warmup_steps}, {settings.warmup_share})"
            )
        if settings.warmup_steps < 0:
            raise UsageError(f"warmup_steps must not be negative (got {settings.warmup_steps})")
        return settings
