from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_tools.errors import DataError, UsageError
from dataset_tools.files.interactions import Interactions
from dataset_tools.split.cut import offset_of, time_at_share
from dataset_tools.split.cut_words import parse_share, parse_span, parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1427784003", 1427784003),
        ("-5", -5),
        ("2015-03-31T06:40:03Z", 1427784003),
        ("2015-03-31T14:40:03+08:00", 1427784003),
        ("2017-11-25T00:00:00+08:00", 1511539200),
        ("1969-12-31T23:59:59Z", -1),
    ],
)
def test_times(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yesterday", "is not a time; write it as"),
        ("2015-03-31T06:40:03", "has no time zone"),
        ("2015-03-31T06:40:03.5Z", "is not a whole second"),
    ],
)
def test_times_that_are_none(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_time(text)


def test_spans_and_shares() -> None:
    assert [parse_span(text) for text in ("30d", "12h", "1w")] == [2592000, 43200, 604800]
    for text in ("30", "0d", "d", "1.5d", "-1d"):
        with pytest.raises(UsageError, match="write a whole number and h, d or w"):
            parse_span(text)
    assert parse_share("0.8", "--ratio") == 0.8
    with pytest.raises(UsageError, match="--ratio 1: a fraction"):
        parse_share("1", "--ratio")


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(-1, 32))
def test_offset_is_that_of_the_first_row_at_or_after(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], time: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "x.inter"
    header = "user_id:token\titem_id:token\ttimestamp:float\n"
    lines = [f"{'u' * (at % 7 + 1)}\t{at}\t{value}\n" for at, value in enumerate(sorted(times))]
    path.write_text(header + "".join(lines))
    earlier = [line for line, value in zip(lines, sorted(times), strict=True) if value < time]
    assert offset_of(Interactions(path), time) == len(header) + len("".join(earlier))


def test_share_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.inter").write_text("user_id:token\titem_id:token\ttimestamp:float\n")
    log = Interactions(tmp_path / "x.inter")
    with pytest.raises(DataError, match="no rows to cut"):
        time_at_share(log, 0.5, 10**6)
