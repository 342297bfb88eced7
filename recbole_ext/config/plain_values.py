"""Values as a YAML file would have them, of what Python code gives."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any


def plain_value(value: Any) -> Any:
    """Numbers and arrays of numpy as those of Python, tuples and ranges as lists, paths as text; others as they are."""
    if isinstance(value, Path):
        return str(value)
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple | range):
        return [plain_value(one) for one in value]
    if isinstance(value, dict):
        return {plain_value(key): plain_value(one) for key, one in value.items()}
    return value


def several(given: Any) -> list[Any]:
    """A list of what is given as one or as several: a text, a path and a run are one; None is none."""
    if given is None:
        return []
    return list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
