"""The table of trials: one file per trial, written atomically, so that a kill at any moment leaves it whole.

    <tuning>/tune.yaml              what was asked for
    <tuning>/trials/0007/trial.json what was tried, how it went
    <tuning>/trials/0007/<run>/     the run, as every run leaves one
    <tuning>/trials.csv             the same table for people

It alone determines what is left to do after a kill. Ray's own snapshot is taken every few seconds and needs pickle;
a trial that ended after the last one would be run again.
"""

import csv
import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dataset_tools.files.schema import NUMBER, OBJECT, TEXT, WHOLE, FileKind, list_of, record
from recbole_ext.files import write_atomically
from recbole_ext.runs.run_files import read_metrics

ENDED = ("finished", "stopped", "failed")
PAUSED = "paused"
"""State of a trial that the budget interrupted: it counts by its score until then, and may go on."""
GIVE_UP_AFTER = 3
"""Failures from the start on, without one good trial, after which no further trial is begun."""


@dataclass
class Trial:
    """One point of the space and what came of it.

    Attributes:
        number: from 0 on.
        values: key to value.
        state: `running`, `paused` by the budget, or how it ended: `finished`, `stopped` by the scheduler, or `failed`.
        reports: [epochs done, best validation score until then], oldest first.
        cause: why it failed, at last or before a retry.
        retries: how often it was begun again after a failure.
    """

    number: int
    values: dict[str, Any]
    state: str = "running"
    reports: list[list[float]] = field(default_factory=list)
    cause: str = ""
    retries: int = 0

    @property
    def score(self) -> float | None:
        """The best validation score; None before the first epoch."""
        return self.reports[-1][1] if self.reports else None

    @property
    def epochs(self) -> int:
        """Epochs that were trained and reported."""
        return int(self.reports[-1][0]) if self.reports else 0

    def score_after(self, epochs: int) -> float | None:
        """The best score until an epoch that the trial reached."""
        return next((score for done, score in self.reports if done == epochs), None)


_FILE = FileKind(
    record(
        {"number": WHOLE, "values": OBJECT},
        state=TEXT,
        reports=list_of(list_of(NUMBER)),
        cause=TEXT,
        retries=WHOLE,
    ),
    "remove the folder of this trial: its place in the search is lost, and the others stay",
)
"""`trial.json`."""


def _trial(file: Path) -> Trial:
    found = _FILE.read_json(file)
    return Trial(**{name: found[name] for name in Trial.__dataclass_fields__ if name in found})


class Table:
    """All trials of a tuning.

    Args:
        folder: of the tuning.
        bigger: whether a higher score is better.

    Raises:
        DataError: the file of a trial is damaged.
    """

    def __init__(self, folder: Path, bigger: bool) -> None:
        self.folder, self.bigger = folder, bigger
        files = sorted(folder.glob("trials/*/trial.json"))
        self.trials = [_trial(file) for file in files]

    def add(self, values: dict[str, Any]) -> Trial:
        """A new trial, on disk before anything is run; it takes no folder that is there, whatever was removed."""
        taken = [int(place.name) for place in self.folder.glob("trials/*") if place.name.isdecimal()]
        trial = Trial(1 + max(taken, default=-1), values)
        self.trials.append(trial)
        self.save(trial)
        return trial

    def save(self, trial: Trial) -> None:
        """Write a trial as it is now."""
        place = self.place(trial.number)
        place.mkdir(parents=True, exist_ok=True)
        write_atomically(place / "trial.json", json.dumps(asdict(trial)).encode())

    def place(self, number: int) -> Path:
        """The folder of a trial."""
        return self.folder / "trials" / f"{number:04d}"

    def ended(self) -> list[Trial]:
        """Trials that are over, in their order."""
        return [trial for trial in self.trials if trial.state in ENDED]

    def pause(self) -> None:
        """The budget has interrupted the trials that were running."""
        for trial in self.trials:
            if trial.state == "running":
                trial.state = PAUSED
                self.save(trial)

    def hopeless(self) -> bool:
        """Whether the first trials have all failed, so that the error is not in the values."""
        ended = self.ended()
        return len(ended) >= GIVE_UP_AFTER and all(trial.state == "failed" for trial in ended)

    def best(self) -> Trial | None:
        """The trial with the best score among those that did not fail; the first one of equals."""
        ranked = self.ranked()
        return ranked[0] if ranked else None

    def ranked(self) -> list[Trial]:
        """Trials that ended well or were paused, best first."""
        states = ("finished", "stopped", PAUSED)
        sound = [trial for trial in self.trials if trial.state in states and trial.score is not None]
        return sorted(sound, key=lambda t: (-(t.score or 0.0) if self.bigger else t.score, t.number))

    def run_of(self, trial: Trial) -> Path | None:
        """The newest run of a trial, if it left one."""
        runs = [path.parent for path in self.place(trial.number).glob("*/config.yaml")]
        return max(runs, key=lambda path: path.stat().st_mtime_ns, default=None)

    def rows(self) -> list[dict[str, Any]]:
        """One row per trial, as `trials.csv` has it."""
        return [self._row(trial) for trial in self.trials]

    def _row(self, trial: Trial) -> dict[str, Any]:
        run = self.run_of(trial)
        facts = {"trial": trial.number, "state": trial.state, "score": trial.score, "epochs": trial.epochs}
        facts |= {"seconds": round(_seconds(run), 1), "retries": trial.retries, "cause": trial.cause}
        return {**facts, **trial.values, "run": str(run.relative_to(self.folder)) if run else None}

    def write_csv(self) -> None:
        """`trials.csv`."""
        rows = self.rows()
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(self.folder / "trials.csv", text.getvalue().encode())


def _seconds(run: Path | None) -> float:
    """Time that a run spent in training and validation, over all its sessions."""
    rows = read_metrics(run)
    return sum(float(row.get(name) or 0.0) for row in rows for name in ("train_seconds", "valid_seconds"))
