"""The error about a column that a run needs and the files do not have, or have with another type."""

from typing import Any

from recbole_ext.data.columns.headers import INTER, Headers, Table
from recbole_ext.data.columns.labels import absent_label
from recbole_ext.data.columns.likely_names import sounds_like
from recbole_ext.data.columns.needs import list_field
from recbole_ext.data.columns.task_columns import Need
from recbole_ext.errors import nearest

_NAMED = ("USER_ID_FIELD", "ITEM_ID_FIELD", "TIME_FIELD", "RATING_FIELD", "LABEL_FIELD")
_HOLDS = {"token": "ids", "float": "numbers (times in seconds since 1970)", "token_seq": "lists of ids"}


def missing_faults(config: Any, headers: Headers, missing: list[Need]) -> list[str]:
    """The errors about columns that no file has: one message for all roles, and one for each setting."""
    labels = [need for need in missing if need.role == "label"]
    named = [need for need in missing if need.key in _NAMED and need not in labels and need.sources == (INTER,)]
    lists = [need for need in missing if need.role == "history"]
    others = [need for need in missing if need not in [*named, *labels, *lists]]
    faults = _without_roles(config, headers, named) if named else []
    faults += [_without_list(config, headers, need) for need in lists]
    faults += [_without(config, headers, need) for need in others]
    inter = headers.table(INTER)
    return faults + [absent_label(config, inter.columns if inter else {}) for _ in labels]


def _without_roles(config: Any, headers: Headers, absent: list[Need]) -> list[str]:
    table = headers.table(INTER)
    if table is None:
        return [f"{headers.path(INTER)} is missing"]
    words = [f"{need.field!r} ({need.key}: the {need.role} of each row)" for need in absent]
    taken = {config[key] for key in _NAMED if key not in {need.key for need in absent}}
    problem = f"{table.lacking(absent[0].field)} has no column {' and no column '.join(words)}; {table.listed()}"
    if list_field(config) in table.columns and [need.role for need in absent] == ["time"]:
        return [
            f"{problem}\nthe rows bring their histories along ({list_field(config)}), and such rows are cut into files "
            f"beforehand: write {config.dataset}.train.inter, .valid.inter and .test.inter, and name them with "
            "--benchmark_filename=[train,valid,test]"
        ]
    file_order = _file_order(config, absent)
    if not any(_candidates(table, need, taken) for need in absent):
        if file_order:
            return [f"{problem}\nadd the column, name another, or {file_order}"]
        who, instead = absent[0].reason or (config.entry.name, "take another model")
        return [f"{problem}\n{who} cannot do without it: add the column, or {instead}"]
    hints = []
    for need in absent:
        fitting = [field for field in _candidates(table, need, taken) if sounds_like(field, need.role, need.field)]
        hints.append(f"--{need.key}={fitting[0] if fitting else 'NAME'}")
        taken |= set(fitting[:1])
    other = absent[0].reason[1:] or [file_order] * bool(file_order)
    return [f"{problem}\nname the columns that are meant: {' '.join(hints)}{''.join(f'; or {way}' for way in other)}"]


def _file_order(config: Any, absent: list[Need]) -> str:
    """How sequences are read without times; "" where something needs them, or more is missing."""
    times_alone = [need.role for need in absent] == ["time"] and not absent[0].reason
    optional = times_alone and config.entry.family == "sequential"
    return "take the order of the file: --TIME_FIELD=None" if optional else ""


def _without_list(config: Any, headers: Headers, need: Need) -> str:
    table = headers.table(INTER)
    assert table is not None
    return (
        f"{table.lacking(need.field)} has no column {need.field!r} ({need.key}), which {config.entry.name} reads "
        f"beside the items of histories; {table.listed()}\nadd the column, or take a model that reads items alone, "
        "such as --model=Mamba4Rec or --model=SASRec"
    )


def _candidates(table: Table, need: Need, taken: set[Any]) -> list[str]:
    """Columns that could have the role: of its type, and of no other role."""
    return [field for field, kind in table.columns.items() if kind in need.types and field not in taken]


def _without(config: Any, headers: Headers, need: Need) -> str:
    """A setting names a column that no file has."""
    tables = [table for source in need.sources if (table := headers.table(source))]
    problem = f"{need.key} names {need.field!r} ({config.origins.get(need.key, 'RecBole')})"
    if not tables:
        files = " or ".join(headers.path(source).name for source in need.sources[:2])
        return f"{problem}, and {config.dataset} has no file {files} that could hold it"
    fields = {field: kind for table in tables for field, kind in table.columns.items()}
    own = {config["USER_ID_FIELD"], config["ITEM_ID_FIELD"]}
    fitting = [field for field, kind in fields.items() if kind in need.types and field not in own]
    shown = ", ".join(f"{field}:{kind}" for field, kind in fields.items())
    hint = nearest(str(need.field), fields)
    if fitting and not hint and need.role != "unused":
        hint = f"; for instance --{need.key}={_value(config, need, fitting[0])}"
    return f"{problem}, which {' and '.join(str(table.name) for table in tables)} does not have; it has {shown}{hint}"


def _value(config: Any, need: Need, field: str) -> str:
    """How another field is given to the same setting."""
    given = config[need.key]
    if isinstance(given, dict):
        return f"'{{{field}: {given.get(need.field)}}}'"
    return f"'[{field}]'" if isinstance(given, list) else field


def type_fault(config: Any, table: Table, need: Need) -> str:
    """A column whose declared type the run cannot read."""
    kind = table.columns[need.field]
    problem = f"{table.name}: {need.key} is for {' or '.join(need.types)} columns, and {need.field} is of type {kind}"
    if need.key == "selected_features" and kind in ("float", "float_seq"):
        return f"{problem}; {need.field} is a number: add --numerical_features='[{need.field}]', or leave it out"
    if need.key in _NAMED:
        return (
            f"{problem}; write {need.field}:{need.types[0]} in the header, if the column holds {_HOLDS[need.types[0]]}"
        )
    if need.key == "side_features":
        return f"{problem}; {config.entry.name} reads no numbers as features: leave it out, or write classes as tokens"
    return f"{problem}; choose another column, or another type in the header"
