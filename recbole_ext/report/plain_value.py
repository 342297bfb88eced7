"""Settings and facts as people write them: no braces, brackets and quotes of Python."""

import re
from collections.abc import Mapping
from typing import Any

_OF_PYTHON = re.compile(r"\{'[^{}]*\}")
"""A mapping in the middle of a text, such as the split of a protocol: `{'LS': 'valid_and_test'} by user`."""


def plain_value(value: Any) -> str:
    """`full: 1, k: 2` of a mapping, `a, b` of a list, `none` of nothing; other values as text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_nested(each)}" for key, each in value.items()) or "none"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(_nested, value)) or "none"
    return "none" if value is None else _OF_PYTHON.sub(_without_marks, str(value))


def _nested(value: Any) -> str:
    shown = plain_value(value)
    return f"({shown})" if isinstance(value, Mapping | list | tuple | set | frozenset) else shown


def _without_marks(found: re.Match[str]) -> str:
    return re.sub(r"[{}']", "", found[0])
