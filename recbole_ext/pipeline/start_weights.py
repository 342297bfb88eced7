"""The weights with which a run begins that goes on from another run (`start_from`).

A model whose class has `grows` may have more users, items and other tokens than the earlier run: rows of its tables
that the earlier run has are that run's, bit for bit, and new rows stay as the model initialised them.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.splits import open_splits
from recbole_ext.runs.checkpoint import load_checkpoint, load_weights
from recbole_ext.runs.recorded import recorded


def earlier_split(config: Config) -> Any:
    """The training split of the run that `start_from` names, for models that number some rows by it; else None.

    It is opened with the seed of that run, so this comes before anything is drawn for the new one.
    """
    if not hasattr(config.model_class, "moved_rows"):
        return None
    run = Path(config["start_from"])
    values = recorded(run)
    given = {"device": "cpu", "start_from": None}
    earlier = build_config(str(values["model"]), str(values["dataset"]), [str(run / "config.yaml")], given)
    return open_splits(earlier, run, raw=False).loaders.train._dataset


def load_start(config: Config, model: Any, earlier: Any) -> None:
    """Give a new model the best weights of the run that `start_from` names.

    Args:
        config: of the run that begins.
        model: as it was initialised, on its device.
        earlier: from `earlier_split`.

    Raises:
        UsageError: the weights do not fit.
        DataError: the checkpoint is damaged.
    """
    run = Path(config["start_from"])
    if not config.entry.grows:
        load_checkpoint(run / "checkpoint", "best", model, config["device"])
        return
    weights = load_weights(run / "checkpoint", "best")
    moved = {} if earlier is None else model.moved_rows(earlier)
    model.load_state_dict(_carried_over(run, model, weights, moved))


def _carried_over(run: Path, model: nn.Module, weights: dict[str, Tensor], moved: dict[str, Tensor]) -> dict[str, Any]:
    """The model's `state_dict` with the earlier weights in it.

    Args:
        run: of the weights.
        model: initialised.
        weights: of the earlier run.
        moved: name of a table's module -> (rows of the earlier table,) int64, its places in the model's table, -1 for
            none; of other tables, rows keep their places.

    Raises:
        UsageError: a tensor has another shape, and is no table that only got more rows.
    """
    tables, own = _tables(model), model.state_dict()
    found = _absent(model, own.keys() - weights.keys())
    if own.keys() - found.keys() != weights.keys():
        other = sorted((own.keys() - found.keys()) ^ weights.keys())[0]
        raise UsageError(
            f"start_from: {run} has other weights than this model ({other}); give the settings of that run"
        )
    for name, tensor in own.items():
        if name in found:
            continue
        module, old = name.rpartition(".")[0], weights[name]
        places = moved.get(module, torch.arange(len(old)) if module in tables else None)
        fits = old.shape == tensor.shape if places is None else _fit(old, tensor, places)
        if not fits:
            raise UsageError(
                f"start_from: {name} of {run} has the shape {tuple(old.shape)}, and {tuple(tensor.shape)} with these "
                "settings and data; give the settings of that run, and data with the same kinds of values"
            )
        found[name] = old if places is None else _with_rows(tensor, old, places)
    return found


def _fit(old: Tensor, new: Tensor, places: Tensor) -> bool:
    return len(places) == len(old) and old.shape[1:] == new.shape[1:] and int(places.max()) < len(new)


def _with_rows(new: Tensor, old: Tensor, places: Tensor) -> Tensor:
    """A table with the rows of an earlier one at their places; others stay as they were initialised."""
    table = new.detach().cpu().clone()
    table[places[places >= 0]] = old[places >= 0].to(table.dtype)
    return table


def _absent(model: nn.Module, lacking: set[str]) -> dict[str, Any]:
    """Of tensors that the earlier run lacks those that its data had no use for, as the model initialised them."""
    own = model.state_dict()
    places = {f"{name}.{of}" for name, module in model.named_modules() for of in getattr(module, "may_lack", ())}
    return {name: own[name] for name in lacking & places}


def _tables(model: nn.Module) -> set[str]:
    """Names of the modules that have a row per token."""
    modules = model.named_modules()
    return {name for name, of in modules if isinstance(of, nn.Embedding) or getattr(of, "rows_are_tokens", False)}
