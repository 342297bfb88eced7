"""Checkpoints that survive a kill: a safetensors file, named by a JSON file that is replaced atomically.

    checkpoint/best.json                 what it is, and the name of the tensors' file
    checkpoint/best-<epoch>.safetensors  the tensors

The tensors are written and synced first; only then does `best.json` change its mind. Whatever happens in
between, the old pair stays readable.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from recbole.model.abstract_recommender import AbstractRecommender
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.training.tensor_tree import SKIPPED, flatten, unflatten

FORMAT = 1


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that readers see the old or the new content and nothing between.

    Raises:
        ResourceError: the disk refuses; the old content is untouched.
    """
    handle, temporary = -1, ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise ResourceError(
            f"cannot write {path} ({len(content):,} bytes): {error.strerror}; free some space "
            "or choose another --runs_dir"
        ) from None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def save_checkpoint(folder: Path, name: str, model: AbstractRecommender, facts: dict[str, Any]) -> None:
    """Save a model's weights, its `other_parameter` and some facts.

    Args:
        folder: must exist.
        name: `best` or `last`.
        model: a RecBole model.
        facts: what JSON can hold; must have `epoch`.
    """
    tensors = {f"weights.{k}": v.detach().cpu().clone().contiguous() for k, v in model.state_dict().items()}
    extra = flatten(dict(model.other_parameter()), "other", tensors)
    tensor_file = folder / f"{name}-{facts['epoch']}.safetensors"
    write_atomically(tensor_file, save(tensors))
    description = {"format": FORMAT, "tensors": tensor_file.name, "other_parameter": extra, **facts}
    write_atomically(folder / f"{name}.json", json.dumps(description, indent=2).encode())
    for old in folder.glob(f"{name}-*.safetensors"):
        if old != tensor_file:
            old.unlink()


def load_checkpoint(folder: Path, name: str, model: AbstractRecommender, device: torch.device) -> dict[str, Any]:
    """Load what `save_checkpoint` wrote into a model of the same configuration.

    Returns:
        The facts.

    Raises:
        UsageError: there is none, it is damaged or of another format, or it does not fit the model.
    """
    description = read_description(folder, name)
    tensors = _read_tensors(folder / Path(description["tensors"]).name, device)
    weights = {k.removeprefix("weights."): v for k, v in tensors.items() if k.startswith("weights.")}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(
            f"{folder / name}.json does not fit the model: {str(error).splitlines()[-1].strip()}"
        ) from None
    other = unflatten(description["other_parameter"], tensors)
    model.load_other_parameter({k: v for k, v in other.items() if v is not SKIPPED})
    return description


def _read_tensors(path: Path, device: torch.device) -> dict[str, Tensor]:
    try:
        return load_file(path, device=str(device))
    except (OSError, SafetensorError) as error:
        raise UsageError(f"no readable checkpoint {path}: {error}") from None


def read_description(folder: Path, name: str) -> dict[str, Any]:
    """The JSON half of a checkpoint.

    Raises:
        UsageError: there is no readable checkpoint of this format.
    """
    path = folder / f"{name}.json"
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"no readable checkpoint {path}: {error}") from None
    found = description.get("format") if isinstance(description, dict) else None
    if found != FORMAT:
        raise UsageError(f"{path} has format {found!r}; this version reads format {FORMAT}")
    return description
