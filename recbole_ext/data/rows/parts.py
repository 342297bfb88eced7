"""What the parts of a data set are for, beyond how it is split."""

from typing import Any

from recbole.data.interaction import cat_interactions


def join_validation(dataset: Any, parts: list[Any]) -> list[Any]:
    """The parts that `train_on` asks for: with `train_valid` validation rows are trained on, and that part is empty.

    Args:
        dataset: whose parts they are; one that can be copied with other rows.
        parts: training, validation (perhaps empty) and test.
    """
    if dataset.config["train_on"] != "train_valid":
        return parts
    train, valid = (part.inter_feat for part in parts[:2])
    return [dataset.copy(cat_interactions([train, valid])), dataset.copy(valid[:0]), *parts[2:]]
