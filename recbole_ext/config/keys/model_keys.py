"""The keys that a model has: RecBole's, ours, its own; and own keys of a user's class that clash with the others."""

from typing import Any

from recbole_ext.config.keys.known_keys import Key, host_keys, keys_of, keys_read_in
from recbole_ext.config.layers import Layer
from recbole_ext.model_entry import ModelEntry
from recbole_ext.places import properties_folder
from recbole_ext.registry import models


def known_keys(entry: ModelEntry, layers: list[Layer]) -> dict[str, Key]:
    """Every key that means something to this model: RecBole's, ours, the model's, the data set's."""
    keys = dict(host_keys())
    for layer in layers:
        keys.update({name: Key(name) for name in layer.values if not layer.user and name not in keys})
    keys.update({name: Key(name) for name in keys_read_in(entry.source_text) if name not in keys})
    if not entry.reference:
        keys.update(keys_of(entry.properties))
    keys.update(keys_of(properties_folder() / "overall.yaml"))
    return _with_own(keys, entry) if entry.reference else keys


def _with_own(keys: dict[str, Key], entry: ModelEntry) -> dict[str, Key]:
    """The keys of a user's class: those of the model that it derives from, and those that its own file declares."""
    base = keys_of(models()[entry.base].properties) if entry.base else {}
    own = {name: key for name, key in keys_of(entry.properties).items() if not keys.get(name, key).type}
    return {**keys, **base, **own}


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
