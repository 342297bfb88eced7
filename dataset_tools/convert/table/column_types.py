"""Types of columns of a parquet or a DataFrame that have no text, or are no number or time."""

import polars as pl

from dataset_tools.convert.table.layout import Layout
from dataset_tools.convert.table.reading.source import Source
from dataset_tools.errors import DataError

_NO_TEXT = {"Binary": ("bytes", "text, such as hexadecimal digits"), "Duration": ("durations", "numbers of seconds")}


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
    """Refuse columns of bytes and of durations.

    Raises:
        DataError: there is one.
    """
    for column in sample:
        for kind, (word, instead) in _NO_TEXT.items():
            if kind in str(column.dtype):
                raise DataError(
                    f"{source.path}: the column {column.name} holds {word}, which have no text; write it as {instead}, "
                    "or leave it out"
                )


def require_one_type(typed: list[tuple[Source, pl.DataFrame]], role: str, column: str) -> None:
    """Refuse ids that are numbers in one input and text in another.

    Args:
        typed: inputs whose columns have types, each with its first rows.
        role: of the column.
        column: its name.

    Raises:
        DataError: 1 and '1' would be one id.
    """
    numbers = [source.path for source, sample in typed if sample[column].dtype.is_numeric()]
    texts = [source.path for source, sample in typed if sample[column].dtype == pl.String]
    if numbers and texts:
        raise DataError(
            f"{texts[0]}: the column {column} ({role}) is text, and numbers in {numbers[0]}; 1 and '1' would be "
            f"one {role};\nwrite it as one type in all of them first"
        )


def _word(kind: pl.DataType) -> str:
    return "objects" if isinstance(kind, pl.Struct) else "lists"
