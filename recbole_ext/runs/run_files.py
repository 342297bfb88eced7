"""The text files of a run's directory, read and written without torch."""

import csv
import io
import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from dataset_tools.files.schema import FileKind, damaged
from recbole_ext.config.yaml_reader import yaml_text
from recbole_ext.errors import DataError
from recbole_ext.machine_paths import without_machine_paths
from recbole_ext.redact import redact
from recbole_ext.runs.run_kinds import ANALYSIS, ENVIRONMENT, EPOCHS, EVENTS, IMPORTED, RESULT, SETTINGS

Value = TypeVar("Value")
_NO_TIME = "1970-01-01"


def read_result(run: Path) -> dict[str, Any]:
    """`result.json` of a run; {} where there is none.

    Raises:
        DataError: it is damaged or newer.
    """
    return _read(run / "result.json", RESULT)


def read_environment(run: Path) -> dict[str, Any]:
    """`environment.json` of a run; {} where there is none.

    Raises:
        DataError: it is damaged or newer.
    """
    return _read(run / "environment.json", ENVIRONMENT)


def read_analysis(run: Path) -> dict[str, Any]:
    """`analysis.json` of a run; {} where there is none.

    Raises:
        DataError: it is damaged or newer.
    """
    return _read(run / "analysis.json", ANALYSIS)


def read_imported(run: Path) -> dict[str, Any]:
    """`imported.json` of a run that was read from a table; {} where there is none.

    Raises:
        DataError: it is damaged or newer.
    """
    return _read(run / "imported.json", IMPORTED)


def _read(path: Path, kind: FileKind) -> dict[str, Any]:
    return kind.read_json(path) if os.path.lexists(path) else {}


def read_metrics(run: Path | None) -> list[dict[str, str]]:
    """The rows of a run's `metrics.csv`, cells as text; [] where there is no run or no such file yet.

    A last line without an end is one that a loss of power cut short; it does not count.

    Raises:
        DataError: it is damaged.
    """
    path = run / "metrics.csv" if run else None
    if path is None or not os.path.lexists(path):
        return []
    text = read_text(path, EPOCHS)
    whole = text[: text.rfind("\n") + 1]
    if text and not whole:
        raise damaged(path, "its first line is cut short", EPOCHS.again)
    try:
        reader = csv.DictReader(io.StringIO(whole, newline=""), strict=True)
        rows = list(reader)
    except csv.Error as error:
        raise damaged(path, f"line {reader.line_num}: {error}", EPOCHS.again) from None
    if whole and "epoch" not in (reader.fieldnames or ()):
        raise damaged(path, "there is no column epoch", EPOCHS.again)
    for number, row in enumerate(rows, 2):
        if wrong := _wrong_epoch(row):
            raise damaged(path, f"line {number}: {wrong}", EPOCHS.again)
    return rows


def _wrong_epoch(row: dict[Any, Any]) -> str:
    if None in row or None in row.values():
        return "it does not have as many cells as the first line"
    return "" if str(row["epoch"]).isdecimal() else f"epoch must be a whole number (got {str(row['epoch'])[:60]!r})"


def read_events(run: Path) -> list[dict[str, Any]]:
    """The events of a run's `events.jsonl`; a line that a kill cut short does not count.

    Raises:
        DataError: no line is an event.
    """
    path = run / "events.jsonl"
    if not os.path.lexists(path):
        return []
    text = read_text(path, EVENTS, "replace")
    found = [event for line in text.splitlines() if (event := _event(line)) is not None]
    if not found and "\n" in text:
        raise damaged(path, "none of its lines is an event", EVENTS.again)
    return found


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
        datetime.fromisoformat(event.get("time", _NO_TIME))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return None if EVENTS.content(event, "") else dict(event)


def read_text(path: Path, kind: FileKind, errors: str = "strict") -> str:
    """The text of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8", errors)
    except OSError as error:
        raise damaged(path, f"it cannot be read: {(error.strerror or str(error)).lower()}", kind.again) from None
    except UnicodeDecodeError as error:
        raise damaged(path, f"byte {error.start} is no text in UTF-8", kind.again) from None


def if_sound(read: Callable[[Path], Value], run: Path, damage: list[str]) -> Value | None:
    """What a reader returns of a run; None where the file is damaged, and the message is added to `damage`."""
    try:
        return read(run)
    except DataError as error:
        damage.append(str(error))
        return None


def config_text(values: dict[str, Any], origins: dict[str, str]) -> str:
    """A configuration as YAML, each value with its origin."""
    lines = [f"# {len(values)} values; behind each one, where it came from; format {SETTINGS.version}"]
    shown = redact(plain(values))
    places = without_machine_paths(redact([origins.get(key, "derived") for key in sorted(values)]))
    lines += [f"{setting_line(key, shown[key])}  # {place}" for key, place in zip(sorted(values), places, strict=True)]
    return "\n".join(lines) + "\n"


def setting_line(key: str, value: Any) -> str:
    """`key: value` as YAML, on one line unless the value is a text of several."""
    return yaml_text({key: value}, in_a_line=True).strip()[1:-1]


def plain(value: Any) -> Any:
    """A value as JSON and YAML can hold it."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(v) for v in value]
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return value.item() if hasattr(value, "item") else str(value)
