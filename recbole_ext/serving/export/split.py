"""`--format=split`: the splits of a run as atomic files, which RecBole and this package read with `benchmark_filename`.

    NAME/NAME.{train,valid,test}.inter                        the interactions, each in one file
    NAME-histories/NAME-histories.{train,valid,test}.inter    sequence models: a row per target, with its history
    NAME.yaml, NAME-histories.yaml                            the keys that read them

RecBole's sequential data sets take `benchmark_filename` only with written-out histories (`item_id_list:token_seq`),
its other data sets and this package take the first form.
"""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from recbole_ext.data.history import HistoryRows
from recbole_ext.errors import DataError, UsageError
from recbole_ext.names import inside
from recbole_ext.serving.export.atomic_rows import Columns, write_rows
from recbole_ext.serving.load import LoadedRun

PARTS = ("train", "valid", "test")
_SEPARATORS = (" ", ",", ";", "|")


def write(run: LoadedRun, folder: Path) -> list[str]:
    """Write the files; returns the notes.

    Raises:
        UsageError: the name of the data set is no name of a folder.
        DataError: the ids hold what no atomic file can.
    """
    columns = Columns.of(run.train, _separator(run.train))
    name = run.config.dataset
    if isinstance(run.train.inter_feat, HistoryRows):
        _write_parts(run, folder, name, columns, _events(run))
        _write_parts(run, folder, f"{name}-histories", columns, [part.inter_feat for part in run.loaders.parts])
        first = "the first event of a user has no history, so it is a row of the first form alone"
        return [f"{name}: for RecBole's general models and this package", _for_sequences(name), first, *_notes(run)]
    _write_parts(run, folder, name, columns, [part.inter_feat for part in run.loaders.parts])
    return _notes(run)


def _for_sequences(name: str) -> str:
    return f"{name}-histories: for RecBole's sequential models, whose histories are columns of a file"


def _notes(run: LoadedRun) -> list[str]:
    notes = []
    if not len(run.loaders.parts[1]):
        notes.append("the run has no validation split, so there are two files; RecBole itself wants three")
    if run.config["normalize_all"] or run.config["normalize_field"]:
        notes.append("float columns are normalised, as the model read them")
    if run.config["threshold"]:
        notes.append("the label was made of a column by `threshold`; that column is not written")
    return notes


def _write_parts(run: LoadedRun, folder: Path, name: str, columns: Columns, tables: list[Any]) -> None:
    target = inside(folder, name)
    target.mkdir()
    lists = name != run.config.dataset
    named = [part for part, table in zip(PARTS, tables, strict=True) if len(table) or part != "valid"]
    for part, table in zip(PARTS, tables, strict=True):
        if part in named:
            write_rows(inside(target, f"{name}.{part}.inter"), columns, table, lists)
    keys = _keys(run, name, columns, named, lists)
    text = yaml.safe_dump(keys, sort_keys=False, allow_unicode=True)
    inside(folder, f"{name}.yaml").write_text(text, encoding="utf-8")


def _keys(run: LoadedRun, name: str, columns: Columns, named: list[str], lists: bool) -> dict[str, Any]:
    config, listed = run.config, run.train.iid_field + run.config["LIST_SUFFIX"]
    fields = [header.partition(":")[0] for header in columns.headers(lists)]
    roles = ("USER_ID_FIELD", "ITEM_ID_FIELD", "TIME_FIELD", "LABEL_FIELD", "RATING_FIELD", "LIST_SUFFIX")
    keys = {
        "dataset": name,
        "benchmark_filename": named,
        "load_col": {"inter": fields},
        **{role: config[role] for role in roles if config[role] is not None},
        "field_separator": "\t",
        "seq_separator": columns.separator,
    }
    return {**keys, "alias_of_item_id": [listed]} if listed in fields else keys


def _events(run: LoadedRun) -> list[Any]:
    """Every event in the split of its target; events that are no target are of training."""
    train = run.train
    part = np.zeros(len(train.events), dtype=np.int64)
    for number, rows in enumerate(run.loaders.parts):
        part[rows.inter_feat.target.numpy()] = number
    if train.part is not None:
        cut = train.part.numpy()
        part = cut * 2 if cut.max() == 1 else cut  # two files are training and test
    return [_Taken(train.events.columns, np.flatnonzero(part == number)) for number in range(3)]


class _Taken:
    """Some of the events, read as a table."""

    def __init__(self, columns: dict[str, Any], places: np.ndarray) -> None:
        self.columns, self.places = columns, places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, asked: str | slice) -> Any:
        return self.columns[asked][self.places] if isinstance(asked, str) else _Taken(self.columns, self.places[asked])


def _separator(train: Any) -> str:
    """What is between the tokens of a list: no id has it.

    Raises:
        DataError: a token holds a tab or the end of a line, or all separators.
    """
    text = "\n".join("\n".join(map(str, tokens[1:])) for tokens in train.field2id_token.values() if len(tokens) > 1)
    lines = sum(max(len(tokens) - 2, 0) + 1 for tokens in train.field2id_token.values() if len(tokens) > 1) - 1
    if "\t" in text or "\r" in text or text.count("\n") != lines:
        raise DataError("an id or a token holds a tab or the end of a line, which an atomic file cannot hold")
    free = next((each for each in _SEPARATORS if each not in text), None)
    if free is None:
        raise UsageError("ids hold blanks, commas, semicolons and bars, so no list of ids can be written")
    return free
