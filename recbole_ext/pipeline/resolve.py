"""All sources of a configuration in their order, checked; imports neither torch nor RecBole.

Importing RecBole takes seconds. What is wrong with a configuration is reported before that.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole_ext.config.keys.separators import SEPARATORS, literal
from recbole_ext.config.keys.unread import unread_settings
from recbole_ext.config.layers import Layer, default_layers, merge, protocol_layer, user_file
from recbole_ext.names import checked_name
from recbole_ext.pipeline.checks import check
from recbole_ext.places import RECBOLE
from recbole_ext.redact import remember
from recbole_ext.registry import ModelEntry, find_model

OF_NO_DATA_SET = (
    "recbole dataset/sample.yaml",
    "recbole quick_start_config/knowledge_base.yaml",
    "recbole quick_start_config/sequential_embedding_model.yaml",
)
"""Files whose `load_col` is for whatever data set there is; the columns follow from the model and the settings then."""


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


def resolve(
    model: str, dataset: str, config_files: list[str], given: dict[str, Any], above: Layer | None = None
) -> Resolved:
    """Read all sources and check what they say.

    Args:
        model: a name of the registry.
        dataset: name of the data set's folder.
        config_files: paths, or names of files in properties/model, later ones win.
        given: values from the command line.
        above: values over those, for instance of a space that is searched.

    Raises:
        UsageError: any fault of the configuration; all are listed.
    """
    checked_name("--dataset", dataset)
    entry = find_model(checked_name("--model", model))
    typed = [Layer("command line", given, user=True), *([above] if above else [])]
    user = [user_file(name) for name in config_files] + typed
    for layer in user:
        layer.values = {k: v for k, v in layer.values.items() if k not in ("model", "dataset", "config_files")}
    roots = [root for layer in user if isinstance(root := layer.values.get("data_path"), str) and root]
    lower = default_layers(entry, dataset, data_folder(roots[-1] if roots else "dataset", dataset))
    for layer in [*lower, *user]:
        remember(layer.values)
    layers = [*lower, protocol_layer([*lower, *user]), *user]
    values, origins = merge(layers)
    check(entry, layers, values)
    values |= {key: literal(values[key]) for key in SEPARATORS}
    if origins.get("load_col", "").startswith(OF_NO_DATA_SET):
        values["load_col"] = None
    return Resolved(entry, dataset, layers, values, origins, unread_settings(entry, layers, values))


def data_folder(root: str, dataset: str) -> Path:
    """Where a data set's files lie: under `root`, or, for ml-100k alone, in the installed RecBole.

    `root` may be the data set's folder itself, as the `config.yaml` of a run has it.
    """
    folder = Path(root) / dataset
    if not folder.is_dir() and folder.parent.name == dataset and folder.parent.is_dir():
        return folder.parent
    carried = RECBOLE / "dataset_example" / dataset
    return carried if not folder.is_dir() and carried.is_dir() else folder
