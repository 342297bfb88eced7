"""Agreement of orders, against counts by hand and by pairs in plain Python."""

import itertools

import numpy as np
import pytest

from dataset_tools.times.item_order import ItemOrder, item_order


def test_counts_by_hand() -> None:
    first, second = np.array([1, 1, 2, 3, 3, 5]), np.array([2, 2, 1, 4, 4, 5])
    assert item_order(first, second, 12) == ItemOrder(0.5, 3 + 1, pytest.approx(2 / 4))
    none = np.zeros(0, np.int32)
    assert item_order(none, none, 0) == ItemOrder(0.0, 0, 0.5)


def test_it_is_the_fraction_of_pairs_that_agree() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    pairs = agreeing = 0
    for (a, b), (c, d) in itertools.combinations(list(zip(first.tolist(), second.tolist(), strict=True)), 2):
        if a != b and {a, b} == {c, d}:
            pairs += 1
            agreeing += a == c
    found = item_order(first, second, 400)
    assert (found.pairs, found.agreement) == (pairs, pytest.approx(agreeing / pairs))


@pytest.mark.parametrize(
    ("share", "pairs", "agreement", "matters"),
    [(0.5, 5000, 0.97, True), (0.01, 5000, 0.97, False), (0.5, 500, 0.97, False), (0.5, 5000, 0.6, False)],
)
def test_when_it_matters(share: float, pairs: int, agreement: float, matters: bool) -> None:
    assert ItemOrder(share, pairs, agreement).matters is matters
