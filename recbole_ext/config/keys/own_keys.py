"""Keys in the property file of a user's model class that clash with keys of RecBole or of this package."""

from typing import Any

from recbole_ext.config.keys.known_keys import host_keys, keys_of
from recbole_ext.config.layers import Layer
from recbole_ext.places import properties_folder
from recbole_ext.registry import ModelEntry


def own_key_faults(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """One line for each value that does not fit the type which its key has for all models."""
    if not entry.reference:
        return []
    known = {**host_keys(), **keys_of(properties_folder() / "overall.yaml")}
    own = [layer for layer in layers if layer.source == str(entry.properties)]
    return [
        f"{layer.origin(name)}: {name} is a key of all models, of type {known[name].type} (got {value!r}); "
        f"give your own key another name, for instance {entry.name.lower()}_{name}"
        for layer in own
        for name, value in layer.values.items()
        if name in known and not known[name].accepts(value)
    ]
