"""Tables of pandas, polars and others that are given with a question are one table."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from recbole_ext.errors import DataError
from recbole_ext.serving.given_columns import GivenTimes, given_tokens
from recbole_ext.serving.given_table import given_table, required_table, under_names


class ArrowTable:
    """Any library's table."""

    def __init__(self, table: pl.DataFrame) -> None:
        self.__arrow_c_stream__ = table.__arrow_c_stream__


GIVEN = pd.DataFrame({"user": ["a", None], "item": [7, 8], "n": [1.5, np.nan]})


@pytest.mark.parametrize("make", [lambda t: t, pl.DataFrame.lazy, ArrowTable])
def test_a_table_of_polars_is_that_of_pandas(make: Any) -> None:
    table = given_table(make(pl.DataFrame({name: GIVEN[name].to_list() for name in GIVEN})))
    assert table is not None and [*table] == [*GIVEN]
    assert all(given_tokens(table[name]).codes.tolist() == given_tokens(GIVEN[name]).codes.tolist() for name in GIVEN)
    assert [*given_tokens(table["item"]).categories] == ["7", "8"]


@pytest.mark.parametrize(
    "times",
    [
        [datetime(2024, 1, 1), datetime(2024, 1, 2)],
        [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)],
        [date(2024, 1, 1), date(2024, 1, 2)],
        [1_704_067_200, 1_704_153_600],
        ["2024-01-01", "2024-01-02"],
    ],
)
def test_times_of_polars(times: list[Any]) -> None:
    table = given_table(pl.DataFrame({"t": times}))
    assert table is not None and GivenTimes().seconds(table["t"]).tolist() == [1_704_067_200, 1_704_153_600]


def test_whole_numbers_beside_a_missing_one_have_no_decimals() -> None:
    table = given_table(pl.DataFrame({"user": [7, None]}))
    assert table is not None and [*given_tokens(table["user"]).categories] == ["7"]


@pytest.mark.parametrize("given", ["pairs.csv", 5, None, ["a"], pl.Series(["a"]), pd.Series(["a"]), GIVEN.to_numpy()])
def test_other_things_are_no_table(given: Any) -> None:
    assert given_table(given) is None
    with pytest.raises(DataError, match=r"rate takes a DataFrame of pandas, polars or Arrow \(got "):
        required_table(given, "rate")


def test_a_table_that_cannot_be_read() -> None:
    with pytest.raises(DataError, match="the column 'item' twice"):
        given_table(GIVEN[["user", "item", "item"]])
    with pytest.raises(DataError, match="columns of 2 levels"):
        given_table(pd.DataFrame({("a", "b"): [1]}))


def test_columns_by_the_names_of_the_data_or_by_ours() -> None:
    names = {"customer": "user_id", "item_id": "item_id", "": "timestamp"}
    table = pd.DataFrame({"customer": ["a"], "user_id": ["b"], "item_id": ["x"], "price": [1]}, index=[7])
    assert under_names(table, names, ("user_id",)).to_dict("list") == {"user_id": ["a"], "item_id": ["x"]}
    with pytest.raises(DataError, match="no column 'user_id'; it has item_id, price"):
        under_names(table[["item_id", "price"]], names, ("user_id", "item_id"))
