"""The one list of what exists: a model's name -> its class, its family and its property file.

RecBole's models are found by the names of its property files, so that nothing is imported before it is
needed: importing one RecBole model of a family imports the whole family, and one of them (SINE) switches
torch into anomaly mode for the whole process, which is switched off again here.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from recbole_ext.errors import ResourceError, UsageError, nearest
from recbole_ext.names import checked_name
from recbole_ext.own_model import check_class, class_named, family_of, properties_of, reference_of, source_of
from recbole_ext.places import RECBOLE, properties_folder

OWN_MODELS = {
    "SS4Rec": "recbole_ext.model.ss4rec",
    "Mamba4Rec": "recbole_ext.model.mamba4rec",
    "MDAFMamba": "recbole_ext.model.mdafmamba",
    "MDAFBST": "recbole_ext.model.mdafbst",
    "HybridVAE": "recbole_ext.model.hybridvae",
}
OWN_FAMILIES = {"MDAFMamba": "context_aware", "MDAFBST": "context_aware", "HybridVAE": "general"}
"""Families of our models that are not sequential."""
DEFAULT_TASK = "ranking"
TASKS = {"MDAFMamba": "clicks", "MDAFBST": "clicks", "HybridVAE": "ratings"}
"""Models whose task is another; a task is a folder of `recbole_ext/tasks`."""
READ_TARGET_TIME = ("SS4Rec",)
"""Models that read the time of the event to be predicted, where `use_target_time` allows it."""
SETTINGS_MODULES = {"HybridVAE": "recbole_ext.model.rating.settings"}
"""Modules with the `check_settings` of a model; they import neither torch nor RecBole."""
_FAMILIES = ("general", "context_aware", "sequential", "knowledge_aware", "exlib")
_CLASS_OF_FILE = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}
_WITHOUT_PROPERTIES = ("Random",)
_ADAPTED = {
    **dict.fromkeys(("SASRec", "GRU4Rec"), "causal_host"),
    **dict.fromkeys(("GCMC", "LightGCN", "NGCF", "SpectralCF"), "bipartite_host"),
    **dict.fromkeys(("KGAT", "KGIN", "MCCLK"), "graph_host"),
    **dict.fromkeys(("GRU4RecCPR", "SASRecCPR"), "reranked_host"),
    **dict.fromkeys(("BERT4Rec", "DGCF", "DIEN", "KTUP", "LINE", "S3Rec"), "sampling_host"),
    "FwFM": "field_host",
    "NCEPLRec": "fitted_host",
    "NCL": "ncl_host",
    "Pop": "counting_host",
}
"""RecBole's models that are loaded through a subclass, with its module in `recbole_ext.model.host`."""
_OWN: dict[str, "ModelEntry"] = {}
"""Classes of the user that this process has looked up, by their names."""


@dataclass(frozen=True)
class ModelEntry:
    """One model that the main command can run.

    Attributes:
        name: as given to `--model`.
        module: the Python module that defines the class.
        family: general, context_aware, sequential, knowledge_aware or exlib.
        own: True for the models of this package.
        properties: its property file.
        host_module: RecBole's module, of which `module` may hold a subclass; "" for a model of this package.
        base: for a user's class, the registered model that it derives from; "" where it derives from none.
        reference: for a user's class, `package.module:Class`; "" for a model of this list.
        model_class: a user's class; None where it is imported when it is needed.
    """

    name: str
    module: str
    family: str
    own: bool
    properties: Path
    host_module: str = ""
    base: str = ""
    reference: str = ""
    model_class: type[Any] | None = None

    @property
    def registered(self) -> str:
        """The name in this list: the model's own, or that of the model which a user's class derives from, or ""."""
        return self.base if self.reference else self.name

    @property
    def task(self) -> str:
        """`ranking`, `ratings` or `clicks`."""
        return TASKS.get(self.registered, DEFAULT_TASK) if self.own else DEFAULT_TASK

    @property
    def causal(self) -> bool:
        """Whether the model can train on all positions of windows at once."""
        if self.model_class is not None:
            return bool(getattr(self.model_class, "causal", False))
        return self.module.endswith(".causal_host") or (self.own and self.family == "sequential")

    @property
    def reads_target_time(self) -> bool:
        """Whether the model reads the time of the event to be predicted, where `use_target_time` allows it."""
        return self.own and self.registered in READ_TARGET_TIME

    def check_settings(self, values: Any) -> None:
        """Refuse values that the model cannot be built from; reads the settings module alone, not the model.

        Raises:
            UsageError: with one line per fault.
        """
        if self.own and self.registered in SETTINGS_MODULES:
            importlib.import_module(SETTINGS_MODULES[self.registered]).check_settings(values)

    @property
    def source(self) -> Path:
        """The Python file that reads the settings of a model of this list: RecBole's for a model of RecBole."""
        module = self.host_module or self.module
        root = RECBOLE.parent if self.host_module else Path(__file__).parents[1]
        return root.joinpath(*module.split(".")).with_suffix(".py")

    @property
    def source_text(self) -> str:
        """The Python text that reads the model's settings; of a user's class that of its bases too."""
        return source_of(self.model_class) if self.model_class is not None else _text_of(self.source)

    def load(self) -> type[Any]:
        """Import the model's class.

        Raises:
            ResourceError: the model needs a library that is not installed.
        """
        if self.model_class is not None:
            return self.model_class
        import torch

        try:
            model_class = getattr(importlib.import_module(self.module), self.name)
        except ModuleNotFoundError as error:
            raise missing_library(self.name, error) from None
        finally:
            torch.autograd.set_detect_anomaly(False)
        return model_class


def missing_library(model: str, error: ModuleNotFoundError) -> ResourceError:
    """The error for an optional library that a model needs and that is not installed."""
    package = {"faiss": "faiss-cpu"}.get(error.name or "", error.name)
    return ResourceError(
        f"{model} needs the library '{error.name}', which is not installed; install it with: pip install {package}"
    )


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
    paths = [*folder.glob("*.yaml"), *(folder / f"{name}.yaml" for name in _WITHOUT_PROPERTIES)]
    for path in sorted(paths, key=lambda p: p.stem.lower()):
        entry = _recbole_entry(path)
        if entry and entry.name not in entries:
            entries[entry.name] = entry
    return MappingProxyType(entries)


def _recbole_entry(path: Path) -> ModelEntry | None:
    for family in _FAMILIES:
        package = f"{family}_recommender"
        if (RECBOLE / "model" / package / f"{path.stem.lower()}.py").is_file():
            name = _CLASS_OF_FILE.get(path.stem, path.stem)
            hosts = f"recbole.model.{package}.{path.stem.lower()}"
            module = f"recbole_ext.model.host.{_ADAPTED[name]}" if name in _ADAPTED else hosts
            return ModelEntry(name, module, family, False, path, hosts)
    return None


@cache
def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def find_model(model: str | type[Any]) -> ModelEntry:
    """Look a model up.

    Args:
        model: a name of this list, `package.module:Class` of a user's own class, that class itself, or the name of a
            class that this process has looked up before.

    Raises:
        UsageError: no model has this name, and the nearest names are given; or the class cannot be used as a model.
        ResourceError: the user's module needs a library that is not installed.
    """
    if not isinstance(model, str) or ":" in model:
        return _own_entry(model)
    known = models()
    if model not in known and model not in _OWN:
        raise UsageError(
            f"there is no model named {checked_name('--model', model)!r}{nearest(model, known)} "
            "A class of your own: --model=package.module:Class. All names: --help"
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
