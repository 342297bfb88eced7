"""The new rows: read as the run reads its own, compared with these, and divided by time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dataset_tools.times.tally import dated
from recbole_ext.errors import DataError, UsageError
from recbole_ext.model_list import GROWING
from recbole_ext.serving.histories import has_events
from recbole_ext.serving.later.files import Given, read_events
from recbole_ext.serving.later.rows import LaterRows
from recbole_ext.serving.load import LoadedRun

TRAIN, VALID, TEST = PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Shares:
    """The newest fractions of the new rows.

    Attributes:
        valid: the rows by which the epoch is chosen.
        test: the rows on which old and new weights are compared; the newest.
    """

    valid: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        for name, value in (("valid-share", self.valid), ("test-share", self.test)):
            if not 0 < value < 1:
                raise UsageError(f"--{name} must lie between 0 and 1, ends excluded (got {value:g})")
        if not self.valid + self.test < 1:
            raise UsageError(
                f"--valid-share and --test-share leave nothing to train on ({self.valid:g} and {self.test:g}); "
                "their sum must be below 1"
            )


@dataclass(frozen=True)
class NewRows:
    """What came after a run.

    Attributes:
        table: the columns that the run reads, in the order of time, without rows that are left out.
        part: (n,) str, `train`, `valid` or `test`.
        starts: first moment of each part, Unix seconds.
        left_out: reason -> rows.
        new_users, new_items: how many the run does not know.
    """

    table: pd.DataFrame
    part: np.ndarray
    starts: dict[str, int]
    left_out: dict[str, int]
    new_users: int
    new_items: int

    def of(self, *parts: str) -> pd.DataFrame:
        """The rows of some parts."""
        return self.table[np.isin(self.part, parts)]


def require_growing(run: LoadedRun) -> None:
    """Refuse runs that cannot go on with new users and items.

    Raises:
        UsageError: the model cannot, or its rows bring their histories along.
        DataError: its data have no times.
    """
    config, train = run.config, run.train
    if not config.entry.grows:
        raise UsageError(
            f"{run.path}: a run of {config.model} cannot be continued, because its tables cannot get rows for new "
            f"users and items; continue is for {', '.join(GROWING)}\n"
            "train it again on old and new rows; or, for rows of known users and items alone, --start_from=RUN"
        )
    if config["normalize_all"] or config["normalize_field"]:
        raise UsageError(
            f"{run.path}: its float columns were normalised over its own rows (normalize_all, normalize_field), so new "
            "rows would get other values; train it again on old and new rows"
        )
    if config.entry.family == "sequential" and not has_events(run):
        raise UsageError(
            f"{run.path}: its rows bring their histories along, so it cannot be continued on single interactions"
        )
    if train.time_field not in (train.events.columns if has_events(run) else train.inter_feat):
        raise DataError(
            f"{run.path}: it reads no times, so nothing says which rows are new; train it with a column of times "
            "(TIME_FIELD, load_col)"
        )


def read_new(run: LoadedRun, given: Given, shares: Shares) -> NewRows:
    """The rows that came after the run.

    Args:
        run: see `require_growing`.
        given: an atomic file, a folder of a data set, or a table, whose times are seconds.
        shares: of validation and test.

    Raises:
        DataError: a column is missing or of another type, no row is new, one is earlier than the newest row of the
            run, or there are too few to be divided.
    """
    field, table = run.train.time_field, read_events(run, given)
    if field not in table:
        raise DataError(f"the new rows have no column {field!r}, which the run reads; name it as in the run's files")
    rows = LaterRows(run, table)
    item_named = table[run.train.iid_field].cat.codes.to_numpy() >= 0
    reasons = {
        "rows of the run already": rows.split >= 0,
        "without a user or an item": ~(rows.named & item_named),
        "outside val_interval": ~rows.wanted,
    }
    kept = ~np.any(list(reasons.values()), axis=0)
    left_out = {reason: int(where.sum()) for reason, where in reasons.items() if where.any()}
    if not kept.any():
        found = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
        raise DataError(f"none of the {len(table):,} rows is new ({found}); give interactions that came after the run")
    rows.columns(np.flatnonzero(kept))  # refuses what is no number
    _require_later(rows, kept)
    part, starts = _divided(table[field].to_numpy()[kept], shares)
    users, items = (table[name][kept & (ids == 0)].nunique() for name, ids in _ids(rows))
    return NewRows(table[kept], part, starts, left_out, users, items)


def _ids(rows: LaterRows) -> tuple[tuple[str, np.ndarray], ...]:
    train = rows.run.train
    return (train.uid_field, rows.user), (train.iid_field, rows.item)


def _require_later(rows: LaterRows, kept: np.ndarray) -> None:
    """Refuse rows that are earlier than the newest row of the run.

    Raises:
        DataError: there are some.
    """
    times = rows.table[rows.run.train.time_field].to_numpy()
    newest = newest_time(rows.run)
    early = np.flatnonzero(kept & (times < newest))
    if not len(early):
        return
    first = int(early[0])
    raise DataError(
        f"{len(early):,} of {int(kept.sum()):,} new rows are earlier than the newest row of the run, which is of "
        f"{dated(newest)}; the first is row {int(rows.table.index[first]) + 1}, of {dated(int(times[first]))}\n"
        f"give the rows from {dated(newest)} on, or train a new run on all rows"
    )


def newest_time(run: LoadedRun) -> int:
    """The time of the newest row of the run, of whatever split, in Unix seconds."""
    train = run.train
    if has_events(run):
        return int(train.events[train.time_field].max())
    parts = [part.inter_feat[train.time_field] for part in run.loaders.parts if len(part)]
    return max(int(times.max()) for times in parts)


def _divided(times: np.ndarray, shares: Shares) -> tuple[np.ndarray, dict[str, int]]:
    """The part of each row, and when the parts begin; rows of one second are of one part.

    Args:
        times: (n,) int64 seconds, ascending.
        shares: of validation and test.

    Raises:
        DataError: a part has no row.
    """
    n = len(times)
    places = [int(n * (1 - shares.valid - shares.test)), int(n * (1 - shares.test))]
    valid, test = (int(times[min(place, n - 1)]) for place in places)
    if not times[0] < valid < test:
        raise DataError(
            f"{n:,} new rows with {len(np.unique(times)):,} different times cannot be divided by time into training, "
            f"validation ({shares.valid:g}) and test ({shares.test:g}); give more rows, or other shares"
        )
    part = np.select([times >= test, times >= valid], [TEST, VALID], TRAIN)
    return part, {TRAIN: int(times[0]), VALID: valid, TEST: test}
