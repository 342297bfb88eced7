"""The keys that let newer targets weigh more; free of torch, so that they are checked before it is imported."""

from dataclasses import dataclass

from recbole_ext.config.key_settings import KeySettings
from recbole_ext.errors import UsageError

KINDS = ("none", "recency")


@dataclass(frozen=True)
class RecencySettings(KeySettings):
    """The fields are keys of overall.yaml."""

    sample_weight: str
    recency_half_life_days: float | None
    overweight_factor: float | None
    overweight_share: float

    def check(self) -> None:
        """Refuse an unknown kind, and values out of range.

        Raises:
            UsageError: an unknown kind, values out of range, or settings that contradict each other.
        """
        if self.sample_weight not in KINDS:
            raise UsageError(f"sample_weight must be one of {', '.join(KINDS)} (got {self.sample_weight!r})")
        if not 0 < self.overweight_share <= 1:
            raise UsageError(f"overweight_share must be above 0 and at most 1 (got {self.overweight_share})")
        rules = {name: getattr(self, name) for name in ("recency_half_life_days", "overweight_factor")}
        given = [name for name, value in rules.items() if value is not None]
        if len(given) != (self.sample_weight == "recency"):
            raise UsageError(
                "sample_weight: recency goes with one of recency_half_life_days and overweight_factor, none with "
                f"neither (got {self.sample_weight} with {', '.join(given) or 'neither'})"
            )
        for name in given:
            if not rules[name] > 0:
                raise UsageError(f"{name} must be positive (got {rules[name]})")
