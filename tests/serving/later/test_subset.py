"""The rows of which metrics are asked for."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from recbole_ext.errors import UsageError
from recbole_ext.serving.later.result import _places

MASK = [True, False, True]


@pytest.mark.parametrize("given", [MASK, np.array(MASK), pd.Series(MASK), pl.Series(MASK), [0, 2], (0, 2), [0, -1]])
def test_a_mask_or_numbers(given: Any) -> None:
    assert (_places(given, 3) % 3).tolist() == [0, 2]


@pytest.mark.parametrize("given", [[True], [True] * 4, [3], ["a"], 5, [0.5], [[True, True, True]], [None, True, True]])
def test_other_rows_are_refused(given: Any) -> None:
    with pytest.raises(UsageError, match="rows must be a True or False for each of the 3 rows"):
        _places(given, 3)


def test_none() -> None:
    assert not len(_places([], 3)) and not len(_places(np.zeros(3, dtype=bool), 3))
