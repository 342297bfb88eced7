"""A table of the user's own, a file or a DataFrame, to a data set that is trained on."""

import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from recbole_ext.errors import UsageError
from recbole_ext.names import checked_name

_COLUMNS = ("user", "item", "rating", "time", "item_separator", "keep", "columns", "rows")
OPTIONS = (*_COLUMNS, "users", "user_key", "items", "item_key", "max_rejected")
"""Options of `recbole-data convert table` that a run takes besides its keys."""
KEYS_TOO = ("time_unit", "encoding")
"""Options that are keys of a run as well, about its atomic files; those of a converted table need neither."""
TABLES = ("users", "items")
"""Options that hold tables."""
_TEXTS = ("item_separator", "rows", "time_unit", "user_key", "item_key", "encoding", "engine", "name")
_KINDS: dict[str, type] = {"overwrite": bool, "quiet": bool, "threads": int, **dict.fromkeys(_TEXTS, str)}


def converted(data: Any, output: str | Path, name: str = "", report: Any = None, **options: Any) -> Path:
    """Convert a table; returns the folder of the data set.

    Args:
        data: a path, a DataFrame, or several.
        output: folder of data sets.
        name: of the data set; that of the first file, or `table`, unless given.
        report: called with each sentence for the user; standard error unless given.
        options: see `dataset_tools.convert.table.options.TableOptions`.

    Raises:
        UsageError, DataError, ResourceError: see `dataset_tools.convert.table.table.convert_table`.
    """
    from dataset_tools.convert.table.table import convert_table

    checked = _options(data, output, {**options, "name": name})
    convert_table(checked, report)
    return checked.target


def data_set_of(data: Any, name: str | None, root: str, options: Mapping[str, Any], quiet: bool = False) -> str:
    """The name of the data set that a table becomes; it is converted unless that was done before.

    Args:
        data: a path, a DataFrame, or several.
        name: of the data set; None: that of the first file, or `table`, with digits of its content.
        root: folder of data sets.
        options: columns and other options of the table.
        quiet: no progress bar.

    Raises:
        UsageError, DataError, ResourceError: the table cannot be converted.
    """
    from dataset_tools.convert.table.made_once import made_once

    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise UsageError(
            "--data: one process converts a table; do that first: recbole-data convert table, then --dataset=NAME"
        )
    if name is not None:
        checked_name("--dataset", name)
    return made_once(_options(data, root, {**options, "name": name or "", "quiet": quiet})).name


def taken_options(data: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """The options of the table among settings, which are removed from them.

    Raises:
        UsageError: there are some, and no table.
    """
    if data is None:
        stray = [key for key in OPTIONS if settings.get(key) is not None]
        if stray:
            raise UsageError(f"--{stray[0]} is about a table of your own: --data=FILE, or data=DATAFRAME in Python")
        return {}
    return {key: settings.pop(key) for key in (*OPTIONS, *KEYS_TOO) if key in settings}


def _options(data: Any, output: str | Path, given: Mapping[str, Any]) -> Any:
    from dataset_tools.convert.table.arguments import names, percent
    from dataset_tools.convert.table.options import TableOptions
    from dataset_tools.convert.table.reading.frame import inputs_of

    values = {key: value for key, value in given.items() if value is not None}
    known = {field.name for field in fields(TableOptions)} - {"input", "output"}
    unknown = sorted(set(values) - known)
    if unknown:
        raise UsageError(f"{unknown[0]}: no option of a table; there are {', '.join(sorted(known))}")
    readers: dict[str, Callable[[Any], Any]] = {
        "keep": lambda value: names(value) if isinstance(value, str) else tuple(map(str, value)),
        "columns": lambda value: names(value) if isinstance(value, str) else tuple(map(str, value)),
        "max_rejected": lambda value: percent(value) if isinstance(value, str) else float(value),
        "users": lambda value: inputs_of(value, "users")[0],
        "items": lambda value: inputs_of(value, "items")[0],
    }
    values = {key: readers[key](value) if key in readers else value for key, value in values.items()}
    for role in ("user", "item", "rating", "time"):
        values[role] = str(values.get(role, ""))
    if not isinstance(output, str | Path):
        raise UsageError(f"output: the folder of data sets is needed (got {output!r})")
    return TableOptions(inputs_of(data), Path(output), **_of_their_types(values))


def _of_their_types(values: dict[str, Any]) -> dict[str, Any]:
    """The values of options, refused where one is of another type: "no" would count as True."""
    for key in values.keys() & _KINDS.keys():
        value, kind = values[key], _KINDS[key]
        if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
            raise UsageError(f"{key} must be of type {kind.__name__} (got {type(value).__name__} {str(value)[:40]!r})")
    if not 0 <= values.get("max_rejected", 0) <= 1:
        raise UsageError(
            f"max_rejected must lie between 0 and 1, or be a text such as '1%' (got {values['max_rejected']})"
        )
    return values
