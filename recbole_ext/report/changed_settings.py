"""Which settings of a run differ from the defaults, compared by value whatever file gave them."""

from typing import Any

from recbole_ext.config.keys.unread_rules import DERIVED
from recbole_ext.config.layers import Layer, default_layers, merge, protocol_layer
from recbole_ext.config.resolved import changed_keys, data_folder
from recbole_ext.errors import UsageError
from recbole_ext.registry import models
from recbole_ext.report.record import Record

_OF_NO_FILE = frozenset((*DERIVED, "model", "dataset", "local_rank", "world_size"))
"""Keys of a `config.yaml` that no file of defaults has."""


def changed_settings(record: Record) -> set[str]:
    """Keys to which the user gave another value than the defaults have, as `Resolved.changed` has them.

    Of a class of the user, which is not imported for a page, all that no shipped file gave is listed.
    """
    layers = _default_layers(record.config)
    defaults, sources = merge(layers)[0], tuple(f"{layer.source}:" for layer in layers) or ("recbole ", "properties/")
    given = {
        key
        for key, origin in record.origins.items()
        if key not in _OF_NO_FILE and key in record.config and origin != "derived" and not origin.startswith(sources)
    }
    return changed_keys(record.config, given, defaults)


def _default_layers(config: dict[str, Any]) -> list[Layer]:
    """The defaults of a run's model, data set and protocol; [] where they cannot be read."""
    entry, dataset = models().get(str(config.get("model"))), str(config.get("dataset"))
    if entry is None:
        return []
    try:
        lower = default_layers(entry, dataset, data_folder(str(config.get("data_path") or "dataset"), dataset))
        return [*lower, protocol_layer([*lower, Layer("config.yaml", config)])]
    except UsageError:  # the data set's own file, or a preset of another version
        return []
