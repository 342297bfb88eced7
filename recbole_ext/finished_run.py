"""A finished run as something that answers: its configuration, and its model with the best weights."""

from pathlib import Path
from typing import Any

from recbole_ext.building import build_model
from recbole_ext.config.config import Config, build_config
from recbole_ext.errors import UsageError
from recbole_ext.training.checkpoint import load_checkpoint
from recbole_ext.training.resume import recorded


def finished_config(run: Path) -> Config:
    """The configuration that a run left.

    Raises:
        UsageError: there is no such run.
    """
    if not (run / "config.yaml").is_file():
        raise UsageError(
            f"--run={run}: there is no run; give the directory that a run left under --runs_dir "
            "(there is no config.yaml in this one)"
        )
    values = recorded(run)
    return build_config(str(values["model"]), str(values["dataset"]), [str(run / "config.yaml")], {})


def best_model(run: Path, config: Config, train: Any) -> Any:
    """The model with the run's best weights, on its device, in evaluation mode.

    Args:
        run: its directory.
        config: from `finished_config`.
        train: the training part.
    """
    model = build_model(config, train).to(config["device"])
    load_checkpoint(run / "checkpoint", "best", model, config["device"])
    return model.eval()
