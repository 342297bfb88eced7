"""What is searched: one range or list per key of the configuration, read strictly from YAML.

learning_rate: {loguniform: [0.0005, 0.005]}    # even in the logarithm, between both
dropout_prob: {choice: [0.1, 0.2, 0.3]}         # one of these
weight_decay: {uniform: [0.0, 0.1]}             # even, between both
hidden_size: {quniform: [32, 128, 32]}          # 32, 64, 96, 128
num_layers: {randint: [1, 4]}                   # 1, 2, 3 or 4
"""

import math
from dataclasses import dataclass, field
from typing import Any

from recbole_ext.errors import UsageError, nearest

KINDS = {"choice": 0, "uniform": 2, "loguniform": 2, "quniform": 3, "randint": 2}
"""How a key is searched, with the number of values that define it; 0 for any."""
DIGITS = 6
"""Significant digits of what is sampled from a range: enough for any setting, and readable."""


@dataclass(frozen=True)
class Parameter:
    """One key that is searched.

    Attributes:
        name: key of the configuration.
        kind: one of `KINDS`.
        values: the choices, or lowest and highest value, for `quniform` followed by the step.
        line: of its file; None where it comes from none.
    """

    name: str
    kind: str
    values: tuple[Any, ...]
    line: int | None = field(default=None, compare=False)

    @property
    def varies(self) -> bool:
        """Whether trials can differ in it; a choice of one, as RecBole's files have it, is a fixed value."""
        return len(self.values) > 1

    def ends(self) -> list[Any]:
        """Values that stand for all: every choice, or both ends of the range."""
        if self.kind in ("uniform", "loguniform"):
            return [float(value) for value in self.values]  # as trials get them, so that keys of integers refuse them
        if self.kind != "quniform":
            return list(self.values)
        low, high, step = self.values
        return [low, self.stepped(math.floor((high - low) / step + 1e-9))]

    def stepped(self, steps: int) -> int | float:
        """`quniform`: the value after so many steps, an integer where all three numbers are."""
        low, _, step = self.values
        value = low + steps * step
        return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")

    def place(self, value: Any) -> int:
        """`choice`: which one a value is."""
        return next(n for n, choice in enumerate(self.values) if same(choice, value))

    def as_setting(self) -> dict[str, list[Any]]:
        """The entry as YAML has it."""
        return {self.kind: list(self.values)}


def space_of(values: dict[str, Any], source: str, lines: dict[str, int] | None = None) -> list[Parameter]:
    """Parameters from a mapping.

    Args:
        values: key to `{kind: values}`.
        source: named in the errors.
        lines: the line of each key.

    Raises:
        UsageError: with one line per error.
    """
    where = {key: f"{source}:{lines[key]}" if lines else source for key in values}
    found, faults = [], []
    for key, entry in values.items():
        fault = _fault(entry)
        if fault:
            faults.append(f"{where[key]}: {key}: {fault}")
        else:
            ((kind, numbers),) = entry.items()
            found.append(Parameter(key, kind, tuple(numbers), (lines or {}).get(key)))
    if not values:
        faults.append(f"{source}: the space is empty; a line is, for instance, dropout_prob: {{choice: [0.1, 0.2]}}")
    if faults:
        raise UsageError("\n".join(faults))
    return found


def _fault(entry: Any) -> str | None:
    if not isinstance(entry, dict) or len(entry) != 1:
        return f"give one of {', '.join(KINDS)} with its values, for instance {{choice: [1, 2]}} (got {entry!r})"
    ((kind, values),) = entry.items()
    if kind not in KINDS:
        return f"unknown kind {kind!r}{nearest(str(kind), KINDS)} Allowed: {', '.join(KINDS)}"
    if not isinstance(values, list):
        return f"{kind} needs a list of values (got {values!r})"
    return _choice_fault(values) if kind == "choice" else _range_fault(kind, values)


def _choice_fault(values: list[Any]) -> str | None:
    if not values:
        return "choice needs at least one value (got [])"
    twice = [value for n, value in enumerate(values) if any(same(value, other) for other in values[:n])]
    return f"choice holds {twice[0]!r} twice" if twice else None


def same(one: Any, other: Any) -> bool:
    """Whether two choices are one: True and 1 are two, 1 and 1.0 are one."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _range_fault(kind: str, values: list[Any]) -> str | None:
    if len(values) != KINDS[kind] or not all(_is_number(value) for value in values):
        shape = "[lowest, highest, step]" if kind == "quniform" else "[lowest, highest]"
        return f"{kind} needs numbers, {shape} (got {values!r})"
    low, high = values[:2]
    if low >= high:
        return f"{kind} needs the lowest value before the highest, and two different ones (got {values!r})"
    if kind == "loguniform" and low <= 0:
        return f"loguniform needs values above 0, because 0 has no logarithm (got {low!r})"
    if kind == "randint" and not all(isinstance(value, int) for value in values):
        return f"randint needs integers; both ends are included (got {values!r})"
    if kind == "quniform" and not 0 < values[2] <= high - low:
        return f"quniform needs a step above 0 and at most {high - low!r} (got {values[2]!r})"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
