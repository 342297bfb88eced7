"""What a user did with an advertisement's category and brand before an impression, counted from `behavior_log.csv`.

    behavior_log.csv   user, time_stamp, btag (pv, cart, fav, buy), cate, brand

For each impression and each of the two, the log is counted strictly before the impression's second: `category_pv`,
`category_cart`, ..., `brand_buy`. A count n becomes the token floor(log2(n + 1)): 0 for none, 1 for 1 and 2, 2 for 3
to 6. The log has 723 million rows; it is read as a stream, and only rows of a pair (user, category) or (user, brand)
that an impression has are kept.
"""

from pathlib import Path

import polars as pl

from dataset_tools.errors import DataError

FILE = "behavior_log.csv"
BEHAVIOURS = ("pv", "cart", "fav", "buy")
GROUPS = {"category": "cate", "brand": "brand"}
HEADER = tuple(f"{group}_{name}:token" for group in GROUPS for name in BEHAVIOURS)
_COLUMNS = ("user", "time_stamp", "btag", *GROUPS.values())


def with_behaviours(log: pl.DataFrame, items: pl.DataFrame, path: Path) -> pl.DataFrame:
    """The impressions with the columns of `HEADER`.

    Args:
        log: `user_id`, `item_id`, `timestamp` of the impressions, in the order of time.
        items: `item_id:token`, `category_id:token`, `brand_id:token` of each advertisement.
        path: of behavior_log.csv.

    Raises:
        DataError: the file lacks a column, or a kept row has a time that is not a whole number or an unknown behavior.
    """
    names = {"item_id:token": "item_id", "category_id:token": "cate", "brand_id:token": "brand"}
    rows = log.with_row_index("row").join(items.select(*names).rename(names), on="item_id", how="left")
    for group, column in GROUPS.items():
        rows = _counted(rows, _kept(path, rows, column), group, column)
    return rows.sort("row").drop("row", *GROUPS.values())


def _kept(path: Path, rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """`user_id`, `column`, `timestamp` and `btag` of the log, for the pairs that impressions have."""
    pairs = rows.lazy().select(user="user_id", **{column: column}).drop_nulls().unique()
    try:
        table = pl.scan_csv(path, infer_schema=False, glob=False)
        missing = [name for name in _COLUMNS if name not in table.collect_schema().names()]
        if missing:
            raise DataError(f"{path}: the column {missing[0]} is missing; needed are {', '.join(_COLUMNS)}.")
        kept = table.select("user", column, "time_stamp", "btag").join(pairs, on=["user", column], how="semi")
        found = kept.collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: not read as a table with commas: {error}") from None
    seconds = found["time_stamp"].cast(pl.Int64, strict=False)
    for values, wrong, allowed in (
        (found["time_stamp"], seconds.is_null(), "whole seconds"),
        (found["btag"], ~found["btag"].is_in(BEHAVIOURS).fill_null(False), f"one of {', '.join(BEHAVIOURS)}"),
    ):
        if wrong.any():
            value = values[int(wrong.arg_true()[0])]
            raise DataError(f"{path}: {values.name} {value!r} must be {allowed} ({int(wrong.sum()):,} such rows).")
    return found.with_columns(timestamp=seconds).rename({"user": "user_id"}).drop("time_stamp")


def _counted(rows: pl.DataFrame, kept: pl.DataFrame, group: str, column: str) -> pl.DataFrame:
    """Add the group's four columns."""
    pair = ["user_id", column]
    columns = [f"{group}_{name}" for name in BEHAVIOURS]
    counts = (
        kept.sort("timestamp")
        .with_columns(
            (pl.col("btag") == name).cast(pl.Int64).cum_sum().over(pair).alias(to)
            for name, to in zip(BEHAVIOURS, columns, strict=True)
        )
        .select(*pair, "timestamp", *columns)
    )
    joined = rows.sort("timestamp", "row").join_asof(
        counts, on="timestamp", by=pair, strategy="backward", allow_exact_matches=False, check_sortedness=False
    )
    bucket = pl.col(columns).fill_null(0).add(1).log(2).add(1e-9).floor().cast(pl.Int64)
    return joined.with_columns(bucket)
