"""A configuration that has passed all checks; imports neither torch nor RecBole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole_ext.config.layers import Layer, merge
from recbole_ext.model_entry import ModelEntry
from recbole_ext.places import RECBOLE


@dataclass(frozen=True)
class Resolved:
    """A configuration that has passed all checks.

    Attributes:
        entry: the registry's entry of the model.
        dataset: name of the data set.
        layers: lowest first.
        values, origins: one value per key, and where it came from.
        unread: settings of the user that this run does not read, in sentences.
    """

    entry: ModelEntry
    dataset: str
    layers: list[Layer]
    values: dict[str, Any]
    origins: dict[str, str]
    unread: list[str]

    @property
    def changed(self) -> set[str]:
        """Keys to which the user gave another value than the defaults have."""
        defaults = merge([layer for layer in self.layers if not layer.user])[0]
        return changed_keys(self.values, {key for layer in self.layers if layer.user for key in layer.values}, defaults)

    def __getitem__(self, key: str) -> Any:
        """A value, None where there is none, as a `Config` gives it."""
        return self.values.get(key)

    @property
    def data_folder(self) -> Path:
        """Where the files of the data set are expected."""
        return data_folder(self.values.get("data_path") or "dataset", self.dataset)


def changed_keys(values: Mapping[str, Any], given: Iterable[str], defaults: Mapping[str, Any]) -> set[str]:
    """Keys that were given and have another value than the defaults, whatever file gave them."""
    return {key for key in given if key not in defaults or _of_each(values[key]) != _of_each(defaults[key])}


def _of_each(value: Any) -> Any:
    """`eval_args` with its mode for validation and test, as a run records it."""
    if isinstance(value, dict) and isinstance(mode := value.get("mode"), str):
        return {**value, "mode": {"valid": mode, "test": mode}}
    return value


def data_folder(root: str, dataset: str) -> Path:
    """Where a data set's files are: under `root`, or, for ml-100k alone, in the installed RecBole.

    `root` may be the data set's folder itself, as the `config.yaml` of a run has it.
    """
    folder = Path(root) / dataset
    if not folder.is_dir() and folder.parent.name == dataset and folder.parent.is_dir():
        return folder.parent
    carried = RECBOLE / "dataset_example" / dataset
    return carried if not folder.is_dir() and carried.is_dir() else folder
