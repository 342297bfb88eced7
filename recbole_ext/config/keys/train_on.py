"""The key `train_on`: which splits are training rows, and what does not go with the choice."""

from collections.abc import Mapping
from typing import Any

from recbole_ext.errors import nearest
from recbole_ext.model_entry import ModelEntry

TRAIN, TRAIN_VALID, ALL = TRAIN_ON = ("train", "train_valid", "all")
ROWS = {TRAIN_VALID: "the validation rows are trained on", ALL: "all rows are trained on"}
"""Why something is not measured."""
ALL_ROWS = "trained on all rows and tested on nothing"


def trained_on_all(facts: Mapping[str, Any]) -> bool:
    """Whether a `result.json`, or the settings of a run, are of a model that was trained on all rows."""
    return bool(facts.get("trained_on", facts.get("train_on")) == ALL)


def train_on_faults(entry: ModelEntry, layers: Any, values: dict[str, Any]) -> list[str]:
    """What is wrong with the choice of training rows, a line each."""
    given = values.get("train_on", TRAIN)
    if given not in TRAIN_ON:
        return [f"train_on must be one of {', '.join(TRAIN_ON)} (got {given!r}){nearest(str(given), TRAIN_ON)}"]
    faults = []
    if given != TRAIN and values.get("lr_schedule") == "plateau":
        faults.append(f"lr_schedule: plateau reads validation, and {ROWS[given]}; choose constant, cosine or linear")
    return [*faults, *_epochs(entry, layers, values)] if given == ALL else faults


def _epochs(entry: ModelEntry, layers: Any, values: dict[str, Any]) -> list[str]:
    """The default number of epochs is one that validation cuts short, and here none is left."""
    stages = values.get("stages")
    if isinstance(stages, list) and stages:
        bare = [str(n) for n, stage in enumerate(stages) if isinstance(stage, dict) and "epochs" not in stage]
        return [f"train_on: all: entry {', '.join(bare)} of stages needs epochs of its own"] if bare else []
    if entry.is_fitted or any(layer.user and layer.values.get("epochs") is not None for layer in layers):
        return []
    return [
        "train_on: all needs a number of epochs, because no validation ends the training; add --epochs=N, or "
        "--final_of=RUN for the settings and the best epoch of an earlier run"
    ]
