"""Users and their events, by the ids of the data: those of the run, and those that came since."""

from collections import OrderedDict
from typing import Any

import numpy as np
import torch

from dataset_tools.times.clocks import unit_of
from dataset_tools.times.tally import EARLIEST, LATEST, dated
from recbole_ext.data.history import Events
from recbole_ext.errors import UsageError
from recbole_ext.serving.live.event_chains import EventChains
from recbole_ext.serving.live.messages import Event
from recbole_ext.serving.live.value_fields import ValueFields
from recbole_ext.serving.load import LoadedRun


class FollowedUsers:
    """Takes events in.

    A user has the number that the run's data gave, a new one the next free number. Within a user events are in the
    order of time, equal times in the order of arrival.

    Args:
        run: opened, of a model that ranks items; its events of all splits are taken in.
        recent_events: how many event ids are remembered.

    Attributes:
        chains: the events.
        timed: whether events have times.
        fields: what the model reads of an event besides.
        newest: the newest time of all events.
        unknown_items: events that were left out because the run does not know their item.
    """

    def __init__(self, run: LoadedRun, recent_events: int) -> None:
        train = run.train
        self.items, self.item_tokens = train.field2token_id[train.iid_field], train.field2id_token[train.iid_field]
        self._users, self.n_known = train.field2token_id[train.uid_field], train.user_num
        self.new_users, self._new_numbers = list[str](), dict[str, int]()
        self._recent, self._most_recent = OrderedDict[str, None](), recent_events
        self.timed = bool(getattr(train, "events", None)) and bool(train.timed)
        self.fields = ValueFields(run)
        self.chains = EventChains(self.fields.unknown)
        self.newest, self.unknown_items = 0, 0
        self._take_in(run)

    def _take_in(self, run: LoadedRun) -> None:
        train, events = run.train, getattr(run.train, "events", None)
        if isinstance(events, Events):
            users, items = events[train.uid_field], events[train.iid_field]
            times = events[train.time_field] if self.timed else torch.zeros_like(items)
            values = self.fields.of_run()
        else:
            parts = [part.inter_feat for part in run.loaders.parts if len(part)]
            users = torch.cat([part[train.uid_field] for part in parts])
            order = torch.argsort(users, stable=True)
            users, items = users[order], torch.cat([part[train.iid_field] for part in parts])[order]
            times, values = torch.zeros_like(items), np.zeros((len(items), 0))
        self.newest = int(times.max()) if len(times) else 0
        self._is_dated = EARLIEST <= self.newest < LATEST
        self.chains.load(users.numpy().astype(np.int64), items.numpy(), times.numpy(), values)

    def number(self, user: str) -> int | None:
        """Of a user; None for one of whom there is no event."""
        known = int(self._users.get(user, 0))
        number = known or self._new_numbers.get(user)
        return number if number is not None and self.count(number) else None

    def count(self, number: int) -> int:
        """Events of a user."""
        return int(self.chains.count[number]) if number < len(self.chains.count) else 0

    def item(self, token: str) -> int:
        """The number of an item; 0 for an unknown one."""
        return int(self.items.get(token, 0))

    def take(self, event: Event) -> tuple[str, int]:
        """Take an event in.

        Returns:
            `applied`; `late`: older than the user's newest event, and put in its place; `duplicate`: its id is among
            the recent ones; or `unknown_item`; and the number of the user, -1 for the latter two.

        Raises:
            UsageError: a user, item or time that is none, or a value that cannot be read, see `ValueFields.read`.
        """
        time = self._checked(event)
        values = self.fields.read(event.values, f"event of user {event.user!r}")
        if event.event_id is not None and event.event_id in self._recent:
            return "duplicate", -1
        self.remember(event.event_id)
        item = self.item(event.item)
        if not item:
            self.unknown_items += 1
            return "unknown_item", -1
        number = self._numbered(event.user)
        later = self.chains.add(number, item, time, values)
        self.newest = max(self.newest, time)
        return "late" if later else "applied", number

    def _checked(self, event: Event) -> int:
        for name in ("user", "item"):
            value = getattr(event, name)
            if not isinstance(value, str) or not value:
                raise UsageError(f"{name} of an event must be a text that is not empty (got {value!r})")
        if not self.timed:
            return 0
        what = f"time of an event of user {event.user!r}"
        time = checked_time(event.time, what)
        if self._is_dated and time >= LATEST:
            raise UsageError(f"the {what} must be before 2100, as the times of the run's data are (got {dated(time)})")
        return time

    def remember(self, event_id: str | None) -> None:
        """Count the id of an event, if it has one, among the recent ones."""
        if event_id is None:
            return
        self._recent[event_id] = None
        if len(self._recent) > self._most_recent:
            self._recent.popitem(last=False)

    def _numbered(self, user: str) -> int:
        known = int(self._users.get(user, 0))
        if known:
            return known
        if user not in self._new_numbers:
            self._new_numbers[user] = self.n_known + len(self.new_users)
            self.new_users.append(user)
        return self._new_numbers[user]

    def facts(self) -> dict[str, Any]:
        """What JSON can hold of the users, for a snapshot."""
        return {
            "new_users": self.new_users,
            "recent": list(self._recent),
            "newest": self.newest,
            "unknown_items": self.unknown_items,
        }

    def restore(self, facts: dict[str, Any]) -> None:
        """Take what `facts` gave."""
        self.new_users = [str(user) for user in facts["new_users"]]
        self._new_numbers = {user: self.n_known + place for place, user in enumerate(self.new_users)}
        self._recent = OrderedDict.fromkeys(str(one) for one in facts["recent"][-self._most_recent :])
        self.newest, self.unknown_items = int(facts["newest"]), int(facts["unknown_items"])


def checked_time(time: Any, what: str) -> int:
    """A time in whole seconds.

    Raises:
        UsageError: it is none, or counts another unit by the rule for files.
    """
    if not isinstance(time, int | np.integer) or isinstance(time, bool):
        raise UsageError(f"the {what} must be a whole number of seconds (got {time!r})")
    unit = unit_of(int(time))
    if unit != "seconds":
        raise UsageError(f"the {what} must be a number of seconds since 1970 (got {time}, which counts {unit})")
    return int(time)
