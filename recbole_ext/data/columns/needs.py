"""Which columns a run reads, by its model and settings: users, items, times, ratings, labels, features and lists.

A configuration is a `Config` or a `Resolved` here: nothing imports torch or RecBole.
"""

from collections.abc import Iterator
from typing import Any

from recbole_ext.config.keys.known_keys import keys_read_in
from recbole_ext.data.columns.headers import INTER, ITEM, USER, Headers
from recbole_ext.data.columns.labels import learns_labels
from recbole_ext.data.columns.task_columns import Need, TaskColumns
from recbole_ext.data.columns.times import list_times_needs, time_needs

TOKENS, NUMBERS = ("token", "token_seq"), ("float", "float_seq")
_LISTS = ("token_seq", "float_seq")
_ALL = (INTER, USER, ITEM)
_OF_FIELDS = ("DIN", "DIEN")
"""Sequence models of RecBole that read all columns of users and items."""
_OF_TIMES = ("SS4Rec",)
"""Sequence models that read the times of events."""


def reads_fields(config: Any) -> bool:
    """Whether the model is one of RecBole's that embed every column of users and items that is loaded."""
    return (config.entry.family == "context_aware" and not config.entry.own) or config.entry.registered in _OF_FIELDS


def reads_whole_tables(config: Any, of_task: TaskColumns) -> bool:
    """Whether the model reads every column of users and items that is loaded."""
    return reads_fields(config) or bool(of_task.of_tables) or config.entry.family == "exlib"


def embeds_numbers(config: Any) -> bool:
    """Whether the model is one of RecBole's that read `numerical_features`."""
    return reads_fields(config) or "selected_features" in keys_read_in(config.entry.source_text)


def list_field(config: Any) -> str:
    """The column of written-out histories of items."""
    return f"{config['ITEM_ID_FIELD']}{config['LIST_SUFFIX']}"


def reads_lists(config: Any, of_task: TaskColumns, headers: Headers) -> bool:
    """Whether rows bring their histories along, in a column of the items before: where the task reads them, or a
    sequence model reads files that are cut.
    """
    sequence = config.entry.family == "sequential" and bool(config["benchmark_filename"])
    chosen = (config["load_col"] or {}).get(INTER, "*")
    named = chosen == "*" or list_field(config) in chosen
    inter = headers.table(INTER)
    has = inter is not None and (list_field(config) in inter.columns or list_field(config) in inter.partly)
    return named and has and (sequence or of_task.lists)


def needs(config: Any, of_task: TaskColumns, headers: Headers) -> Iterator[Need]:
    """All columns that the task, the model and the settings name; those without which it runs are not `required`."""
    lists = reads_lists(config, of_task, headers)
    yield from _ids(config)
    yield from time_needs(config, of_task, headers, lists)
    yield from _lists(config, of_task, headers, lists)
    yield from _ratings(config, of_task)
    for named in of_task.named:
        yield from named.needs(config)
    yield from _of_settings(config)
    yield from _unused(config, headers)
    yield from _features(config, of_task, headers)
    yield from _vectors(config)
    yield from _graph(config)


def _ids(config: Any) -> Iterator[Need]:
    for role, key in (("user", "USER_ID_FIELD"), ("item", "ITEM_ID_FIELD")):
        if config[key]:
            yield Need(role, config[key], key, ("token",))


def _lists(config: Any, of_task: TaskColumns, headers: Headers, lists: bool) -> Iterator[Need]:
    if not lists:
        return
    yield Need("history", list_field(config), "ITEM_ID_FIELD and LIST_SUFFIX", ("token_seq",))
    yield from of_task.beside_lists
    if config.entry.registered in _OF_TIMES:
        yield from list_times_needs(config, headers)


def _ratings(config: Any, of_task: TaskColumns) -> Iterator[Need]:
    reads = keys_read_in(config.entry.source_text)
    if "RATING_FIELD" in reads and config["inter_matrix_type"] == "rating":
        yield Need("rating", config["RATING_FIELD"], "RATING_FIELD", ("float",))
    if config["threshold"] is None and of_task.labels and learns_labels(config):
        yield Need("label", config["LABEL_FIELD"], "LABEL_FIELD", ("float",))


def _of_settings(config: Any) -> Iterator[Need]:
    """Columns that settings work on, whatever the model is."""
    for field in config["threshold"] or {}:
        yield Need("label made of", field, "threshold", ("float",))
    for field in config["val_interval"] or {}:
        yield Need("filter", field, "val_interval", ("float", "token"), _ALL)
    for field in config["normalize_field"] or []:
        yield Need("scaled", field, "normalize_field", NUMBERS, _ALL)
    for field in config["seq_len"] or {}:
        yield Need("shortened", field, "seq_len", _LISTS, _sources(config), read=False)


def _sources(config: Any) -> tuple[str, ...]:
    """Suffixes of all files with columns of a data set."""
    return (*_ALL, *(config["additional_feat_suffix"] or ()))


def _unused(config: Any, headers: Headers) -> Iterator[Need]:
    """What `unused_col` names of the files that are there; labels are made and stand in none."""
    for source, fields in (config["unused_col"] or {}).items():
        for field in fields or () if headers.table(source) else ():
            if field not in (config["LABEL_FIELD"], "*"):
                yield Need("unused", field, "unused_col", (*TOKENS, *NUMBERS), (source,), read=False)


def _features(config: Any, of_task: TaskColumns, headers: Headers) -> Iterator[Need]:
    reads, numbers = keys_read_in(config.entry.source_text), tuple(config["numerical_features"] or ())
    for field in config["selected_features"] or [] if "selected_features" in reads else []:
        yield Need("feature", field, "selected_features", TOKENS if field not in numbers else NUMBERS, (ITEM,))
    if "item_attribute" in reads:
        yield Need("feature", config["item_attribute"], "item_attribute", TOKENS, (ITEM,))
    yield from _numbers(config, of_task)
    if config["load_col"] is None:
        yield from _all_fields(config, of_task, headers)


def _numbers(config: Any, of_task: TaskColumns) -> Iterator[Need]:
    """What `numerical_features` names; a model that reads no numbers leaves them where they are."""
    for field in config["numerical_features"] or ():
        if embeds_numbers(config):
            yield Need("number", field, "numerical_features", NUMBERS, (ITEM, USER, INTER))
        elif reads_whole_tables(config, of_task):
            yield Need("number", field, "numerical_features", ("float",), (ITEM, USER))
        else:
            yield Need("number", field, "numerical_features", NUMBERS, _ALL, read=False)


def _all_fields(config: Any, of_task: TaskColumns, headers: Headers) -> Iterator[Need]:
    """Every column of users and items that a model of fields can read."""
    if config.entry.family == "exlib":
        readable: tuple[str, ...] = ("token", "float")
    elif of_task.of_tables:
        readable = of_task.of_tables
    elif reads_fields(config):
        readable = TOKENS
    else:
        return
    for source in (USER, ITEM):
        table = headers.table(source)
        for field, kind in table.columns.items() if table else ():
            if kind in readable and field != config[f"{source.upper()}_ID_FIELD"]:
                yield Need("feature", field, "load_col", readable, (source,), required=False)


def _vectors(config: Any) -> Iterator[Need]:
    """Columns that share the ids of users or items, and vectors that are read beside them."""
    more = tuple(config["additional_feat_suffix"] or ())
    for key in ("alias_of_user_id", "alias_of_item_id", "alias_of_entity_id", "alias_of_relation_id"):
        for field in config[key] or []:
            yield Need("ids", field, key, TOKENS, (*more, *_ALL, "kg"))
    for ids, vectors in (config["preload_weight"] or {}).items():
        yield Need("ids", ids, "preload_weight", ("token",), (*more, USER, ITEM))
        yield Need("vectors", vectors, "preload_weight", NUMBERS, (*more, USER, ITEM))


def _graph(config: Any) -> Iterator[Need]:
    reads = config.entry.family == "knowledge_aware" or config.entry.registered in ("GRU4RecKG", "KSR")
    if not reads:
        return
    for key in ("HEAD_ENTITY_ID_FIELD", "RELATION_ID_FIELD", "TAIL_ENTITY_ID_FIELD"):
        yield Need("graph", config[key], key, ("token",), ("kg",))
    for key in ("ITEM_ID_FIELD", "ENTITY_ID_FIELD"):
        yield Need("link", config[key], key, ("token",), ("link",))
