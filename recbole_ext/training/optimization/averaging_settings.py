"""The keys of the averages of weights; free of torch, so that they are checked before it is imported."""

from dataclasses import dataclass

from recbole_ext.config.key_settings import KeySettings
from recbole_ext.errors import UsageError

KINDS = ("none", "ema", "swa")


@dataclass(frozen=True)
class AveragingSettings(KeySettings):
    """The fields are keys of overall.yaml."""

    averaging: str
    ema_decay: float
    swa_start_share: float

    def check(self) -> None:
        """Refuse an unknown kind, and values out of range.

        Raises:
            UsageError: an unknown kind, or a fraction outside [0, 1).
        """
        if self.averaging not in KINDS:
            raise UsageError(f"averaging must be one of {', '.join(KINDS)} (got {self.averaging!r})")
        for name in ("ema_decay", "swa_start_share"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 0 and below 1 (got {getattr(self, name)})")
