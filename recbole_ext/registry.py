"""The one list of what exists: a model's name -> its class, its family and its property file.

RecBole's models are found by the names of its property files, so that nothing is imported before it is
needed: importing one RecBole model of a family imports the whole family, and one of them (SINE) switches
torch into anomaly mode for the whole process, which is switched off again here.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from recbole_ext.errors import UsageError, nearest
from recbole_ext.model_entry import ModelEntry
from recbole_ext.model_list import ADAPTED, CLASS_OF_FILE, FAMILIES, OWN_FAMILIES, OWN_MODELS, WITHOUT_PROPERTIES
from recbole_ext.names import checked_name
from recbole_ext.own_model import check_class, class_named, family_of, properties_of, reference_of
from recbole_ext.places import RECBOLE, properties_folder

_OWN: dict[str, ModelEntry] = {}
"""Classes of the user that this process has looked up, by their names."""


@cache
def models() -> Mapping[str, ModelEntry]:
    """All models by name, ours first, then RecBole's."""
    entries = {
        name: ModelEntry(
            name, module, OWN_FAMILIES.get(name, "sequential"), True, properties_folder() / "model" / f"{name}.yaml"
        )
        for name, module in OWN_MODELS.items()
    }
    folder = RECBOLE / "properties" / "model"
    paths = [*folder.glob("*.yaml"), *(folder / f"{name}.yaml" for name in WITHOUT_PROPERTIES)]
    for path in sorted(paths, key=lambda p: p.stem.lower()):
        entry = _recbole_entry(path)
        if entry and entry.name not in entries:
            entries[entry.name] = entry
    return MappingProxyType(entries)


def _recbole_entry(path: Path) -> ModelEntry | None:
    for family in FAMILIES:
        package = f"{family}_recommender"
        if (RECBOLE / "model" / package / f"{path.stem.lower()}.py").is_file():
            name = CLASS_OF_FILE.get(path.stem, path.stem)
            hosts = f"recbole.model.{package}.{path.stem.lower()}"
            module = f"recbole_ext.model.host.{ADAPTED[name]}" if name in ADAPTED else hosts
            return ModelEntry(name, module, family, False, path, hosts)
    return None


def find_model(model: str | type[Any]) -> ModelEntry:
    """Look a model up.

    Args:
        model: a name of this list, `package.module:Class` of a user's own class, that class itself, or the name of a
            class that this process has looked up before.

    Raises:
        UsageError: no model has this name, and the nearest names are given; or the class cannot be used as a model.
        ResourceError: the user's module needs a library that is not installed.
    """
    if not isinstance(model, str | type):
        raise UsageError(f"--model must be a name, package.module:Class or a class (got {model!r})")
    if not isinstance(model, str) or ":" in model:
        return _own_entry(model)
    known = models()
    if model not in known and model not in _OWN:
        raise UsageError(
            f"there is no model named {checked_name('--model', model)!r}{nearest(model, known)} "
            "A class of your own: --model=package.module:Class. All names: recbole-ext models"
        )
    return known.get(model) or _OWN[model]


def _own_entry(model: str | type[Any]) -> ModelEntry:
    """The entry of a user's class; that of the list for a class that is in it."""
    model_class = class_named(model) if isinstance(model, str) else model
    check_class(model_class)
    known, name = models(), model_class.__name__
    if name in known:
        entry = known[name]
        if model_class.__module__ in (entry.module, entry.host_module):
            return entry
        raise UsageError(
            f"--model={reference_of(model_class)}: {name} is the name of a model of {entry.host_module or entry.module}"
            "; runs are named by their model, so give the class another name"
        )
    base = _base_of(model_class)
    reference = model if isinstance(model, str) else reference_of(model_class)
    _OWN[name] = ModelEntry(
        name,
        model_class.__module__,
        base.family if base else family_of(model_class),
        base.own if base else False,
        properties_of(model_class),
        base=base.name if base else "",
        reference=reference,
        model_class=model_class,
    )
    return _OWN[name]


def _base_of(model_class: type[Any]) -> ModelEntry | None:
    """The model of the list that a class derives from."""
    for each in model_class.__mro__[1:]:
        entry = models().get(each.__name__)
        if entry and each.__module__ in (entry.module, entry.host_module):
            return entry
    return None
