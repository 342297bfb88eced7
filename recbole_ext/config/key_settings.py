"""Settings that are read once from a configuration; imports neither torch nor RecBole."""

from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True)
class KeySettings:
    """Base of frozen dataclasses whose fields are keys of the configuration."""

    @classmethod
    def read(cls, config: Any) -> Self:
        """Take the settings from a configuration.

        Raises:
            UsageError: a value that `check` refuses.
        """
        settings = cls(*(config[each.name] for each in fields(cls)))
        settings.check()
        return settings

    def check(self) -> None:
        """Refuse values out of range, and values that contradict each other; nothing by default."""
