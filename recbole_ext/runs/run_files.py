"""The text files of a run's directory, read and written without torch."""

import csv
import json
from pathlib import Path
from typing import Any

import yaml

from recbole_ext.errors import DataError
from recbole_ext.redact import redact


def read_metrics(run: Path | None) -> list[dict[str, str]]:
    """The rows of a run's `metrics.csv`, cells as text; [] where there is no run or no such file yet."""
    path = run / "metrics.csv" if run else None
    if path is None or not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_json(path: Path) -> dict[str, Any]:
    """What a JSON file of a run holds; {} where there is none.

    Raises:
        DataError: it is damaged.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
    except (OSError, ValueError, TypeError):
        raise DataError(f"cannot read {path}: it is damaged") from None


_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml's, where PyYAML has it: a configuration has over 150 lines, each dumped by itself."""


def config_text(values: dict[str, Any], origins: dict[str, str]) -> str:
    """A configuration as YAML, each value with its origin."""
    lines = [f"# {len(values)} values; behind each one, where it came from"]
    shown = redact(plain(values))
    places = redact([origins.get(key, "derived") for key in sorted(values)])
    lines += [f"{setting_line(key, shown[key])}  # {place}" for key, place in zip(sorted(values), places, strict=True)]
    return "\n".join(lines) + "\n"


def setting_line(key: str, value: Any) -> str:
    """`key: value` as YAML, on one line unless the value is a text of several."""
    one = {key: value}
    text = yaml.dump(one, Dumper=_DUMPER, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False)
    return str(text).strip()[1:-1]


def plain(value: Any) -> Any:
    """A value as JSON and YAML can hold it."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(v) for v in value]
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return value.item() if hasattr(value, "item") else str(value)
