"""`recommend` on files: users and histories that are read, and a table of recommendations that is written."""

import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from recbole_ext.errors import DataError, UsageError
from recbole_ext.files import write_atomically
from recbole_ext.serving.rating_files import read_columns
from recbole_ext.serving.run import Run

FORMATS = (".tsv", ".csv", ".jsonl", ".parquet")
VIEWS = {"train": "valid", "valid": "test", "all": "now"}
"""Events up to a split -> the view of `Run.recommend` that has seen them."""


def check_output(path: Path | None) -> None:
    """Refuse a file whose ending names no format.

    Raises:
        UsageError: the ending is unknown.
    """
    if path is not None and path.suffix not in FORMATS:
        raise UsageError(f"--output must end in one of {', '.join(FORMATS)} (got {str(path)!r})")


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


def read_users(text: str) -> list[str] | None:
    """Users from a file with one per line, from ids with commas, or None for `all`.

    Raises:
        DataError: the file is empty or not UTF-8.
    """
    if text == "all":
        return None
    if not Path(text).is_file():
        return [name.strip() for name in text.split(",") if name.strip()]
    try:
        lines = Path(text).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"cannot read {text} as UTF-8: {error}") from None
    users = [line.strip() for line in lines if line.strip()]
    if users and users[0].partition(":")[0] in ("user_id", "user"):  # a column with its header
        users = users[1:]
    if not users:
        raise DataError(f"{text}: the file names no user")
    return users


def recommended(
    run: Run,
    users: str = "all",
    history: Path | None = None,
    k: int = 10,
    until: str = "all",
    time: int | None = None,
    seen: bool | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Recommendations for users of the run, or for histories of a file.

    Args:
        run: of a ranking model.
        users: see `read_users`.
        history: file with the columns of users, items and times; one user without the column of users.
        k: length of the lists.
        until: of `VIEWS`.
        time: in seconds, for models that read the time of a recommendation.
        seen: True removes seen items, False keeps them, None does as the run's protocol.

    Returns:
        The table, and what was left out in a line each, after a line on the seen items.

    Raises:
        UsageError: the model cannot answer.
        DataError: no user or no event is left.
    """
    named = read_users(users)
    events = None if history is None else _read_history(run, history)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what was skipped is returned
        table = run.recommend(named, k, events, VIEWS[until], time, seen)
    removed = run.config["filter_seen_items"] if seen is None else seen
    why = "as the protocol of the run" if seen is None else "as asked"
    lines = [f"seen items are {'left out' if removed else 'kept'}, {why}"]
    skipped = table.attrs["skipped"]
    return table, [*lines, *(f"skipped     {text}" for text in skipped)]


def _read_history(run: Run, history: Path) -> pd.DataFrame:
    config = run.config
    own = {config["USER_ID_FIELD"]: "user_id", config["ITEM_ID_FIELD"]: "item_id", config["TIME_FIELD"]: "timestamp"}
    return read_columns(history, ["item_id"], {name: plain for name, plain in own.items() if name})


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table in the format that the file's ending names, atomically.

    Raises:
        ResourceError: the file cannot be written.
    """
    write_atomically(path, _WRITTEN[path.suffix](table))


def _parquet(table: pd.DataFrame) -> bytes:
    import io

    import polars as pl

    columns: dict[str, Any] = {name: table[name].to_list() for name in table}
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


_WRITTEN = {
    ".tsv": lambda table: table.to_csv(sep="\t", index=False).encode(),
    ".csv": lambda table: table.to_csv(index=False).encode(),
    ".jsonl": lambda table: table.to_json(orient="records", lines=True, force_ascii=False).encode(),
    ".parquet": _parquet,
}
