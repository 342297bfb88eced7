"""Whether the data has the labels that a model learns from or is evaluated by."""

from typing import Any

import numpy as np

from recbole_ext.config.keys.negative_checks import samples_negatives
from recbole_ext.errors import DataError

_OF_LABELS = ("context_aware", "exlib")


def _is_trained_on_labels(config: Any) -> bool:
    return config.entry.family in _OF_LABELS and not samples_negatives(config["train_neg_sample_args"])


def learns_labels(config: Any) -> bool:
    """Whether the model is trained on labels, or evaluated by them."""
    mode = config["eval_args"].get("mode")
    return _is_trained_on_labels(config) or "labeled" in (mode.values() if isinstance(mode, dict) else [mode])


def check_labels(config: Any, dataset: Any) -> None:
    """Refuse labels that RecBole's log loss cannot mean, and sampled negatives.

    Args:
        config: of the run.
        dataset: read, not yet split.

    Raises:
        DataError: with the options that make labels, or for sampled negatives that the model would take for history.
    """
    if config["drawn_negatives"] and config.entry.family not in _OF_LABELS:
        raise DataError(
            f"{config.dataset} holds sampled negatives beside its clicks, which {config.entry.name} would take for "
            "history; convert the log again without --label click, or take a model of clicks such as --model=DeepFM"
        )
    if not learns_labels(config):
        return
    field = config["LABEL_FIELD"]
    labels = dataset.inter_feat[field]
    low, high = float(labels.min()), float(labels.max())
    if _is_trained_on_labels(config) and _learns_probabilities(config) and (low < 0 or high > 1):
        raise DataError(
            f"{config.entry.name} learns labels between 0 and 1, and {field} goes from {low:g} to {high:g}; make "
            f"clicks of it with --threshold='{{{field}: {(low + high) / 2:g}}}',\n"
            f"or scale it to [0, 1] with --normalize_field='[{field}]', where errors are fractions of the scale"
        )
    _check_measured(config, field, labels)


def _check_measured(config: Any, field: str, labels: Any) -> None:
    """AUC compares two classes, and log loss is of probabilities; neither means anything for stars."""
    measured = {str(name).lower() for name in config["metrics"]}
    column = np.asarray(labels)
    values = column[(column != 0) & (column != 1)]
    if len(values) and ("auc" in measured or ("logloss" in measured and (values.min() < 0 or values.max() > 1))):
        raise DataError(
            f"AUC and LogLoss are of labels 0 and 1, and {field} has other values, such as {float(values[0]):g}; make "
            "clicks of it with --threshold, or measure --metrics='[RMSE, MAE]'"
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


def _learns_probabilities(config: Any) -> bool:
    """Whether the loss is RecBole's log loss, or that of trees with a binary objective."""
    if config.entry.family == "context_aware":
        return not config.entry.own
    parameters = config["lgb_params"] or config["xgb_params"] or {}
    return str(parameters.get("objective", "")).startswith("binary")


def absent_label(config: Any, columns: dict[str, str]) -> str:
    """What to do where there is no column of labels.

    Args:
        config: of the run.
        columns: field to type of the interactions.
    """
    floats = [name for name, kind in columns.items() if kind == "float" and name != config["TIME_FIELD"]]
    known = floats[0] if floats else "rating"
    return (
        f"{config.entry.name} needs labels, and {config.dataset} has no column {config['LABEL_FIELD']!r}; make it of a "
        f"number with --threshold='{{{known}: 4}}'\n(1 from there on, else 0), or name a column of 0 and 1 with "
        "--LABEL_FIELD=NAME"
    )
