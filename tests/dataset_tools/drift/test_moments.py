import pytest

from dataset_tools.drift.moments import shown_moment


@pytest.mark.parametrize(
    ("end", "shown"),
    [
        ("2017-12-02T16:00:00Z", "2017-12-01"),
        ("2017-12-02T04:00:00Z", "2017-12-01 16:00"),
        ("2018-01-01T00:00:00+00:00", "2017-12-01"),
    ],
)
def test_windows_of_one_day_have_different_names(end: str, shown: str) -> None:
    start = "2017-12-01T16:00:00Z"
    assert shown_moment(start, start, end) == shown
