"""Which negatives go with which loss and which way of training."""

from typing import Any

from recbole_ext.config.layers import Layer
from recbole_ext.model_entry import ModelEntry
from recbole_ext.model_list import PARTITIONED


def samples_negatives(given: Any) -> bool:
    """Whether a value of `train_neg_sample_args` asks for negatives; RecBole writes `{distribution: none}` for none."""
    return given not in (None, {}) and not (isinstance(given, dict) and given.get("distribution", "") in (None, "none"))


def negative_faults(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """Losses of sequence models whose negatives are missing, not read, or cannot be sampled."""
    loss, asked = values.get("loss_type"), values.get("train_neg_sample_args")
    if entry.family != "sequential" or loss is None:
        return []
    if entry.registered in PARTITIONED and loss != "CE":
        return [f"loss_type must be CE for {entry.name}, which divides a softmax over all items (got {loss!r})"]
    windows = entry.causal and values.get("train_mode") == "all_positions"
    if windows and entry.registered in PARTITIONED and values.get("n_facet", 1) != 1:
        return [
            f"n_facet must be 1 for {entry.name} with train_mode: all_positions (got {values.get('n_facet')!r}); "
            "mixtures of softmaxes have --train_mode=prefix"
        ]
    if loss == "CE":
        return _unread(layers)
    if loss == "BPR" and not samples_negatives(asked):
        return ["train_neg_sample_args: loss_type BPR needs negatives; leave it out, or choose --loss_type=CE"]
    if windows and isinstance(asked, dict) and asked.get("dynamic"):
        return [f"train_neg_sample_args: dynamic needs prefix rows in {entry.name}; give --train_mode=prefix"]
    return []


def _unread(layers: list[Layer]) -> list[str]:
    if any(layer.user and samples_negatives(layer.values.get("train_neg_sample_args")) for layer in layers):
        return [
            "train_neg_sample_args: loss_type CE scores all items and samples no negatives; "
            "remove train_neg_sample_args, or choose --loss_type=BPR"
        ]
    return []
