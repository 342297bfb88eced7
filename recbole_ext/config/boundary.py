"""Errors in the inputs and outputs of a run: names that become code or paths, and addresses."""

from typing import Any

from recbole_ext.config.layers import Layer
from recbole_ext.model_entry import ModelEntry
from recbole_ext.names import is_name

TEACHERS = ("CrossNet", "CIN", "DAGFM")
NOTIFIED = ("discord", "slack", "webhook")


def boundary(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """All errors of these kinds."""
    return [*_code(entry, values), *_file_names(values), *_tracking(values)]


def _code(entry: ModelEntry, values: dict[str, Any]) -> list[str]:
    """RecBole's KD_DAGFM evaluates its key `teacher` as Python."""
    teacher = values.get("teacher")
    if entry.registered != "KD_DAGFM" or teacher in TEACHERS:
        return []
    return [f"teacher must be one of {', '.join(TEACHERS)} (got {str(teacher)[:80]!r})"]


def _file_names(values: dict[str, Any]) -> list[str]:
    """Parts of the names of a data set's files."""
    return [
        f"{key}: a part of a file's name is 1 to 64 letters, digits, '.', '_' or '-' (got {str(name)[:80]!r})"
        for key in ("benchmark_filename", "additional_feat_suffix")
        for name in _listed(values.get(key))
        if not is_name(name)
    ]


def _tracking(values: dict[str, Any]) -> list[str]:
    faults, notify, hosts = [], values.get("notify"), _listed(values.get("notify_hosts"))
    if values.get("log_tensorboard") not in ("auto", True, False):
        faults.append(f"log_tensorboard must be one of auto, True, False (got {str(values['log_tensorboard'])[:80]!r})")
    if notify is not None and notify not in NOTIFIED:
        faults.append(f"notify must be one of {', '.join(NOTIFIED)}; the address is no part of it")
    if notify == "webhook" and not hosts:
        faults.append(
            "notify: webhook needs the hosts that may be written to, for instance notify_hosts: [example.org]"
        )
    return faults + [f"notify_hosts must hold names of hosts (got {str(h)[:80]!r})" for h in hosts if not is_name(h)]


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]
