"""Values and lists of Python code as the command line would have them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.config.layers import file_names
from recbole_ext.config.plain_values import plain_value, several


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([5, 10]), [5, 10]),
        ((5, np.int64(10)), [5, 10]),
        (range(1, 3), [1, 2]),
        ({"mode": {"valid": np.str_("full")}, "k": (1,)}, {"mode": {"valid": "full"}, "k": [1]}),
        (Path("a/b"), "a/b"),
        (None, None),
        ("[5]", "[5]"),
    ],
)
def test_values(given: Any, plain: Any) -> None:
    found = plain_value(given)
    assert found == plain and type(found) is type(plain)


def test_one_is_several() -> None:
    assert [several(given) for given in ("a", Path("a"), ["a"], ("a",), None, 5)] == [
        ["a"], [Path("a")], ["a"], ["a"], [], [5],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("a.yaml", ["a.yaml"]),
        (Path("a b"), ["a b"]),
        (["a b", Path("c")], ["a b", "c"]),
        ("a b", ["a", "b"]),
        (None, []),
    ],
)
def test_files(given: Any, names: list[str]) -> None:
    assert file_names(given) == names
