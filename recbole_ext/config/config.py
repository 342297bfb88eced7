"""RecBole's Config, filled by us: no argv of its own, no eval, no environment side effects, known origins."""

import copy
from collections import ChainMap
from collections.abc import MutableMapping
from typing import Any

from recbole.config import Config as RecBoleConfig
from recbole.utils import InputType, ModelType

from recbole_ext.config.keys.eval_args import settled
from recbole_ext.config.keys.negative_checks import samples_negatives
from recbole_ext.config.layers import Layer, protocol_layer
from recbole_ext.config.old_numpy import provide_old_names
from recbole_ext.config.resolved import Resolved, data_folder
from recbole_ext.config.yaml_reader import _Loader
from recbole_ext.devices import Placement, gpu_text, place
from recbole_ext.errors import UsageError

LOSSES_WITHOUT_PAIRS = ("CE", "sampled_softmax", "gBCE")
"""Losses that need no negative items from RecBole's sampler."""


class Config(RecBoleConfig):
    """One value per key, as RecBole's classes expect it, with where each came from.

    Attributes:
        entry: the registry's entry of the model.
        origins: key to `file:line`, `command line` or `default`.
        changed: keys to which the user gave another value than the defaults have.
        protocol_changes: the protocol's keys that the user set apart from the preset.
        placement: device and place among the processes of a distributed run.
        unread: settings of the user that the run does not read, in sentences.
    """

    def __init__(self, resolved: Resolved) -> None:
        self.entry, self.origins, self.unread = resolved.entry, dict(resolved.origins), resolved.unread
        self.changed = resolved.changed
        self._init_parameters_category()
        self.yaml_loader = _Loader
        self.final_config_dict: MutableMapping[str, Any] = copy.deepcopy(resolved.values)
        self.model, self.dataset, self.model_class = self.entry.name, resolved.dataset, self.entry.load()
        self.compatibility_settings()
        self.final_config_dict["MODEL_TYPE"] = getattr(self.model_class, "type", None)
        self._settle(resolved.layers)
        self.placement = self._init_device()
        self._settle_precision()

    def _settle_precision(self) -> None:
        """RecBole's `enable_amp` as a precision: autocast to bf16, or to fp16 where `enable_scaler` scales on a GPU."""
        values = self.final_config_dict
        if values.get("enable_amp") and values.get("precision") == "float32":
            scaled = values.get("enable_scaler") and self.placement.device.type == "cuda"
            values["precision"] = "fp16" if scaled else "bf16"
            self.origins["precision"] = self.origins["enable_amp"]

    def _settle(self, layers: list[Layer]) -> None:
        """Let RecBole derive what it derives, and name its complaints as errors of the configuration."""
        values = self.final_config_dict
        values["data_path"] = values.get("data_path") or "dataset"
        root = values["data_path"]
        values["eval_args"] = settled(values["eval_args"])
        values["numerical_features"] = values.get("numerical_features") or []
        if self.entry.family == "sequential":  # RecBole requires it of them; filter_seen_items decides
            values["repeatable"] = True
        without_pairs = self.entry.family == "sequential" and values.get("loss_type") in LOSSES_WITHOUT_PAIRS
        reads_negatives = getattr(self.model_class, "samples_negatives", True)
        fitted = values["MODEL_TYPE"] == ModelType.TRADITIONAL or not reads_negatives
        if without_pairs or fitted or not samples_negatives(values["train_neg_sample_args"]):
            values["train_neg_sample_args"] = None
        if without_pairs:
            values["MODEL_INPUT_TYPE"] = InputType.POINTWISE
        try:
            self._set_default_parameters()
            self._set_train_neg_sample_args()
            self._set_eval_neg_sample_args("valid")
            self._set_eval_neg_sample_args("test")
        except (ValueError, TypeError, RuntimeError, NotImplementedError) as error:
            raise UsageError(str(error)) from None
        values["data_path"] = str(data_folder(root, self.dataset))
        preset = protocol_layer(layers).values
        self.protocol_changes = {k: values[k] for k, v in preset.items() if values[k] != v}

    def _init_device(self) -> Placement:
        placement = place(self.final_config_dict)
        self.final_config_dict.update(
            device=placement.device,
            single_spec=placement.world_size == 1,
            local_rank=placement.local_rank,
            world_size=placement.world_size,
            gpu_id=gpu_text(self.final_config_dict),
        )
        return placement

    def alone(self) -> "Config":
        """The same configuration for a loader that one process reads whole, also in a distributed run.

        What is written into it is in both: through it RecBole's transforms name their fields to models.
        """
        return self.with_values({"single_spec": True, "world_size": 1})

    def with_values(self, values: dict[str, Any]) -> "Config":
        """The same configuration with some values replaced."""
        view = copy.copy(self)
        view.final_config_dict = _View(values, self.final_config_dict)
        return view

    def compatibility_settings(self) -> None:
        """The names that numpy has removed, for RecBole's own modules; numpy itself is left as it is."""
        provide_old_names()


class _View(ChainMap[str, Any]):
    """Overrides on top of other values; writes go to the others."""

    def __setitem__(self, key: str, value: Any) -> None:
        self.maps[1][key] = value
