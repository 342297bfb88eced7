"""Values without the marks of Python."""

from typing import Any

import pytest

from recbole_ext.report.page import Page
from recbole_ext.report.plain_value import plain_value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"mode": {"valid": "full"}, "k": [1, 2]}, "mode: (valid: full), k: (1, 2)"),
        (["a", None, {}], "a, none, (none)"),
        ((), "none"),
        (None, "none"),
        (True, "True"),
        ("{'LS': 'valid_and_test'} by user", "LS: valid_and_test by user"),
        ("it's {x}", "it's {x}"),
        (0.001, "0.001"),
    ],
)
def test_a_value_is_written_as_people_write_it(value: Any, shown: str) -> None:
    assert plain_value(value) == shown


def test_cells_and_facts_of_pages_are_plain() -> None:
    html = Page("t").table(["a"], [[{"b": [1]}]]).facts({"c": {"d": "e"}}).html()
    assert "b: (1)" in html and "d: e" in html and "{" not in html.partition("<body>")[2]
