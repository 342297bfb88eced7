"""The future of a run: later files, or the part of its own data that begins after what it was trained on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dataset_tools.drift.windows import Windows, make_windows, require_users
from dataset_tools.files.dataset_files import interaction_files
from dataset_tools.split.cut_words import parse_share, parse_span, parse_time
from dataset_tools.times.tally import dated
from recbole_ext.data.rows.cut import parts_of
from recbole_ext.data.rows.split_counts import trained_columns
from recbole_ext.errors import DataError, UsageError
from recbole_ext.runs.recorded import require_tested
from recbole_ext.serving.later.files import read_events
from recbole_ext.serving.load import LoadedRun

TEST = "test"
_ALLOWED = "give a file, a data set's folder, test, a time such as 2015-03-31T06:40:03Z, or a fraction such as 0.8"


@dataclass(frozen=True)
class Future:
    """Later interactions.

    Attributes:
        files: where they are.
        table: their columns that the run reads, in the order of time.
        is_own: whether they are rows of the run's own data, after a cut.
        first, last: oldest and newest interaction of the run's past, Unix seconds.
        start: first moment of the future.
    """

    files: tuple[Path, ...]
    table: pd.DataFrame
    is_own: bool
    first: int
    last: int
    start: int


def open_future(run: LoadedRun, given: str) -> Future:
    """Read the future that `--future` names.

    Args:
        run: opened.
        given: see `ModelDriftOptions`.

    Raises:
        DataError: there are no times, the future is not after the past, or a file is not as the run reads it.
        UsageError: it is neither a file nor a cut, or a cut through data that was all trained on.
    """
    if not run.train.time_field or not len(_times(run, 0)):
        raise DataError(f"{run.path}: its data have no times, and drift is over time; name the column: TIME_FIELD")
    if Path(given).exists():
        return _of_files(run, Path(given))
    if "/" in given or given.endswith(".inter"):
        raise DataError(f"--future {given}: there is no such file or folder; {_ALLOWED}")
    return _of_own_data(run, given)


def _of_files(run: LoadedRun, path: Path) -> Future:
    table = read_events(run, path)
    if run.train.time_field not in table:
        raise DataError(f"{path}: it has no column {run.train.time_field!r}, and drift is over time")
    times, past = table[run.train.time_field].to_numpy(), np.concatenate([_times(run, split) for split in range(3)])
    if times[-1] < past.min():
        raise DataError(
            f"{path}: this future ends at {dated(int(times[-1]))}, before the data of the run begin at "
            f"{dated(int(past.min()))}; give interactions after {dated(int(past.max()))}"
        )
    if times[0] < past.max():
        raise DataError(
            f"{path}: past and future overlap: this future begins at {dated(int(times[0]))}, the data of the run end "
            f"at {dated(int(past.max()))}\ndivide the data before training (recbole-data split), and give --future test"
        )
    files = tuple(interaction_files(path))
    return Future(files, table, False, int(past.min()), int(past.max()), int(times[0]))


def _of_own_data(run: LoadedRun, given: str) -> Future:
    require_tested(run.config.final_config_dict, run.path, "give --future a FILE of interactions that came later")
    past, file = np.concatenate([_times(run, split) for split in range(2)]), own_files(run)[-1]
    table = read_events(run, file)
    times = table[run.train.time_field].to_numpy()
    cut = int(times[0]) if given == TEST and parts_of(run.config) else _cut(run, given)
    if past.max() >= cut:
        raise DataError(
            f"{run.path}: it was trained and validated on interactions until {dated(int(past.max()))}, so its future "
            f"cannot begin at {dated(cut)}\ngive a later cut or later files; or train on data that are divided by time "
            "(recbole-data split)"
        )
    if times[-1] < cut:
        raise DataError(f"{file}: it has no interaction at or after {dated(cut)}; give an earlier cut")
    return Future((file,), table[times >= cut], True, int(past.min()), int(past.max()), cut)


def own_files(run: LoadedRun) -> tuple[Path, ...]:
    """The files of the run's own interactions, in the order of time.

    Raises:
        DataError: one is not where the run found it.
    """
    folder, parts = Path(run.config["data_path"]), parts_of(run.config)
    names = [f"{run.config.dataset}.{part}.inter" for part in parts] or [f"{run.config.dataset}.inter"]
    for name in names:
        if not (folder / name).is_file():
            raise DataError(f"{folder / name} is missing, which the run was made of; restore it, or --data_path=DIR")
    return tuple(folder / name for name in names)


def _cut(run: LoadedRun, given: str) -> int:
    """The first moment of the future that `--future` names."""
    if given == TEST:
        return int(_times(run, 2).min())
    try:
        if "." not in given:
            return parse_time(given)
        share = parse_share(given, "--future")
    except UsageError as error:
        raise UsageError(f"--future {given}: {_ALLOWED} ({error})") from None
    every = np.sort(np.concatenate([_times(run, split) for split in range(3)]))
    return int(every[int(share * len(every))])


def _times(run: LoadedRun, split: int) -> np.ndarray:
    """(n,) int64 times of the training (0), validation (1) or test (2) split.

    A run that reads no times has them in its files; of data in one file, all count as training then.
    """
    field, none = run.train.time_field, np.zeros(0, dtype=np.int64)
    columns = trained_columns(run.train, run.loaders.parts)
    if split and field in columns:
        return np.asarray(run.loaders.parts[split].inter_feat[field])
    if field in columns:
        return columns[field]
    files = own_files(run)
    if split and len(files) == 1:
        return none
    file = files[-1] if split == 2 else files[split] if split < len(files) - 1 or not split else None
    table = None if file is None else read_events(run, file)
    return none if table is None or field not in table else table[field].to_numpy()


def windows_of(future: Future, times: np.ndarray, users: pd.Series, span: str | None) -> Windows:
    """The consecutive windows of the future.

    Args:
        future: see `Future`.
        times: (n,) int64 of its interactions.
        users: (n,) tokens.
        span: length, such as `30d`; None for one window.

    Raises:
        UsageError: the length cannot be read.
        DataError: a window has no rows, or those of one user alone.
    """
    length = None if span is None else parse_span(span)
    windows = make_windows(future.first, int(times.max()), future.start, length, 0)
    place = windows.index(times, "future")
    counts = users.groupby(place, observed=True).nunique()
    for index in windows.future:
        require_users(windows, index, int(counts.get(index, 0)), future.files[0])
    return windows
