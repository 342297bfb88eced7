"""A converted log as clicks are sampled from it: who, what, of which kind, and when."""

from pathlib import Path

import polars as pl

from dataset_tools.errors import DataError
from dataset_tools.files.headers import Column, read_header

BEHAVIOURS = ("behavior", "rating")
"""Columns that may hold the kind of an event, the first one found; without any, all events are of one kind."""
ONE_KIND = "event"


def read_log(path: Path) -> pl.DataFrame:
    """`user_id`, `item_id`, `behavior` and `timestamp` (whole seconds), in file order; ids are numbers where all are.

    Raises:
        DataError: a column is missing, the rows have labels, a value is empty, an item or a behavior holds a blank, or
            a time is no whole number.
    """
    fields = [found.field for found in read_header(path)]
    missing = [name for name in ("user_id", "item_id", "timestamp") if name not in fields]
    if missing:
        raise DataError(f"{path}: there is no column {missing[0]}; a sample requires users, items and times.")
    if "label" in fields:
        raise DataError(f"{path}: its rows have labels, some of sampled items; convert the log without --label.")
    kind = next((name for name in BEHAVIOURS if name in fields), "")
    table = _table(path, {name: pl.Int64 if name == "timestamp" else pl.String for name in fields})
    _require_elements(path, table, kind)
    ids = [_numbers(table[name]) for name in ("user_id", "item_id")]
    behavior = pl.col(kind) if kind else pl.lit(ONE_KIND)
    return table.select(*ids, behavior.alias("behavior"), "timestamp")


def _require_elements(path: Path, table: pl.DataFrame, kind: str) -> None:
    """Refuse a value that is no single element of a history, whose elements are separated by blanks."""
    for name in filter(None, ("user_id", "item_id", "timestamp", kind)):
        if n_empty := table[name].null_count():
            raise DataError(f"{path}: {n_empty:,} rows have no {name}; fill it in, or remove these rows.")
    for name in filter(None, ("item_id", kind)):
        blank = table[name].filter(table[name].str.contains(" ", literal=True))
        if len(blank):
            raise DataError(
                f"{path}: {name} {blank[0]!r} holds a blank ({len(blank):,} such rows), and a history separates its "
                f"elements by blanks;\nwrite {name} without blanks, such as {blank[0].replace(' ', '_')!r}, "
                "in all files of the data set."
            )


def item_values(path: Path, column: str) -> pl.DataFrame:
    """One attribute of all items: `item_id` as text, and `value`, a list with one text per token.

    Args:
        path: the .inter file, whose .item file is read.
        column: of the .item file; only those of type token_seq have several tokens.

    Raises:
        DataError: there is no such file, or no such column in it.
    """
    items = path.with_suffix(".item")
    if not items.is_file():
        raise DataError(f"{items} is missing, so --match {column} has no column to read; leave --match out.")
    columns = {found.field: found for found in read_header(items)}
    if column not in columns or "item_id" not in columns:
        others = ", ".join(name for name in columns if name != "item_id") or "none"
        raise DataError(f"{items}: there is no column {column}; columns that items can be matched by: {others}.")
    table = _table(items, dict.fromkeys(columns, pl.String)).select("item_id", _tokens(columns[column]).alias("value"))
    return table.unique("item_id", keep="first", maintain_order=True)


def _tokens(column: Column) -> pl.Expr:
    text = pl.col(column.field).fill_null("")
    parts = text.str.split(" ") if column.type.endswith("_seq") else pl.concat_list(text)
    return parts.list.eval(pl.element().filter(pl.element() != ""))


def _table(path: Path, types: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    try:
        return pl.read_csv(
            path, separator="\t", has_header=False, skip_lines=1, quote_char=None, schema=types, glob=False
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: not read as columns with whole seconds as times: {error}") from None


def _numbers(ids: pl.Series) -> pl.Series:
    """Whole numbers where all ids are written as such, so that each is written as it was; otherwise the ids."""
    found = ids.cast(pl.Int64, strict=False)
    return found if (found.cast(pl.String) == ids).fill_null(False).all() else ids
