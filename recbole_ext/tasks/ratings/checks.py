"""Errors in the settings of rating models: the column that is learned is the column that is measured."""

from typing import Any

from recbole_ext.config.layers import Layer
from recbole_ext.model_entry import ModelEntry

_RECBOLE_DEFAULT = "label"
"""RecBole's LABEL_FIELD, which configuration files for several models repeat."""


def rating_faults(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """A second column for the metrics, and a threshold that would make 0 and 1 of the ratings."""
    rating, faults = values.get("RATING_FIELD"), []
    labels = [layer.values["LABEL_FIELD"] for layer in layers if layer.user and "LABEL_FIELD" in layer.values]
    if labels and labels[-1] not in (None, _RECBOLE_DEFAULT, rating):
        faults.append(
            f"LABEL_FIELD: {entry.name} learns and measures RATING_FIELD, which is {rating!r} (got {labels[-1]!r}); "
            f"leave LABEL_FIELD out, or name the column of ratings with --RATING_FIELD={labels[-1]}"
        )
    if values.get("threshold"):
        faults.append(
            f"threshold makes labels 0 and 1, and {entry.name} learns the ratings themselves (got "
            f"{values['threshold']!r}); leave it out, or give --threshold=None"
        )
    return faults
