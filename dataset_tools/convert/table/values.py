r"""Values of an input as the text of an atomic file; what holds a separator is escaped, and can be read back.

Text: a tab is `\t`, a line feed `\n`, a carriage return `\r`, and in a value that has one of these or a backslash,
a backslash is `\\`. Lists: elements are joined by blanks; within an element a blank is `_` and an underscore `\_`.
Ids are never changed: one that holds a tab or a line end is refused.
"""

import json
from typing import Any

import numpy as np
import polars as pl

from dataset_tools.convert.table.reading.json_value import as_json

_NUMBER = r"^-?((0|[1-9][0-9]*)(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$"
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def as_text(values: pl.Series) -> pl.Series:
    """Categories as the text that they are; other values as they are."""
    return values.cast(pl.String) if isinstance(values.dtype, pl.Categorical | pl.Enum) else values


def escaped_text(values: pl.Series) -> pl.Series:
    """(n,) text whose separators are escaped."""
    if not values.str.contains("[\t\n\r\\\\]").any():
        return values
    for character, escape in _ESCAPES:
        values = values.str.replace_all(character, escape, literal=True)
    return values


def plain_ids(values: pl.Series) -> pl.Series:
    """(n,) ids as whole numbers or text; of floats each whole number is written as one, and NaN is missing."""
    if values.dtype.is_float():
        whole = values.fill_nan(None).cast(pl.Int64, strict=False)
        is_whole = whole == values
        if is_whole.fill_null(True).all():
            return whole
        return whole.cast(pl.String).zip_with(is_whole.fill_null(False), values.fill_nan(None).cast(pl.String))
    if values.dtype.is_nested():
        values = kept_text(values, False)
    return values if values.dtype.is_integer() else values.cast(pl.String)


def are_plain(values: pl.Series) -> bool:
    """Whether no text is missing, empty, or has a blank, a tab, a line end or a letter that is not ASCII."""
    if values.null_count() or not len(values) or not values.str.len_bytes().min():
        return False
    text = np.frombuffer(values.str.join("").item().encode(), np.uint8)
    return bool(text.min() > ord(" ")) and bool(text.max() < 0x80)


def holds_separator(values: pl.Series) -> np.ndarray:
    """(n,) bool: ids with a tab or a line end."""
    return values.str.contains("[\t\n\r]").fill_null(False).to_numpy()


def as_list(text: str | None) -> str | None:
    """A json list, or one value, as the elements of a token sequence."""
    if text is None:
        return None
    found = parsed_list(text)
    return " ".join(_element(value) for value in ([text] if found is None else found) if value is not None)


def parsed_list(text: str) -> list[Any] | None:
    """The elements of a json list; None if a text is none."""
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _element(value: Any) -> str:
    text = value if isinstance(value, str) else as_json(value)
    for character, escape in (*_ESCAPES, ("_", "\\_"), (" ", "_")):
        text = text.replace(character, escape)
    return text


def kept_text(values: pl.Series, is_list: bool) -> pl.Series:
    """A kept column as text of the atomic file.

    Args:
        values: (n,) of any type; nested ones become json.
        is_list: whether it is written as a token sequence.
    """
    if values.dtype.is_nested():
        values = pl.Series(values.name, [None if value is None else as_json(value) for value in values.to_list()])
    if is_list:
        texts = [as_list(text) for text in values.cast(pl.String).to_list()]
        return pl.Series(values.name, texts, pl.String)
    values = as_text(values)
    return escaped_text(values) if values.dtype == pl.String else values.cast(pl.String)


def is_number_column(values: pl.Series) -> bool:
    """Whether every value is a finite number as numbers are written: no leading zeros, nothing around them."""
    if values.dtype.is_numeric():
        return not values.dtype.is_float() or bool(values.is_finite().fill_null(True).all())
    if values.dtype != pl.String:
        return False
    return not (~values.str.contains(_NUMBER) & (values != "")).any()
