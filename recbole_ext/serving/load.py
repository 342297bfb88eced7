"""A finished run as something that answers: its configuration, its splits, and its model with the best weights."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.device_names import device_fault
from recbole_ext.devices import is_here
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.build_model import build_model
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.splits import open_splits, recorded_data
from recbole_ext.runs.checkpoint import load_checkpoint, read_description
from recbole_ext.runs.data_record import files_now
from recbole_ext.runs.recorded import recorded, require_run
from recbole_ext.runs.stored_data import FILE as STORED


@dataclass(frozen=True)
class LoadedRun:
    """A run that can be asked.

    Attributes:
        path: its directory, which may have been moved.
        config: of the run; `data_path` is where the data is now.
        loaders: of its splits, as the run had them.
        model: with the best weights, on its device, in evaluation mode.
        dataset: all of the data, before it was split.
        notes: what a reader of an answer should know of the run: that it has not finished.
    """

    path: Path
    config: Config
    loaders: Loaders
    model: Any
    dataset: Any
    notes: tuple[str, ...] = ()

    @property
    def train(self) -> Any:
        """The training split."""
        return self.loaders.train._dataset


def finished_config(run: Path, data_path: str | None = None, device: str | None = None) -> Config:
    """The configuration that a run left.

    Args:
        run: its directory.
        data_path: where the data is now; None: where it was.
        device: where to compute now; None: where the run did, or on the best device here if that one is not.

    Raises:
        UsageError: there is no such run, or `device` is no name of one.
        ResourceError: the requested device is not available.
    """
    require_run(run)
    device = str(device) if isinstance(device, torch.device) else device
    if device not in (None, "auto") and (fault := device_fault(device)):
        raise UsageError(fault)
    values = recorded(run)
    missing = [name for name in ("model", "dataset") if not values.get(name)]
    if missing:
        raise DataError(f"{run / 'config.yaml'} names no {missing[0]}; it was not written by a run of this package")
    place = data_path or _data_beside(run, values)
    moved = {"device": device or _device_here(values.get("device")), **({"data_path": place} if place else {})}
    begun: dict[str, None] = {"start_from": None} if values.get("start_from") else {}  # the run's own weights are there
    return build_config(str(values["model"]), str(values["dataset"]), [str(run / "config.yaml")], {**moved, **begun})


def _data_beside(run: Path, values: dict[str, Any]) -> str | None:
    """The recorded folder of the data as seen from where the run was started; None where it is found as it is.

    A run is started in the folder below which its `runs_dir` is, so that both can be moved together and opened from
    anywhere.
    """
    recorded_place, runs_dir = (Path(str(values.get(key) or "")) for key in ("data_path", "runs_dir"))
    above = run.resolve().parents[len(runs_dir.parts) : len(runs_dir.parts) + 1]
    if recorded_place.is_absolute() or runs_dir.is_absolute() or not above or recorded_place.is_dir():
        return None
    found = above[0] / recorded_place
    return str(found) if found.is_dir() else None


def _device_here(recorded_device: Any) -> str:
    """The device of the run where this machine has it, else `auto`."""
    return str(recorded_device) if recorded_device and is_here(torch.device(str(recorded_device))) else "auto"


def load_run(run: Path, config: Config, raw: bool = False) -> LoadedRun:
    """Open a run: its splits with its seed and its numbers of tokens, and its best weights.

    Args:
        run: its directory.
        config: from `finished_config`.
        raw: whether the raw data that the configuration names must be that of the run; False: the data that the run
            stored is enough.

    Raises:
        UsageError: it has no checkpoint, or there is no such data set.
        DataError: the data is not what the run was trained on, or is not where it is said to be.
    """
    best = read_best(run)  # first what costs nothing
    recorded_data(run)
    if raw and os.path.lexists(run / STORED) and not files_now(config):
        raise DataError(
            f"--data_path={config['data_path']}: no file of the data set {config['dataset']} is there; name the folder "
            f"that holds {config['dataset']}/, or leave the option out: the run stored its data"
        )
    splits = open_splits(config, run, raw)
    model = build_model(config, splits.loaders.train._dataset).to(config["device"])
    load_checkpoint(run / "checkpoint", "best", model, config["device"])
    return LoadedRun(run, config, splits.loaders, model.eval(), splits.dataset, unfinished(run, best))


def read_best(run: Path) -> dict[str, Any]:
    """The description of the best weights of a run, finished or not.

    Raises:
        UsageError: it has none yet.
        DataError: they are damaged or of another version.
    """
    folder = run / "checkpoint"
    if not os.path.lexists(folder / "best.json"):
        raise UsageError(
            f"--run={run}: no readable checkpoint, because no epoch of this run was evaluated; continue it with "
            f"--resume={run.name}, or train another"
        )
    return read_description(folder, "best")


def unfinished(run: Path, best: dict[str, Any]) -> tuple[str, ...]:
    """A note on a run that has not finished; () for one that has."""
    if (run / "result.json").is_file():
        return ()
    return (f"{run.name} has not finished: its best weights so far are used, those of epoch {best.get('epoch')}",)
