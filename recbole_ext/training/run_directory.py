"""The directory that a run leaves behind: what was run, where, how it went, and what came out."""

import csv
import fcntl
import io
import json
import logging
import os
import secrets
import shlex
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
import yaml

from recbole_ext.environment import environment
from recbole_ext.errors import DataError, ResourceError
from recbole_ext.evaluation.units import UNITS_FILE, Units, units_bytes
from recbole_ext.names import refuse_links
from recbole_ext.redact import redact, redact_text, redact_words
from recbole_ext.training.checkpoint import write_atomically


class RunDirectory:
    """`runs/<model>-<dataset>-<UTC time>-<4 hex>/`, held by one process at a time.

    Args:
        path: the directory, which must exist.

    Attributes:
        checkpoints: where checkpoints go.
        rows: the rows of `metrics.csv`.
        listeners: called with `epoch` and each row, and with `finished` and the result.

    Raises:
        ResourceError: another process holds it.
    """

    def __init__(self, path: Path) -> None:
        refuse_links(path)
        self.path, self.checkpoints = path, path / "checkpoint"
        self.rows: list[dict[str, Any]] = []
        self.listeners: list[Callable[[str, dict[str, Any]], None]] = []
        handle = os.open(path, os.O_RDONLY)
        self.release = weakref.finalize(self, os.close, handle)
        try:
            fcntl.flock(
                handle, fcntl.LOCK_EX | fcntl.LOCK_NB
            )  # the kernel drops it with the process, however that ends
        except BlockingIOError:
            self.release()
            raise ResourceError(f"{path} belongs to a run that is still going on") from None

    @classmethod
    def new(cls, root: Path, model: str, dataset: str) -> "RunDirectory":
        """A directory that nobody else has or had."""
        path = new_folder(root, f"{model}-{dataset}")
        (path / "checkpoint").mkdir()
        return cls(path)

    def write_config(self, values: dict[str, Any], origins: dict[str, str], command: list[str]) -> None:
        """`config.yaml`, which --config_files takes as it is, and `command.txt`, which repeats the run."""
        write_atomically(self.path / "config.yaml", config_text(values, origins).encode())
        write_atomically(self.path / "command.txt", (shlex.join(redact_words(command)) + "\n").encode())

    def write_environment(self, device: torch.device) -> None:
        """`environment.json`: versions, machine and device."""
        write_atomically(self.path / "environment.json", json.dumps(redact(environment(device)), indent=2).encode())

    def append_metrics(self, row: dict[str, Any]) -> None:
        """One line of `metrics.csv`; a row with a new column writes the file anew."""
        row = redact(row)
        self._tell("epoch", row)
        known = list(dict.fromkeys(name for old in self.rows for name in old))
        self.rows.append(row)
        if not known or any(name not in known for name in row):
            self.restore_metrics(self.rows)
            return
        try:
            with open(self.path / "metrics.csv", "a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, known).writerow(row)
        except OSError as error:
            raise ResourceError(f"cannot write {self.path / 'metrics.csv'}: {error.strerror}") from None

    def restore_metrics(self, rows: list[dict[str, Any]]) -> None:
        """Write `metrics.csv` anew."""
        self.rows = list(rows)
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(self.path / "metrics.csv", text.getvalue().encode() if rows else b"")

    def write_units(self, units: dict[str, Units | None]) -> None:
        """`test_units.npz`: what each tested user contributes to the metrics of the model and of the baselines."""
        known = {name: of for name, of in units.items() if of is not None and of.totals}
        if known:
            write_atomically(self.path / UNITS_FILE, units_bytes(known))

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


def config_text(values: dict[str, Any], origins: dict[str, str]) -> str:
    """A configuration as YAML, each value with its origin."""
    lines = [f"# {len(values)} values; behind each one, where it came from"]
    shown = redact(_plain(values))
    for key in sorted(values):
        text = yaml.safe_dump(
            {key: shown[key]}, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False
        )
        lines.append(f"{text.strip()[1:-1]}  # {redact_text(origins.get(key, 'derived'))}")
    return "\n".join(lines) + "\n"


def new_folder(root: Path, prefix: str) -> Path:
    """Make `<root>/<prefix>-<UTC time>-<4 hex>`, which nobody else has or had.

    Raises:
        ResourceError: the disk or the folder's permissions refuse.
    """
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
