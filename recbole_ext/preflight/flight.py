"""What a run does, each part once and small, in the order in which a run does it.

The parts are those of a run, with its own loaders, trainer and files: only the number of batches is another. What is
written goes to a folder beside the runs, which is removed again.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dataset_tools.describe.validate import validate
from dataset_tools.files.headers import is_utf_8
from recbole_ext.config.config import Config
from recbole_ext.config.keys.train_on import ALL_ROWS
from recbole_ext.config.show import unread_lines
from recbole_ext.data.columns.headers import INTER
from recbole_ext.data.columns.roles import settle
from recbole_ext.errors import DataError, ResourceError
from recbole_ext.evaluation.units import Units
from recbole_ext.pipeline.build import build_on_device, build_trainer
from recbole_ext.pipeline.final_test import evaluate_baselines
from recbole_ext.pipeline.new_directory import new_directory
from recbole_ext.pipeline.opening_lines import counted
from recbole_ext.pipeline.result import parameters_of
from recbole_ext.pipeline.splits import Splits, open_splits
from recbole_ext.preflight import estimate
from recbole_ext.preflight.estimate import FirstBatches, FirstRows
from recbole_ext.runs.checkpoint import read_description
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.tasks.registered import task_of
from recbole_ext.training.batches import Batches
from recbole_ext.training.session import Session
from recbole_ext.training.signals import Signals
from recbole_ext.training.tracking.sinks import TrackingSettings
from recbole_ext.training.trainer import RunTrainer
from recbole_ext.training.trees import AnyTrainer

Part = Callable[[], list[str]]
"""Does a part; returns what there is to report of it, a sentence first. Its errors are those of a run."""


class Flight:
    """The parts of one run after its configuration; each one uses what those before it have made.

    Args:
        config: of the run.
        folder: for what is written; removed by the caller.
        command: what was typed.
        signals: of the process.
    """

    splits: Splits
    trainer: AnyTrainer
    is_validated = False
    directory: RunDirectory | None = None

    def __init__(self, config: Config, folder: Path, command: list[str], signals: Signals) -> None:
        self.config = config.with_values({"runs_dir": str(folder)})
        self.runs, self.folder, self.command, self.signals = Path(config["runs_dir"]), folder, command, signals

    def parts(self) -> dict[str, tuple[Part, bool]]:
        """Name -> part, and whether all later ones need it."""
        return {
            "tracking": (self.tracking, False),
            "data files": (self.data_files, True),
            "splits": (self.open, True),
            "model": (self.build, True),
            "training": (self.train, True),
            "validation": (self.validate, False),
            "test": (self.test, False),
            "baselines": (self.baselines, False),
            "checkpoint": (self.checkpoint, False),
            "disk": (self.disk, False),
            "time": (self.time, False),
        }

    def tracking(self) -> list[str]:
        """The libraries and addresses of the outputs that are asked for."""
        TrackingSettings.read(self.config).require_sinks()
        return [f"notify {self.config['notify'] or 'none'}, W&B {'on' if self.config['log_wandb'] else 'off'}"]

    def data_files(self) -> list[str]:
        """Every row, by the rules of `recbole-data validate`."""
        config = self.config
        if config["field_separator"] != "\t":
            return [f"fields are separated by {config['field_separator']!r}: the reader of the run checks them"]
        if not is_utf_8(config["encoding"] or "utf-8"):
            return [f"the text is {config['encoding']}: the reader of the run checks the rows"]
        path, fields = Path(config["data_path"]), (config["USER_ID_FIELD"], config["ITEM_ID_FIELD"])
        read = settle(config, task_of(config.entry).columns, path, config.dataset).read[INTER]
        times = config["TIME_FIELD"] if config["TIME_FIELD"] in read else ""
        found = validate(path, *fields, times, time_unit=config["time_unit"])
        if found.errors:
            raise DataError("\n".join(found.errors))
        self.is_validated = True
        return [f"{found.rows:,} rows, no errors", *found.warnings]

    def open(self) -> list[str]:
        """Read, filter and split."""
        self.splits = open_splits(self.config)
        dataset = self.splits.loaders.train._dataset
        lines = [line.removeprefix("rows").strip() for line in self.splits.loaders.ledger.lines()]
        more = [line for line in lines if not (self.is_validated and line.startswith("WARNING"))]
        return [counted(dataset), *more]

    def build(self) -> list[str]:
        """The model on its device, and the directory of a run."""
        model = build_on_device(self.config, self.splits.loaders)
        self.directory = new_directory(self.config, self.command, self.splits)
        session = Session(self.directory, signals=self.signals)
        self.trainer = build_trainer(self.config, self.splits.loaders, session, model)
        size = parameters_of(model)
        return ["boosted trees" if size is None else f"{size:,} parameters on {self.config['device']}"]

    def train(self) -> list[str]:
        """One batch forward and backward, and a step of the optimizer."""
        loss = self.trainer.train_epoch(FirstBatches(self.splits.loaders.train, 1), 0)
        if not isinstance(self.trainer, RunTrainer):
            return [f"loss {loss:.4g} after the first trees"]
        return [f"one batch: loss {loss:.4g}, gradient norm {self.trainer.steps.norms[-1]:.3g}"]

    def validate(self) -> list[str]:
        """Metrics of the first validation rows."""
        valid = self.splits.loaders.valid
        return ["no split to choose an epoch by: the last one counts"] if valid is None else self._measured(valid)

    def test(self) -> list[str]:
        """Metrics of the first test rows."""
        test = self.splits.loaders.test
        return [f"{ALL_ROWS}: none"] if test is None else self._measured(test)

    def _measured(self, loader: Any) -> list[str]:
        part = FirstRows(loader)
        metrics = self.trainer.evaluation(part).metrics
        values = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        return [f"{part.rows:,} rows: {values}"]

    def baselines(self) -> list[str]:
        """The non-learned baselines, fitted on the whole training split and tested on the same first rows."""
        if self.splits.loaders.test is None:
            return ["none, as there is no test"]
        units: dict[str, Units | None] = {}
        few = replace(self.splits.loaders, test=FirstRows(self.splits.loaders.test))
        found = evaluate_baselines(self.config, few, self.trainer.evaluator, units)
        return [", ".join(found) or "none"]

    def checkpoint(self) -> list[str]:
        """The state of training and the best weights, written and read."""
        if self.directory is None:
            return ["another process writes"]
        trainer, loaders = self.trainer, self.splits.loaders
        if isinstance(trainer, RunTrainer):
            trainer.begin(Batches(loaders.train, loaders.valid, trainer.model))
        trainer.best.save(0, None)
        trainer.load_best()
        if isinstance(trainer, RunTrainer):
            read_description(self.directory.checkpoints, "last")
        return [f"written and read: {_megabytes(_bytes(self.directory.checkpoints))}"]

    def disk(self) -> list[str]:
        """Space for the run: what it keeps, and each file once more while it is replaced."""
        kept = 2 * self.written + (self.config["keep_checkpoints"] - 1) * self.weights
        free = shutil.disk_usage(self.folder).free
        text = f"{free / 1e9:,.1f} GB free beside {self.runs}, the run takes about {_megabytes(kept)}"
        if free < kept:
            raise ResourceError(f"{text}; free some, or choose another --runs_dir")
        return [text]

    @cached_property
    def written(self) -> int:
        """Bytes of the directory of the run."""
        return _bytes(self.folder)

    @cached_property
    def weights(self) -> int:
        """Bytes of the best weights."""
        return sum(path.stat().st_size for path in self.folder.rglob("best-*"))

    def time(self) -> list[str]:
        """Time and memory of the whole run, from a few batches."""
        return estimate.lines(self.config, estimate.estimated(self.splits.loaders, self.trainer))

    def notes(self) -> list[str]:
        """Settings that the run does not read."""
        return unread_lines(self.config)

    def close(self) -> None:
        """Let the folder be removed."""
        if self.directory is not None:
            self.directory.release()


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
