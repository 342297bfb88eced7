"""`score`: click probabilities for a file of users, items and times, by the best weights of a run.

The file is a table with tabs and a line of names: `user_id`, `item_id` and `timestamp` as the data set names them, and
context columns where the model has some. Histories are those of the run's training rows before each time, or they
stand in the file: `item_id_list`, `behavior_list` and `age_list` (seconds before the row), oldest first, with spaces.
What the run does not know counts as unknown and not as a fault.
"""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from recbole.data.interaction import Interaction

from recbole_ext.config.config import Config
from recbole_ext.data.click_batches import ClickLoader
from recbole_ext.data.click_lists import AGES, BEHAVIOURS, listed_past
from recbole_ext.data.clicks import BEHAVIOUR, ROW
from recbole_ext.data.dataset import create_dataset, predicts_clicks
from recbole_ext.data.past import Events, past_of
from recbole_ext.errors import DataError, UsageError
from recbole_ext.finished_run import best_model, finished_config
from recbole_ext.training.checkpoint import write_atomically


def score(run: Path, source: Path, target: Path) -> int:
    """Write the rows of a file with their `probability`.

    Args:
        run: directory of a finished run of a click model.
        source: what to score.
        target: where to write.

    Returns:
        The number of rows.

    Raises:
        UsageError: no such run, or of a model that predicts no clicks.
        DataError: the file lacks a column, or a value is no number where one is needed.
    """
    config = finished_config(run)
    if not predicts_clicks(config):
        raise UsageError(f"--run={run}: {config.model} predicts no clicks; score is for MDAFMamba and MDAFBST")
    table = _read(source)
    parts = create_dataset(config).build()
    train, known = parts[0], parts[-1].past.by_user
    model = best_model(run, config, train)
    part = _part(config, train, known, table, source)
    probabilities = np.empty(len(table))
    with torch.no_grad():
        for batch in ClickLoader(config, part):
            probabilities[batch["row"].numpy()] = model.predict(batch.to(config["device"])).double().cpu().numpy()
    told = table.with_columns(pl.Series("probability", probabilities).round(6))
    write_atomically(target, told.write_csv(separator="\t", quote_style="never").encode())
    return len(told)


def score_command(given: dict[str, Any]) -> int:
    """`score` with the options of the command line; returns the exit code.

    Raises:
        UsageError: an option is missing or unknown.
    """
    if set(given) - {"run", "input", "output"} or not given.get("run") or not given.get("input"):
        raise UsageError("score needs --run=RUN and --input=FILE, and takes --output=FILE; nothing else")
    source = Path(given["input"])
    target = Path(given.get("output") or source.with_name(f"{source.stem}.scored.tsv"))
    print(f"{target}: {score(Path(given['run']), source, target):,} rows with their probability")
    return 0


def _read(source: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(source, separator="\t", quote_char=None, infer_schema=False).fill_null("")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {source} as a table with tabs: {error}") from None


def _part(config: Config, train: Any, known: Events, table: pl.DataFrame, source: Path) -> Any:
    """The rows as a part of the data set, with their past."""
    listed = train.iid_field + config["LIST_SUFFIX"]
    needed = [train.uid_field, train.iid_field, train.time_field, *train.context_fields()]
    needed += [listed, BEHAVIOURS, AGES] if listed in table.columns else []
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DataError(f"{source}: the column {missing[0]!r} is missing; needed are {', '.join(needed)}")
    tokens = [train.uid_field, train.iid_field, *train.context_fields()]
    columns = {name: _ids(train, name, table[name].to_list()) for name in tokens}
    columns[train.time_field] = torch.from_numpy(_numbers(table[train.time_field], source).astype(np.int64))
    columns[train.label_field] = torch.zeros(len(table))
    columns |= {ROW: torch.arange(len(table)) + 2**40, BEHAVIOUR: torch.zeros(len(table), dtype=torch.int64)}
    part = train.copy(Interaction(columns))
    if listed in table.columns:
        words = [[text.split() for text in table[name]] for name in (listed, BEHAVIOURS, AGES)]
        part.inter_feat.interaction |= _lists(train, listed, words, source)
        part.past = listed_past(part, known, listed)
        return part
    events = {name: getattr(known, name) for name in ("user", "item", "behaviour", "time")}
    rows = {"user": columns[train.uid_field], "item": columns[train.iid_field], "time": columns[train.time_field]}
    numbers = {"row": np.arange(len(known.item))}
    part.past = past_of(events | numbers, {n: c.numpy() for n, c in rows.items()} | {"row": columns[ROW].numpy()})
    return part


def _lists(train: Any, listed: str, words: list[list[list[str]]], source: Path) -> dict[str, torch.Tensor]:
    """Histories that stand in the file, without the events whose item is unknown."""
    lines: list[tuple[list[int], list[int], list[int]]] = []
    for number, (items, behaviours, ages) in enumerate(zip(*words, strict=True), start=2):
        try:
            ids = _known(train, train.iid_field, items)
            codes = [train.behaviour_names.index(word) + 1 for word in behaviours]
            events = list(zip(ids, codes, (round(float(age)) for age in ages), strict=True))
        except ValueError as error:
            raise DataError(
                f"{source}:{number}: {listed}, {BEHAVIOURS} and {AGES} are of one length, ages are numbers, and "
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


def _numbers(column: pl.Series, source: Path) -> np.ndarray:
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count():
        row = int(numbers.is_null().arg_true()[0])
        raise DataError(f"{source}:{row + 2}: {column.name} {column[row]!r} is not a number")
    return numbers.to_numpy()


def _padded(rows: list[list[int]]) -> torch.Tensor:
    width = max(map(len, rows), default=1) or 1
    return torch.tensor([row + [0] * (width - len(row)) for row in rows], dtype=torch.int64)
