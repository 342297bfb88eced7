"""Settings of a script: arguments, files, a mapping and `--key=value` words, as RecBole's `Config` takes them."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole_ext.config.keys.known_keys import host_keys, keys_read_in
from recbole_ext.config.keys.model_keys import known_keys
from recbole_ext.config.layers import Layer, default_layers, file_names, user_file
from recbole_ext.config.plain_values import plain_value
from recbole_ext.config.yaml_reader import typed_value
from recbole_ext.errors import UsageError
from recbole_ext.registry import find_model

_LOG = logging.getLogger(__name__)
_NAMED = ("model", "dataset")


@dataclass(frozen=True)
class ScriptSettings:
    """What a script asks for.

    Attributes:
        model: a name, `package.module:Class` or a class.
        dataset: name of the data set.
        files: configuration files.
        given: values above those.
        own: given keys that the script itself reads, and no model does.
    """

    model: str | type[Any]
    dataset: str
    files: list[str]
    given: Layer
    own: Layer


def read_script_settings(
    model: str | type[Any] | None, dataset: str | None, files: list[str] | str | None, values: dict[str, Any] | None
) -> ScriptSettings:
    """Bring the sources of a script together; later ones win: files, `values`, words of the command line.

    Raises:
        UsageError: nothing names a model or a data set, or there is no such file.
    """
    names = file_names(files)
    given = {key: _typed(key, value) for key, value in checked_mapping(values).items()}
    words = _words()
    named: dict[str, Any] = {}
    for layer in [*(user_file(name).values for name in names), given, words]:
        named |= {key: layer[key] for key in _NAMED if layer.get(key)}
    model, dataset = model or named.get("model"), dataset or named.get("dataset")
    for key, value in zip(_NAMED, (model, dataset), strict=True):
        if not value:
            raise UsageError(f"{key} is needed: as an argument, in config_dict, in a file, or as --{key}=NAME")
    assert model is not None and dataset is not None
    given |= _known(words, model, str(dataset))
    keys = {*given, *(key for name in names for key in user_file(name).values)}
    own = (_read_by_script() & keys) - host_keys().keys()
    return ScriptSettings(
        model,
        str(dataset),
        names,
        Layer("config_dict", given, user=True),
        Layer("the script", dict.fromkeys(sorted(own))),
    )


def checked_mapping(values: Any) -> Mapping[str, Any]:
    """`config_dict`; {} for None.

    Raises:
        UsageError: it is no mapping of texts to values.
    """
    if not isinstance(values or {}, Mapping) or any(not isinstance(key, str) for key in values or {}):
        raise UsageError(f"config_dict must be a mapping of keys to values (got {values!r})")
    return values or {}


def _typed(key: str, value: Any) -> Any:
    """A text as RecBole reads it: a number, list or None where it is one."""
    if not isinstance(value, str):
        return plain_value(value)
    try:
        return typed_value(key, value, key)
    except UsageError:
        return value


def _words() -> dict[str, Any]:
    """`--key=value` words with which the script was started."""
    pairs = [word[2:].partition("=") for word in sys.argv[1:] if word.startswith("--") and "=" in word]
    return {name: _typed(name, text) for name, _, text in pairs}


def _known(words: dict[str, Any], model: str | type[Any], dataset: str) -> dict[str, Any]:
    """The words that are keys; others are options of the script itself."""
    entry = find_model(model)
    keys = known_keys(entry, default_layers(entry, dataset, None))
    for name in words.keys() - keys.keys() - {*_NAMED, "config_files"}:
        _LOG.warning("--%s of the command line is no key of %s; it is left to the script", name, entry.name)
    return {name: value for name, value in words.items() if name in keys}


def _read_by_script() -> frozenset[str]:
    """The keys that the file of the script reads as `config["key"]`."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    path = Path(file) if file else None
    return keys_read_in(path.read_text(encoding="utf-8")) if path and path.suffix == ".py" else frozenset()
