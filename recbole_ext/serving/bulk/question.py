"""What is asked of a run: for whom, how many items, and among which."""

from dataclasses import dataclass
from typing import Any

from dataset_tools.times.clocks import unit_of
from recbole_ext.amounts import is_whole
from recbole_ext.errors import UsageError
from recbole_ext.serving.bulk.lines import Lines

VIEWS = ("now", "test", "valid")


def names_of(config: Any) -> dict[str, tuple[str, str, str]]:
    """Names that a column of users, and one of items, may have where ids are given; those of the data come first."""
    return {kind: (config[f"{kind.upper()}_ID_FIELD"], f"{kind}_id", kind) for kind in ("user", "item")}


@dataclass(frozen=True)
class Question:
    """A question that has been checked as far as it can be without the run.

    Attributes:
        users: who is asked for; None for all users. With a history at most one: the user whose items are given.
        k: items for each.
        history: events in place of the run's; None for those of the run.
        source: the file of the history, for what is reported of its lines; "" where there is none.
        at: `now`: after all events; `test` or `valid`: as the evaluation of that split sees the user.
        time: of the recommendation, in seconds; None for the newest in the data.
        remove_seen: whether seen items are left out; None as the run's protocol.
        allow: items that may be recommended; None for all.
        deny: items that may not be; None for none.

    Raises:
        UsageError: a value that is none of these, or two that exclude each other.
    """

    users: Lines | None = None
    k: int = 10
    history: Any = None
    source: str = ""
    at: str = "now"
    time: int | None = None
    remove_seen: bool | None = None
    allow: Lines | None = None
    deny: Lines | None = None

    def __post_init__(self) -> None:
        if not is_whole(self.k) or self.k < 1:
            raise UsageError(f"k must be a whole number of at least 1 (got {self.k!r})")
        if self.at not in VIEWS:
            raise UsageError(f"at must be one of {', '.join(VIEWS)} (got {self.at!r})")
        if self.time is not None and not (is_whole(self.time) and unit_of(self.time) == "seconds"):
            raise UsageError(f"time must be a whole number of seconds since 1970 (got {self.time!r})")
        if self.time is not None and self.at != "now":
            raise UsageError(f"time is for at='now'; a row of {self.at} has its own")
        if self.remove_seen not in (None, True, False):
            raise UsageError(f"remove_seen must be True, False or None (got {self.remove_seen!r})")
        if self.history is not None and self.at != "now":
            raise UsageError(
                f"at={self.at!r} is the view of an evaluation, which has histories of its own; leave history out"
            )
        named = self.users.ids if self.users is not None else []
        if self.history is not None and len(named) > 1:
            raise UsageError(
                f"users names {len(named)} users beside a history; name the one whose items are given, or none"
            )

    @property
    def name(self) -> str:
        """The user whose items are given."""
        return self.users.ids[0] if self.users is not None and self.users.ids else "new user"

    @classmethod
    def of(cls, config: Any, users: Any, k: int, history: Any, allow: Any, deny: Any, **more: Any) -> "Question":
        """From the arguments of a call in Python, see `Run.recommend`.

        Args:
            config: of the run, for its names of columns.

        Raises:
            UsageError: see the class.
            DataError: a table of ids without their column.
        """
        columns = names_of(config)
        given = zip(("user", "item", "item"), (users, allow, deny), strict=True)
        named, allowed, denied = (None if ids is None else Lines.of(ids, columns[kind]) for kind, ids in given)
        whole = {name: int(of) for name, of in {"k": k, **more}.items() if is_whole(of)}  # numpy has whole numbers too
        return cls(named, history=history, allow=allowed, deny=denied, **{"k": k, **more, **whole})
