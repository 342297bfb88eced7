"""Which rows of a split are items to be found: of labelled data those with a label above 0."""

from typing import Any

import torch

from recbole_ext.errors import DataError


def relevant_field(config: Any, part: Any) -> str | None:
    """The column of labels that marks the relevant rows; None where all are."""
    return config["LABEL_FIELD"] if config["LABEL_FIELD"] in part.inter_feat else None


def has_relevant_rows(config: Any, part: Any) -> bool:
    """Whether some row is to be found."""
    field = relevant_field(config, part)
    return len(part) > 0 and (field is None or bool((part.inter_feat[field] > 0).any()))


def relevant_part(config: Any, part: Any, phase: str) -> tuple[Any, int]:
    """The split without rows whose label is 0, and how many those are.

    Args:
        config: of the run; `LABEL_FIELD` is a column of labelled data.
        part: a split that is evaluated by ranking.
        phase: its name in messages.

    Raises:
        DataError: no row is left.
    """
    field = relevant_field(config, part)
    if field is None:
        return part, 0
    liked = torch.nonzero(part.inter_feat[field] > 0).squeeze(1)
    disliked = len(part) - len(liked)
    if not len(liked):
        raise DataError(
            f"{config['dataset']}: all {len(part):,} rows of the {phase} split have {field} 0, so there is nothing to "
            "be found; lower --threshold, or change the split"
        )
    return (part.copy(part.inter_feat[liked]), disliked) if disliked else (part, 0)
