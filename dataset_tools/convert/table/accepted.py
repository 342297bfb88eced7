"""Rows that can be used as lines of the atomic file, with their times; the others with a reason each."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from dataset_tools.convert.table.layout import Layout
from dataset_tools.convert.table.times_read import read_times
from dataset_tools.convert.table.values import are_plain, holds_separator, is_number_column, kept_text, plain_ids
from dataset_tools.times.clocks import ONE_SECOND, as_text

REASONS = (
    "empty_user",
    "empty_item",
    "user_holds_a_tab_or_line_end",
    "item_holds_a_tab_or_line_end",
    "rating_not_a_number",
    "rating_not_finite",
    "empty_time",
    "time_not_a_time",
    "user_beyond_exact_floats",
    "item_beyond_exact_floats",
)


@dataclass(frozen=True)
class Accepted:
    """Rows of a block.

    Args:
        table: (n,) columns of the atomic file in their order, all of them text or whole numbers.
        rows: (n,) int64, positions of them in the parsed rows.
        seconds: (n,) int64; empty without a column of times.
        fractions: (n,) int64, or None where all are 0.
        raw: (n,) int64, the times as they count in the file.
        refused: positions in the parsed rows -> reason.
        left_out: rows that `--rows` leaves out.
        numbers: (kept columns,) bool, whether all of their values are numbers.
    """

    table: pl.DataFrame
    rows: np.ndarray
    seconds: np.ndarray
    fractions: np.ndarray | None
    raw: np.ndarray
    refused: dict[int, str]
    left_out: int
    numbers: np.ndarray


def accepted(table: pl.DataFrame, layout: Layout) -> Accepted:
    """Check the rows of a table, in this order: what `--rows` leaves out, ids, rating, time."""
    chosen = np.ones(table.height, bool) if layout.choice is None else layout.choice.chosen(table)
    reasons = np.full(table.height, -1, np.int8)
    users, items = (_ids(table[name], at, reasons) for at, name in enumerate((layout.user, layout.item)))
    columns = {"user_id": users, "item_id": items}
    if layout.rating:
        columns["rating"] = _ratings(table[layout.rating], reasons)
    seconds, fractions, raw = np.empty(0, np.int64), None, np.empty(0, np.int64)
    if layout.time:
        seconds, fractions, raw, good = read_times(table[layout.time], layout.time_unit)
        _refuse(reasons, ~good, np.where(_missing(table[layout.time]), 6, 7))
    kept = np.flatnonzero(chosen & (reasons < 0))
    whole = len(kept) == table.height
    if layout.time:
        columns["timestamp"] = _time_text(seconds, fractions)
    numbers = np.ones(len(layout.keep), bool)
    for at, name in enumerate(layout.keep):
        column = kept_text(table[name], name in layout.lists)
        numbers[at] = name not in layout.lists and is_number_column(column if whole else column.gather(kept))
        columns[f"kept {at}"] = column
    lines = pl.DataFrame(columns)
    if not whole:
        lines, fractions = lines[kept], None if fractions is None else fractions[kept]
        seconds, raw = (seconds[kept], raw[kept]) if layout.time else (seconds, raw)
    wrong = np.flatnonzero(chosen & (reasons >= 0))
    refused = {int(at): REASONS[reasons[at]] for at in wrong}
    left_out = int(np.count_nonzero(~chosen))
    return Accepted(lines, kept, seconds, fractions, raw, refused, left_out, numbers)


def _missing(values: pl.Series) -> np.ndarray:
    """(n,) bool: nothing, or quotes around nothing."""
    return (values.is_null() if values.dtype != pl.String else values.fill_null("") == "").to_numpy()


def _refuse(reasons: np.ndarray, wrong: np.ndarray, reason: np.ndarray | int) -> None:
    """Note a reason for rows that have none yet."""
    fresh = wrong & (reasons < 0)
    reasons[fresh] = reason if isinstance(reason, int) else reason[fresh]


def _ids(values: pl.Series, at: int, reasons: np.ndarray) -> pl.Series:
    """Ids as text or whole numbers; floats that two ids may have become are refused."""
    if values.dtype.is_float():
        _refuse(reasons, _beyond_exact(values).to_numpy(), 8 + at)
    values = plain_ids(values)
    if values.dtype.is_integer():
        _refuse(reasons, values.is_null().to_numpy(), at)
    elif not are_plain(values):
        _refuse(reasons, (values.str.strip_chars() == "").fill_null(True).to_numpy(), at)
        _refuse(reasons, holds_separator(values), 2 + at)
    return values


def _beyond_exact(values: pl.Series) -> pl.Series:
    """(n,) bool: floats of a size at which neighboring whole numbers are one."""
    largest = 2.0 ** (np.finfo(values.head(0).to_numpy().dtype).nmant + 1)
    return (values.is_finite() & (values.abs() >= largest)).fill_null(False)


def _ratings(values: pl.Series, reasons: np.ndarray) -> pl.Series:
    """Ratings as they are written, blanks around them removed; true is 1 and false is 0."""
    values = values.cast(pl.UInt8) if values.dtype == pl.Boolean else values
    text = values if values.dtype.is_numeric() else values.cast(pl.String)
    numbers = text.cast(pl.Float64, strict=False)
    if text.dtype == pl.String and numbers.null_count():
        text = text.str.strip_chars()
        numbers = text.cast(pl.Float64, strict=False)
    _refuse(reasons, numbers.is_null().to_numpy(), 4)
    _refuse(reasons, ~numbers.fill_null(0.0).is_finite().to_numpy(), 5)
    return text


def _time_text(seconds: np.ndarray, fractions: np.ndarray | None) -> pl.Series:
    """Seconds as decimal numbers with as many digits as they need."""
    if fractions is None:
        return pl.Series(seconds)
    milli, rest = np.divmod(fractions, ONE_SECOND // 1000)
    if rest.any() or (seconds < 0).any():
        texts = [as_text(int(whole), int(part)) for whole, part in zip(seconds, fractions, strict=True)]
        return pl.Series(texts)
    decimals = pl.Series(milli).cast(pl.String).str.zfill(3).str.strip_chars_end("0")
    whole = pl.Series(seconds).cast(pl.String)
    return whole + pl.select(pl.when(decimals == "").then(pl.lit("")).otherwise("." + decimals)).to_series()
