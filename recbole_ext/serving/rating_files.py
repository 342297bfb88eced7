"""`metric-audit` and `rate`: files of predictions that are looked at, and files of pairs that are predicted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from recbole_ext.errors import DataError
from recbole_ext.serving.bulk.lines import has_quoted_cells
from recbole_ext.serving.given_columns import GivenTimes
from recbole_ext.serving.rater import Rater, open_rater, together
from recbole_ext.tasks.ratings.audit.evidence import Evidence
from recbole_ext.tasks.ratings.audit.metric_audit import metric_audit
from recbole_ext.tasks.ratings.metrics import Predictions

_DECIMALS = 4
"""Places to which a file of predictions is rounded; what the calls return is not."""

_VALUES = ("rating", "prediction")
_AGAIN = "_duplicated_0"
"""What polars appends to the name of a column that comes a second time."""


def read_columns(
    path: Path,
    needed: list[str],
    names: Mapping[str, str] = MappingProxyType({}),
    numbers: Sequence[str] = (*_VALUES, "timestamp"),
) -> pd.DataFrame:
    """A tab- or comma-separated file with a header, `user_id` or `user_id:token`; ids stay text.

    Args:
        path: the file.
        needed: columns that it must have.
        names: a data set's own names of columns -> the names here.
        numbers: columns that hold finite numbers, where the file has them.

    Raises:
        DataError: the file cannot be read, or a column or a number is missing.
    """
    try:
        header = path.read_text(encoding="utf-8").partition("\n")[0]
        separator, quote = "\t" if "\t" in header else ",", '"' if has_quoted_cells(header) else None
        table = pl.read_csv(path, separator=separator, quote_char=quote, infer_schema=False, glob=False)
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {path}: {error}") from None
    plain = [name.removesuffix(_AGAIN).partition(":")[0] for name in table.columns]
    if len({*plain}) < len(plain):
        twice = next(name for name in plain if plain.count(name) > 1)
        raise DataError(f"{path}: the header has the column {twice!r} more than once; leave one of them out")
    table = table.rename(dict(zip(table.columns, plain, strict=True)))
    own = {name: names[name] for name in table.columns if names.get(name, name) != name}
    table = table.drop(own.values(), strict=False).rename(own)  # the run's own name of a column comes first
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DataError(f"{path}: the column {missing[0]!r} is missing; the header has {', '.join(table.columns)}")
    frame = pd.DataFrame({name: table[name].to_list() for name in table.columns})
    for name in numbers:
        if name in frame:
            found = pd.to_numeric(frame[name], errors="coerce")
            bad = np.flatnonzero(~np.isfinite(found.to_numpy(dtype=float)))
            if len(bad):
                raise DataError(f"{path}:{bad[0] + 2}: {name} {frame[name][bad[0]]!r} is not a finite number")
            frame[name] = found
    return frame


def audit_files(predictions: Path, train: Path | None, reported: dict[str, float], dataset: str) -> dict[str, Any]:
    """`metric_audit` of a file with user_id, item_id, rating and prediction.

    Args:
        predictions: the file.
        train: file of the training rows with user_id, item_id and rating, for the checks that need them; with
            `timestamp` in both, a pair at another time is another event.
        reported: numbers that were printed for it.
        dataset: its name.

    Raises:
        DataError: a file is not readable.
    """
    rows = read_columns(predictions, ["user_id", "item_id", "rating", "prediction"])
    known = read_columns(train, ["user_id", "item_id", "rating"]) if train else rows[:0]
    user, item = (_numbered(known[name], rows[name]) for name in ("user_id", "item_id"))
    ratings = known["rating"] if train else rows["rating"]
    scale = (float(ratings.min()), float(ratings.max()))
    truth, predicted = (rows[name].to_numpy(dtype=float) for name in ("rating", "prediction"))
    n = len(known)
    timed = train is not None and "timestamp" in rows and "timestamp" in known
    times = [frame["timestamp"].to_numpy() if timed else None for frame in (rows, known)]
    found = Predictions(user[n:], item[n:], truth, predicted, scale, times[0])
    past = (user[:n], item[:n], known["rating"].to_numpy(dtype=float)) if train else None
    return metric_audit(Evidence(found, past, reported, dataset, times[1]))


def _numbered(first: pd.Series, second: pd.Series) -> np.ndarray:
    return pd.factorize(pd.concat([first, second]).astype(str))[0]


def _times(rater: Rater, path: Path | None) -> GivenTimes:
    """What the times of a file count: the unit of the run."""
    return GivenTimes(rater.config["time_unit"], str(path or ""))


def rated_pairs(
    runs: list[Path], pairs: Path | None, history: Path | None, data_path: str | None, device: str | None = None
) -> pl.DataFrame:
    """Predicted ratings as a table, in the data's names of columns; `prediction` and `std` are rounded.

    Args:
        runs: directories of finished runs, which are averaged.
        pairs: file with user_id and item_id; None for the new user of `history` and every item.
        history: file with item_id and rating of a new user.
        data_path: where the runs' data is now; None: where it was.
        device: where to compute; None: the run's, or what is here.

    Raises:
        UsageError: a run does not predict ratings.
        DataError: a file is not readable.
    """
    raters = [open_rater(run, data_path, device) for run in runs]
    names = raters[0].names
    if history:
        known = read_columns(history, ["item_id", "rating"], names, _VALUES)
        for rater in raters:
            rater.fold_in(known, _times(rater, history))
    wanted = read_columns(pairs, ["user_id", "item_id"], names, _VALUES) if pairs else raters[0].everything()
    rated = together([rater.rate(wanted, _times(rater, pairs)) for rater in raters])
    if not pairs:
        rated = rated.sort_values("prediction", ascending=False, kind="stable")
    rated = rated.round({"prediction": _DECIMALS, "std": _DECIMALS})
    rated = rated.rename(columns={name: own for own, name in names.items() if name != "rating"})
    return pl.DataFrame({str(name): rated[name].to_list() for name in rated})
