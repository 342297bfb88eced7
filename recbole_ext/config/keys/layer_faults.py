"""What is wrong with the values of one source, each by itself: unknown keys, types, forms and ranges."""

from collections.abc import Collection, Mapping
from typing import Any

from recbole_ext.config.keys.known_keys import Key, host_keys, keys_of
from recbole_ext.config.keys.mappings import DECLARED
from recbole_ext.config.keys.old_keys import replacement
from recbole_ext.config.keys.ranges import RANGES, range_fault
from recbole_ext.config.layers import Layer
from recbole_ext.errors import nearest
from recbole_ext.model_entry import ModelEntry
from recbole_ext.places import properties_folder
from recbole_ext.registry import models

_TYPE_NAMES = {bool: "bool", int: "float", float: "float", list: "list", dict: "dict"}
"""Type of the default of a key that declares none -> what its values may be."""


class KeyRules:
    """What the values of a model's keys may be.

    Args:
        entry: the model.
        keys: those that it knows.
        defaults: their values under those of the user.
        options: further names of the command line, which may be meant there.
    """

    def __init__(
        self, entry: ModelEntry, keys: Mapping[str, Key], defaults: Mapping[str, Any], options: Collection[str] = ()
    ) -> None:
        self.keys, self.defaults, self.options = keys, defaults, options
        self.reference, self.own_file = entry.reference, str(entry.properties)
        base = keys_of(models()[entry.base].properties) if entry.base else {}
        of_all = {**host_keys(), **keys_of(properties_folder() / "overall.yaml"), **base}
        self.described = set(of_all) if entry.reference else set(keys)
        self.listed = set() if entry.reference else set(keys_of(entry.properties))

    def faults(self, layer: Layer) -> dict[str, list[str]]:
        """Key -> what is wrong with its value, a line each with its place."""
        values = {name: value for name, value in layer.values.items() if not self._clashes(layer, name, value)}
        options = self.options if layer.source == "command line" else ()
        found = {name: self._of_key(name, value, options) for name, value in values.items()}
        return {name: [f"{layer.origin(name)}: {text}" for text in texts] for name, texts in found.items() if texts}

    def _clashes(self, layer: Layer, name: str, value: Any) -> bool:
        """Whether a user's class uses a key of all models for a value of another type, see `own_key_faults`."""
        own = bool(self.reference) and layer.source == self.own_file
        return own and name in self.keys and not self.keys[name].accepts(value)

    def _of_key(self, name: str, value: Any, options: Collection[str]) -> list[str]:
        if name not in self.keys:
            return [f"unknown key '{name}'{_instead(name, value, {*self.keys, *options}, self.listed)}"]
        if name in DECLARED and value is not None:
            return DECLARED[name].faults(name, value)
        key = self._typed(name)
        if not key.accepts(value):
            return [f"{name} must be of type {key.type} (got {value!r})"]
        if isinstance(value, str) and "\0" in value:
            return [f"{name} must hold no NUL character (got {value!r})"]
        if name not in self.described:
            return []
        fault = self._of_none(key) if value is None else range_fault(name, value)
        return [f"{name} {fault}"] if fault else []

    def _of_none(self, key: Key) -> str | None:
        """No value, where the default has one that the model or the loop computes with."""
        default = self.defaults.get(key.name)
        needed = (key.name in RANGES or key.name in self.listed) and "None" not in key.type
        return f"must have a value (got None; the default is {default!r})" if needed and default is not None else None

    def _typed(self, name: str) -> Key:
        """The key with its declared type, or with that of the default in the model's own file."""
        key = self.keys[name]
        inferred = _TYPE_NAMES.get(type(self.defaults.get(name)), "") if name in self.listed else ""
        return key if key.type or not inferred else Key(name, inferred, key.text)


def _instead(name: str, value: Any, keys: Collection[str], own: Collection[str]) -> str:
    """What to write instead of an unknown key: its name in this RecBole, else the nearest, the model's own first."""
    now = replacement(name, value)
    return f"; write {now}" if now else nearest(name, keys, first=own)
