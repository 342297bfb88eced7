"""The directory that a run writes: what was run, where, how it went, and what came out."""

import csv
import io
import json
import logging
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from recbole_ext.environment import environment
from recbole_ext.errors import ResourceError
from recbole_ext.evaluation.units import UNITS_FILE, Units, units_bytes
from recbole_ext.files import hold, new_folder, remove_leftovers, write_atomically
from recbole_ext.machine_paths import portable_command, without_machine_paths
from recbole_ext.names import refuse_links
from recbole_ext.redact import redact, redact_words
from recbole_ext.runs.log_file import log_file
from recbole_ext.runs.recorded import is_ended_by_budget
from recbole_ext.runs.run_files import config_text, plain, read_result
from recbole_ext.runs.run_kinds import ANALYSIS, RESULT

LARGEST_ANALYSIS = 500_000
BUDGET_FILE = "budget-spent"
"""Marks a run that its budget has ended, so that it is found without reading the results of all others."""


class RunDirectory:
    """`runs/<model>-<dataset>-<UTC time>-<4 hex>/`, held by one process at a time, which removes what killed ones left.

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
        self._lock = hold(path, f"{path} belongs to a run that is still going on")
        remove_leftovers(path)

    def release(self) -> None:
        """Let other processes have the directory."""
        self._lock.release()

    @classmethod
    def new(cls, root: Path, model: str, dataset: str) -> "RunDirectory":
        """A directory that no other run has or had."""
        path = new_folder(root, f"{model}-{dataset}")
        (path / "checkpoint").mkdir()
        return cls(path)

    def reopen(self) -> dict[str, Any]:
        """Remove the result of a run that goes on, so that a run with a result is one that has ended; returns it."""
        result = read_result(self.path)
        for name in ("result.json", "analysis.json", BUDGET_FILE):
            (self.path / name).unlink(missing_ok=True)
        return result

    def write_config(self, values: dict[str, Any], origins: dict[str, str], command: list[str]) -> None:
        """`config.yaml`, which --config_files takes as it is, and `command.txt`, which repeats the run."""
        write_atomically(self.path / "config.yaml", config_text(values, origins).encode())
        words = portable_command(redact_words(command))
        write_atomically(self.path / "command.txt", (shlex.join(words) + "\n").encode())

    def write_environment(self, device: torch.device) -> None:
        """`environment.json`: versions, source, machine and device."""
        facts = without_machine_paths(redact(environment(device)))
        write_atomically(self.path / "environment.json", json.dumps(facts, indent=2).encode())

    def append_metrics(self, row: dict[str, Any]) -> None:
        """One line of `metrics.csv`; a row with a new column rewrites the file."""
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
        """Write `metrics.csv` again."""
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

    def write_analysis(self, analysis: dict[str, Any]) -> None:
        """`analysis.json`: what pages draw of the test; no file where nothing is known."""
        known = dict(analysis)
        while known:
            content = json.dumps({"format": ANALYSIS.version, **redact(plain(known))}, separators=(",", ":")).encode()
            if len(content) <= LARGEST_ANALYSIS or "examples" not in known:
                write_atomically(self.path / "analysis.json", content)
                return
            del known["examples"]  # the one part that grows, with the length of tokens

    def write_result(self, result: dict[str, Any]) -> None:
        """`result.json`: protocol, metrics, baselines, times."""
        result = {"format": RESULT.version, **without_machine_paths(redact(plain(result)))}
        if is_ended_by_budget(result):
            write_atomically(self.path / BUDGET_FILE, b"")
        write_atomically(self.path / "result.json", json.dumps(result, indent=2).encode())
        self._tell("finished", result)

    def _tell(self, kind: str, facts: dict[str, Any]) -> None:
        for listener in self.listeners:
            listener(kind, facts)

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Send the root logger to `log.txt` for the length of a run, and only for it.

        Raises:
            ResourceError: the disk refuses the file, a line of it, or its end.
        """
        root = logging.getLogger()
        level = root.level
        with log_file(self.path / "log.txt") as handler:
            root.addHandler(handler)
            root.setLevel(logging.INFO)
            try:
                yield
            finally:
                root.removeHandler(handler)
                root.setLevel(level)
