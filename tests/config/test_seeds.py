from typing import Any

import pytest

from recbole_ext.config.seeds import read_seeds
from recbole_ext.errors import UsageError


@pytest.mark.parametrize(
    ("value", "seeds"),
    [(None, []), (7, [7]), ([42, 1], [42, 1]), ("42,123", [42, 123]), ("42, 123", [42, 123]), (["3", 4], [3, 4])],
)
def test_seeds_are_read(value: Any, seeds: list[int]) -> None:
    assert read_seeds(value) == seeds


@pytest.mark.parametrize("value", ["", "1,", "a", [1.5], [True], True, [], -1, [2**32], {"a": 1}, [[1]]])
def test_what_are_no_seeds(value: Any) -> None:
    with pytest.raises(UsageError, match="seeds must be whole numbers from 0"):
        read_seeds(value)


def test_a_seed_given_twice() -> None:
    with pytest.raises(UsageError, match="42 is given twice"):
        read_seeds("42,1,42")
