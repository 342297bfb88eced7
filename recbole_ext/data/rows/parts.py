"""What the splits of a data set are used for, beyond how it is split."""

from typing import Any

from recbole.data.interaction import cat_interactions


def join_validation(dataset: Any, parts: list[Any]) -> list[Any]:
    """The splits that `train_on` requests: with `train_valid` the training split includes an emptied validation split.

    Args:
        dataset: whose splits they are; one that can be copied with other rows.
        parts: training, validation (perhaps empty) and test.
    """
    if dataset.config["train_on"] != "train_valid":
        return parts
    train, valid = (part.inter_feat for part in parts[:2])
    return [dataset.copy(cat_interactions([train, valid])), dataset.copy(valid[:0]), *parts[2:]]
