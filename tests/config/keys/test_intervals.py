import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.config.keys.intervals import interval_fault, parse_intervals

NUMBERS = st.floats(allow_nan=False, allow_infinity=True)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("[5,inf)", [("[", 5.0, math.inf, ")")]),
        ("(-inf, 2.5]", [("(", -math.inf, 2.5, "]")]),
        (" [1,2] ; (4,1e3)", [("[", 1.0, 2.0, "]"), ("(", 4.0, 1000.0, ")")]),
        ("[3,3]", [("[", 3.0, 3.0, "]")]),
        ([2, 5], [("[", 2.0, 5.0, "]")]),
    ],
)
def test_what_recbole_writes(text: object, read: object) -> None:
    assert parse_intervals(text) == read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">=4", r"must be an interval such as .*\(got '>=4'\); did you mean '\[4,inf\)'"),
        ("<2.5", r"did you mean '\(-inf,2.5\)'"),
        (9, r"\(got 9\); did you mean '\[9,inf\)'"),
        ("7", r"did you mean '\[7,inf\)'"),
        ("[4,inf", r"must be an interval .*\(got '\[4,inf'\)$"),
        ("[4;5]", "must be an interval"),
        ("[a,b]", "must be an interval"),
        ("[nan,5]", "must be an interval"),
        ("[1,2];", "must be an interval"),
        ("", "must be an interval"),
        ("{1,2}", "must be an interval"),
        ("[1,2,3]", "must be an interval"),
        ("[5,4]", r"must be an interval that holds a number \(got '\[5,4\]'\)"),
        ("(4,4]", "must be an interval that holds a number"),
        ([4], "must be an interval"),
    ],
)
def test_what_is_no_interval_is_refused(text: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_intervals(text)
    assert interval_fault(text)


@given(st.sampled_from("[("), NUMBERS, NUMBERS, st.sampled_from("])"))
def test_every_pair_in_order_is_read_back(opening: str, low: float, high: float, closing: str) -> None:
    text = f"{opening}{low!r},{high!r}{closing}"
    holds_none = low > high or (low == high and opening + closing != "[]")
    assert (interval_fault(text) is not None) == holds_none
    if not holds_none:
        assert parse_intervals(text) == [(opening, low, high, closing)]


@given(st.text(alphabet="[]();,.0123456789einfa+- ", max_size=14))
def test_no_text_is_read_as_nothing(text: str) -> None:
    """Either every piece between semicolons is an interval, or the text is refused."""
    if interval_fault(text) is None:
        assert len(parse_intervals(text)) == text.count(";") + 1
