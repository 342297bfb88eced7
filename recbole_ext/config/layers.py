"""From property files, user files and the command line to one value per key, each with its origin.

Later layers win. RecBole's own order is kept: its defaults, the model's, the data set's, those of the
model's family, then ours, then the user's files, then the command line.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from recbole_ext.config.plain_values import several
from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.errors import UsageError, nearest
from recbole_ext.model_entry import ModelEntry
from recbole_ext.places import RECBOLE, properties_folder
from recbole_ext.registry import models

MERGED_KEYS = ("eval_args", "train_neg_sample_args")
ALTERNATIVES = {"warmup_steps": "warmup_share", "warmup_share": "warmup_steps"}
"""Two ways to say one thing: a layer that sets one of them takes the other back to 0."""


@dataclass
class Layer:
    """Values from one place.

    Attributes:
        source: as reported, `properties/overall.yaml` or `command line`.
        values: key to value.
        lines: 1-based line of each key, where the source is a file.
        user: True for what the user wrote, as opposed to defaults.
    """

    source: str
    values: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)
    user: bool = False

    @property
    def shipped(self) -> bool:
        """Whether these are defaults of RecBole or of this package."""
        return not self.user and self.source.startswith(("recbole ", "properties/"))

    def without(self, keys: Iterable[str]) -> "Layer":
        """The same layer without some keys."""
        left_out = set(keys)
        return replace(self, values={key: value for key, value in self.values.items() if key not in left_out})

    def origin(self, key: str) -> str:
        """Where a value stands: `properties/overall.yaml:7`."""
        return f"{self.source}:{self.lines[key]}" if key in self.lines else self.source


def file_layer(path: Path, shown: str, user: bool = False) -> Layer:
    """Read a file that must exist into a layer."""
    values, lines = read_yaml(path)
    return Layer(shown, values, lines, user)


def _shipped_layer(path: Path, shown: str) -> Layer:
    """A file of an installed package, which is read once: it does not change while a program runs."""
    values, lines = _read_once(path)
    return Layer(shown, deepcopy(values), lines)


@cache
def _read_once(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    return read_yaml(path)


def default_layers(entry: ModelEntry, dataset: str, data_folder: Path | None) -> list[Layer]:
    """The layers below the user's own, lowest first.

    Args:
        entry: the model.
        dataset: the data set's name.
        data_folder: the folder of the data set, whose `<dataset>.yaml` describes it, if it is known.
    """
    host, ours = RECBOLE / "properties", properties_folder()
    model = models()[entry.registered] if entry.base else entry
    recbole_files = ["overall.yaml", f"model/{model.name}.yaml", "dataset/sample.yaml", f"dataset/{dataset}.yaml"]
    if not model.own and not model.reference and model.properties.is_file():
        recbole_files[1] = f"model/{model.properties.name}"
    recbole_files += [f"quick_start_config/{name}" for name in _family_files(model, dataset)]
    layers = [_shipped_layer(host / n, f"recbole {n}") for n in recbole_files if (host / n).is_file()]
    layers.insert(1, _shipped_layer(ours / "ranking.yaml", "properties/ranking.yaml"))
    for name in ("overall.yaml", f"model/{model.name}.yaml", f"dataset/{dataset}.yaml"):
        if (ours / name).is_file():
            layers.append(_shipped_layer(ours / name, f"properties/{name}"))
    if entry.reference and entry.properties.is_file():
        layers.append(file_layer(entry.properties, str(entry.properties)))
    described = data_folder / f"{dataset}.yaml" if data_folder else None
    if described and described.is_file():
        layers.append(file_layer(described, str(described)))
    return layers


def _family_files(entry: ModelEntry, dataset: str) -> list[str]:
    """RecBole's settings per family of models (its Config._load_internal_config_dict)."""
    on_ml_100k = dataset == "ml-100k"
    if entry.family in ("context_aware", "exlib"):
        return ["context-aware.yaml"] + ["context-aware_ml-100k.yaml"] * on_ml_100k
    if entry.family == "knowledge_aware":
        return ["knowledge_base.yaml"]
    if entry.family != "sequential":
        return []
    if entry.name in ("DIN", "DIEN"):
        return ["sequential_DIN.yaml"] + ["sequential_DIN_on_ml-100k.yaml"] * on_ml_100k
    if entry.name in ("GRU4RecKG", "KSR"):
        return ["sequential.yaml", "sequential_embedding_model.yaml"]
    special = on_ml_100k and entry.name in ("GRU4RecF", "SASRecF", "FDSA", "S3Rec")
    return ["sequential.yaml"] + ["special_sequential_on_ml-100k.yaml"] * special


def file_names(given: Iterable[str | Path] | str | Path | None) -> list[str]:
    """Names in `--config_files`: several, or a text with blanks between them; a path with blanks of its own is one.

    Args:
        given: as it was typed; None for no file.
    """
    if not isinstance(given, str):
        return [str(name) for name in several(given)]
    words, names = given.split(), []
    while words:
        whole = [n for n in range(len(words), 1, -1) if Path(" ".join(words[:n])).is_file()]
        taken = whole[0] if whole else 1
        names.append(" ".join(words[:taken]))
        words = words[taken:]
    return names


def user_file(name: str) -> Layer:
    """A file named by --config_files: a path, or the name of a file in properties/model or properties/experiment.

    Raises:
        UsageError: neither a file nor the name of a shipped one.
    """
    if Path(name).is_file():
        return file_layer(Path(name), name, user=True)
    shipped = {
        path.stem: path for room in ("model", "experiment") for path in (properties_folder() / room).glob("*.yaml")
    }
    path = shipped.get(name) or shipped.get(name.replace("_", "-"))
    if path:
        return file_layer(path, f"properties/{path.parent.name}/{path.name}", user=True)
    names = list(shipped)
    raise UsageError(f"--config_files: no file {name!r}{nearest(name, names)}")


def protocol_layer(layers: list[Layer]) -> Layer:
    """The preset that the highest layer with `protocol` names.

    Raises:
        UsageError: there is no such preset.
    """
    name = [layer.values["protocol"] for layer in layers if "protocol" in layer.values][-1]
    folder = properties_folder() / "protocol"
    names = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in names:
        raise UsageError(f"protocol must be one of {', '.join(names)} (got {name!r})")
    return _shipped_layer(folder / f"{name}.yaml", f"properties/protocol/{name}.yaml")


def with_protocol(lower: list[Layer], user: list[Layer]) -> list[Layer]:
    """All layers, lowest first, with the preset directly below the highest layer of the user that names `protocol`.

    So it is above the user's lower layers, as that layer is; a preset that a default names is above all defaults.

    Raises:
        UsageError: there is no such preset.
    """
    preset = protocol_layer([*lower, *user])
    place = max((place for place, layer in enumerate(user) if "protocol" in layer.values), default=0)
    return [*lower, *user[:place], preset, *user[place:]]


def merge(layers: list[Layer]) -> tuple[dict[str, Any], dict[str, str]]:
    """Lay the layers over each other.

    A part of `eval_args` or `train_neg_sample_args` given later replaces that part alone, so that
    `--eval_args="{mode: uni100}"` keeps the split.

    Returns:
        The values and the origin of each.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for key, value in layer.values.items():
            below = values.get(key)
            if key in MERGED_KEYS and isinstance(below, dict) and isinstance(value, dict):
                value = {**below, **value}
            values[key] = value
            origins[key] = layer.origin(key)
            other = ALTERNATIVES.get(key)
            if other and value and other not in layer.values:
                values[other], origins[other] = 0, layer.origin(key)
    return values, origins
