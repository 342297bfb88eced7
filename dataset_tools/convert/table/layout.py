"""Which column of the input is which, and what the columns of the output are called and hold."""

import re
from dataclasses import dataclass

from dataset_tools.convert.table.row_choice import RowChoice
from dataset_tools.errors import UsageError

NONE = "none"
RESERVED = ("user_id", "item_id", "rating", "timestamp")


@dataclass(frozen=True)
class Layout:
    """The columns that are read.

    Args:
        user, item: names in the input.
        rating, time: the same, or "".
        time_unit: see times_read.py.
        keep: further columns to write.
        lists: those of them whose values are lists.
        choice: which rows stay.
        item_separator: between the items of one row; "" where a row has one.
    """

    user: str
    item: str
    rating: str = ""
    time: str = ""
    time_unit: str = "s"
    keep: tuple[str, ...] = ()
    lists: frozenset[str] = frozenset()
    choice: RowChoice | None = None
    item_separator: str = ""

    @property
    def wanted(self) -> list[str]:
        """Every column that is read, each once."""
        named = [self.user, self.item, self.rating, self.time, *self.keep]
        named += [] if self.choice is None else self.choice.columns
        return [name for name in dict.fromkeys(named) if name]


def field_names(keep: tuple[str, ...], taken: tuple[str, ...] = RESERVED) -> list[str]:
    """Names of kept columns in the atomic file, whose headers and yaml take letters, digits, `_`, `.` and `-`.

    Raises:
        UsageError: two columns would have one name.
    """
    names = [re.sub(r"[^\w.-]+", "_", name) for name in keep]
    for name, original in zip(names, keep, strict=True):
        if names.count(name) > 1 or name in taken:
            raise UsageError(f"--keep {original}: the data set has a column {name!r} already; rename it in the input")
    return names
