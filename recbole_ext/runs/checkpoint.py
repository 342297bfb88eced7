"""Checkpoints that survive a kill: a safetensors file, named by a JSON file that is replaced atomically.

    checkpoint/best.json                 what it is, and the name of the tensors' file
    checkpoint/best-<epoch>.safetensors  the tensors

The tensors are written and synced first; only then does `best.json` change its mind. Whatever happens in
between, the old pair stays readable.
"""

import json
from pathlib import Path
from typing import Any

import torch
from recbole.model.abstract_recommender import AbstractRecommender
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from recbole_ext.errors import UsageError
from recbole_ext.files import sha256_of, write_atomically
from recbole_ext.names import inside
from recbole_ext.runs.tensor_tree import SKIPPED, flatten, unflatten

FORMAT = 1


def save_checkpoint(
    folder: Path,
    name: str,
    model: AbstractRecommender,
    facts: dict[str, Any],
    state: dict[str, Any] | None = None,
    keep: int = 1,
) -> None:
    """Save a model's weights, its `other_parameter`, some facts and, for `last`, the state of training.

    Args:
        folder: must exist.
        name: `best` or `last`.
        model: a RecBole model.
        facts: what JSON can hold; must have `epoch`.
        state: from `trainer_state`.
        keep: how many checkpoints of this name stay; the older ones are `<name>-<epoch>.json`.
    """
    tensors = {f"weights.{k}": v.detach().cpu().clone().contiguous() for k, v in model.state_dict().items()}
    description = {"format": FORMAT, "other_parameter": flatten(dict(model.other_parameter()), "other", tensors)}
    if state is not None:
        description["state"] = flatten(state, "state", tensors)
    tensor_file = _free_name(folder, f"{name}-{facts['epoch']}")
    write_atomically(tensor_file, save(tensors))
    text = json.dumps({**description, "tensors": tensor_file.name, **facts}, indent=None if state else 2).encode()
    if keep > 1:
        write_atomically(tensor_file.with_suffix(".json"), text)
    write_atomically(folder / f"{name}.json", text)
    _remove_older(folder, name, tensor_file, keep)


def _free_name(folder: Path, stem: str) -> Path:
    """A file that no description names yet, so that writing it breaks no older pair."""
    names = [stem, *(f"{stem}.{n}" for n in range(1, 1000))]
    return next(path for name in names if not (path := folder / f"{name}.safetensors").exists())


def _remove_older(folder: Path, name: str, newest: Path, keep: int) -> None:
    older = [path for path in folder.glob(f"{name}-*.safetensors") if path != newest]
    older.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in older[max(keep - 1, 0) :]:
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink()


def load_checkpoint(folder: Path, name: str, model: AbstractRecommender, device: torch.device) -> dict[str, Any]:
    """Load what `save_checkpoint` wrote into a model of the same configuration.

    Returns:
        The facts, and the `state` as it was given, if it was.

    Raises:
        UsageError: there is none, it is damaged or of another format, or it does not fit the model.
    """
    description = read_description(folder, name)
    tensors = _read_tensors(inside(folder, description.get("tensors")))
    try:
        model.load_state_dict(_weights(tensors))
    except RuntimeError as error:
        raise UsageError(
            f"{folder / name}.json does not fit the model: {str(error).splitlines()[-1].strip()}"
        ) from None
    try:
        other = unflatten(description["other_parameter"], tensors, device)
        model.load_other_parameter({k: v for k, v in other.items() if v is not SKIPPED})
        if "state" in description:
            description["state"] = unflatten(description["state"], tensors)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, StopIteration) as error:
        raise UsageError(f"{folder / name}.json is damaged ({type(error).__name__}: {str(error)[:200]})") from None
    return description


def load_weights(folder: Path, name: str) -> dict[str, Tensor]:
    """The model's `state_dict` in a checkpoint that `save_checkpoint` wrote.

    Raises:
        UsageError: there is no readable checkpoint.
    """
    return _weights(_read_tensors(inside(folder, read_description(folder, name).get("tensors"))))


def _weights(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("weights."): value for name, value in tensors.items() if name.startswith("weights.")}


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UsageError(f"no readable checkpoint {path}: {error}") from None


def read_description(folder: Path, name: str) -> dict[str, Any]:
    """The JSON half of a checkpoint.

    Raises:
        UsageError: there is no readable checkpoint of this format.
    """
    path = inside(folder, f"{name}.json")
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"no readable checkpoint {path}: {error}") from None
    found = description.get("format") if isinstance(description, dict) else None
    if found != FORMAT:
        raise UsageError(f"{path} has format {found!r}; this version reads format {FORMAT}")
    return description


def weights_hash(run: Path) -> str:
    """SHA-256 of the file of a run's best weights.

    Raises:
        UsageError: there is no readable checkpoint.
    """
    folder = run / "checkpoint"
    path = inside(folder, read_description(folder, "best").get("tensors"))
    try:
        return sha256_of(path)
    except OSError as error:
        raise UsageError(f"no readable checkpoint {path}: {error.strerror}") from None
