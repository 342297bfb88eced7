"""The column of times: who cannot do without it, and when a run of sequences takes the order of the file instead.

Events without times are in the order of the file. A run takes that order where TIME_FIELD is empty, or where the column
that TIME_FIELD names by default is in no file and no other column looks like times.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recbole_ext.data.columns.headers import INTER, Headers
from recbole_ext.data.columns.likely_names import sounds_like
from recbole_ext.data.columns.task_columns import Need, TaskColumns
from recbole_ext.errors import UsageError

_BY_DEFAULT = ("recbole ", "properties/")
"""How the origin of a value begins that neither the user nor the data set's own file gave."""
_FLOAT = ("float",)


def time_needs(config: Any, of_task: TaskColumns, headers: Headers, lists: bool) -> Iterator[Need]:
    """The column of times of the rows, where the run reads one.

    Args:
        config: of the run.
        of_task: what its task reads.
        headers: of the data set's files.
        lists: whether rows bring their histories along.

    Raises:
        UsageError: TIME_FIELD is empty, and something needs times.
    """
    field = config["TIME_FIELD"]
    reason = next(_reasons(config, of_task, lists), None)
    if not field:
        if reason:
            raise UsageError(
                f"{reason[0]} needs the times of events, and TIME_FIELD is empty ({config.origins['TIME_FIELD']})\n"
                f"name their column, or {reason[1]}"
            )
        return
    sequence = config.entry.family == "sequential"
    required = reason is not None or "TIME_FIELD" in config.changed or (sequence and _expected(config, headers, lists))
    if reason or sequence or of_task.reads_time or config["rm_dup_inter"]:
        yield Need("time", field, "TIME_FIELD", _FLOAT, required=required, reason=reason or ())


def list_times_needs(config: Any, headers: Headers) -> Iterator[Need]:
    """The times of a history that a row brings along; a model needs them where the rows have times of their own."""
    field = f"{config['TIME_FIELD']}{config['LIST_SUFFIX']}"
    inter = headers.table(INTER)
    known = {*inter.columns, *inter.partly} if inter and config["TIME_FIELD"] else set()
    if field in known or config["TIME_FIELD"] in known:
        yield Need("history", field, "TIME_FIELD and LIST_SUFFIX", ("float_seq",))


def _expected(config: Any, headers: Headers, lists: bool) -> bool:
    """Whether sequences should have times although no setting needs them: silence would drop what is there."""
    inter, field = headers.table(INTER), config["TIME_FIELD"]
    if inter is None:
        return not lists
    if field in inter.columns or field in inter.partly:
        return True
    one_file_of_lists = not lists and f"{config['ITEM_ID_FIELD']}{config['LIST_SUFFIX']}" in inter.columns
    known = {config[key] for key in ("USER_ID_FIELD", "ITEM_ID_FIELD", "RATING_FIELD", "LABEL_FIELD")}
    floats = [name for name, kind in inter.columns.items() if kind in _FLOAT and name not in known]
    like_times = any(sounds_like(name, "time", field) for name in floats)
    return one_file_of_lists or (not lists and (like_times or _named(config)))


def _named(config: Any) -> bool:
    """Whether TIME_FIELD was set by the user; the record of a run writes every key."""
    origin = str(config.origins.get("TIME_FIELD", ""))
    recorded = Path(origin.rpartition(":")[0]).name == "config.yaml"
    return not recorded and not origin.startswith(_BY_DEFAULT)


def _reasons(config: Any, of_task: TaskColumns, lists: bool) -> Iterator[tuple[str, str]]:
    """What needs times, and what to do where there are none."""
    order = config["eval_args"]
    split = {} if config["benchmark_filename"] else order.get("split", {})
    if of_task.needs_time or config.entry.registered == "DIEN":
        yield config.entry.name, "take another model"
    if "TS" in split:
        yield "eval_args: split TS", "leave out each user's last events: --eval_args='{split: {LS: valid_and_test}}'"
    if config.entry.family != "sequential":
        if split and order.get("order") == "TO":
            yield "eval_args: order TO", "take --eval_args='{order: RO}'"
        return
    if "RS" in split and order.get("group_by", "user") in (None, "none"):
        yield "eval_args: split RS over all users", "split each user's events: --eval_args='{group_by: user}'"
    if config["use_target_time"]:
        origin = config.origins["use_target_time"]
        by_preset = origin.startswith("properties/protocol/")
        yield f"use_target_time: True ({origin})", "take --protocol=no_time" if by_preset else "leave it out"
    if config["history_term"] == "interval" and config.entry.takes_history_term:
        yield "history_term: interval", "take recency, which counts events"
    if config["sample_weight"] == "recency" and not lists:
        yield "sample_weight: recency", "leave it out"
    if not lists and any(stage.get("share", 1) != 1 for stage in config["stages"] or []):
        yield "stages: share", "leave it out"
