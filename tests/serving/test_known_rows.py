import numpy as np
import pytest

from recbole_ext.serving.known_rows import find_rows


def keys(rows: list[tuple[int, ...]], width: int = 3) -> tuple[np.ndarray, ...]:
    return tuple(np.array(rows, dtype=np.int64).reshape(-1, width).T)


def found(splits: list[list[tuple[int, ...]]], asked: list[tuple[int, ...]]) -> list[tuple[int, int]]:
    width = len(asked[0])
    number, place = find_rows([keys(rows, width) for rows in splits], keys(asked, width))
    return list(zip(number.tolist(), place.tolist(), strict=True))


NEW = (-1, -1)


def test_rows_are_found_by_user_item_and_time() -> None:
    test, valid, train = [(2, 1, 50)], [(1, 1, 30), (2, 2, 9)], [(1, 1, 10), (1, 2, 20), (3, 1, 5)]
    asked = [(3, 1, 5), (1, 1, 30), (1, 1, 10), (1, 1, 11), (2, 1, 50), (4, 1, 5), (1, 3, 10)]
    assert found([test, valid, train], asked) == [(2, 2), (1, 0), (2, 0), NEW, (0, 0), NEW, NEW]


def test_what_the_run_does_not_know_is_new() -> None:
    assert found([[(0, 1, 5)], [], [(1, 0, 5)]], [(0, 1, 5), (1, 0, 5)]) == [NEW, NEW]
    assert found([[], [], []], [(1, 1, 1)]) == [NEW]


def test_equal_rows_are_paired_in_order_the_tested_ones_first() -> None:
    test, valid, train = [(1, 1)], [(5, 5)], [(1, 1), (2, 2), (1, 1), (2, 2)]
    asked = [(1, 1), (2, 2), (1, 1), (1, 1), (1, 1), (2, 2)]
    assert found([test, valid, train], asked) == [(0, 0), (2, 1), (2, 0), (2, 2), (2, 2), (2, 3)]


@pytest.mark.parametrize("seed", range(3))
def test_every_row_of_every_split_is_found_in_any_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.unique(rng.integers(1, 12, (300, 3)), axis=0)
    rng.shuffle(rows)
    splits = [tuple(part.T) for part in np.split(rows, [40, 90])]
    order = rng.permutation(len(rows))
    number, place = find_rows(splits, tuple(rows[order].T))
    assert (number == np.digitize(order, [40, 90])).all()
    assert (place == order - np.array([0, 40, 90])[number]).all()
