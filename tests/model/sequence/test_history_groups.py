"""Groups of the history term, held to their formulas in plain Python, on a CPU and as ONNX exports them."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.data.earlier import mean_intervals
from recbole_ext.model.sequence import history_groups
from recbole_ext.model.sequence.history_groups import AGES, OCTAVES, RATIOS, HistoryGroups, Past

Seconds = st.one_of(st.integers(0, 2000), st.integers(0, 10**9), st.sampled_from([2**k for k in range(31)]))


def octave(seconds: int) -> int:
    """0 below 128 s, then one per doubling, to a year."""
    return min(AGES - 1, max(0, seconds.bit_length() - 7))


def group_by_hand(elapsed: int, interval: int) -> int:
    if interval < 0:
        return RATIOS * AGES + octave(elapsed)
    reached = sum(elapsed / max(1, interval) >= 2.0 ** (quarter / 4) for quarter in range(-12, 13))
    return reached * AGES + octave(interval)


@given(st.lists(st.tuples(Seconds, st.one_of(st.just(-1), Seconds)), min_size=1, max_size=20), st.booleans())
def test_groups_by_time_equal_their_formula(pairs: list[tuple[int, int]], exported: bool) -> None:
    elapsed, interval = torch.tensor(pairs).T
    groups = HistoryGroups("interval", 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history_groups.torch.compiler, "is_exporting", lambda: exported)
        found = groups.of(Past(torch.ones_like(elapsed), None, elapsed, interval)).tolist()
    assert found == [group_by_hand(*pair) for pair in pairs]
    assert max(found) < groups.n_groups


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
def test_groups_by_distance_are_octaves(distances: list[int]) -> None:
    found = HistoryGroups("recency", 1).of(Past(torch.tensor(distances))).tolist()
    assert found == [min(OCTAVES - 1, of.bit_length() - 1) for of in distances]


@pytest.mark.parametrize("kind", ["seen", "recency", "interval"])
def test_values_have_groups_of_their_own(kind: str) -> None:
    past = {"elapsed": torch.tensor([50, 10**5, 10**5]), "interval": torch.tensor([-1, 10**5, -1])}
    distance = torch.tensor([1, 5, 5])
    one, three = HistoryGroups(kind, 1), HistoryGroups(kind, 3)
    for value in range(3):
        found = three.of(Past(distance, torch.full((3,), value), **past))
        assert found.tolist() == (one.of(Past(distance, None, **past)) + value * one.n_groups).tolist()
    assert (three.n_groups, three.n_logits) == (3 * one.n_groups, 3 * one.n_logits)


def test_the_logit_of_a_returning_item_is_the_sum_of_its_ratio_and_its_interval() -> None:
    groups = HistoryGroups("interval", 2)
    learned = torch.randn(4, groups.n_logits)
    logits = groups.logits(learned)
    assert logits.shape == (4, groups.n_groups)
    of_value = learned.view(4, 2, -1)[:, 1]
    past = Past(
        torch.ones(2, dtype=torch.long), torch.ones(2, dtype=torch.long), *torch.tensor([[900, 900], [300, -1]])
    )
    back, once = logits[:, groups.of(past)].T
    quarter = math.floor(4 * math.log2(3)) + 13
    torch.testing.assert_close(back, of_value[:, quarter] + of_value[:, RATIOS + octave(300)])
    torch.testing.assert_close(once, of_value[:, RATIOS + AGES + octave(900)])


def intervals_by_hand(events: list[tuple[int, int, int]]) -> list[int]:
    found, seen = [], dict[Any, list[int]]()
    for user, item, time in events:
        times = seen.setdefault((user, item), [])
        found.append((time - times[0]) // len(times) if times else -1)
        times.append(time)
    return found


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 10**9)), max_size=40))
def test_mean_intervals_equal_a_loop(events: list[tuple[int, int, int]]) -> None:
    events = sorted(events, key=lambda event: (event[0], event[2]))
    users, items, times = torch.tensor(events, dtype=torch.long).view(-1, 3).T
    assert mean_intervals(users, items, times).tolist() == intervals_by_hand(events)
