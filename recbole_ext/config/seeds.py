"""The seeds of an experiment, and what a number measured under several of them supports."""

from typing import Any

from recbole_ext.errors import UsageError

_HIGHEST = 2**32 - 1


def read_seeds(value: Any, name: str = "seeds") -> list[int]:
    """Seeds in their order: `[42, 123]`, `"42,123"`, `42`, or nothing.

    Raises:
        UsageError: something else, a seed given twice, or one that NumPy does not take.
    """
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    parts = [] if value is None else [part.strip() if isinstance(part, str) else part for part in parts]
    wrong = [part for part in parts if isinstance(part, bool) or not str(part).isdecimal() or int(part) > _HIGHEST]
    if wrong or (isinstance(value, list | str) and not parts):
        raise UsageError(f"{name} must be whole numbers from 0 to {_HIGHEST}, for instance 42,123,456 (got {value!r})")
    seeds = [int(part) for part in parts]
    twice = [seed for number, seed in enumerate(seeds) if seed in seeds[:number]]
    if twice:
        raise UsageError(f"{name}: {twice[0]} is given twice; each seed is run once")
    return seeds
