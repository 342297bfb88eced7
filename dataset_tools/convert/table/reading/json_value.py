"""One json object, and values as json text."""

import ast
import json
from typing import Any

_EXACT = 1e15


def parsed_object(line: str) -> dict[str, Any] | None:
    """One object; also as Python writes it, for the files that were printed and not dumped. None if it is neither."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = _literal(line) if line.lstrip().startswith(("{u'", "{'", '{u"')) else None
    return found if isinstance(found, dict) else None


def _literal(line: str) -> Any:
    try:
        return ast.literal_eval(line.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def as_json(value: object) -> str:
    """A value as json on one line."""
    return json.dumps(value, ensure_ascii=False)


def whole_as_int(value: Any) -> Any:
    """A whole number without decimals: 5 for 5.0."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value
