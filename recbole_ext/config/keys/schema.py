"""What a setting's value may be: kinds with their ranges, and mappings and lists of them, each with its error message.

A kind is a function from a value to what it must be, or None where the value fits.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from recbole_ext.errors import nearest

Kind = Callable[[Any], str | None]


def one_of(*words: str) -> Kind:
    """One of some words."""

    def fault(value: Any) -> str | None:
        if isinstance(value, str) and value in words:
            return None
        return f"must be one of {', '.join(words)} (got {value!r}){nearest(str(value), words)}"

    return fault


def integer(least: int, most: int = 2**63 - 1) -> Kind:
    """A whole number of at least so much, and at most what 64 bits hold, or so much."""

    def fault(value: Any) -> str | None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and least <= value <= most:
            return None
        allowed = (
            f"of at least {least}" if most == 2**63 - 1 and not (whole and value > most) else f"from {least} to {most}"
        )
        return f"must be an integer {allowed} (got {value!r})"

    return fault


def number(least: float = -math.inf) -> Kind:
    """A finite number, of at least so much."""

    def fault(value: Any) -> str | None:
        if is_number(value) and math.isfinite(value) and value >= least:
            return None
        return f"must be a number{'' if least == -math.inf else f' of at least {least:g}'} (got {value!r})"

    return fault


def boolean(value: Any) -> str | None:
    """True or False."""
    return None if isinstance(value, bool) else f"must be True or False (got {value!r})"


def names(value: Any) -> str | None:
    """A list of names, none of them twice."""
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        return f"must be a list of names (got {value!r})"
    twice = [name for place, name in enumerate(value) if name in value[:place]]
    return f"names {twice[0]!r} twice (got {value!r})" if twice else None


@dataclass(frozen=True)
class Entries:
    """A mapping with declared entries, as `eval_args`.

    Attributes:
        kinds: entry -> what its value may be.
        needed: entries that cannot be left out.
        renamed: entry of an earlier RecBole -> what to write instead, with `{}` for its value.
    """

    kinds: Mapping[str, Kind]
    needed: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    def faults(self, key: str, value: Any) -> list[str]:
        """What is wrong with a value of the setting `key`, one line per error."""
        if not isinstance(value, dict):
            return [f"{key} must be a mapping with {', '.join(self.kinds)} (got {value!r})"]
        faults = [self._unknown(key, name, entry) for name, entry in value.items() if name not in self.kinds]
        faults += [f"{key} needs {name} (got {value!r})" for name in self.needed if name not in value]
        found = ((name, self.kinds[name](entry)) for name, entry in value.items() if name in self.kinds)
        return faults + [f"{key}: {name} {fault}" for name, fault in found if fault]

    def _unknown(self, key: str, name: Any, entry: Any) -> str:
        if name in self.renamed:
            return f"{key}: {name} is of an earlier RecBole; write {self.renamed[name].format(entry)}"
        return f"{key} has no part {name!r} (it has {', '.join(self.kinds)}){nearest(str(name), self.kinds)}"


@dataclass(frozen=True)
class ByColumn:
    """A mapping from columns of the data to values of one kind, as `val_interval`.

    Attributes:
        kind: what each value may be.
        example: a mapping that is right.
    """

    kind: Kind
    example: str

    def faults(self, key: str, value: Any) -> list[str]:
        """What is wrong with a value of the setting `key`, one line per error."""
        if not isinstance(value, dict) or not all(isinstance(name, str) and name for name in value):
            return [f"{key} must be a mapping from columns, for instance {self.example} (got {value!r})"]
        found = ((name, self.kind(entry)) for name, entry in value.items())
        return [f"{key}: {name} {fault}" for name, fault in found if fault]


@dataclass(frozen=True)
class Single:
    """A setting with one value of a kind."""

    kind: Kind

    def faults(self, key: str, value: Any) -> list[str]:
        """What is wrong with a value of the setting `key`."""
        fault = self.kind(value)
        return [f"{key} {fault}"] if fault else []


def integers(least: int) -> Kind:
    """A list of whole numbers of at least so much."""
    one = integer(least)

    def fault(value: Any) -> str | None:
        if isinstance(value, list) and not any(one(entry) for entry in value):
            return None
        return f"must be a list of integers of at least {least} (got {value!r})"

    return fault


def is_number(value: Any) -> bool:
    """Whether this is an int or a float; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


LARGEST_SIZE = 2**31 - 1


def size(value: Any) -> str | None:
    """A number of layers, dimensions or rows."""
    if is_number(value) and value > LARGEST_SIZE:
        return f"must be at most {LARGEST_SIZE} (got {value!r})"
    return positive(value)


def positive(value: Any) -> str | None:
    """A finite number above 0."""
    if value == math.inf:
        return f"must be finite (got {value!r})"
    return None if is_number(value) and value > 0 else f"must be positive (got {value!r})"


def share(value: Any) -> str | None:
    """A fraction that is never the whole."""
    fits = is_number(value) and 0 <= value < 1
    return None if fits else f"must be at least 0 and below 1 (got {value!r})"


def between(least: float, most: float) -> Kind:
    """A number of a closed range."""

    def fault(value: Any) -> str | None:
        fits = is_number(value) and least <= value <= most
        return None if fits else f"must lie between {least:g} and {most:g} (got {value!r})"

    return fault


def word(value: Any) -> str | None:
    """A text that is not empty."""
    return None if isinstance(value, str) and value.strip() else f"must be a name (got {value!r})"


def numbers(kind: Kind) -> Kind:
    """A list of numbers of one kind."""

    def fault(value: Any) -> str | None:
        if not isinstance(value, list):
            return f"must be a list (got {value!r})"
        return next((found for entry in value if (found := kind(entry))), None)

    return fault
