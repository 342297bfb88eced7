"""Columns of a given table: ids and times as a data set has them that is made of such a table."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from recbole_ext.errors import DataError
from recbole_ext.serving.given_columns import GivenTimes, given_numbers, given_tokens, ids_of, text_or_times

KNOWN = {"[PAD]": 0, "7": 1, "a": 2, "1.5": 3}


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        (pd.Series(["7", "a", None, "b", " "]), [1, 2, 0, 0, 0]),
        (pd.Series([7.0, np.nan, 1.5]), [1, 0, 3]),
        (pd.Series([7, 8]), [1, 0]),
        (pd.Series([7, None], dtype="Int64"), [1, 0]),
        (pd.Series([7.0, "a", float("nan")], dtype=object), [1, 2, 0]),
        (pd.Categorical(["a", None, "7"]), [2, 0, 1]),
        (pd.Series([], dtype=object), []),
    ],
)
def test_ids(given: Any, ids: list[int]) -> None:
    assert ids_of(given_tokens(given), KNOWN).tolist() == ids


def test_a_missing_id_has_no_name_and_a_context_no_decimals() -> None:
    assert [*given_tokens(["a", None, np.nan]).categories] == ["a"]
    assert text_or_times(pd.Series([3.0, np.nan], name="place")).to_list() == ["3", ""]


SECONDS = pd.Series([1_600_000_000, 5], name="time")


@pytest.mark.parametrize(
    ("given", "unit"),
    [
        (SECONDS, "seconds"),
        (SECONDS.astype(float) + 0.5, "seconds"),
        (SECONDS.astype(str), "seconds"),
        (SECONDS * 1000 + 999, "milliseconds"),
        (pd.to_datetime(SECONDS, unit="s"), "milliseconds"),
        (pd.to_datetime(SECONDS, unit="s", utc=True).dt.tz_convert("Asia/Tokyo"), "seconds"),
        (pd.to_datetime(SECONDS, unit="s").astype(str), "seconds"),
    ],
)
def test_times(given: pd.Series, unit: str) -> None:
    assert GivenTimes(unit).seconds(given).tolist() == SECONDS.tolist()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1, None], r"in.tsv:3: time is empty, and every row needs a time"),
        ([pd.NaT, pd.Timestamp(5, unit="s")], r"in.tsv:2: time is empty"),
        (["1", "nan"], r"in.tsv:3: time 'nan' is not a time in seconds"),
        ([1.0, np.inf], r"in.tsv:3: time 'inf' is not a time in seconds"),
        ([1, "noon"], r"in.tsv:3: time 'noon' is not a number"),
        ([1_600_000_000_000, 1_600_000_000_001], r"in.tsv:2: .* seems to count milliseconds .*; give it in seconds"),
        ([1_600_000_000, 1_600_000_000, 1_600_000_000_001], r"in.tsv:4: time '1600000000001' is not a time in seconds"),
    ],
)
def test_what_is_no_time(given: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        GivenTimes(source="in.tsv").seconds(pd.Series(given, name="time"))


@pytest.mark.parametrize("dtype", [object, "Float64", float])
def test_numbers(dtype: Any) -> None:
    found = given_numbers(pd.Series([4, None, -0.5], dtype=dtype), "in.tsv:{}".format)
    np.testing.assert_array_equal(found, [4, np.nan, -0.5])


def test_numbers_that_are_text_and_what_is_none() -> None:
    texts = pd.Series(["4", " ", "-5e-1", None, 3], name="rating")
    np.testing.assert_array_equal(given_numbers(texts, str), [4, np.nan, -0.5, np.nan, 3])
    for wrong in ("four", "nan", "inf", np.inf, [3], "1,5"):
        with pytest.raises(DataError, match=r"line 5: rating must be a finite number \(got "):
            given_numbers(pd.concat([texts, pd.Series([wrong], dtype=object)]).rename("rating"), "line {}".format)
