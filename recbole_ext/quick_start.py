"""RecBole's calls by RecBole's names, signatures and return values, implemented by this package's runs.

A script written for RecBole 1.2.1 runs after changing its imports; docs/recbole.md has the table of imports and what
differs. RecBole's base classes, samplers, loaders and metrics stay where they are.
"""

import logging
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from recbole.utils import ModelType
from recbole.utils import init_seed as init_seed

from recbole_ext.config.config import Config as RunConfig
from recbole_ext.errors import UsageError
from recbole_ext.evaluation.own_metrics import adopt_metrics
from recbole_ext.evaluation.own_metrics import register_metric as register_metric
from recbole_ext.host_warnings import without_host_warnings
from recbole_ext.pipeline.configure import check_data, resolve
from recbole_ext.pipeline.dataset import create_dataset as read_dataset
from recbole_ext.pipeline.loaders import build_loaders, training_sample
from recbole_ext.pipeline.splits import settle_torch
from recbole_ext.pipeline.train import run as train
from recbole_ext.redact import redact_text
from recbole_ext.registry import find_model
from recbole_ext.report.report import leave_report
from recbole_ext.runs.stored_data import stored_data
from recbole_ext.scripts.by_hand import Prepared, run_of
from recbole_ext.scripts.by_hand import Trainer as Trainer
from recbole_ext.scripts.full_sort import full_sort_scores as full_sort_scores
from recbole_ext.scripts.full_sort import full_sort_topk as full_sort_topk
from recbole_ext.scripts.settings import checked_mapping, read_script_settings
from recbole_ext.serving.load import finished_config, load_run
from recbole_ext.tuning.hyper_tuning import HyperTuning as HyperTuning
from recbole_ext.typed_command import PROGRAM

__all__ = [
    "Config",
    "HyperTuning",
    "Trainer",
    "create_dataset",
    "data_preparation",
    "full_sort_scores",
    "full_sort_topk",
    "get_model",
    "get_trainer",
    "init_logger",
    "init_seed",
    "load_data_and_model",
    "objective_function",
    "register_metric",
    "run",
    "run_recbole",
]

_LEVELS = {"debug": logging.DEBUG, "warning": logging.WARNING, "error": logging.ERROR, "critical": logging.CRITICAL}


class Config(RunConfig):
    """The configuration of a run, checked as the command line's is.

    Later sources win: defaults, property files, `config_file_list`, `config_dict`, and the words `--key=value` with
    which the script was started.

    Args:
        model: a name, a class, or `package.module:Class`; None: a file or `config_dict` names it.
        dataset: name of the data set; None: a file or `config_dict` names it.
        config_file_list: paths of YAML files.
        config_dict: keys and values; texts are read as RecBole reads them (`"[64, 32]"` is a list).

    Attributes:
        prepared: what `data_preparation` has made; None before.

    Raises:
        UsageError: any error of the configuration; all are listed.
        DataError: a file of the data set is missing.
    """

    prepared: Prepared | None = None

    def __init__(
        self,
        model: str | type[Any] | None = None,
        dataset: str | None = None,
        config_file_list: list[str] | str | None = None,
        config_dict: dict[str, Any] | None = None,
    ) -> None:
        adopt_metrics()
        asked = read_script_settings(model, dataset, config_file_list, config_dict)
        resolved = resolve(asked.model, asked.dataset, asked.files, {}, above=asked.given, below=asked.own)
        check_data(resolved)
        super().__init__(resolved)
        self.typed = [f"--{key}={value}" for key, value in asked.given.values.items()]
        self.typed += [f"--config_files={' '.join(asked.files)}"] if asked.files else []


def run_recbole(
    model: str | type[Any] | None = None,
    dataset: str | None = None,
    config_file_list: list[str] | str | None = None,
    config_dict: dict[str, Any] | None = None,
    saved: bool = True,
    queue: Any = None,
) -> dict[str, Any]:
    """Train a model, choose its weights by validation, and evaluate them once on test.

    Args:
        model, dataset, config_file_list, config_dict: see `Config`.
        saved: False: nothing is left on the disk; the chosen weights are evaluated all the same.
        queue: gets the result too, for scripts that start processes.

    Returns:
        `best_valid_score` (None without a validation split), `valid_score_bigger`, `best_valid_result`, `test_result`,
        and `run_directory` (None with `saved=False`).

    Raises:
        RecBoleExtError: with a message and an exit code for each kind of error.
    """
    with ExitStack() as stack:
        if not saved:
            config_dict = {
                **checked_mapping(config_dict),
                "runs_dir": stack.enter_context(tempfile.TemporaryDirectory()),
            }
        config = Config(model, dataset, config_file_list, config_dict)
        words = [f"--model={config.entry.reference or config.model}", f"--dataset={config.dataset}", *config.typed]
        command = [PROGRAM, *words]
        with without_host_warnings():
            found = train(config, command, at_end=leave_report if saved else None)
    valid, metric = found["valid"], config["valid_metric"].lower()
    result = {
        "best_valid_score": valid[metric] if valid else None,
        "valid_score_bigger": config["valid_metric_bigger"],
        "best_valid_result": valid,
        "test_result": found["test"],
        "run_directory": found["run_directory"] if saved else None,
    }
    if queue is not None and config["local_rank"] == 0:
        queue.put(result)
    return result


def run(
    model: str | type[Any],
    dataset: str,
    config_file_list: list[str] | str | None = None,
    config_dict: dict[str, Any] | None = None,
    saved: bool = True,
    nproc: int = 1,
    world_size: int = -1,
    **unused: Any,
) -> dict[str, Any]:
    """`run_recbole` in this process.

    Raises:
        UsageError: several processes are asked for, which torchrun starts.
    """
    if nproc != 1 or world_size > 1:
        raise UsageError(f"nproc={nproc}: start the script with torchrun --nproc_per_node={max(nproc, world_size)}")
    return run_recbole(model, dataset, config_file_list, config_dict, saved)


def objective_function(
    config_dict: dict[str, Any] | None = None, config_file_list: list[str] | str | None = None, saved: bool = True
) -> dict[str, Any]:
    """What `HyperTuning` calls for each set of parameters.

    Returns:
        What `run_recbole` returns, and `model`.
    """
    config = Config(None, None, config_file_list, config_dict)
    return {"model": config.model, **run_recbole(None, None, config_file_list, config_dict, saved)}


def load_data_and_model(model_file: str | Path) -> tuple[RunConfig, Any, Any, Any, Any, Any]:
    """Open a run.

    Args:
        model_file: its directory, or a checkpoint in it.

    Returns:
        Configuration, model with the best weights, all of the data, and the loaders of the training, validation
        (None where there is none) and test splits.

    Raises:
        UsageError: it is no run.
        DataError: the data is not what the run was trained on.
    """
    path = run_of(model_file)
    config = finished_config(path)
    with without_host_warnings():
        loaded = load_run(path, config)
    return config, loaded.model, loaded.dataset, loaded.loaders.train, loaded.loaders.valid, loaded.loaders.test


def create_dataset(config: RunConfig) -> Any:
    """Read and filter the data set.

    Raises:
        DataError: a file is missing or malformed, or no interaction is left.
    """
    settle_torch(config)
    with without_host_warnings():
        return read_dataset(config)


def data_preparation(config: RunConfig, dataset: Any) -> tuple[Any, Any, Any]:
    """Split the data set.

    Returns:
        The loaders of the training, validation (None where there is none) and test splits.

    Raises:
        DataError: a split is empty.
    """
    stored = stored_data(dataset) if config["store_data"] and config.placement.leads else None
    with without_host_warnings():
        loaders = build_loaders(config, dataset)
        sample = training_sample(config, loaders)
    if isinstance(config, Config):
        config.prepared = Prepared(loaders, sample, stored)
    return loaders.train, loaders.valid, loaders.test


def get_model(model_name: str | type[Any]) -> type[Any]:
    """The class of a model, by its name, as `package.module:Class`, or as itself.

    Raises:
        UsageError: there is no such model.
    """
    return find_model(model_name).load()


def get_trainer(model_type: ModelType, model_name: str) -> type[Trainer]:
    """The class of trainers, which trains each model by the epochs that it needs.

    Raises:
        UsageError: of boosted trees, which `run_recbole` trains.
    """
    if model_type == ModelType.DECISIONTREE:
        raise UsageError(f"{model_name} grows trees and has no trainer to be called by hand; take run_recbole")
    return Trainer


class _Redacted(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact_text(super().format(record))


def init_logger(config: RunConfig) -> None:
    """Print what is logged at the level of `state` (info, debug, warning, error, critical); runs keep a log.txt."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Redacted("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=_LEVELS.get(str(config["state"]).lower(), logging.INFO), handlers=[handler])
