"""Ali_Display_Ad_Click: impressions of advertisements with clicks, eight days of Taobao, as a data set cut by day.

    raw_sample.csv    user, time_stamp, adgroup_id, pid, nonclk, clk     -> .inter: label is clk
    ad_feature.csv    adgroup_id, cate_id, campaign_id, customer, brand, price   -> .item
    user_profile.csv  userid and eight attributes                         -> .user
    behavior_log.csv  if it is there: what the user did with the ad's category and brand before (ad_behaviours.py)

All days but the last are trained on. The last day (China time) is held out in two halves: its earlier rows are
validation, its later ones test, so that nothing is chosen on what is tested. Published results on this split chose on
the whole last day and tested on it too.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from dataset_tools.clicks.ad_behaviours import FILE, with_behaviours
from dataset_tools.clicks.ad_behaviours import HEADER as BEHAVIOURS
from dataset_tools.errors import DataError, UsageError
from dataset_tools.files.dataset_files import PARTS
from dataset_tools.files.publish import whole_folder
from dataset_tools.files.yaml_file import dataset_yaml

CHINA_SECONDS, DAY = 8 * 3600, 86_400
LOG = {"user": "user_id", "adgroup_id": "item_id", "pid": "position", "time_stamp": "timestamp", "clk": "label"}
ITEM = {
    "adgroup_id": "item_id:token",
    "cate_id": "category_id:token",
    "campaign_id": "campaign_id:token",
    "customer": "customer_id:token",
    "brand": "brand_id:token",
    "price": "price:float",
}
USER = {
    "userid": "user_id:token",
    "cms_segid": "segment:token",
    "cms_group_id": "segment_group:token",
    "final_gender_code": "gender:token",
    "age_level": "age_level:token",
    "pvalue_level": "consumption_level:token",
    "shopping_level": "shopping_level:token",
    "occupation": "student:token",
    "new_user_class_level": "city_level:token",
}
HEADER: tuple[str, ...] = ("user_id:token", "item_id:token", "position:token", "timestamp:float", "label:float")
_MISSING = ("", "NULL")


@dataclass(frozen=True)
class AdOptions:
    """What `ads` does; the fields are its options."""

    input: Path
    output: Path
    name: str = "taobao-ad"
    overwrite: bool = False


def convert_ads(options: AdOptions) -> dict[str, Any]:
    """Write the data set.

    Returns:
        Rows and clicks of each part, the seconds at which the parts begin, and whether behavior_log.csv was read.

    Raises:
        UsageError: a raw file is missing.
        DataError: a file lacks a column, a label is not 0 or 1, or there is a single day.
    """
    log, header = _log(_file(options.input, "raw_sample.csv")), HEADER
    tables = {
        "item": _table(_file(options.input, "ad_feature.csv"), ITEM),
        "user": _table(_file(options.input, "user_profile.csv"), USER),
    }
    last_day = (int(log["timestamp"].max()) + CHINA_SECONDS) // DAY * DAY - CHINA_SECONDS  # type: ignore[arg-type]
    held_out = log.filter(pl.col("timestamp") >= last_day)
    if len(held_out) == len(log):
        raise DataError(f"{options.input}: all rows are of one day; the first days are needed for training.")
    if (options.input / FILE).is_file():
        log, header = with_behaviours(log, tables["item"], options.input / FILE), HEADER + BEHAVIOURS
    middle = int(held_out["timestamp"][len(held_out) // 2])
    cuts = [None, last_day, middle, None]
    parts = {name: _between(log, low, high) for name, low, high in zip(PARTS, cuts, cuts[1:], strict=False)}
    summary = {
        "parts": {name: {"rows": len(rows), "clicks": int(rows["label"].sum())} for name, rows in parts.items()},
        "validation_begins": last_day,
        "test_begins": middle,
        "behaviours": header != HEADER,
    }
    target = options.output / options.name
    with whole_folder(target, options.overwrite, [options.input]) as folder:
        for name, rows in parts.items():
            _write(folder / f"{options.name}.{name}.inter", header, rows)
        for suffix, rows in tables.items():
            _write(folder / f"{options.name}.{suffix}", tuple(rows.columns), rows)
        headers = {suffix: list(rows.columns) for suffix, rows in tables.items()}
        text = dataset_yaml("Ali_Display_Ad_Click; the last day in two halves", list(header), headers, list(parts))
        (folder / f"{options.name}.yaml").write_text(text, encoding="utf-8")
        (folder / f"{options.name}.summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise UsageError(f"--input {folder}: {name} is missing; raw_sample, ad_feature and user_profile are needed.")
    return path


def _read(path: Path, wanted: list[str]) -> pl.DataFrame:
    try:
        table = pl.scan_csv(path, infer_schema=False, glob=False)
        names = {name: name.strip() for name in table.collect_schema().names()}  # one column's name ends in a space
        missing = [name for name in wanted if name not in names.values()]
        if missing:
            raise DataError(f"{path}: the column {missing[0]} is missing; the first line has {', '.join(names)}.")
        return table.rename(names).select(wanted).collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: not read as a table with commas: {error}") from None


def _log(path: Path) -> pl.DataFrame:
    table = _read(path, [*LOG, "nonclk"])
    clicks, others = table["clk"], table["nonclk"]
    wrong = ~((clicks == "1") & (others == "0") | (clicks == "0") & (others == "1")).fill_null(False)
    if wrong.any():
        row = int(wrong.arg_true()[0])
        raise DataError(
            f"{path}:{row + 2}: clk and nonclk must be 0 and 1, one of each (got {clicks[row]!r}, {others[row]!r}; "
            f"{int(wrong.sum()):,} such rows)."
        )
    seconds = table["time_stamp"].cast(pl.Int64, strict=False)
    if seconds.null_count():
        row = int(seconds.is_null().arg_true()[0])
        raise DataError(f"{path}:{row + 2}: time_stamp {table['time_stamp'][row]!r} is not whole seconds.")
    named = table.with_columns(seconds, clicks.cast(pl.Int64)).rename(LOG)
    return named.select([name.partition(":")[0] for name in HEADER]).sort("timestamp", maintain_order=True)


def _between(log: pl.DataFrame, low: int | None, high: int | None) -> pl.DataFrame:
    time = pl.col("timestamp")
    return log.filter((time >= (low or 0)) & (time < high if high is not None else pl.lit(True)))


def _table(path: Path, names: dict[str, str]) -> pl.DataFrame:
    """A table with one row per id; what is missing is the token `unknown`, or the number 0."""
    table = _read(path, list(names)).unique(subset=[next(iter(names))], keep="first", maintain_order=True)
    filled = [
        pl.when(pl.col(old).fill_null("").is_in(_MISSING))
        .then(pl.lit("0" if new.endswith("float") else "unknown"))
        .otherwise(pl.col(old))
        .alias(old)
        for old, new in names.items()
    ]
    return table.with_columns(filled).rename(names)


def _write(path: Path, header: tuple[str, ...], rows: pl.DataFrame) -> None:
    with path.open("wb") as file:
        file.write(("\t".join(header) + "\n").encode())
        rows.write_csv(file, include_header=False, separator="\t", quote_style="never")
