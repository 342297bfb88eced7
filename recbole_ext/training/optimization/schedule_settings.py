"""The keys of the learning rate's schedule; free of torch, so that they are checked before it is imported."""

from dataclasses import dataclass

from recbole_ext.config.key_settings import KeySettings
from recbole_ext.errors import UsageError

SCHEDULES = ("constant", "cosine", "linear", "plateau")


@dataclass(frozen=True)
class ScheduleSettings(KeySettings):
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

    def check(self) -> None:
        """Refuse an unknown schedule, and values out of range.

        Raises:
            UsageError: an unknown schedule, a fraction outside [0, 1], or a warm-up in both steps and a fraction.
        """
        if self.lr_schedule not in SCHEDULES:
            raise UsageError(f"lr_schedule must be one of {', '.join(SCHEDULES)} (got {self.lr_schedule!r})")
        for name in ("warmup_share", "final_lr_share", "plateau_factor"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} must lie between 0 and 1 (got {getattr(self, name)})")
        if self.warmup_steps and self.warmup_share:
            raise UsageError(
                f"give warmup_steps or warmup_share, not both (got {self.warmup_steps}, {self.warmup_share})"
            )
        if self.warmup_steps < 0:
            raise UsageError(f"warmup_steps must not be negative (got {self.warmup_steps})")
