"""Which windows are compared, also of a past that is too short for windows of its own."""

import pytest

from dataset_tools.drift.drift import comparisons
from dataset_tools.drift.measuring.pair import Comparison
from dataset_tools.drift.windows import make_windows

HOUR = 3600


@pytest.mark.parametrize(
    ("reference", "first", "second"),
    [
        ("past", Comparison(1, (0,), (0,)), Comparison(2, (0,), (0,))),
        ("previous", Comparison(1, (0,), (0,)), Comparison(2, (1,), (0, 1))),
    ],
)
def test_a_short_past_is_compared_with_every_window(reference: str, first: Comparison, second: Comparison) -> None:
    windows = make_windows(0, 3 * HOUR - 1, HOUR, HOUR, n_past=5)
    assert windows.n_past == 0 and comparisons(windows, reference) == [first, second]


def test_the_first_window_of_the_past_is_a_reference_alone() -> None:
    windows = make_windows(0, 12 * HOUR - 1, 10 * HOUR, HOUR, n_past=2)
    found = comparisons(windows, "previous")
    assert [one.window for one in found] == [2, 3, 4] and found[0] == Comparison(2, (1,), (0, 1))
    assert [one.window for one in comparisons(windows, "past")] == [1, 2, 3, 4]
