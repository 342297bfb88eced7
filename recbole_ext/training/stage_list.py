"""The key `stages`: what is trained on, how long, and how fast, in sequence."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from recbole_ext.errors import UsageError, nearest
from recbole_ext.registry import models

_ENDLESS = 2**63


@dataclass(frozen=True)
class Stage:
    """One entry of `stages`; what it leaves out is the run's own setting.

    Attributes:
        share: of the training targets, the newest.
        learning_rate, epochs, stopping_step: as the keys of the same name.
    """

    share: float
    learning_rate: float
    epochs: int
    stopping_step: int


def read_stages(config: Any) -> list[Stage]:
    """The stages of a run; none without the key `stages`.

    Raises:
        UsageError: an entry is not a mapping, or has an unknown key or a value out of range.
    """
    defaults = {"share": 1.0, **{name: config[name] for name in ("learning_rate", "epochs", "stopping_step")}}
    found = []
    for number, given in enumerate(config["stages"] or []):
        if not isinstance(given, dict):
            raise UsageError(f"stages: entry {number} must be a mapping with some of {_names()} (got {given!r})")
        for name, value in given.items():
            _check_entry(number, str(name), value)
        found.append(Stage(**{**defaults, **given}))
    return found


def recorded_epochs(settings: Mapping[str, Any]) -> int:
    """The largest number of epochs of recorded settings: of all stages; 1 for a model computed in one pass."""
    entry = models().get(str(settings.get("model")))
    if entry is not None and entry.is_fitted:
        return 1
    stages = read_stages(settings) if settings.get("stages") else []
    return sum(stage.epochs for stage in stages) or int(settings.get("epochs") or 0)


def _names() -> str:
    return ", ".join(each.name for each in fields(Stage))


def _check_entry(number: int, name: str, value: Any) -> None:
    known = {each.name: each.type for each in fields(Stage)}
    if name not in known:
        raise UsageError(f"stages: entry {number} has an unknown key '{name}'{nearest(name, known)} Known: {_names()}")
    kind, allowed_type = ("an integer", int) if name in ("epochs", "stopping_step") else ("a number", int | float)
    if isinstance(value, bool) or not isinstance(value, allowed_type):
        raise UsageError(f"stages: entry {number}: {name} must be {kind} (got {value!r})")
    if (
        not abs(value) < _ENDLESS
        or value < 0
        or (value == 0 and name != "stopping_step")
        or (name == "share" and value > 1)
    ):
        allowed = {"share": "above 0 and at most 1", "stopping_step": "at least 0"}.get(name, "positive")
        raise UsageError(f"stages: entry {number}: {name} must be {allowed} (got {value!r})")
