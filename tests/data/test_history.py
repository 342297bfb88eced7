import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.data.history import HistoryColumn, HistoryInteraction, prefix_index


def test_prefix_index_by_hand() -> None:
    start, length, target = prefix_index(np.array([7, 7, 7, 7, 9, 9, 4]), max_length=2)
    assert list(zip(start.tolist(), length.tolist(), target.tolist(), strict=True)) == [
        (0, 1, 1), (0, 2, 2), (1, 2, 3), (4, 1, 5)]


def test_prefix_index_of_nothing() -> None:
    assert [len(part) for part in prefix_index(np.array([], dtype=int), 5)] == [0, 0, 0]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 5))
def test_prefix_index_equals_a_loop(sizes: list[int], max_length: int) -> None:
    users = np.repeat(np.arange(len(sizes)), sizes)
    expected = [(max(target - max_length, first), target) for first, size in zip(np.cumsum([0, *sizes]), sizes, strict=False)
                for target in range(first + 1, first + size)]
    start, length, target = prefix_index(users, max_length)
    assert list(zip(start.tolist(), target.tolist(), strict=True)) == expected
    assert (start + length).tolist() == target.tolist()


@pytest.fixture
def column() -> HistoryColumn:
    return HistoryColumn(torch.tensor([5, 6, 7, 8]), torch.tensor([0, 0, 1]), torch.tensor([1, 2, 3]), width=3)


def test_histories_are_padded_on_the_right(column: HistoryColumn) -> None:
    assert column.tensor().tolist() == [[5, 0, 0], [5, 6, 0], [6, 7, 8]]


def test_a_column_is_indexed_like_the_tensor_it_stands_for(column: HistoryColumn) -> None:
    full = column.tensor()
    assert torch.equal(column[2], full[2])
    assert torch.equal(column[[2, 0]], full[[2, 0]])
    assert torch.equal(column[1:], full[1:])
    assert torch.equal(column[:, 0], full[:, 0])
    assert torch.equal(column[torch.tensor([True, False, True])], full[[0, 2]])


def test_values_with_more_dimensions_are_padded_too() -> None:
    column = HistoryColumn(torch.arange(6.0).view(3, 2), torch.tensor([1]), torch.tensor([2]), width=3)
    assert column.tensor().tolist() == [[[2, 3], [4, 5], [0, 0]]]


def test_rows_stay_offsets_until_written_out(column: HistoryColumn) -> None:
    rows = HistoryInteraction({"user": torch.tensor([1, 1, 2])}, {"item_list": column})
    chosen = rows[np.array([2, 1])]
    assert isinstance(chosen["item_list"], HistoryColumn)
    assert chosen.written_out()["item_list"].tolist() == [[6, 7, 8], [5, 6, 0]]
    assert chosen.written_out()["user"].tolist() == [2, 1]
    assert len(chosen) == 2


def test_sorting_moves_histories_with_their_rows(column: HistoryColumn) -> None:
    rows = HistoryInteraction({"time": torch.tensor([3, 1, 2])}, {"item_list": column})
    rows.sort("time")
    assert rows.written_out()["item_list"].tolist() == [[5, 6, 0], [6, 7, 8], [5, 0, 0]]


def test_memory_does_not_grow_with_the_length_of_histories() -> None:
    n = 10_000
    start, length, _ = (torch.from_numpy(a) for a in prefix_index(np.zeros(n, dtype=int), max_length=1_000))
    column = HistoryColumn(torch.arange(n), start, length, 1_000)
    held = sum(t.numel() * t.element_size() for t in (column.values, column.start, column.length))
    assert held == 8 * (n + 2 * (n - 1))
