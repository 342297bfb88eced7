"""Negatives of the same popularity and attribute, which the user's own history alone distinguishes from clicks."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dataset_tools.clicks.matching import popularity_bucket
from dataset_tools.clicks.samples import SampleOptions, sample
from dataset_tools.errors import DataError
from tests.dataset_tools.clicks.skewed_log import films, genre, parts, write


@pytest.fixture(params=["genre", ""])
def matched(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, pl.DataFrame, list[pl.DataFrame]]:
    table = films(400)
    options = SampleOptions(write(tmp_path, table), tmp_path / "out", negatives="matched", match=request.param, every=3)
    sample(options)
    return request.param, table, parts(options.target)


def test_a_negative_is_like_the_users_own_item_and_unknown_to_the_user(
    matched: tuple[str, pl.DataFrame, list[pl.DataFrame]],
) -> None:
    match, table, splits = matched
    count = dict(table.group_by("item_id").len().iter_rows())
    bucket = {item: int(popularity_bucket(np.array([n]))[0]) for item, n in count.items()}
    first = dict(table.group_by("item_id").agg(pl.col("timestamp").min()).iter_rows())
    seen = {(user, item): time for user, item, _, time in table.iter_rows()}
    own = table.group_by("user_id", "timestamp").agg("item_id")
    own_items = {(user, time): items for user, time, items in own.iter_rows()}
    n_whole = 0
    for row in pl.concat(splits).filter(pl.col("label") == 0).iter_rows(named=True):
        item = row["item_id"]
        assert seen.get((row["user_id"], item), 10**9) > row["timestamp"]
        assert item not in row["item_id_list"] and first[item] <= row["timestamp"]
        alike = [x for x in own_items[row["user_id"], row["timestamp"]] if bucket[x] == bucket[item]]
        assert alike
        if match:
            assert any(genre(x).split(" ")[0] == genre(item).split(" ")[0] for x in alike)
            n_whole += any(genre(x) == genre(item) for x in alike)
    assert not match or n_whole > 0.5 * sum(int((part["label"] == 0).sum()) for part in splits)


def test_each_item_is_as_often_clicked_as_not_in_each_split(
    matched: tuple[str, pl.DataFrame, list[pl.DataFrame]],
) -> None:
    """So a baseline that knows the item alone, its click rate or its popularity, has an AUC of exactly one half."""
    for part in matched[2]:
        rates = part.group_by("item_id").agg(pl.col("label").mean())["label"]
        assert len(part) > 20 and set(rates) == {0.5}


def test_neither_the_length_of_a_history_nor_the_time_say_anything(
    matched: tuple[str, pl.DataFrame, list[pl.DataFrame]],
) -> None:
    """The coin of a pair is fair: means of both classes differ by less than four standard errors."""
    rows = pl.concat(matched[2]).with_columns(pl.col("item_id_list").list.len().alias("length"))
    for column in ("length", "timestamp"):
        clicked, other = (rows.filter(pl.col("label") == k)[column].cast(pl.Float64) for k in (1, 0))
        error = (clicked.var() / len(clicked) + other.var() / len(other)) ** 0.5  # type: ignore[operator]
        assert abs(clicked.mean() - other.mean()) < 4 * error  # type: ignore[operator]


def test_items_without_a_partner_and_items_seen_before_are_left_out(tmp_path: Path) -> None:
    table = films(400)
    again = table.with_columns(pl.col("timestamp") + 1000, item_id=pl.lit(1, pl.Int64)).filter(pl.col("user_id") < 40)
    source = write(tmp_path, pl.concat([table, again.unique("user_id"), again.unique("user_id")]))
    summary = sample(SampleOptions(source, tmp_path / "out", negatives="matched", match="genre", every=3))
    assert summary["rows_item_seen_before"] > 0 and summary["rows_without_partner"] > 0
    rows = pl.concat(parts(tmp_path / "out" / "films-matched"))
    left = summary["rows_item_seen_before"] + summary["rows_without_partner"]
    assert len(rows) == summary["rows_of_windows"] - left
    assert not rows.filter(pl.col("item_id").is_in(pl.col("item_id_list"))).height


def test_five_items_and_one_user_are_refused_in_a_sentence(tmp_path: Path) -> None:
    few = films().filter(pl.col("item_id") <= 5)
    with pytest.raises(DataError, match=r"rows of \d+ windows; at least 10 are needed.\nTake a smaller --every or no"):
        sample(SampleOptions(write(tmp_path, few), tmp_path / "out", negatives="matched", match="genre", every=3))
    one = films().filter(pl.col("user_id") == 2)
    with pytest.raises(DataError, match="0 train, 0 valid, 0 test rows"):
        sample(SampleOptions(write(tmp_path / "one", one), tmp_path / "out", negatives="matched", every=2))


def test_a_column_that_items_do_not_have_is_named_with_those_they_have(tmp_path: Path) -> None:
    options = SampleOptions(write(tmp_path, films()), tmp_path / "out", negatives="matched", match="class", every=3)
    with pytest.raises(DataError, match="there is no column class; columns that items can be matched by: genre"):
        sample(options)
