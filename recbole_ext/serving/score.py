"""`score`: click probabilities for a file of users, items and times, by the best weights of a run.

The file is a table with tabs and a line of names: `user_id`, `item_id` and `timestamp` as the data set names them, and
context columns where the model has some. A row of the run's splits gets the probability that the run computes for it;
any other row sees the run's events strictly before its time, or the history that is in the file: `item_id_list`,
`behavior_list` and `age_list` (seconds before the row), oldest first, with spaces. Unknown
ids are allowed.
"""

from pathlib import Path
from typing import Any

import polars as pl
import torch

from recbole_ext.errors import DataError, UsageError
from recbole_ext.files import write_atomically
from recbole_ext.serving.bulk.safe_cells import safe_cells
from recbole_ext.serving.bulk.table_files import table_file
from recbole_ext.serving.click_answers import ClickAnswers, ClickRows
from recbole_ext.serving.given_columns import GivenTimes
from recbole_ext.serving.load import finished_config, load_run
from recbole_ext.tasks.clicks.columns import AGES, BEHAVIOURS
from recbole_ext.tasks.registered import task_of

_DECIMALS = 6
_SECONDS = GivenTimes()


def score(
    run: Path,
    source: Path,
    target: Path,
    data_path: str | None = None,
    device: str | None = None,
    safe: bool = False,
) -> int:
    """Write the rows of a file with their `probability`, rounded to 6 decimal places.

    Args:
        run: directory of a finished run of a click model.
        source: what to score.
        target: where to write, with an ending of `FORMATS`.
        data_path: where the run's data is now; None: where it was.
        device: where to compute; None: where the run did, or on the best device here if that one is not.
        safe: whether cells that a spreadsheet would execute are marked, see `safe_cells`.

    Returns:
        The number of rows.

    Raises:
        UsageError: no such run, or of a model that predicts no clicks.
        DataError: the file lacks a column, a value is no number where one is needed, or the run's data has changed.
    """
    config = finished_config(run, data_path, device)
    if "click_probability" not in task_of(config.entry).answers:
        raise UsageError(f"--run={run}: {config.model} predicts no clicks; score is for MDAFMamba and MDAFBST")
    table = _read(source)
    loaded = load_run(run, config, raw=data_path is not None)
    asked = read_rows(loaded.train, table, GivenTimes(config["time_unit"], str(source)))
    probabilities = ClickAnswers(loaded).probabilities(asked)
    scored = table.with_columns(pl.Series("probability", probabilities).round(_DECIMALS))
    if target.suffix == ".tsv":  # as the input, in which quotes are part of a cell
        shown = safe_cells(scored) if safe else scored
        write_atomically(target, shown.write_csv(separator="\t", quote_style="never").encode())
    else:
        with table_file(target, safe) as file:
            file.add(scored)
    return len(scored)


def _read(source: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(source, separator="\t", quote_char=None, infer_schema=False, glob=False).fill_null("")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {source} as a table with tabs: {error}") from None


def read_rows(train: Any, table: pl.DataFrame, times: GivenTimes = _SECONDS) -> ClickRows:
    """The rows in the ids of the run.

    Args:
        train: the run's training split.
        table: columns of text; times may be datetimes.
        times: what these count, and the file.

    Raises:
        DataError: a column is missing, or a value is no number or no time where one is needed.
    """
    listed = train.iid_field + train.config["LIST_SUFFIX"]
    needed = [train.uid_field, train.iid_field, train.time_field, *train.context_fields()]
    needed += [listed, BEHAVIOURS, AGES] if listed in table.columns else []
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DataError(
            f"{times.source or 'the table'}: the column {missing[0]!r} is missing; needed are {', '.join(needed)}"
        )
    tokens = [train.uid_field, train.iid_field, *train.context_fields()]
    columns = {name: _ids(train, name, table[name].to_list()) for name in tokens}
    columns[train.time_field] = torch.from_numpy(times.seconds(table[train.time_field]))
    if listed not in table.columns:
        return ClickRows(columns, {})
    words = [[text.split() for text in table[name]] for name in (listed, BEHAVIOURS, AGES)]
    return ClickRows(columns, _lists(train, listed, words, times))


def _lists(train: Any, listed: str, words: list[list[list[str]]], times: GivenTimes) -> dict[str, torch.Tensor]:
    """Histories that are in the file, without the events whose item is unknown."""
    lines: list[tuple[list[int], list[int], list[int]]] = []
    for number, (items, behaviours, ages) in enumerate(zip(*words, strict=True)):
        try:
            ids = _known(train, train.iid_field, items)
            codes = [train.behaviour_names.index(word) + 1 for word in behaviours]
            events = list(zip(ids, codes, (round(float(age)) for age in ages), strict=True))
        except (ValueError, OverflowError) as error:
            raise DataError(
                f"{times.where(number)}: {listed}, {BEHAVIOURS} and {AGES} are of one length, ages are numbers, and "
                f"behaviours among {', '.join(train.behaviour_names)} ({error})"
            ) from None
        kept = [event for event in events if event[0]]
        lines.append(tuple([event[k] for event in kept] for k in range(3)))  # type: ignore[arg-type]
    return {name: _padded([line[k] for line in lines]) for k, name in enumerate((listed, BEHAVIOURS, AGES))}


def _known(train: Any, field: str, tokens: list[str]) -> list[int]:
    numbers = train.field2token_id[field]
    return [int(numbers.get(token, 0)) for token in tokens]


def _ids(train: Any, field: str, tokens: list[str]) -> torch.Tensor:
    return torch.tensor(_known(train, field, tokens), dtype=torch.int64)


def _padded(rows: list[list[int]]) -> torch.Tensor:
    width = max(map(len, rows), default=1) or 1
    return torch.tensor([row + [0] * (width - len(row)) for row in rows], dtype=torch.int64)
