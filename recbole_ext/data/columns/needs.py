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
from recbole_ext.data.columns.vectors import is_file

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


def embeds_numbers(config: Any) -> bool:
    """Whether the model is one of RecBole's that read `numerical_features`."""
    return reads_fields(config) or "selected_features" in keys_read_in(config.entry.source_text)


def list_field(config: Any) -> str:
    """The column of written-out histories of items."""
    return f"{config['ITEM_ID_FIELD']}{config['LIST_SUFFIX']}"


class Needs:
    """All columns that the task, the model and the settings name; those without which it runs are not `required`.

    Args:
        config: of the run.
        of_task: what its task reads.
        headers: of the data set's files.
    """

    def __init__(self, config: Any, of_task: TaskColumns, headers: Headers) -> None:
        self.config, self.of_task, self.headers = config, of_task, headers

    @property
    def reads_whole_tables(self) -> bool:
        """Whether the model reads every column of users and items that is loaded."""
        return reads_fields(self.config) or bool(self.of_task.of_tables) or self.config.entry.family == "exlib"

    @property
    def reads_lists(self) -> bool:
        """Whether rows bring their histories along, in a column of the items before: where the task reads them, or a
        sequence model reads files that are cut.
        """
        sequence = self.config.entry.family == "sequential" and bool(self.config["benchmark_filename"])
        listed, chosen = list_field(self.config), (self.config["load_col"] or {}).get(INTER, "*")
        inter = self.headers.table(INTER)
        has = inter is not None and (listed in inter.columns or listed in inter.partly)
        return (chosen == "*" or listed in chosen) and has and (sequence or self.of_task.lists)

    def __iter__(self) -> Iterator[Need]:
        yield from self._ids()
        yield from time_needs(self.config, self.of_task, self.headers, self.reads_lists)
        yield from self._lists()
        yield from self._ratings()
        for named in self.of_task.named:
            yield from named.needs(self.config)
        yield from self._of_settings()
        yield from self._unused()
        yield from self._features()
        yield from self._vectors()
        yield from self._graph()

    def _ids(self) -> Iterator[Need]:
        for role, key in (("user", "USER_ID_FIELD"), ("item", "ITEM_ID_FIELD")):
            if self.config[key]:
                yield Need(role, self.config[key], key, ("token",))

    def _lists(self) -> Iterator[Need]:
        if not self.reads_lists:
            return
        yield Need("history", list_field(self.config), "ITEM_ID_FIELD and LIST_SUFFIX", ("token_seq",))
        yield from self.of_task.beside_lists
        if self.config.entry.registered in _OF_TIMES:
            yield from list_times_needs(self.config, self.headers)

    def _ratings(self) -> Iterator[Need]:
        reads = keys_read_in(self.config.entry.source_text)
        if "RATING_FIELD" in reads and self.config["inter_matrix_type"] == "rating":
            yield Need("rating", self.config["RATING_FIELD"], "RATING_FIELD", ("float",))
        if self.config["threshold"] is None and self.of_task.labels and learns_labels(self.config):
            yield Need("label", self.config["LABEL_FIELD"], "LABEL_FIELD", ("float",))

    def _of_settings(self) -> Iterator[Need]:
        """Columns that settings work on, whatever the model is."""
        for field in self.config["threshold"] or {}:
            yield Need("label made of", field, "threshold", ("float",))
        for field in self.config["val_interval"] or {}:
            yield Need("filter", field, "val_interval", ("float", "token"), _ALL)
        for field in self.config["normalize_field"] or []:
            yield Need("scaled", field, "normalize_field", NUMBERS, _ALL)
        for field in self.config["seq_len"] or {}:
            yield Need("shortened", field, "seq_len", _LISTS, self._sources(), read=False)

    def _sources(self) -> tuple[str, ...]:
        """Suffixes of all files with columns of a data set."""
        return (*_ALL, *(self.config["additional_feat_suffix"] or ()))

    def _unused(self) -> Iterator[Need]:
        """What `unused_col` names of the files that are there; labels are made, so no file has them."""
        for source, fields in (self.config["unused_col"] or {}).items():
            for field in fields if self.headers.table(source) else ():
                if field != self.config["LABEL_FIELD"]:
                    yield Need("unused", field, "unused_col", (*TOKENS, *NUMBERS), (source,), read=False)

    def _features(self) -> Iterator[Need]:
        reads, numbers = keys_read_in(self.config.entry.source_text), tuple(self.config["numerical_features"] or ())
        for field in self.config["selected_features"] or [] if "selected_features" in reads else []:
            yield Need("feature", field, "selected_features", TOKENS if field not in numbers else NUMBERS, (ITEM,))
        if "item_attribute" in reads:
            yield Need("feature", self.config["item_attribute"], "item_attribute", TOKENS, (ITEM,))
        for field in self.config["item_fields"] or []:
            yield Need("item field", field, "item_fields", TOKENS, (ITEM,))
        for field in self.config["event_fields"] or []:
            yield Need("event field", field, "event_fields", ("token", "float"))
        yield from self._numbers()
        if self.config["load_col"] is None:
            yield from self._all_fields()

    def _numbers(self) -> Iterator[Need]:
        """What `numerical_features` names; a model that reads no numbers leaves them where they are."""
        for field in self.config["numerical_features"] or ():
            if embeds_numbers(self.config):
                yield Need("number", field, "numerical_features", NUMBERS, (ITEM, USER, INTER))
            elif self.reads_whole_tables:
                yield Need("number", field, "numerical_features", ("float",), (ITEM, USER))
            else:
                yield Need("number", field, "numerical_features", NUMBERS, _ALL, read=False)

    def _all_fields(self) -> Iterator[Need]:
        """Every column of users and items that a model of fields can read."""
        if self.config.entry.family == "exlib":
            readable: tuple[str, ...] = ("token", "float")
        elif self.of_task.of_tables:
            readable = self.of_task.of_tables
        elif reads_fields(self.config):
            readable = TOKENS
        else:
            return
        for source in (USER, ITEM):
            table = self.headers.table(source)
            for field, kind in table.columns.items() if table else ():
                if kind in readable and field != self.config[f"{source.upper()}_ID_FIELD"]:
                    yield Need("feature", field, "load_col", readable, (source,), required=False)

    def _vectors(self) -> Iterator[Need]:
        """Columns that share the ids of users or items, and vectors that are read beside them."""
        more = tuple(self.config["additional_feat_suffix"] or ())
        for key in ("alias_of_user_id", "alias_of_item_id", "alias_of_entity_id", "alias_of_relation_id"):
            for field in self.config[key] or []:
                yield Need("ids", field, key, TOKENS, (*more, *_ALL, "kg"))
        for ids, vectors in (self.config["preload_weight"] or {}).items():
            yield Need("ids", ids, "preload_weight", ("token",), (*more, USER, ITEM))
            yield Need("vectors", vectors, "preload_weight", NUMBERS, (*more, USER, ITEM))

        given = self.config["item_vectors"]
        if given and self.config.entry.reads_item_vectors and not is_file(given):
            yield Need("vectors", given, "item_vectors", ("float_seq",), (ITEM,))

    def _graph(self) -> Iterator[Need]:
        reads = self.config.entry.family == "knowledge_aware" or self.config.entry.registered in ("GRU4RecKG", "KSR")
        if not reads:
            return
        for key in ("HEAD_ENTITY_ID_FIELD", "RELATION_ID_FIELD", "TAIL_ENTITY_ID_FIELD"):
            yield Need("graph", self.config[key], key, ("token",), ("kg",))
        for key in ("ITEM_ID_FIELD", "ENTITY_ID_FIELD"):
            yield Need("link", self.config[key], key, ("token",), ("link",))
