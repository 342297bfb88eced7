"""Recommendation logs with outcomes: counts of each user, read line by line.

JSON lines, in the order of time; `serve --log-recommendations` writes them (docs/monitoring.md):

    {"time": 893286700, "user": "196", "items": ["100", "50"]}    a list that was shown
    {"time": 893286705, "user": "196", "item": "50"}              what the user did afterwards

A list may have its outcome with it: `"clicked": ["50"]`, or a number, `"outcome": 4.5`. A table has the columns user
and outcome, a row per list or visit.
"""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset_tools.errors import DataError
from dataset_tools.times.clocks import unit_of

LOGS = "recommendations-*.jsonl"
_USER, _OUTCOME = ("user", "user_id"), "outcome"


@dataclass(frozen=True)
class Outcomes:
    """A group.

    Attributes:
        users: ids.
        counts: (users, columns) float, in the order of `columns`.
        columns: `lists`, and `clicked_lists` and `clicks`, or `outcome`.
        actions_elsewhere: what users did with items that no list had shown them in time.
    """

    users: list[str]
    counts: np.ndarray
    columns: tuple[str, ...]
    actions_elsewhere: int = 0

    def without(self, users: set[str]) -> "Outcomes":
        """The group without some users."""
        kept = [place for place, user in enumerate(self.users) if user not in users]
        return Outcomes([self.users[k] for k in kept], self.counts[kept], self.columns, self.actions_elsewhere)

    def has(self, name: str) -> bool:
        """Whether the log counts something, see `column`."""
        return name == "users" or (name if name != "clicked_users" else "clicks") in self.columns

    def column(self, name: str) -> np.ndarray:
        """(users,) counts; `users` is 1 for each, `clicked_users` whether there is a click."""
        if name == "users":
            return np.ones(len(self.users))
        if name == "clicked_users":
            return (self.column("clicks") > 0).astype(float)
        return self.counts[:, self.columns.index(name)]


def read_outcomes(path: Path, within: float | None) -> Outcomes:
    """Read a log.

    Args:
        path: a file of JSON lines, a table (.csv, .tsv), or a directory of files `recommendations-*.jsonl`.
        within: seconds after a list in which an action counts as its outcome; None: without end.

    Raises:
        DataError: there is no log, a line has not the form, or no list is in it.
    """
    files = sorted(path.glob(LOGS)) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        looked = f"no {LOGS} in it" if path.is_dir() else "no such file"
        raise DataError(
            f"{path}: {looked}; `ab` reads logs of recommendations with outcomes, see docs/monitoring.md.\n"
            "serve writes them with --state-dir=DIR --log-recommendations."
        )
    found = _read_table(path) if path.suffix in (".csv", ".tsv") else _read_lists(files, within)
    if not found.users:
        raise DataError(f"{path}: no list was shown to any user, so there is nothing to compare")
    return found


def _read_table(path: Path) -> Outcomes:
    """Rows and the sum of their outcomes by user."""
    counts: dict[str, list[float]] = {}
    for user, value in _table_rows(path):
        entry = counts.setdefault(user, [0.0, 0.0])
        entry[0] += 1
        entry[1] += value
    return Outcomes(list(counts), np.array([*counts.values()]).reshape(-1, 2), ("lists", _OUTCOME))


def _table_rows(path: Path) -> Iterator[tuple[str, float]]:
    """User and outcome of each row.

    Raises:
        DataError: a column is missing, a row has no user or no number, or the file is no table in UTF-8.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        try:
            names = rows.fieldnames or []
            user = next((name for name in _USER if name in names), None)
            if user is None or _OUTCOME not in names:
                raise DataError(f"{path}: the header must have user and outcome (got {', '.join(names)})")
            for row in rows:
                value = _finite(row[_OUTCOME])
                if not row[user] or value is None:
                    where = f"{path}:{rows.line_num}"
                    raise DataError(f"{where}: a row needs a user and a number as its outcome (got {row})")
                yield row[user], value
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path}: it cannot be read as a table in UTF-8: {error}") from None


def _finite(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


class _Shown:
    """A list: when it was shown, and whether it was clicked."""

    __slots__ = ("clicked", "time")

    def __init__(self, time: float | None) -> None:
        self.time, self.clicked = time, False


class _Lists:
    """Counts lists and what followed them."""

    def __init__(self, within: float | None) -> None:
        self.counts: dict[str, list[float]] = {}
        self.within, self.elsewhere, self.outcomes = within, 0, 0
        self._open: dict[str, dict[str, _Shown]] = {}

    def show(self, user: str, items: list[str], time: float | None, clicked: list[str], outcome: float | None) -> None:
        """A list was shown."""
        entry = self.counts.setdefault(user, [0.0, 0.0, 0.0, 0.0])
        entry[0] += 1
        self.outcomes += outcome is not None
        entry[3] += outcome or 0.0
        shown = _Shown(time)
        self._open.setdefault(user, {}).update(dict.fromkeys(items, shown))
        for item in clicked:
            self.act(user, item, time)

    def act(self, user: str, item: str, time: float | None) -> None:
        """A user did something with an item: the outcome of the newest list that showed it, once."""
        shown = self._open.get(user, {}).pop(item, None)
        if shown is None or self._is_late(shown, time):
            self.elsewhere += 1
            return
        entry = self.counts[user]
        entry[1] += not shown.clicked
        entry[2] += 1
        shown.clicked = True

    def _is_late(self, shown: _Shown, time: float | None) -> bool:
        return None not in (self.within, time, shown.time) and time - shown.time > self.within  # type: ignore[operator]


def _read_lists(files: list[Path], within: float | None) -> Outcomes:
    found = _Lists(within)
    for file in files:
        for place, line in _lines(file):
            _take(found, place, line)
    counts = np.array([*found.counts.values()]).reshape(-1, 4)
    lists = int(counts[:, 0].sum())
    if found.outcomes not in (0, lists):
        raise DataError(
            f"{files[0].parent if len(files) > 1 else files[0]}: {lists - found.outcomes:,} of {lists:,} lists have no "
            "outcome and the others have one; write a number for each, 0 where nothing came of a list"
        )
    columns = ("lists", "clicked_lists", "clicks", *[_OUTCOME] * bool(found.outcomes))
    return Outcomes(list(found.counts), counts[:, : len(columns)], columns, found.elsewhere)


def _lines(file: Path) -> Iterator[tuple[str, Any]]:
    """Place and object of each line; a last line that is still being written, and no object yet, is left out."""
    with open(file, "rb") as opened:
        for number, line in enumerate(opened, start=1):
            if not line.strip():
                continue
            try:
                yield f"{file}:{number}", json.loads(line)
            except (ValueError, RecursionError):
                if not line.endswith(b"\n"):
                    return
                raise DataError(f"{file}:{number}: the line is not JSON: {line[:80]!r}") from None


def _take(found: _Lists, place: str, line: Any) -> None:
    """Count a line.

    Raises:
        DataError: it is neither a list nor an action.
    """
    user = line.get("user") if isinstance(line, dict) else None
    is_id = isinstance(user, str | int) and not isinstance(user, bool) and user != ""
    if not is_id or ("items" in line) == ("item" in line):
        raise DataError(
            f"{place}: a line needs a user and either items (a list that was shown) or item (what the user did); "
            f"got {str(line)[:80]}"
        )
    time, outcome = (_number(place, line, name) for name in ("time", _OUTCOME))
    if time is not None and (unit := unit_of(int(time))) != "seconds":
        raise DataError(
            f"{place}: the time {line['time']} counts {unit} since 1970; write seconds, which --within counts"
        )
    if "item" in line:
        found.act(str(user), str(line["item"]), time)
    else:
        found.show(str(user), _ids(place, line, "items"), time, _ids(place, line, "clicked"), outcome)


def _number(place: str, line: dict[str, Any], name: str) -> float | None:
    if line.get(name) is None:
        return None
    value = None if isinstance(line[name], str) else _finite(line[name])
    if value is None:
        raise DataError(f"{place}: {name} must be a number (got {line[name]!r})")
    return value


def _ids(place: str, line: dict[str, Any], name: str) -> list[str]:
    found = line.get(name, [])
    if not isinstance(found, list):
        raise DataError(f"{place}: {name} must be a list of items (got {str(found)[:80]!r})")
    return [str(one) for one in found]
