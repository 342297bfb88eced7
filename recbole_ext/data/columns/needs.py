"""Which columns a run reads, by its model and settings: users, items, times, ratings, labels, features and lists.

A configuration is a `Config` or a `Resolved` here: nothing imports torch or RecBole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from recbole_ext.config.keys.known_keys import keys_read_in
from recbole_ext.data.columns.headers import INTER, ITEM, USER, Headers
from recbole_ext.data.columns.labels import learns_labels

BEHAVIOURS, AGES = "behavior_list", "age_list"
TOKENS, NUMBERS = ("token", "token_seq"), ("float", "float_seq")
_LISTS = ("token_seq", "float_seq")
_ALL = (INTER, USER, ITEM)
_OF_FIELDS = ("DIN", "DIEN")
"""Sequence models of RecBole that read all columns of users and items."""
_OF_TIMES = ("SS4Rec",)
"""Sequence models that read the times of events."""


@dataclass(frozen=True)
class Need:
    """A column that a run reads.

    Attributes:
        role: what it is to the run, for a person.
        field: its name.
        key: the setting that names it.
        sources: suffixes of the files that it may stand in, the first that has it is read.
        types: allowed types.
        required: whether the run cannot do without it.
        read: whether it is read; off: the name alone is checked.
    """

    role: str
    field: str
    key: str
    types: tuple[str, ...]
    sources: tuple[str, ...] = (INTER,)
    required: bool = True
    read: bool = True


def reads_fields(config: Any) -> bool:
    """Whether the model is one of RecBole's that embed every column of users and items that is loaded."""
    return (config.entry.family == "context_aware" and not config.entry.own) or config.entry.registered in _OF_FIELDS


def reads_whole_tables(config: Any) -> bool:
    """Whether the model reads every column of users and items that is loaded."""
    return reads_fields(config) or config.entry.task == "clicks" or config.entry.family == "exlib"


def embeds_numbers(config: Any) -> bool:
    """Whether the model is one of RecBole's that read `numerical_features`."""
    return reads_fields(config) or "selected_features" in keys_read_in(config.entry.source_text)


def list_field(config: Any) -> str:
    """The column of written-out histories of items."""
    return f"{config['ITEM_ID_FIELD']}{config['LIST_SUFFIX']}"


def reads_lists(config: Any, headers: Headers) -> bool:
    """Whether rows bring their histories along: files that are cut, or click data, with a column of items before."""
    sequence = config.entry.family == "sequential" and bool(config["benchmark_filename"])
    chosen = (config["load_col"] or {}).get(INTER, "*")
    named = chosen == "*" or list_field(config) in chosen
    inter = headers.table(INTER)
    has = inter is not None and (list_field(config) in inter.columns or list_field(config) in inter.partly)
    return named and has and (sequence or config.entry.task == "clicks")


def needs(config: Any, headers: Headers) -> Iterator[Need]:
    """All columns that the model and the settings name; those without which it runs are not `required`."""
    lists = reads_lists(config, headers)
    yield from _ids(config)
    yield from _times(config, lists)
    yield from _lists(config, lists)
    yield from _ratings(config)
    yield from _of_settings(config)
    yield from _unused(config, headers)
    yield from _features(config, headers)
    yield from _vectors(config)
    yield from _graph(config)


def _ids(config: Any) -> Iterator[Need]:
    for role, key in (("user", "USER_ID_FIELD"), ("item", "ITEM_ID_FIELD")):
        if config[key]:
            yield Need(role, config[key], key, ("token",))


def _times(config: Any, lists: bool) -> Iterator[Need]:
    field, order = config["TIME_FIELD"], config["eval_args"]
    if not field:
        return
    in_order = not config["benchmark_filename"] and (order.get("order") == "TO" or "TS" in order.get("split", ()))
    sequence = config.entry.family == "sequential" and not lists
    required = in_order or sequence or config.entry.task == "clicks" or (lists and bool(config["use_target_time"]))
    if required or lists or config.entry.task == "ratings" or config["rm_dup_inter"]:
        yield Need("time", field, "TIME_FIELD", ("float",), required=required or "TIME_FIELD" in config.changed)


def _lists(config: Any, lists: bool) -> Iterator[Need]:
    if not lists:
        return
    yield Need("history", list_field(config), "ITEM_ID_FIELD and LIST_SUFFIX", ("token_seq",))
    if config.entry.task == "clicks":
        yield Need("history", BEHAVIOURS, "behaviours of the history", ("token_seq",), required=False)
        yield Need("history", AGES, "ages of the history", ("float_seq",), required=False)
    elif config.entry.registered in _OF_TIMES:
        times = f"{config['TIME_FIELD']}{config['LIST_SUFFIX']}"
        yield Need("history", times, "TIME_FIELD and LIST_SUFFIX", ("float_seq",))


def _ratings(config: Any) -> Iterator[Need]:
    reads = keys_read_in(config.entry.source_text)
    of_matrix = "RATING_FIELD" in reads and config["inter_matrix_type"] == "rating"
    if config.entry.task == "ratings" or of_matrix:
        yield Need("rating", config["RATING_FIELD"], "RATING_FIELD", ("float",))
    if config["threshold"] is None and config.entry.task != "ratings" and learns_labels(config):
        yield Need("label", config["LABEL_FIELD"], "LABEL_FIELD", ("float",))


def _of_settings(config: Any) -> Iterator[Need]:
    """Columns that settings work on, whatever the model is."""
    for field in config["threshold"] or {}:
        yield Need("label made of", field, "threshold", ("float",))
    if config.entry.task == "clicks" and config["behaviour_field"]:
        yield Need("behaviour", config["behaviour_field"], "behaviour_field", ("token", "float"))
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


def _features(config: Any, headers: Headers) -> Iterator[Need]:
    reads, numbers = keys_read_in(config.entry.source_text), tuple(config["numerical_features"] or ())
    for field in config["selected_features"] or [] if "selected_features" in reads else []:
        yield Need("feature", field, "selected_features", TOKENS if field not in numbers else NUMBERS, (ITEM,))
    if "item_attribute" in reads:
        yield Need("feature", config["item_attribute"], "item_attribute", TOKENS, (ITEM,))
    if config.entry.task == "ratings":
        required = "side_features" in config.changed
        for field in config["side_features"] or []:
            yield Need("feature", field, "side_features", TOKENS, (USER, ITEM), required)
    yield from _numbers(config)
    if config["load_col"] is None:
        yield from _all_fields(config, headers)


def _numbers(config: Any) -> Iterator[Need]:
    """What `numerical_features` names; a model that reads no numbers leaves them where they are."""
    for field in config["numerical_features"] or ():
        if embeds_numbers(config):
            yield Need("number", field, "numerical_features", NUMBERS, (ITEM, USER, INTER))
        elif reads_whole_tables(config):
            yield Need("number", field, "numerical_features", ("float",), (ITEM, USER))
        else:
            yield Need("number", field, "numerical_features", NUMBERS, _ALL, read=False)


def _all_fields(config: Any, headers: Headers) -> Iterator[Need]:
    """Every column of users and items that a model of fields can read."""
    if config.entry.family == "exlib":
        readable: tuple[str, ...] = ("token", "float")
    elif config.entry.task == "clicks":
        readable = ("token", "token_seq", "float")
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
