"""How the text of a data file is read: its two separators, taken literally, and its encoding."""

import codecs
from typing import Any

from recbole_ext.config.layers import Layer
from recbole_ext.config.yaml_reader import unquoted
from recbole_ext.model_entry import ModelEntry

SEPARATORS = ("field_separator", "seq_separator")
_TYPED = {"\\t": "\t", "tab": "\t"}
_FORBIDDEN = ':"\r\n'


def literal(value: str) -> str:
    r"""A separator as it was meant: `\t` typed as two characters is a tab, and quotes around a value are taken off."""
    inner = unquoted(value)
    return _TYPED.get(inner, inner)


def text_faults(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """What no file can be read with: a separator of columns that is no single character, an unknown encoding."""
    columns, lists = (values.get(key) for key in SEPARATORS)
    faults = []
    if not _separates_columns(columns):
        faults.append(
            "field_separator must be one character, no letter, digit, colon, quote or line break, and it is taken "
            f"literally, never as a pattern (got {columns!r}); for instance --field_separator=',' or '\\t'"
        )
    if not isinstance(lists, str) or not literal(lists):
        faults.append(f"seq_separator must be one or more characters, taken literally (got {lists!r})")
    return faults + _encoding(values.get("encoding"))


def _separates_columns(value: Any) -> bool:
    mark = literal(value) if isinstance(value, str) else ""
    return len(mark) == 1 and mark.isascii() and not mark.isalnum() and mark not in _FORBIDDEN


def _encoding(name: Any) -> list[str]:
    sample = "user_id:token\t1\n"
    try:
        found = codecs.lookup("utf-8" if name is None else name)
        if found.incrementaldecoder is not None and sample.encode(found.name).decode(found.name) == sample:
            return []
    except (LookupError, TypeError, ValueError):  # no such one, no text, or one of other things than texts
        pass
    return [f"encoding: Python knows no text encoding {name!r}; for instance utf-8, gbk, latin-1 or cp1252"]
