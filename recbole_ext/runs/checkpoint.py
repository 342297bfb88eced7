"""Checkpoints that survive a kill: a safetensors file, named by a JSON file that is replaced atomically.

    checkpoint/best.json                 what it is, the tensors' file, and sha256 of both
    checkpoint/best-<epoch>.safetensors  the tensors

The tensors are written and synced first; only then does `best.json` change its mind. Whatever happens in
between, the old pair stays readable. A description records the settings and the data of its run, so that a
checkpoint of another run in its place is refused.
"""

import hashlib
import json
import logging
import re
from pathlib import Path
from typing import Any

import torch
from recbole.model.abstract_recommender import AbstractRecommender
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from recbole_ext.errors import DataError, UsageError, memory_for
from recbole_ext.files import sha256_of, write_atomically
from recbole_ext.names import inside
from recbole_ext.runs.origin import origin_of, require_origin
from recbole_ext.runs.tensor_tree import SKIPPED, flatten, unflatten

FORMAT, UNCHECKED = 2, 1
"""The format that is written, and the earlier one, which has no checksums."""
_MARK, _NO_SUM = '"sha256": "', "0" * 64
"""The last entry of a description is the sha256 of the text before it."""
_LOG = logging.getLogger(__name__)


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
        folder: must exist; in the directory of a run.
        name: `best` or `last`.
        model: a RecBole model.
        facts: what JSON can hold; must have `epoch`.
        state: from `trainer_state`.
        keep: how many checkpoints of this name stay; the older ones are `<name>-<epoch>.json`.
    """
    with memory_for(f"saving {folder / name}, whose weights have {_bytes_of(model):,} bytes and are copied twice"):
        tensors = {f"weights.{k}": v.detach().cpu().clone().contiguous() for k, v in model.state_dict().items()}
        description = {"format": FORMAT, "other_parameter": flatten(dict(model.other_parameter()), "other", tensors)}
        if state is not None:
            description["state"] = flatten(state, "state", tensors)
        content = save(tensors)
    tensor_file = _free_name(folder, f"{name}-{facts['epoch']}")
    write_atomically(tensor_file, content)
    sums = {"tensors": tensor_file.name, "tensors_sha256": hashlib.sha256(content).hexdigest()}
    text = _signed({**description, **facts, "run": origin_of(folder.parent), **sums}, None if state else 2)
    if keep > 1:
        write_atomically(tensor_file.with_suffix(".json"), text)
    write_atomically(folder / f"{name}.json", text)
    _remove_older(folder, name, tensor_file, keep)


def _signed(description: dict[str, Any], indent: int | None) -> bytes:
    """A description as text, with its checksum in the end."""
    text = json.dumps({**description, "sha256": _NO_SUM}, indent=indent)
    before, mark, after = text.rpartition(_MARK)
    return f"{before}{mark}{hashlib.sha256(before.encode()).hexdigest()}{after[len(_NO_SUM) :]}".encode()


def _bytes_of(model: AbstractRecommender) -> int:
    return sum(value.numel() * value.element_size() for value in model.state_dict().values())


def _free_name(folder: Path, stem: str) -> Path:
    """A file that no description names yet, so that writing it breaks no older pair."""
    names = [stem, *(f"{stem}.{n}" for n in range(1, 1000))]
    return next(path for name in names if not (path := folder / f"{name}.safetensors").exists())


def _remove_older(folder: Path, name: str, newest: Path, keep: int) -> None:
    """By their epochs: the clock may have been set back between two of them."""
    older = [path for path in folder.glob(f"{name}-*.safetensors") if path != newest]
    older.sort(key=_order, reverse=True)
    for path in older[max(keep - 1, 0) :]:
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink()


def _order(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.stem)]


def load_checkpoint(folder: Path, name: str, model: AbstractRecommender, device: torch.device) -> dict[str, Any]:
    """Load what `save_checkpoint` wrote into a model of the same configuration.

    Returns:
        The facts, and the `state` as it was given, if it was.

    Raises:
        DataError: it is damaged, of another format or of another run, or it does not fit the model.
        UsageError: there is none, or it names a file outside of its folder.
    """
    description, tensors = _checked(folder, name)
    where = f"{folder / name}.json"
    try:
        model.load_state_dict(_weights(tensors))
    except RuntimeError as error:
        raise DataError(f"{where} does not fit the model: {str(error).splitlines()[-1].strip()}") from None
    try:
        other = unflatten(description["other_parameter"], tensors, device)
        model.load_other_parameter({k: v for k, v in other.items() if v is not SKIPPED})
        if "state" in description:
            description["state"] = unflatten(description["state"], tensors)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, StopIteration) as error:
        raise DataError(f"{where} is damaged ({type(error).__name__}: {str(error)[:200]})") from None
    return description


def load_weights(folder: Path, name: str) -> dict[str, Tensor]:
    """The model's `state_dict` in a checkpoint that `save_checkpoint` wrote.

    Raises:
        DataError, UsageError: see `load_checkpoint`.
    """
    return _weights(_checked(folder, name)[1])


def _checked(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Description and tensors, compared with their checksums and with the run in whose directory they are."""
    description = read_description(folder, name)
    require_origin(description.get("run"), folder / f"{name}.json")
    path = inside(folder, description.get("tensors"))
    try:
        if description["format"] == UNCHECKED:
            _LOG.warning("%s.json is of an earlier version and has no checksum: it is read unchecked", folder / name)
        elif (found := sha256_of(path)) != description.get("tensors_sha256"):
            raise DataError(
                f"{path} is damaged: its sha256 is {found}, and {description.get('tensors_sha256')} was recorded\n"
                "restore the file from a copy, or train the model again"
            )
        return description, load_file(path)
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from None


def _weights(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("weights."): value for name, value in tensors.items() if name.startswith("weights.")}


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"no readable checkpoint {path}: {getattr(error, 'strerror', None) or error}")


def read_description(folder: Path, name: str) -> dict[str, Any]:
    """The JSON half of a checkpoint.

    Raises:
        UsageError: there is none.
        DataError: it is damaged, or of a format that this version does not read.
    """
    path = inside(folder, f"{name}.json")
    try:
        text = path.read_text(encoding="utf-8")
        description = json.loads(text)
    except FileNotFoundError as error:
        raise UsageError(str(_unreadable(path, error))) from None
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from None
    found = description.get("format") if isinstance(description, dict) else None
    if found not in (FORMAT, UNCHECKED):
        raise DataError(
            f"{path} has format {str(found)[:20]}; this version reads format {FORMAT}, and the earlier {UNCHECKED} "
            "unchecked\nread it with the version that wrote it (environment.json of the run), or train the model again"
        )
    before, _, after = text.rpartition(_MARK)
    if found == FORMAT and hashlib.sha256(before.encode()).hexdigest() != after[: len(_NO_SUM)]:
        raise DataError(
            f"{path} is damaged: its content does not have the sha256 that it records\n"
            "restore the file from a copy, or train the model again"
        )
    return dict(description)


def weights_hash(run: Path) -> str:
    """SHA-256 of the file of a run's best weights.

    Raises:
        UsageError: there is no checkpoint.
        DataError: it is damaged.
    """
    folder = run / "checkpoint"
    path = inside(folder, read_description(folder, "best").get("tensors"))
    try:
        return sha256_of(path)
    except OSError as error:
        raise _unreadable(path, error) from None
