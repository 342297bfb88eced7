"""What a live engine takes in, what it is asked, and what it answers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias


@dataclass(frozen=True)
class Event:
    """One interaction of a user.

    Attributes:
        user, item: ids as the data has them.
        time: seconds; None for data without times.
        event_id: by which a repeated delivery is recognised; None for none.
        values: of other columns that the model reads of an event, by name, tokens as the data has them; one that is
            missing or None is unknown.
    """

    user: str
    item: str
    time: int | None
    event_id: str | None = None
    values: Mapping[str, str | float | None] = field(default_factory=dict)


PastEvent: TypeAlias = tuple[str, int | None] | tuple[str, int | None, Mapping[str, str | float | None]]


@dataclass(frozen=True)
class Query:
    """A request for the k best items.

    Attributes:
        user: whose followed events are used; None with `history` for an anonymous user.
        history: (item, time) or (item, time, values) events in place of the followed ones, oldest first; None for the
            followed ones. Values as of an `Event`.
        k: length of the list.
        at: time of the recommendation in seconds, for models that read it; None: the newest time known.
        allow: the only candidates; None for all items.
        deny: items that are no candidates.
        exclude_seen: whether items of the user's history are no candidates; None: as the run's protocol does.
    """

    user: str | None = None
    history: Sequence[PastEvent] | None = None
    k: int = 10
    at: int | None = None
    allow: Collection[str] | None = None
    deny: Collection[str] | None = None
    exclude_seen: bool | None = None


@dataclass(frozen=True)
class Answer:
    """A list of items, best first.

    Attributes:
        items: ids as the data has them; fewer than k where there are fewer candidates.
        scores: of the items.
        seen_removed: whether items of the user's history were no candidates.
        notes: a sentence for each unknown item, for a history that was folded in, and the like.
    """

    items: list[str]
    scores: list[float]
    seen_removed: bool
    notes: list[str] = field(default_factory=list)


class Engine(Protocol):
    """Follows users event by event and recommends at any time; safe to call from several threads."""

    @property
    def n_users(self) -> int:
        """Users of whom an event is known."""

    @property
    def value_names(self) -> tuple[str, ...]:
        """Columns that the model reads of an event besides user, item and time."""

    def update(self, event: Event) -> str:
        """Take an event in: `applied`, `duplicate`, `late` or `unknown_item`.

        Raises:
            UsageError: the event can't be used, for instance one without a time where the model reads times.
        """

    def remember(self, event_id: str | None) -> None:
        """Note an event that the run's data have: if it is sent again, it is a duplicate."""

    def recommend(self, query: Query) -> Answer:
        """The best items.

        Raises:
            UsageError: a bad k, an unknown user without a history, ...
        """

    def save(self, directory: Path, extra: dict[str, Any] | None = None) -> None:
        """Write a snapshot, which appears whole or not at all.

        Args:
            directory: of the snapshot, made if it is missing.
            extra: what JSON can hold; returned by `restore`.
        """

    def restore(self, directory: Path) -> dict[str, Any] | None:
        """Take the state of a snapshot, and return its `extra`; None where there is no snapshot.

        Raises:
            UsageError: it is of other weights, or damaged.
        """
