import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.data.history import Events, HistoryColumn, HistoryRows

NAMES = {"length": "item_length", "suffix": "_list", "user": "user"}


def events_of(users: list[int]) -> Events:
    tensor = torch.tensor(users)
    return Events(
        {"user": tensor, "item": torch.arange(len(users)) + 10, "time": 100 - torch.arange(len(users))}, tensor
    )


def rows_of(users: list[int], width: int) -> HistoryRows:
    events = events_of(users)
    return HistoryRows(events, events.with_history(), NAMES, width)


def test_rows_by_hand() -> None:
    rows = rows_of([7, 7, 7, 7, 9, 9, 4], width=2)
    assert rows.target.tolist() == [1, 2, 3, 5]
    assert rows["user"].tolist() == [7, 7, 7, 9]
    assert rows["item"].tolist() == [11, 12, 13, 15]
    assert rows["item_length"].tolist() == [1, 2, 2, 1]
    assert rows["item_list"].tensor().tolist() == [[10, 0], [10, 11], [11, 12], [14, 0]]


def test_no_events_make_no_rows() -> None:
    assert len(rows_of([], 5)) == 0


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 5))
def test_histories_equal_a_loop(sizes: list[int], width: int) -> None:
    users = np.repeat(np.arange(len(sizes)), sizes).tolist()
    firsts = np.cumsum([0, *sizes])[:-1].tolist()
    expected = [
        [10 + k for k in range(max(target - width, first), target)]
        for first, size in zip(firsts, sizes, strict=True)
        for target in range(first + 1, first + size)
    ]
    rows = rows_of(users, width)
    written = rows["item_list"].tensor().tolist()
    assert [row[:n] for row, n in zip(written, rows["item_length"].tolist(), strict=True)] == expected


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


def test_a_column_behaves_like_the_tensor_it_stands_for(column: HistoryColumn) -> None:
    full = column.tensor()
    assert column.shape == full.shape and len(column) == 3 and column.dtype == full.dtype and column.dim() == 2
    assert column.to("cpu").tolist() == full.tolist() and np.array_equal(column.numpy(), full.numpy())
    assert torch.equal((column != 0).sum(dim=1), torch.tensor([1, 2, 3]))
    assert torch.equal(column * 2 + 1, full * 2 + 1) and torch.equal(1 - column, 1 - full)
    assert torch.equal(torch.flip(column, dims=[1]), full.flip(1))
    assert torch.equal(torch.cat([column, full]), torch.cat([full, full]))
    assert torch.equal(torch.where(column > 5, column, torch.tensor(0)), torch.where(full > 5, full, 0))
    assert torch.equal(torch.stack([row for row in column]), full)
    with pytest.raises(AttributeError, match="no_such"):
        _ = column.no_such


def test_rows_are_moved_to_a_device_as_tensors() -> None:
    moved = rows_of([7, 7, 7, 9, 9], width=2).to(torch.device("cpu"))
    assert isinstance(moved["item_list"], torch.Tensor) and moved["item_list"].tolist() == [[10, 0], [10, 11], [13, 0]]


def test_values_with_more_dimensions_are_padded_too() -> None:
    column = HistoryColumn(torch.arange(6.0).view(3, 2), torch.tensor([1]), torch.tensor([2]), width=3)
    assert column.tensor().tolist() == [[[2, 3], [4, 5], [0, 0]]]


def test_rows_are_chosen_before_they_are_written_out() -> None:
    chosen = rows_of([1, 1, 1, 2, 2], width=3)[np.array([2, 1])]
    assert isinstance(chosen["item_list"], HistoryColumn)
    assert len(chosen) == 2
    written = chosen.written_out()
    assert written["item_list"].tolist() == [[13, 0, 0], [10, 11, 0]]
    assert written["user"].tolist() == [2, 1]


def test_sorting_moves_histories_with_their_rows() -> None:
    rows = rows_of([1, 1, 1, 2, 2], width=3)
    rows.sort("time")
    assert rows.written_out()["item_list"].tolist() == [[13, 0, 0], [10, 11, 0], [10, 0, 0]]
    rows.sort(["user", "time"], ascending=[False, True])
    assert rows["item"].tolist() == [14, 12, 11]


def test_columns_are_those_that_recbole_expects() -> None:
    rows = rows_of([1, 1], width=2)
    assert rows.columns == ["user", "item", "time", "item_length", "_target_position", "item_list", "time_list"]
    assert "item_list" in rows
    assert "label" not in rows
    with pytest.raises(KeyError, match="label"):
        rows["label"]
    with pytest.raises(AttributeError, match="no attribute 'label'"):
        rows.label  # noqa: B018


def test_memory_does_not_grow_with_the_length_of_histories() -> None:
    n = 10_000
    rows = rows_of([0] * n, width=1_000)
    held = [*rows.events.columns.values(), rows.events.user_start, rows.events.first_positions, rows.target]
    assert sum(t.numel() * t.element_size() for t in held) == 8 * (3 * n + n + 1 + n - 1)
