"""One entry of the registry: a model's name, its class, its family, its task and its property file."""

import importlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recbole_ext.errors import ResourceError
from recbole_ext.model_list import (
    CAUSAL_HOSTS,
    DEFAULT_TASK,
    GROWING,
    PARTITIONED,
    READ_FIELDS,
    READ_ITEM_VECTORS,
    READ_TARGET_TIME,
    SETTINGS_MODULES,
    TASKS,
)
from recbole_ext.own_model import source_of
from recbole_ext.places import RECBOLE


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
        return self.module.rpartition(".")[2] in CAUSAL_HOSTS or (self.own and self.family == "sequential")

    @property
    def takes_history_term(self) -> bool:
        """Whether `history_term` is read: by causal models, but for those with a softmax of partitions of their own."""
        return self.causal and self.registered not in PARTITIONED

    @property
    def is_fitted(self) -> bool:
        """Whether the model is computed in one pass over the training rows, whatever `epochs` is."""
        return "ModelType.TRADITIONAL" in self.source_text

    def reads_target_time_with(self, values: Any) -> bool:
        """Whether the model reads the time of the event to be predicted, where `use_target_time` allows it.

        Args:
            values: settings of a run, as a mapping.
        """
        of_term = self.takes_history_term and values["history_term"] == "interval"
        return (self.own and self.registered in READ_TARGET_TIME) or of_term

    @property
    def reads_item_vectors(self) -> bool:
        """Whether the model reads `item_vectors`; of users' classes those that derive from one that does."""
        if self.model_class is not None:
            return bool(getattr(self.model_class, "reads_item_vectors", False))
        return self.own and self.name in READ_ITEM_VECTORS

    @property
    def grows(self) -> bool:
        """Whether a run of the model can go on with new users and items."""
        if self.model_class is not None:
            return bool(getattr(self.model_class, "grows", False))
        return self.own and self.name in GROWING

    def reads_fields(self, key: str) -> bool:
        """Whether the model reads the columns that `item_fields` or `event_fields` names."""
        if self.model_class is not None:
            return key in getattr(self.model_class, "field_keys", ())
        return self.own and self.name in READ_FIELDS

    def check_settings(self, values: Any) -> None:
        """Refuse values that the model cannot be built from; reads the settings module alone, not the model.

        Raises:
            UsageError: with one line per error.
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
def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
