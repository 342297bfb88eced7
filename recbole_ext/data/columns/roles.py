"""Columns by their role: which are read, which are missing, and what a missing one is called in this file.

A column that the model or a setting needs is read wherever the header has it. `load_col` of the user adds further
columns and cannot take a needed one away; without it the run reads what it needs and nothing else.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole_ext.data.columns.headers import INTER, ITEM, USER, Headers, Table
from recbole_ext.data.columns.missing_columns import missing_faults, type_fault
from recbole_ext.data.columns.needs import Needs
from recbole_ext.data.columns.task_columns import Need, TaskColumns
from recbole_ext.data.columns.vectors import vector_faults
from recbole_ext.errors import DataError, UsageError, nearest

_MOST_SHOWN = 8
_GRAPH = ("kg", "link", "net")


@dataclass(frozen=True)
class Columns:
    """What a run reads.

    Attributes:
        read: suffix of a file to its fields that are read.
        roles: (role, field) in the order of their importance.
        unused: suffix of a file to its fields that are not read.
        lists: whether rows bring their histories along.
    """

    read: dict[str, list[str]]
    roles: tuple[tuple[str, str], ...]
    unused: dict[str, list[str]]
    lists: bool

    def line(self) -> str:
        """`user user_id, item item_id, time timestamp; not used: rating`."""
        by_role: dict[str, list[str]] = {}
        for role, field in self.roles:
            by_role.setdefault(role, []).append(field)
        used = ", ".join(f"{role} {' '.join(_shortened(fields))}" for role, fields in by_role.items())
        left = [
            field if source == INTER else f"{field} of .{source}"
            for source, fields in self.unused.items()
            for field in fields
        ]
        return f"{used}; not used: {', '.join(_shortened(left))}" if left else used


def _shortened(words: list[str]) -> list[str]:
    more = len(words) - _MOST_SHOWN
    return [*words[:_MOST_SHOWN], f"and {more} more"] if more > 1 else words


def settle(config: Any, of_task: TaskColumns, folder: Path, name: str) -> Columns:
    """Find every column that the run reads in the headers of its files.

    Args:
        config: of the run.
        of_task: what its task reads.
        folder: of the data set's files.
        name: of the data set.

    Raises:
        DataError: a column or a file that the run needs is missing, or a column has a type that the run cannot read.
        UsageError: `load_col` and `unload_col` contradict each other, or name a kind of file that does not exist.
    """
    headers = Headers(
        folder, name, config["benchmark_filename"] or (), config["field_separator"], config["encoding"] or "utf-8"
    )
    wanted = Needs(config, of_task, headers)
    read, roles = _needed(wanted)
    of_tables = _of_tables_alone(config, read)
    _choose(wanted, read)
    read[INTER] = read.get(INTER, set()) - of_tables
    for source, key in ((USER, "USER_ID_FIELD"), (ITEM, "ITEM_ID_FIELD")):
        if read.get(source):
            read[source].add(_id_of(wanted, source, key))
    return _columns(headers, read, roles, wanted.reads_lists)


def _needed(wanted: Needs) -> tuple[dict[str, set[str]], list[tuple[str, str]]]:
    """Suffix of a file to the fields that the run needs, and (role, field) of each field."""
    config, headers = wanted.config, wanted.headers
    read: dict[str, set[str]] = {}
    roles: dict[str, str] = {}
    missing: list[Need] = []
    faults: list[str] = []
    for need in dict.fromkeys(wanted):
        table, source = _found(headers, need)
        if table is None:
            missing += [need] * need.required
        elif table.columns[need.field] in need.types:
            if not need.read:
                continue
            read.setdefault(source, set()).add(need.field)
            roles.setdefault(need.field, need.role)
        elif need.required:
            faults.append(type_fault(config, table, need))
    faults = [*missing_faults(config, headers, missing), *faults, *vector_faults(config)]
    if faults:
        raise DataError("\n".join(dict.fromkeys(faults[:3])))
    return read, [(role, field) for field, role in roles.items()]


def _of_tables_alone(config: Any, needed: dict[str, set[str]]) -> set[str]:
    """Columns that the run needs of users or items, which it does not read of the interactions as well.

    Raises:
        DataError: the run needs a column of both; one name has one meaning.
    """
    ids = {config["USER_ID_FIELD"], config["ITEM_ID_FIELD"]}
    of_tables = {field for source in (USER, ITEM) for field in needed.get(source, set())} - ids
    twice = sorted(of_tables & needed.get(INTER, set()))
    if twice:
        raise DataError(
            f"{config.dataset}: the run reads {twice[0]!r} of the interactions and of a table of users or items; take "
            "one of them, or rename the column in one of the headers"
        )
    return of_tables


def _found(headers: Headers, need: Need) -> tuple[Table | None, str]:
    """The first table that has the column."""
    for source in need.sources:
        table = headers.table(source)
        if table and need.field in table.columns:
            return table, source
    return None, ""


def _choose(wanted: Needs, read: dict[str, set[str]]) -> None:
    """Add what `load_col` names, or what `unload_col` leaves of a file; take away what it names."""
    config, headers = wanted.config, wanted.headers
    given, left_out = config["load_col"] or {}, config["unload_col"] or {}
    both = set(given) & set(left_out)
    if both:
        raise UsageError(f"load_col and unload_col both name {', '.join(sorted(both))}; give one of them")
    for source, fields in given.items():
        _add(wanted, read, source, fields)
    for source, fields in left_out.items():
        table = headers.table(source)
        kept = set(table.columns if table else ()) - set(fields)
        needed = read.get(source, set()) - kept
        if needed:
            raise UsageError(f"unload_col leaves out {', '.join(sorted(needed))} of .{source}, which the run needs")
        read[source] = kept


def _add(wanted: Needs, read: dict[str, set[str]], source: str, fields: Any) -> None:
    headers, table = wanted.headers, wanted.headers.table(source)
    if table is None:
        if "load_col" in wanted.config.changed and source not in _GRAPH:
            raise DataError(f"load_col names columns of {headers.path(source)}, and there is no such file")
        return
    if source in (USER, ITEM) and not read.get(source) and not wanted.reads_whole_tables:
        read[source] = set()  # no one reads its columns, and its rows are no filter
        return
    chosen = list(table.columns) if fields == "*" else list(fields or ())
    absent = [field for field in chosen if field not in table.columns]
    if absent:
        raise DataError(
            f"{table.lacking(absent[0])} has no column {absent[0]!r}, which load_col names"
            f"{nearest(str(absent[0]), table.columns)}\n{table.listed()}"
        )
    read.setdefault(source, set()).update(chosen)


def _id_of(wanted: Needs, source: str, key: str) -> str:
    """The field of a table of users or items that identifies its rows."""
    table, field = wanted.headers.table(source), wanted.config[key]
    assert table is not None
    if field not in table.columns:
        raise DataError(
            f"{table.name} has no column {field!r} ({key}), by which its rows belong to {source}s; {table.listed()}\n"
            f"rename the column to {field!r} in the header, as the .inter file has it"
        )
    return str(field)


def _columns(headers: Headers, read: dict[str, set[str]], roles: list[tuple[str, str]], lists: bool) -> Columns:
    tables = {source: table for source in read if (table := headers.table(source))}
    ordered = {source: [f for f in table.columns if f in read[source]] for source, table in tables.items()}
    unused = {source: [f for f in table.columns if f not in read[source]] for source, table in tables.items()}
    known = {field for _, field in roles}
    further = dict.fromkeys(field for fields in ordered.values() for field in fields if field not in known)
    named = [*roles, *(("further", field) for field in further)]
    return Columns(ordered, tuple(named), {s: f for s, f in unused.items() if f}, lists)
