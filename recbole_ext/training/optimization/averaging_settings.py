"""The keys of the averages of weights; free of torch, so that they are checked before it is imported."""

from dataclasses import dataclass
from typing import Any

from recbole_ext.errors import UsageError

KINDS = ("none", "ema", "swa")


@dataclass(frozen=True)
class AveragingSettings:
    """The fields are keys of overall.yaml."""

    averaging: str
    ema_decay: float
    swa_start_share: float

    @classmethod
    def read(cls, config: Any) -> "AveragingSettings":
        """Take the settings from a configuration.

        Raises:
            UsageError: an unknown kind, or a fraction outside [0, 1).
        """
        settings = cls(*(config[name] for name in cls.__dataclass_fields__))
        if settings.averaging not in KINDS:
            raise UsageError(f"averaging must be one of {', '.join(KINDS)} (got {settings.averaging!r})")
        for name in ("ema_decay", "swa_start_share"):
            if not 0 <= getattr(settings, name) < 1:
                raise UsageError(f"{name} must be at least 0 and below 1 (got {getattr(settings, name)})")
        return settings
