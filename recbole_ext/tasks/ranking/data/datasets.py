"""RecBole's data sets with exact times and, for sequences, histories as offsets."""

from collections.abc import Callable
from typing import Any

from recbole.data.dataset import (
    Dataset,
    DecisionTreeDataset,
    DIENDataset,
    GRU4RecKGDataset,
    KnowledgeBasedDataset,
    KSRDataset,
    SequentialDataset,
)
from recbole.utils import ModelType

from recbole_ext.config.config import Config
from recbole_ext.data.dataset import ExactRows, LinkedRows
from recbole_ext.data.rows.cut import parts_of
from recbole_ext.errors import UsageError
from recbole_ext.tasks.ranking.data.negative_histories import NegativeHistories
from recbole_ext.tasks.ranking.data.sequences import OffsetHistory


class ExactDataset(ExactRows, Dataset):
    """Rows of users and items."""


class ExactSequentialDataset(ExactRows, OffsetHistory, SequentialDataset):
    """Sequences of events."""


class ExactKnowledgeBasedDataset(LinkedRows, KnowledgeBasedDataset):
    """Rows with a knowledge graph."""


class ExactDecisionTreeDataset(ExactRows, DecisionTreeDataset):
    """Rows of numbers for boosted trees."""


class ExactGRU4RecKGDataset(LinkedRows, OffsetHistory, GRU4RecKGDataset):
    """Sequences with a knowledge graph."""


class ExactKSRDataset(LinkedRows, OffsetHistory, KSRDataset):
    """Sequences with a knowledge graph."""


class ExactDIENDataset(ExactRows, NegativeHistories, DIENDataset):
    """Rows that DIEN keeps for itself: a negative history is sampled per row while they are built."""


_OF_MODEL: dict[str, Callable[..., Any]] = {
    "DIEN": ExactDIENDataset,
    "GRU4RecKG": ExactGRU4RecKGDataset,
    "KSR": ExactKSRDataset,
}
_OF_TYPE: dict[ModelType, Callable[..., Any]] = {
    ModelType.GENERAL: ExactDataset,
    ModelType.TRADITIONAL: ExactDataset,
    ModelType.CONTEXT: ExactDataset,
    ModelType.SEQUENTIAL: ExactSequentialDataset,
    ModelType.KNOWLEDGE: ExactKnowledgeBasedDataset,
    ModelType.DECISIONTREE: ExactDecisionTreeDataset,
}


def dataset_class(config: Config) -> Callable[..., Any]:
    """The class for a model.

    Raises:
        UsageError: the data set is cut into files, and the model builds rows of its own.
    """
    made = _OF_MODEL.get(config.entry.registered) or _OF_TYPE[config["MODEL_TYPE"]]
    if parts_of(config) and made is ExactDIENDataset:
        raise UsageError(
            f"{config.model} builds rows of its own and cannot read {config.dataset}, which is cut into files; "
            "take --model=DIN, or the data set before the cut"
        )
    return made
