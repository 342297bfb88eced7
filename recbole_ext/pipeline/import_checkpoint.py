"""A `.pth` checkpoint of RecBole becomes a run of ours: tested, and kept as safetensors and JSON.

A `.pth` file is a pickle, and reading a pickle can run any code that its author put in. This is the only place
that reads one, and only with `--i-trust-this-file`.
"""

import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from recbole_ext.config.config import Config
from recbole_ext.config.keys.train_on import ALL
from recbole_ext.errors import UsageError
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.model_list import PARTITIONED
from recbole_ext.pipeline.analysis import analysis_of
from recbole_ext.pipeline.build import build_on_device, scorer_of
from recbole_ext.pipeline.final_test import evaluate_baselines
from recbole_ext.pipeline.new_directory import new_directory
from recbole_ext.pipeline.protocol import protocol_of
from recbole_ext.pipeline.result import run_result
from recbole_ext.pipeline.splits import open_splits
from recbole_ext.pipeline.summary import summary_lines
from recbole_ext.training.best_weights import BestWeights
from recbole_ext.training.state import TrainingState
from recbole_ext.training.tracking.progress import Progress
from recbole_ext.typed_command import typed_command


def import_checkpoint(config: Config, path: Path, trusted: bool, command: list[str] | None = None) -> dict[str, Any]:
    """Put a checkpoint's weights into the configured model, test them, and keep them in a new run directory.

    Args:
        config: of the model that the checkpoint is of.
        path: RecBole's `.pth`.
        trusted: the user has passed `--i-trust-this-file`.
        command: what was typed.

    Returns:
        What `result.json` holds.

    Raises:
        UsageError: not trusted, not readable, of another model or size, or of a model that RecBole reads otherwise.
    """
    started = time.perf_counter()
    if config["train_on"] == ALL:
        raise UsageError("train_on: all leaves no rows on which imported weights could be tested; leave it out")
    if config.entry.registered in PARTITIONED and config["train_mode"] != "prefix":
        raise UsageError(
            f"RecBole trains {config.model} on one row per prefix, whose padding it reads, and its weights rank in "
            "this way alone; add --train_mode=prefix"
        )
    state = read_legacy(path, trusted)
    splits = open_splits(config)
    loaders = splits.loaders
    model = build_on_device(config, loaders)
    load_legacy(model, state, path)
    directory = new_directory(config, command or typed_command(), splits)
    progress = Progress(0, enabled=config.placement.leads, bar=config["show_progress"])
    with directory.logging() if directory else nullcontext():
        epoch = int(state.get("epoch", 0))
        BestWeights(config, model, directory).save(epoch, None)
        evaluator = Evaluator(model, scorer_of(config, loaders.train), config.placement)
        with progress.waiting(f"test of {config.model}"):
            tested = evaluator.evaluate(loaders.test, "test", detailed=True)
        units = {config.model: tested.units()}
        baselines = evaluate_baselines(config, loaders, evaluator, units, progress)
        protocol = protocol_of(config, loaders)
        trained = imported_state(config, epoch)
        result = run_result(config, evaluator, trained, protocol, directory, tested.metrics, baselines)
        seconds = round(time.perf_counter() - started, 2)
        result |= {"imported_from": path.name, "fit_seconds": 0.0, "total_seconds": seconds}
        result |= splits.dataset.real_counts | {"rows": loaders.ledger.as_dict()}
        if directory:
            directory.write_units(units)
            directory.write_analysis(analysis_of(config, loaders, tested))
            directory.write_result(result)
            directory.release()
        for line in summary_lines(result, protocol):
            progress.say(line)
    return result


def imported_state(config: Config, epoch: int) -> TrainingState:
    """Of weights that were not trained here."""
    state = TrainingState.beginning(bigger=config["valid_metric_bigger"])
    state.best_epoch = epoch
    return state


def read_legacy(path: Path, trusted: bool) -> dict[str, Any]:
    """The content of a `.pth` file; first as tensors alone, then, since it is trusted, whatever it is.

    Raises:
        UsageError: not trusted, or not readable.
    """
    if not trusted:
        raise UsageError(
            f"{path}: reading a .pth file runs whatever code is in it; if you made it, or trust who did, add: "
            "--i-trust-this-file"
        )
    if not path.is_file():
        raise UsageError(f"import-checkpoint: there is no file {path}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # RecBole's files hold a configuration object, which is no tensor
        state = _read_everything(path)
    if not isinstance(state, dict) or not isinstance(state.get("state_dict"), dict):
        raise UsageError(f"{path} is no checkpoint of RecBole: it has no state_dict")
    return state


def _read_everything(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        raise UsageError(f"cannot read {path}: {error}") from None


def load_legacy(model: Any, state: dict[str, Any], path: Path) -> None:
    """Put weights and other parameters into a model.

    Raises:
        UsageError: they do not fit.
    """
    try:
        model.load_state_dict(state["state_dict"])
    except RuntimeError as error:
        raise UsageError(f"{path} does not fit the model: {str(error).splitlines()[-1].strip()}") from None
    model.load_other_parameter(state.get("other_parameter"))
