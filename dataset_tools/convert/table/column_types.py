"""Types of columns of a parquet or a DataFrame that have no text, or are no number or time."""

import polars as pl

from dataset_tools.convert.table.layout import Layout
from dataset_tools.convert.table.reading.source import Source
from dataset_tools.errors import DataError


def require_types(source: Source, layout: Layout, sample: pl.DataFrame) -> None:
    """Refuse columns of the log that cannot be read.

    Raises:
        DataError: bytes; or lists or objects where one value is needed.
    """
    require_text(source, sample.select(layout.wanted))
    choice = [] if layout.choice is None else layout.choice.columns
    for name in filter(None, (layout.rating, layout.time, *choice)):
        if sample[name].dtype.is_nested():
            raise DataError(
                f"{source.path}: the column {name} holds {_word(sample[name].dtype)}, and one value a row is needed; "
                "name another column, or write its value into a column of its own"
            )


def require_text(source: Source, sample: pl.DataFrame) -> None:
    """Refuse columns of bytes.

    Raises:
        DataError: there is one.
    """
    for column in sample:
        if "Binary" in str(column.dtype):
            raise DataError(
                f"{source.path}: the column {column.name} holds bytes, which have no text; write it as text, such as "
                "hexadecimal digits, or leave it out"
            )


def _word(kind: pl.DataType) -> str:
    return "objects" if isinstance(kind, pl.Struct) else "lists"
