"""What both engines share: users and their events, queries and answers, snapshots, and a lock around them."""

import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from recbole_ext.serving.live.followed_users import FollowedUsers
from recbole_ext.serving.live.messages import Answer, Event, Query
from recbole_ext.serving.live.question import Question, question_of
from recbole_ext.serving.live.settings import EngineSettings
from recbole_ext.serving.live.snapshot import Fingerprint, Snapshot, read_snapshot, write_snapshot
from recbole_ext.serving.load import LoadedRun
from recbole_ext.tasks.ranking.data.seen import removes_seen_items

Array = np.ndarray[Any, Any]
_USERS = "users."


class LiveEngine:
    """Base of the engines; a subclass scores, and keeps what it needs of each user.

    Args:
        run: opened, of a model that ranks items; its events of all splits are taken in.
        settings: see there.

    Attributes:
        users: who is followed.
    """

    def __init__(self, run: LoadedRun, settings: EngineSettings) -> None:
        self.run, self.settings = run, settings
        self.users = FollowedUsers(run, settings.recent_events)
        self.removes_seen = removes_seen_items(run.config)
        self._lock = threading.RLock()

    @property
    def n_users(self) -> int:
        """Users of whom an event is known."""
        return int((self.users.chains.count > 0).sum())

    @property
    def value_names(self) -> tuple[str, ...]:
        """See `Engine`."""
        return self.users.fields.names

    @cached_property
    def _fingerprint(self) -> Fingerprint:
        return Fingerprint.of(self.run)

    def update(self, event: Event) -> str:
        """Take an event in: `applied`, `late`, `duplicate` or `unknown_item`; see `FollowedUsers.take`.

        The state after any order of arrival is that of the order of time; only events of one second stay in the order
        of arrival. Events of unknown items are counted and left out.

        Raises:
            UsageError: a user, item, time or value that is none.
        """
        with self._lock:
            outcome, user = self.users.take(event)
            if user >= 0:
                self._follow(user, late=outcome == "late")
            return outcome

    def remember(self, event_id: str | None) -> None:
        """See `Engine`."""
        with self._lock:
            self.users.remember(event_id)

    def recommend(self, query: Query) -> Answer:
        """The best items for a user, or after a history that is given.

        Raises:
            UsageError: a bad k or time; no event of the user is known and no history given; the model cannot answer.
        """
        with self._lock:
            question = question_of(query, self.users, self.removes_seen)
            prepared = self._prepare(question)
        items, scores = self._best(question, prepared)
        notes = list(question.notes)
        if len(items) < question.k:
            notes.append(f"k is {question.k}, and {len(items)} items are candidates")
        tokens = self.users.item_tokens[items]
        return Answer([str(token) for token in tokens], scores.tolist(), question.seen_removed, notes)

    def save(self, directory: Path, extra: dict[str, Any] | None = None) -> None:
        """Write a snapshot, which replaces an older one whole or not at all.

        Args:
            directory: of the snapshot, made if it is missing.
            extra: what JSON can hold; returned by `restore`.
        """
        with self._lock:
            arrays = {f"{_USERS}{name}": array for name, array in self.users.chains.arrays().items()}
            facts = {"users": self.users.facts(), "engine": self._facts(), "extra": extra}
        arrays |= self._arrays(arrays[f"{_USERS}count"])
        write_snapshot(Path(directory), Snapshot(self._fingerprint, facts, arrays))

    def restore(self, directory: Path) -> dict[str, Any] | None:
        """Take the users and events of a snapshot in place of the present ones.

        Returns:
            Its `extra` ({} where none was given); None where there is no snapshot.

        Raises:
            UsageError: it is of other weights or another catalogue, or damaged.
        """
        snapshot = read_snapshot(Path(directory), self._fingerprint)
        if snapshot is None:
            return None
        chains = {name.removeprefix(_USERS): of for name, of in snapshot.arrays.items() if name.startswith(_USERS)}
        with self._lock:
            self.users.restore(snapshot.facts["users"])
            self.users.chains.restore(chains)
            self._restore(snapshot)
        return snapshot.facts["extra"] or {}

    def _follow(self, user: int, late: bool) -> None:
        """Note that the newest event of a user was taken in, or a late one."""

    def _prepare(self, question: Question) -> Any:
        """What is read under the lock."""
        raise NotImplementedError(f"{type(self).__name__} must define _prepare")

    def _best(self, question: Question, prepared: Any) -> tuple[Array, Array]:
        """Items and scores, best first; outside the lock."""
        raise NotImplementedError(f"{type(self).__name__} must define _best")

    def _arrays(self, count: Array) -> dict[str, Array]:
        """What a snapshot holds besides the events, of users who still have `count` events; takes the lock itself."""
        return {}

    def _facts(self) -> dict[str, Any]:
        """Settings on which `_arrays` depend."""
        return {}

    def _restore(self, snapshot: Snapshot) -> None:
        """Take what `_arrays` gave."""
