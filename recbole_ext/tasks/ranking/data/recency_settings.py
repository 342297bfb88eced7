"""The keys that let newer targets weigh more; free of torch, so that they are checked before it is imported."""

from dataclasses import dataclass
from typing import Any

from recbole_ext.errors import UsageError

KINDS = ("none", "recency")


@dataclass(frozen=True)
class RecencySettings:
    """The fields are keys of overall.yaml."""

    sample_weight: str
    recency_half_life_days: float | None
    overweight_factor: float | None
    overweight_share: float

    @classmethod
    def read(cls, config: Any) -> "RecencySettings":
        """Take the settings from a configuration.

        Raises:
            UsageError: an unknown kind, values out of range, or settings that contradict each other.
        """
        settings = cls(*(config[name] for name in cls.__dataclass_fields__))
        if settings.sample_weight not in KINDS:
            raise UsageError(f"sample_weight must be one of {', '.join(KINDS)} (got {settings.sample_weight!r})")
        if not 0 < settings.overweight_share <= 1:
            raise UsageError(f"overweight_share must be above 0 and at most 1 (got {settings.overweight_share})")
        rules = {name: getattr(settings, name) for name in ("recency_half_life_days", "overweight_factor")}
        given = [name for name, value in rules.items() if value is not None]
        if len(given) != (settings.sample_weight == "recency"):
            raise UsageError(
                "sample_weight: recency goes with one of recency_half_life_days and overweight_factor, none with "
                f"neither (got {settings.sample_weight} with {', '.join(given) or 'neither'})"
            )
        for name in given:
            if not rules[name] > 0:
                raise UsageError(f"{name} must be positive (got {rules[name]})")
        return settings
