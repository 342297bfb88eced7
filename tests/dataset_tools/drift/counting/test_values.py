"""Values are compared by what they stand for: numbers by their size, none where a cell is empty."""

from pathlib import Path

import numpy as np
import pytest

from dataset_tools.drift.counting.counts import CountJob, Counts, count_range
from dataset_tools.drift.counting.profile import Profile
from dataset_tools.drift.counting.values import in_order, numbers_of, summed, value_names
from dataset_tools.drift.inputs import Columns, Source
from dataset_tools.drift.measuring.measures import numbers_wasserstein
from dataset_tools.drift.measuring.pair import Comparison, make_pair
from dataset_tools.drift.windows import Windows
from dataset_tools.files.interactions import Interactions

COLUMNS = Columns("user_id", "item_id", "timestamp", "rating", None, None, "seconds")
WINDOWS = Windows(first=0, last=99, cut=50, span=50, n_future=1, past_span=0, n_past=0)


def profile_of(folder: Path, past: list[str], future: list[str]) -> Profile:
    path = folder / "x.inter"
    rows = [f"1\t2\t{value}\t{time}" for values, time in ((past, 0), (future, 60)) for value in values]
    path.write_text("\n".join(["user_id:token\titem_id:token\trating:float\ttimestamp:float", *rows]) + "\n")
    total = Counts()
    for number, part in enumerate(Interactions(path).ranges()):
        total.merge(count_range(CountJob(number, part, Source(path, None), COLUMNS, WINDOWS, 0, 1)))
    return Profile(total, WINDOWS, None)


@pytest.mark.parametrize(
    ("past", "future", "names", "rows"),
    [
        (["4.0", "3.0"], ["4", "3", "3"], ["3", "4"], [[1, 1], [2, 1]]),
        (["4", "", "5"], ["nan", "5"], ["4", "5"], [[1, 1], [0, 1]]),
        (["add_to_cart"], ["add_to_wishlist"], ["add_to_cart", "add_to_wishlist"], [[1, 0], [0, 1]]),
        (["007", "x"], ["7"], ["x", "007", "7"], [[1, 1, 0], [0, 0, 1]]),
    ],
)
def test_values_of_a_file(
    tmp_path: Path, past: list[str], future: list[str], names: list[str], rows: list[list[int]]
) -> None:
    profile = profile_of(tmp_path, past, future)
    assert profile.value_names == names and profile.values is not None
    assert [profile.values.vector((index,)).tolist() for index in range(2)] == rows


def test_a_log_without_any_value_has_none(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, ["", ""], ["nan"])
    assert profile.values is None and profile.value_names == []


def test_large_numbers_keep_their_size(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, ["1000000", "3000000"], ["100000000"])
    distance = numbers_wasserstein(make_pair(profile, Comparison(1, (0,), (0,))))
    assert distance is not None and np.isclose(distance, 98.0)


def test_names_and_their_order() -> None:
    assert value_names(["4", "4.0", "", "inf", "5"]) == ["4", "4", None, None, "5"]
    assert value_names(["4", "4.0", "view"]) == ["4", "4.0", "view"]
    assert in_order(["10", "9", "10"]) == ["9", "10"] and numbers_of(["1", "x"]) is None and numbers_of([]) == []
    assert summed({"4": 2, "4.0": 1, "": 5}, ["4", "4", None]) == {"4": 3}
