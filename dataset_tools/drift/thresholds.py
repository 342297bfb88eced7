"""Thresholds from `thresholds.yaml` and from a user's file over it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dataset_tools.drift.measuring.measures import MEASURES
from dataset_tools.errors import UsageError

NULLS = ("shuffled", "neighbours")
_OURS = Path(__file__).parent / "thresholds.yaml"
_WHOLE = {"minimum.rows": 1, "minimum.users": 2, "repeats": 1, "neighbours": 0}
_WHOLE_OF_SECTIONS = {"rows": 1, "users": 2, "windows": 3}
"""Last word of an entry of another section -> its smallest value."""


@dataclass(frozen=True)
class Limit:
    """Of one measure: the excess above which it is drift, and the null that is subtracted."""

    threshold: float
    against: str


@dataclass(frozen=True)
class Thresholds:
    """All of `thresholds.yaml`.

    Attributes:
        rows, users, repeats, neighbours, limits: of data drift.
        others: the other sections, `model.minimum.rows` -> number.
    """

    rows: int
    users: int
    repeats: int
    neighbours: int
    limits: dict[str, Limit]
    others: dict[str, float]

    def section(self, name: str) -> dict[str, float]:
        """The numbers of a section that is not of data drift: `minimum.rows` -> number."""
        return {key.removeprefix(f"{name}."): of for key, of in self.others.items() if key.startswith(f"{name}.")}

    def as_json(self) -> dict[str, Any]:
        """Those of data drift, in the form of the yaml."""
        return {
            "minimum": {"rows": self.rows, "users": self.users},
            "repeats": self.repeats,
            "neighbours": self.neighbours,
            "measures": {name: vars(limit) for name, limit in self.limits.items()},
        }


def load_thresholds(path: Path | None) -> Thresholds:
    """The package's thresholds with the entries of `path` in their place.

    Raises:
        UsageError: the file cannot be read, has an unknown entry, or an entry has a value that is not allowed.
    """
    flat = _flat(yaml.safe_load(_OURS.read_text(encoding="utf-8")))
    for key, value in _flat(_given(path)).items() if path else ():
        if value is None and any(known.startswith(f"{key}.") for known in flat):
            continue  # a section whose entries are commented out
        if key not in flat:
            raise UsageError(f"{path}: unknown entry {key}; allowed: {', '.join(flat)}.")
        _check(path, key, value)
        flat[key] = value
    limits = {
        measure.name: Limit(*(flat[f"measures.{measure.name}.{key}"] for key in ("threshold", "against")))
        for measure in MEASURES
    }
    rows, users, repeats, neighbours = (int(flat[key]) for key in _WHOLE)
    others = {key: value for key, value in flat.items() if key not in _WHOLE and not key.startswith("measures.")}
    return Thresholds(rows, users, repeats, neighbours, limits, others)


def _given(path: Path) -> dict[Any, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; --thresholds names a yaml file.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not yaml: {str(error).splitlines()[0]}.") from None
    if found is not None and not isinstance(found, dict):
        raise UsageError(f"{path}: {found!r} is no entry; write sections and entries, such as minimum: {{rows: 500}}.")
    return found or {}


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """`{"minimum": {"rows": 5}}` -> `{"minimum.rows": 5}`."""
    if not isinstance(tree, dict):
        return {prefix.removesuffix("."): tree}
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{prefix}{key}.")
    return found


def _check(path: Path | None, key: str, value: Any) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if key.endswith(".against"):
        good, allowed = value in NULLS, " or ".join(NULLS)
    elif (least := _WHOLE.get(key, _WHOLE_OF_SECTIONS.get(key.rpartition(".")[2]))) is not None:
        good, allowed = is_number and value == int(value) >= least, f"whole numbers from {least}"
    else:
        good, allowed = is_number and value >= 0, "numbers from 0"
    if not good:
        raise UsageError(f"{path}: {key} is {value!r}, allowed are {allowed}.")
