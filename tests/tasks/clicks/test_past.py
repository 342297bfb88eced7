import numpy as np
import pytest

from recbole_ext.tasks.clicks.batches import numbered
from recbole_ext.tasks.clicks.past import slices


@pytest.mark.parametrize("in_time", [True, False])
@pytest.mark.parametrize("in_file_order", [True, False])
def test_rows_see_what_came_before_them_in_their_group(in_time: bool, in_file_order: bool) -> None:
    rng = np.random.default_rng(3)
    group, time, number = rng.integers(1, 6, 40), rng.integers(0, 9, 40), np.arange(40)
    time = np.sort(time) if in_time else time
    number = number if in_file_order else rng.permutation(number)
    order, found = slices((group, time, number))
    wanted = sorted(range(40), key=lambda k: (group[k], time[k], number[k]))
    assert order.tolist() == wanted
    for row in range(40):
        members = [place for place, k in enumerate(wanted) if group[k] == group[row]]
        assert (found.start[row], found.stop[row]) == (members[0], members[-1] + 1)
        assert wanted[found.own[row]] == row and found.end[row] == found.own[row]


def test_bounds_that_need_a_larger_type_than_places() -> None:
    """The last place is 32,767, which int16 holds, and the end behind it is not."""
    count = np.arange(32_768)
    _, found = slices((np.zeros_like(count), count, count))
    assert set(found.stop.tolist()) == {32_768}


def test_no_events_have_no_slices() -> None:
    order, found = slices((np.empty(0, np.int64),) * 3)
    assert len(order) == len(found.start) == len(found.stop) == 0


def test_numbers_follow_the_order_of_the_values() -> None:
    values = np.array([7, 2, 7, 0, 2])
    assert numbered(values).tolist() == np.unique(values, return_inverse=True)[1].tolist()
    assert numbered(values[:0]).tolist() == []
