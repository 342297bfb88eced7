"""The directory that a run leaves behind: what was run, where, how it went, and what came out."""

import csv
import json
import logging
import secrets
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
import yaml

from recbole_ext.environment import environment
from recbole_ext.errors import ResourceError
from recbole_ext.redact import redact, redact_text, redact_words
from recbole_ext.training.checkpoint import write_atomically


class RunDirectory:
    """`runs/<model>-<dataset>-<UTC time>-<4 hex>/`.

    Attributes:
        path: the directory, made by this object and by nobody else.
        checkpoints: where checkpoints go.
        listeners: called with `epoch` and each row, and with `finished` and the result.
    """

    def __init__(self, root: Path, model: str, dataset: str) -> None:
        self.path = _make(root, f"{model}-{dataset}")
        self.checkpoints = self.path / "checkpoint"
        self.checkpoints.mkdir()
        self._rows: list[dict[str, Any]] = []
        self.listeners: list[Callable[[str, dict[str, Any]], None]] = []

    def write_config(self, values: dict[str, Any], origins: dict[str, str], command: list[str]) -> None:
        """`config.yaml`, which --config_files takes as it is, and `command.txt`, which repeats the run."""
        lines = [f"# {len(values)} values; behind each one, where it came from"]
        shown = redact(_plain(values))
        for key in sorted(values):
            text = yaml.safe_dump(
                {key: shown[key]}, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False
            )
            lines.append(f"{text.strip()[1:-1]}  # {redact_text(origins.get(key, 'derived'))}")
        write_atomically(self.path / "config.yaml", ("\n".join(lines) + "\n").encode())
        write_atomically(self.path / "command.txt", (shlex.join(redact_words(command)) + "\n").encode())

    def write_environment(self, device: torch.device) -> None:
        """`environment.json`: versions, machine and device."""
        write_atomically(self.path / "environment.json", json.dumps(redact(environment(device)), indent=2).encode())

    def append_metrics(self, row: dict[str, Any]) -> None:
        """One line of `metrics.csv`; a row with a new column writes the file anew."""
        row = redact(row)
        self._tell("epoch", row)
        known = list(dict.fromkeys(name for old in self._rows for name in old))
        self._rows.append(row)
        new = not known or any(name not in known for name in row)
        columns = list(dict.fromkeys([*known, *row]))
        try:
            with open(self.path / "metrics.csv", "w" if new else "a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, columns)
                if new:
                    writer.writeheader()
                writer.writerows(self._rows if new else [row])
        except OSError as error:
            raise ResourceError(f"cannot write {self.path / 'metrics.csv'}: {error.strerror}") from None

    def write_result(self, result: dict[str, Any]) -> None:
        """`result.json`: protocol, metrics, baselines, times."""
        result = redact(_plain(result))
        write_atomically(self.path / "result.json", json.dumps(result, indent=2).encode())
        self._tell("finished", result)

    def _tell(self, kind: str, facts: dict[str, Any]) -> None:
        for listener in self.listeners:
            listener(kind, facts)

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Send the root logger to `log.txt` for the length of a run, and only for it."""
        handler = logging.FileHandler(self.path / "log.txt", encoding="utf-8")
        handler.setFormatter(_Uncoloured("%(asctime)s %(levelname)s %(message)s"))
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        try:
            yield
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
            handler.close()


class _Uncoloured(logging.Formatter):
    """RecBole colours its messages; a file wants none of it, and no secrets."""

    def format(self, record: logging.LogRecord) -> str:
        import re

        return redact_text(re.sub(r"\x1b\[[0-9;]*m", "", super().format(record)))


def _make(root: Path, prefix: str) -> Path:
    for _ in range(100):
        stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        path = root / f"{prefix}-{stamp}-{secrets.token_hex(2)}"
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError:
            continue
        except OSError as error:
            raise ResourceError(f"cannot make {path}: {error.strerror}; choose another --runs_dir") from None
    raise ResourceError(f"cannot find a free name for a run in {root}")


def _plain(value: Any) -> Any:
    """A value as JSON and YAML can hold it."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(v) for v in value]
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return value.item() if hasattr(value, "item") else str(value)
