"""DataFrames as inputs: the same data set as from a file, and what is refused."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.reading.frame import Frame, inputs_of
from dataset_tools.convert.table.table import convert_table
from dataset_tools.errors import DataError, RecBoleExtError, UsageError

COLUMNS = {"customer": ["u2", "u1", "u1"], "sku": [7, 8, 7], "mark": [4.5, 3.0, 1.0], "bought": [3, 1, 2]}
LINES = ["u1\t8\t3.0\t1600000001", "u1\t7\t1.0\t1600000002", "u2\t7\t4.5\t1600000003"]
GIVEN = {"user": "customer", "item": "sku", "rating": "mark", "time": "bought", "time_unit": "s"}


def table() -> pd.DataFrame:
    return pd.DataFrame(COLUMNS).assign(bought=lambda rows: rows["bought"] + 1_600_000_000)


def lines(data: Any, tmp_path: Path, said: list[str] | None = None, **options: Any) -> list[str]:
    """The rows of the data set that DataFrames become."""
    options = {"quiet": True, "threads": 1, "overwrite": True, **GIVEN, **options}
    checked = TableOptions(inputs_of(data), tmp_path / "out", **options)
    convert_table(checked, ([] if said is None else said).append)
    return (checked.target / f"{checked.target.name}.inter").read_text().splitlines()[1:]


class OnlyToPandas:
    """A table of a library that this package does not know."""

    def to_pandas(self) -> pd.DataFrame:
        return table()


class OnlyArrow:
    """A table that speaks Arrow alone."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return pl.from_dict(table().to_dict("list")).__arrow_c_stream__(requested_schema)


FRAMES = {
    "pandas": table,
    "polars": lambda: pl.from_dict(table().to_dict("list")),
    "lazy": lambda: pl.from_dict(table().to_dict("list")).lazy(),
    "arrow": OnlyArrow,
    "other": OnlyToPandas,
    "objects": lambda: table().astype(object),
    "extension types": lambda: table().convert_dtypes(),
    "categories": lambda: table().astype({"customer": "category", "sku": "category"}),
    "small types": lambda: table().astype({"sku": np.int16, "mark": np.float16}),
    "datetimes": lambda: table().assign(bought=lambda rows: pd.to_datetime(rows["bought"], unit="s")),
    "with a zone": lambda: table().assign(
        bought=lambda rows: pd.to_datetime(rows["bought"], unit="s", utc=True).dt.tz_convert("Asia/Tokyo")
    ),
    "objects of time": lambda: table().assign(
        bought=lambda rows: pd.Series(list(pd.to_datetime(rows["bought"], unit="s")), dtype=object)
    ),
    "two parts": lambda: [table().iloc[:1], table().iloc[1:]],
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_of_any_library_is_the_data_set_of_its_rows(kind: str, tmp_path: Path) -> None:
    unit = "iso" if "time" in kind or "zone" in kind else "s"
    assert lines(FRAMES[kind](), tmp_path, time_unit=unit) == LINES or kind == "objects"
    if kind == "objects":
        assert lines(FRAMES[kind](), tmp_path) == [line.replace(".0\t", "\t") for line in LINES]


def test_it_is_the_data_set_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pd.DataFrame({"customer": np.arange(3000) % 17, "sku": np.arange(3000) % 13, "mark": 1, "bought": 0})
    rows["bought"] = 1_600_000_000 + np.arange(3000) * 7919 % 601
    rows.to_csv(tmp_path / "shop.csv", index=False)
    of_file = lines(tmp_path / "shop.csv", tmp_path)
    monkeypatch.setattr(Frame.blocks, "__defaults__", (500,))
    assert lines(rows, tmp_path) == of_file and len(of_file) > 500


def test_columns_are_guessed_and_printed_as_arguments(tmp_path: Path) -> None:
    said: list[str] = []
    options = {"user": "", "rating": "", "time": "", "time_unit": "", "name": "shop"}
    assert lines(table().rename(columns={"mark": "stars"}), tmp_path, said, **options) == LINES
    assert said[0] == (
        "guessed; these arguments state it:\n"
        "  user='customer', item='sku', rating='stars', time='bought', time_unit='s'"
    )


def test_what_is_missing_is_rejected_with_its_row(tmp_path: Path) -> None:
    rows = table().astype(object).reindex(range(8))
    rows.loc[3:] = ["u9", 1, 2.0, 1_600_000_009]
    for row, column in enumerate(GIVEN.values(), 3):
        if column in rows:
            rows.loc[row, column] = [None, np.nan, pd.NA, pd.NaT][row - 3]
    assert len(lines(rows.convert_dtypes(), tmp_path, max_rejected=1.0, name="shop")) == 4
    rejected = (tmp_path / "out/shop/shop.rejected.tsv").read_text().splitlines()[1:]
    found = [line.split("\t")[:3] for line in rejected]
    reasons = ["empty_user", "empty_item", "rating_not_a_number", "empty_time"]
    assert found == [["DataFrame", str(row), reason] for row, reason in enumerate(reasons, 4)]


def test_a_whole_float_is_the_id_that_it_was_before_a_value_was_missing(tmp_path: Path) -> None:
    rows = table().assign(sku=[7.0, 8.5, np.nan])
    assert lines(rows, tmp_path, max_rejected=1.0) == ["u1\t8.5\t3.0\t1600000001", "u2\t7\t4.5\t1600000003"]


def test_values_of_every_type_are_text_by_rule(tmp_path: Path) -> None:
    kept = {
        "tags": [["a b", "c"], ["d"], None],
        "day": [datetime.date(2020, 1, 2), None, None],
        "style": [{"x": 1}, None, None],
        "array": [np.array([1, 2]), np.array([3]), np.array([4])],
        "flag": [True, False, True],
        "gap": pd.to_timedelta([1, 2, 3], unit="s"),
    }
    last = lines(table().assign(**kept), tmp_path, keep=("tags", "day", "style", "array", "flag"))[-1].split("\t")
    assert last[4:] == ["a_b c", "2020-01-02", '{"x": 1}', "1 2", "true"]


def test_tables_of_users_and_items_can_be_frames(tmp_path: Path) -> None:
    items = pd.DataFrame({"sku": [7.0, 8.0, np.nan], "title": ["x", "y\tz", "w"]})
    (items,) = inputs_of(items, "items")  # type: ignore[assignment]
    lines(table(), tmp_path, items=items, name="shop", max_rejected=1.0)
    assert (tmp_path / "out/shop/shop.item").read_text() == "item_id:token\ttitle:token\n7\tx\n8\ty\\tz\n"
    assert "items\t3\tempty_id\t" in (tmp_path / "out/shop/shop.rejected.tsv").read_text()


def test_one_content_has_one_fingerprint(tmp_path: Path) -> None:
    def made_of(data: Any, **options: Any) -> str:
        from dataset_tools.convert.table.plan import planned

        return planned(TableOptions(inputs_of(data), tmp_path, **{**GIVEN, **options})).fingerprint

    first = made_of(table())
    assert first == made_of(FRAMES["polars"]()) == made_of(table().assign(other=1)) == made_of(table(), name="x")
    assert (
        len({first, made_of(table().iloc[::-1]), made_of(table(), rows="mark > 1"), made_of(table(), rating="none")})
        == 4
    )


BAD: dict[str, tuple[Any, dict[str, Any], type[RecBoleExtError], str]] = {
    "an index as user": (
        lambda: table().set_index("customer"), {}, UsageError,
        r"--user customer: the index of DataFrame and no column; pass df.reset_index\(\)",
    ),
    "an index to guess": (
        lambda: table().set_index("customer"), {"user": ""}, UsageError,
        r"--user: no column has a name .*; the index \(customer\) is no column: pass df.reset_index\(\)",
    ),
    "a column twice": (
        lambda: table().set_axis(["customer", "sku", "sku", "bought"], axis=1), {}, DataError,
        "DataFrame: the column 'sku' occurs twice; rename or drop one of them",
    ),
    "levels of columns": (
        lambda: table().groupby("customer").agg({"mark": ["min", "max"]}), {}, DataError, "columns of 2 levels",
    ),
    "mixed ids": (
        lambda: table().assign(sku=[7, "7", 8]), {}, DataError,
        r"the column sku \(item\) mixes .*number \(first in row 1\).*so that 1 and '1' would be one item",
    ),
    "mixed ratings": (
        lambda: table().assign(mark=[1, "two", 3]), {}, DataError,
        r"DataFrame: 1 of 3 rows rejected .*\n.*rating_not_a_number 1 \(first: DataFrame line 2\)",
    ),
    "NaN": (
        lambda: table().assign(mark=[1, np.nan, 3]), {}, DataError,
        r"rating_not_a_number 1 \(first: DataFrame line 2\)",
    ),
    "bytes": (
        lambda: table().assign(sku=[b"7", b"8", b"9"]), {}, DataError, "DataFrame: sku: row 1 holds bytes .*no text",
    ),
    "no rows": (lambda: table().head(0), {}, DataError, "DataFrame: no rows"),
    "nothing": (lambda: pd.DataFrame(), {}, DataError, "DataFrame: no columns"),
    "no rows left": (table, {"rows": "mark > 9"}, DataError, "no row is left: of 3, --rows 'mark > 9'"),
    "times in two units": (
        lambda: table().assign(bought=[1_600_000_000, 1_600_000_000_000, 1_600_000_001]), {}, DataError,
        "DataFrame:2: bought '1600000000000' is not a time in seconds",
    ),
    "an unknown column": (table, {"user": "buyer"}, UsageError, "--user buyer: no such column; there are customer"),
    "a list of rows": (lambda: [("u", "i", 1)], {}, UsageError, "got rows; put them into a DataFrame"),
    "a number": (lambda: 3, {}, UsageError, "DataFrames of pandas, polars or Arrow are needed, got builtins.int"),
    "no data": (lambda: [], {}, UsageError, "at least one file is needed"),
    "mixed parts": (
        lambda: [table(), table().astype({"sku": str})], {}, DataError,
        "DataFrame 2: the column sku .item. is text, and numbers in DataFrame 1; 1 and",
    ),
    "parts that differ": (
        lambda: [table(), table().drop(columns="mark")], {}, DataError,
        "DataFrame 2: no column mark, which DataFrame 1 has",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_frames_are_one_sentence_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    data, options, kind, message = BAD[case]
    with pytest.raises(kind, match=message) as caught:
        lines(data(), tmp_path, **options)
    assert len(str(caught.value).splitlines()) <= 3
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_true_and_false_are_ratings_of_1_and_0(tmp_path: Path) -> None:
    assert [line.split("\t")[2] for line in lines(table().assign(mark=[True, False, True]), tmp_path)] == [
        "0",
        "1",
        "1",
    ]


@pytest.mark.parametrize(("column", "role"), [("customer", "user"), ("sku", "item")])
@pytest.mark.parametrize(("kind", "first"), [("float64", 76561198000000001), ("float32", 20_000_001)])
def test_ids_that_two_numbers_may_have_become_are_refused(
    column: str, role: str, kind: str, first: int, tmp_path: Path
) -> None:
    ids = pd.Series([first, first + 1, 8])
    assert len(lines(table().assign(**{column: ids}), tmp_path)) == 3
    with pytest.raises(DataError, match=f"{role}_beyond_exact_floats 2"):
        lines(table().assign(**{column: ids.astype(kind)}), tmp_path)
