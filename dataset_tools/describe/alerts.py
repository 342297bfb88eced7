"""What a reader should know of a data set before a model is trained on it: one rule, one short function.

Each rule looks at the totals and says nothing, or what was found and what it means for models. The thresholds are
judgements, not tests: they mark what changes how a data set is split, trained on or judged.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dataset_tools.describe.summary import DAY, HOUR
from dataset_tools.describe.totals import Totals
from dataset_tools.times.tally import EARLIEST, moment

FUTURE = 0.2
"""The last fifth of the rows is looked at as a future."""
COLD = 0.2
"""Fraction of rows by unknown users, or of unknown items, from which a split by time measures something else."""
OF_A_WHOLE = frozenset(("new_users", "new_items", "short_users"))
"""Rules about how to split, which say nothing of a part of a cut data set."""
OF_TRAINING = frozenset(("few", "rare_items", "top_items", "heavy_user"))
"""Rules that say nothing of the later part of a cut data set, whose users and items are known from training."""
NEW_USERS = (
    "a model without their history cannot know them: leave one out per user, or split --future warm, and name the "
    "split beside every result"
)
NEW_ITEMS = "no model of ids can rank them after a split by time: split --future warm, leave one out, or item_vectors"
_SHARED, _COPIES, _AGAIN, _SHORT, _RARE, _TOP, _BURST = 0.05, 1e-4, 0.01, 0.01, 0.5, 0.5, 0.25
_SHORTEST, _RAREST, _FEW_ROWS, _FEW_IDS, _HEAVY, _LONG_LOG = 3, 5, 5000, 20, 100, 30


@dataclass(frozen=True)
class Alert:
    """One finding.

    Attributes:
        name: of the rule.
        value: the number that the rule judged.
        found: a sentence with it.
        means: what that means for models, and what to do.
    """

    name: str
    value: float
    found: str
    means: str


Rule = Callable[[Totals], "Alert | None"]


def alerts(totals: Totals, has_times: bool, values: dict[str, int], value_field: str | None) -> list[Alert]:
    """All findings, those about what can be measured at all first.

    Args:
        totals: of the log.
        has_times: whether it has a column of times.
        values: rows by value; empty where there are too many.
        value_field: name of their column.
    """
    rules: tuple[Rule, ...] = (few, copies, again, short_users, rare_items, top_items, heavy_user)
    of_events: tuple[Rule, ...] = (one_time, new_users, new_items, shared_seconds, order_of_items)
    of_clocks: tuple[Rule, ...] = (whole_days, strange_clock, burst)
    found = [rule(totals) for rule in ((*of_events, *of_clocks, *rules) if has_times else rules)]
    if not has_times:
        found.insert(0, no_times())
    found.append(one_value(values, value_field))
    return [each for each in found if each]


def no_times() -> Alert:
    """There is no column of times."""
    return Alert(
        "no_times",
        0,
        "there is no column of times",
        "sequence models take the order of the file; splits by time, drift and click models need times "
        "(--time-field names another column)",
    )


def one_time(totals: Totals) -> Alert | None:
    """All rows have one time."""
    if totals.rows < 2 or totals.first != totals.last:
        return None
    found = f"all {totals.rows:,} rows have the time {moment(totals.first, 'seconds')}"
    return Alert("one_time", totals.first, found, "there is no order of events and no split by time")


def new_users(totals: Totals) -> Alert | None:
    """Rows of the last fifth by users that have no earlier row."""
    return _cold(totals, "new_users", "by users", totals.user_rows, totals.user_begin, NEW_USERS)


def new_items(totals: Totals) -> Alert | None:
    """Rows of the last fifth of items that have no earlier row."""
    return _cold(totals, "new_items", "of items", totals.item_rows, totals.item_begin, NEW_ITEMS)


def _cold(totals: Totals, name: str, whose: str, rows: np.ndarray, begin: np.ndarray, means: str) -> Alert | None:
    cut, future = _future(totals)
    share = float(rows[(rows > 0) & (begin >= cut)].sum()) / future if future else 0.0
    if share < COLD:
        return None
    last = f"from {moment(cut, 'seconds')[:13]}:00 on (the last {future / totals.rows:.0%})"
    found = f"{share:.1%} of the rows {last} are {whose} without an earlier row"
    return Alert(name, round(share, 6), found, means)


def _future(totals: Totals) -> tuple[int, int]:
    """The full hour from which at most the last fifth of the rows is, and how many rows that is."""
    hours = sorted(totals.hours)
    before = np.cumsum([totals.hours[hour] for hour in hours])
    place = int(np.searchsorted(before, (1 - FUTURE) * totals.rows)) + 1
    if place >= len(hours):
        return 0, 0
    return hours[place] * HOUR, totals.rows - int(before[place - 1])


def shared_seconds(totals: Totals) -> Alert | None:
    """Rows of a user that have the time of the one before, in order of time however the file is sorted."""
    share = totals.item_order.share
    if share < _SHARED or totals.first == totals.last:
        return None
    return Alert(
        "shared_seconds",
        round(share, 6),
        f"{share:.1%} of a user's events share their second with the one before{_of(totals)}",
        "their order in the file may mean nothing, and a gap of 0 says little: compare SS4Rec with "
        "Mamba4Rec, which reads no times",
    )


def order_of_items(totals: Totals) -> Alert | None:
    """Items of one time in the same order for all users."""
    found = totals.item_order
    if not found.matters:
        return None
    return Alert(
        "order_of_items",
        round(found.agreement, 4),
        f"two items of one user and second come in the same order in {found.agreement:.1%} of cases, 50% by chance"
        f"{_of(totals)}",
        "models learn that order of the file, which is part of what metrics of the next item then measure: compare "
        "with tie_order: random",
    )


def whole_days(totals: Totals) -> Alert | None:
    """Times that are days."""
    share = totals.midnight / totals.rows
    if share < 0.9 or totals.first == totals.last:
        return None
    found = f"{share:.1%} of the times are midnight (UTC): dates without a time of day"
    means = "events of one day have no order, and the hour of day says nothing"
    return Alert("whole_days", round(share, 6), found, means)


def strange_clock(totals: Totals) -> Alert | None:
    """Times before 1973, or later than today."""
    late = totals.last > time.time()
    if not late and totals.first >= EARLIEST:
        return None
    date = moment(totals.last if late else totals.first, "seconds")
    found = f"the {'last' if late else 'first'} time is {date}, " + ("later than today" if late else "before 1973")
    means = "a wrong clock or unit makes gaps that no model can use; recbole-data validate names the rows"
    return Alert("strange_clock", totals.last if late else totals.first, found, means)


def burst(totals: Totals) -> Alert | None:
    """A long log, much of which is one day."""
    days = totals.days()
    day, rows = max(days.items(), key=lambda entry: entry[1])
    share = rows / totals.rows
    if share < _BURST or totals.last - totals.first < _LONG_LOG * DAY:
        return None
    found = f"{share:.1%} of the rows are of one day, {moment(day * DAY, 'seconds')[:10]}"
    means = "an import or a default date rather than behaviour? Then its order says nothing"
    return Alert("burst", round(share, 6), found, means)


def few(totals: Totals) -> Alert | None:
    """Too little to compare models."""
    users, items = len(totals.history_lengths), len(totals.item_counts)
    if totals.rows >= _FEW_ROWS and min(users, items) >= _FEW_IDS:
        return None
    found = f"there are {totals.rows:,} rows, {users:,} users and {items:,} items"
    return Alert("few", totals.rows, found, "differences between models are noise at this size")


def copies(totals: Totals) -> Alert | None:
    """Rows whose user, item and time occurred before."""
    share = totals.repeats.fractions[1]
    if share < _COPIES:
        return None
    found = f"{share:.2%} of the rows repeat user, item and time of another{_of(totals)}"
    means = "the same event counted twice leaks from training into the test where a split comes between"
    return Alert("copies", round(share, 6), found, means)


def again(totals: Totals) -> Alert | None:
    """Rows whose user and item occurred before, at another time."""
    both, copied = totals.repeats.fractions
    share = both - copied
    if share < _AGAIN:
        return None
    found = f"{share:.1%} of the rows are of an item that the user had before{_of(totals)}"
    means = "people come back: keep seen items among the candidates (--filter_seen_items=False)"
    return Alert("again", round(share, 6), found, means)


def _of(totals: Totals) -> str:
    """Which users were looked at."""
    return f" (of one user in {totals.one_in})" if totals.one_in > 1 else ""


def short_users(totals: Totals) -> Alert | None:
    """Users with too few rows for training, validation and test."""
    rows = totals.history_lengths
    share = float((rows < _SHORTEST).mean())
    if share < _SHORT:
        return None
    found = f"{share:.1%} of the users have fewer than {_SHORTEST} rows ({float((rows == 1).mean()):.1%} have one)"
    means = "leaving one out for validation and one for the test leaves nothing to train on for them"
    return Alert("short_users", round(share, 6), found, means)


def rare_items(totals: Totals) -> Alert | None:
    """Items with too few rows to be learned by id."""
    rows = totals.item_counts
    share = float((rows < _RAREST).mean())
    if share < _RARE:
        return None
    found = f"{share:.1%} of the items have fewer than {_RAREST} rows"
    means = "their ids are hardly learned: item_vectors or item_fields, or split --min-item"
    return Alert("rare_items", round(share, 6), found, means)


def top_items(totals: Totals) -> Alert | None:
    """Few items with most of the rows."""
    rows = np.sort(totals.item_counts)[::-1]
    share = float(rows[: max(len(rows) // 100, 1)].sum()) / totals.rows
    if share < _TOP or len(rows) < 2:
        return None
    found = f"{share:.1%} of the rows are of the first hundredth of the items"
    means = "a list of popular items is hard to beat by hits alone: look at coverage and at the tail too"
    return Alert("top_items", round(share, 6), found, means)


def heavy_user(totals: Totals) -> Alert | None:
    """One user with far more rows than people have."""
    rows = totals.history_lengths
    most, median = int(rows.max()), float(np.median(rows))
    if most < _HEAVY * median or most < totals.rows / 1000:
        return None
    found = f"one user has {most:,} rows, {most / totals.rows:.1%} of all and {most / median:,.0f} times the median"
    return Alert("heavy_user", most, found, "a program rather than a person? It weighs in training as all its rows")


def one_value(values: dict[str, int], field: str | None) -> Alert | None:
    """A rating, label or behaviour that is the same in all rows."""
    if len(values) != 1:
        return None
    found = f"{field} is {next(iter(values))} in all rows"
    return Alert("one_value", 1, found, "there is nothing to predict in it: train on interactions alone")
