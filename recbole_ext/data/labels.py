"""Whether the data has the labels that a model learns from or is evaluated by."""

from typing import Any

import numpy as np
from recbole.utils import ModelType

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError

_OF_LABELS = (ModelType.CONTEXT, ModelType.DECISIONTREE)


def check_labels(config: Config, dataset: Any) -> None:
    """Refuse a data set without labels, or with labels that RecBole's log loss cannot mean.

    Args:
        config: of the run.
        dataset: read, not yet split.

    Raises:
        DataError: with the options that make labels, or for drawn negatives that the model would take for history.
    """
    if config["drawn_negatives"] and config["MODEL_TYPE"] not in _OF_LABELS:
        raise DataError(
            f"{config.dataset} holds drawn negatives beside its clicks, which {config.model} would take for history; "
            "convert the log again without --label click, or take a model of clicks such as --model=DeepFM"
        )
    samples = config["train_neg_sample_args"].get("distribution", "none") != "none"
    learns = config["MODEL_TYPE"] in _OF_LABELS and not samples
    if not learns and "labeled" not in config["eval_args"]["mode"].values():
        return
    field = config["LABEL_FIELD"]
    if field not in dataset.inter_feat:
        raise DataError(_absent(config, dataset))
    labels = dataset.inter_feat[field]
    low, high = float(labels.min()), float(labels.max())
    if learns and _learns_chances(config) and (low < 0 or high > 1):
        raise DataError(
            f"{config.model} learns labels between 0 and 1, and {field} goes from {low:g} to {high:g}; make clicks of "
            f"it with --threshold='{{{field}: {(low + high) / 2:g}}}',\n"
            f"or scale it to [0, 1] with --normalize_field='[{field}]', where errors are shares of the scale"
        )


def check_classes(labels: np.ndarray, where: str) -> None:
    """Require labels 0 and 1, both of them.

    Raises:
        DataError: a label is something else, or one of the two is missing.
    """
    wrong = labels[(labels != 0) & (labels != 1)]
    if len(wrong):
        raise DataError(f"{where}: a label must be 0 or 1 (got {wrong[0]:g} and {len(wrong) - 1} more)")
    if labels.min() == labels.max():
        raise DataError(f"{where}: all {len(labels):,} labels are {labels[0]:g}; AUC needs clicks and non-clicks")


def _learns_chances(config: Config) -> bool:
    """Whether the loss is RecBole's log loss, or that of trees with a binary objective."""
    if config["MODEL_TYPE"] == ModelType.CONTEXT:
        return not config.entry.own
    parameters = config["lgb_params"] or config["xgb_params"] or {}
    return str(parameters.get("objective", "")).startswith("binary")


def _absent(config: Config, dataset: Any) -> str:
    floats = [name for name in dataset.float_like_fields if name != config["TIME_FIELD"]]
    known = floats[0] if floats else "rating"
    return (
        f"{config.model} needs labels, and {config.dataset} has no column {config['LABEL_FIELD']!r}; make it of a "
        f"number with --threshold='{{{known}: 4}}'\n(1 from there on, else 0; load_col must name it), or name a "
        "column of 0 and 1 with --LABEL_FIELD=NAME"
    )
