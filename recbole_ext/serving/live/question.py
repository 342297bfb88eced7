"""A query in the numbers of the run."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from recbole_ext.amounts import is_whole
from recbole_ext.errors import UsageError
from recbole_ext.serving.given_table import given_table, listed
from recbole_ext.serving.live.event_chains import History
from recbole_ext.serving.live.followed_users import FollowedUsers, checked_time
from recbole_ext.serving.live.messages import PastEvent, Query

Array = np.ndarray[Any, Any]
NOTED = 5


@dataclass(frozen=True)
class Question:
    """What is asked, checked.

    Attributes:
        user: number; None for a user without events, or none.
        history: all events in question, at least one; those followed, or those given.
        given: whether the history was given with the query.
        k: length of the list.
        at: seconds.
        allowed: (a,) int64 items, the only candidates; None for all.
        excluded: (e,) int64 items that are no candidates, the padding among them.
        seen_removed: whether items of the history are among the excluded.
        notes: for the answer.
    """

    user: int | None
    history: History
    given: bool
    k: int
    at: int
    allowed: Array | None
    excluded: Array
    seen_removed: bool
    notes: list[str]


def question_of(query: Query, users: FollowedUsers, removes_seen: bool) -> Question:
    """Check a query and look its user, items and history up.

    Args:
        query: to be answered.
        users: who is followed.
        removes_seen: whether the protocol of the run removes items of the history.

    Raises:
        UsageError: a value of another type, a bad k or time, or no user with events and no history.
    """
    _check(query)
    notes: list[str] = []
    user = None if query.user is None else users.number(query.user)
    if query.history is not None:
        history = _given(query.history, users, notes)
    elif user is None:
        raise UsageError(
            f"no event of user {query.user!r} is known; send one, or give a history"
            if query.user is not None
            else "a query names a user or gives a history (got neither)"
        )
    else:
        history = users.chains.history(user)
    removes = removes_seen if query.exclude_seen is None else query.exclude_seen
    denied = _known(_ids(query.deny, "deny"), users, notes, "deny")
    excluded = np.unique(np.concatenate([[0], denied, history.items if removes else denied]).astype(np.int64))
    allowed = None if query.allow is None else np.unique(_known(_ids(query.allow, "allow"), users, notes, "allow"))
    given = query.history is not None
    return Question(user, history, given, int(query.k), _at(query, users, history), allowed, excluded, removes, notes)


def _check(query: Query) -> None:
    if not is_whole(query.k) or query.k < 1:
        raise UsageError(f"k must be a whole number of at least 1 (got {query.k!r})")
    if query.user is not None and not isinstance(query.user, str):
        raise UsageError(f"user of a query must be a text (got {query.user!r:.60})")
    if query.exclude_seen is not None and not isinstance(query.exclude_seen, bool | np.bool_):
        raise UsageError(f"exclude_seen must be True, False or None (got {query.exclude_seen!r:.60})")


def _ids(given: Any, what: str) -> list[str]:
    """Ids of items as a list, none for None; one text is one id."""
    ids = [] if given is None else listed(given)
    wrong = [given] if given_table(given) is not None else [one for one in ids if not isinstance(one, str)]
    if wrong:
        raise UsageError(f"{what} must hold ids of items as text (got {wrong[0]!r:.60})")
    return ids


def _events(given: Any) -> list[PastEvent]:
    """The events of a history as a list."""
    events = listed(given)
    for event in events:
        if not isinstance(event, tuple | list) or len(event) not in (2, 3) or not isinstance(event[0], str):
            raise UsageError(
                f"a history holds (item, time) or (item, time, values), with items as text (got {event!r:.60})"
            )
    return events


def _at(query: Query, users: FollowedUsers, history: History) -> int:
    if query.at is None:
        return users.newest if query.history is None else int(history.times.max())
    if not users.timed:
        raise UsageError(f"at: the events of this run have no times; leave it out (got {query.at!r})")
    return checked_time(query.at, "at of a query")


def _given(given: Any, users: FollowedUsers, notes: list[str]) -> History:
    """A history in the order of time, equal times in the given order; unknown items are left out and noted."""
    events = _events(given)
    items = _known([event[0] for event in events], users, notes, "history", keep=True)
    times = np.zeros(len(events), dtype=np.int64)
    if users.timed:
        stamps = [event[1] for event in events]
        none = [time is None for time in stamps]
        if any(none) and not all(none):
            raise UsageError("all events of a history have a time, or none (got some of each)")
        known = [
            users.newest if time is None else checked_time(time, "time of an event of a history") for time in stamps
        ]
        times = np.array(known, dtype=np.int64)
    kept = np.flatnonzero(items > 0)
    kept = kept[np.argsort(times[kept], kind="stable")]
    if not len(kept):
        raise UsageError("the history has no event of a known item; give at least one")
    values = [users.fields.read(event[2] if len(event) > 2 else {}, "history") for event in events]
    return History(items[kept], times[kept], np.full(len(kept), -1, dtype=np.int64), np.stack(values)[kept])


def _known(tokens: Collection[str], users: FollowedUsers, notes: list[str], what: str, keep: bool = False) -> Array:
    """Numbers of items; unknown ones are noted, and left out or (`keep`) 0."""
    numbers = np.array([users.item(token) for token in tokens], dtype=np.int64)
    unknown = [token for token, number in zip(tokens, numbers, strict=True) if not number]
    if unknown:
        more = f" and {len(unknown) - NOTED:,} more" if len(unknown) > NOTED else ""
        notes.append(f"{what}: unknown items are left out: {', '.join(map(repr, unknown[:NOTED]))}{more}")
    return numbers if keep else numbers[numbers > 0]
