"""`recommend` on files: ids and histories that are read, and the file to which the answer goes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.serving.bulk.lines import Lines
from recbole_ext.serving.bulk.question import Question, names_of
from recbole_ext.serving.rating_files import read_columns

VIEWS = {"train": "valid", "valid": "test", "all": "now"}
"""Events up to a split -> the view of `Run.recommend` that has seen them."""


def remove_seen(exclude: bool, include: bool) -> bool | None:
    """What `--exclude-seen` and `--include-seen` mean; None where the run's protocol decides.

    Raises:
        UsageError: both are given.
    """
    if exclude and include:
        raise UsageError(
            "--exclude-seen and --include-seen exclude each other; give one, or none for the run's protocol"
        )
    return True if exclude else False if include else None


@dataclass(frozen=True)
class Inputs:
    """What a command line names to be read; None for what it does not.

    Attributes:
        users: one per line.
        history: columns of users, items and times; of one user without the column of users.
        allow, deny: items, one per line.
    """

    users: Path | None
    history: Path | None
    allow: Path | None
    deny: Path | None

    @property
    def files(self) -> list[Path | None]:
        """All of them."""
        return [self.users, self.history, self.allow, self.deny]

    def question(self, config: Config, users: str, until: str, **more: Any) -> Question:
        """The question of a command line.

        Args:
            config: of the run, for its names of columns.
            users: ids with commas, or `all`, where there is no file of them.
            until: of `VIEWS`.
            more: as for `Question`.

        Raises:
            UsageError: values that exclude each other.
            DataError: a file cannot be read.
        """
        named = Lines.of([name.strip() for name in users.split(",") if name.strip()])
        if self.users is not None:
            named = Lines.read(self.users, names_of(config)["user"])
        items = names_of(config)["item"]
        allow, deny = (None if path is None else Lines.read(path, items) for path in (self.allow, self.deny))
        return Question(
            None if users == "all" else named,
            history=None if self.history is None else read_history(config, self.history),
            source=str(self.history or ""),
            allow=allow,
            deny=deny,
            at=VIEWS[until],
            **more,
        )


def read_history(config: Config, path: Path) -> pd.DataFrame:
    """All columns of a file of events: `user_id`, `item_id`, `timestamp`, or the run's own names of these, and others.

    All of them are text; the times count what the run's `time_unit` names.

    Raises:
        DataError: the file cannot be read, or a column is missing.
    """
    own = {config["USER_ID_FIELD"]: "user_id", config["ITEM_ID_FIELD"]: "item_id", config["TIME_FIELD"]: "timestamp"}
    return read_columns(path, ["item_id"], {name: plain for name, plain in own.items() if name}, ())
