"""A configuration that has passed all checks; imports neither torch nor RecBole."""

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
        given = {key for layer in self.layers if layer.user for key in layer.values}
        return {key for key in given if key not in defaults or self.values[key] != defaults[key]}

    def __getitem__(self, key: str) -> Any:
        """A value, None where there is none, as a `Config` gives it."""
        return self.values.get(key)

    @property
    def data_folder(self) -> Path:
        """Where the files of the data set are expected."""
        return data_folder(self.values.get("data_path") or "dataset", self.dataset)


def data_folder(root: str, dataset: str) -> Path:
    """Where a data set's files are: under `root`, or, for ml-100k alone, in the installed RecBole.

    `root` may be the data set's folder itself, as the `config.yaml` of a run has it.
    """
    folder = Path(root) / dataset
    if not folder.is_dir() and folder.parent.name == dataset and folder.parent.is_dir():
        return folder.parent
    carried = RECBOLE / "dataset_example" / dataset
    return carried if not folder.is_dir() and carried.is_dir() else folder
