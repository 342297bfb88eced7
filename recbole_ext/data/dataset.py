"""Which data set class a model needs, and making it."""

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from recbole.data.dataset import Dataset, DIENDataset, KnowledgeBasedDataset, SequentialDataset
from recbole.utils import ModelType

from recbole_ext.config.config import Config
from recbole_ext.data.exact import ExactTime
from recbole_ext.data.links import LinkedItems
from recbole_ext.data.pickles import refuse_pickles
from recbole_ext.data.restorable import Restorable
from recbole_ext.data.rows.cut import FileParts, check_no_filter, parts_of
from recbole_ext.data.rows.filters import FastFilters
from recbole_ext.data.rows.row_counts import RowCounts
from recbole_ext.data.rows.time_splits import TimeSplit
from recbole_ext.errors import DataError, UsageError
from recbole_ext.refusals import refused_by_recbole
from recbole_ext.tasks.clicks.data import ClickDataset
from recbole_ext.tasks.ranking.data.negative_histories import NegativeHistories
from recbole_ext.tasks.ranking.data.sequences import OffsetHistory
from recbole_ext.tasks.ratings.data import RatingSplits, rates

_CLASS_OF_TYPE = {
    ModelType.GENERAL: "Dataset",
    ModelType.TRADITIONAL: "Dataset",
    ModelType.CONTEXT: "Dataset",
    ModelType.SEQUENTIAL: "SequentialDataset",
    ModelType.KNOWLEDGE: "KnowledgeBasedDataset",
    ModelType.DECISIONTREE: "DecisionTreeDataset",
}


def predicts_clicks(config: Config) -> bool:
    """Whether the model predicts clicks from fields and histories."""
    return config.entry.task == "clicks"


@cache
def exact_class(host_class: type[Dataset], ratings: bool) -> Callable[..., Dataset]:
    """RecBole's data set class with exact times and, for sequences, histories as offsets; ratings split by seed.

    DIEN's class keeps its own rows: it draws a negative history per row while it builds them.
    """
    offsets = issubclass(host_class, SequentialDataset) and not issubclass(host_class, DIENDataset)
    splits: tuple[type, ...] = (RatingSplits,) if ratings else ()
    links: tuple[type, ...] = (LinkedItems,) if issubclass(host_class, KnowledgeBasedDataset) else ()
    ours: tuple[type, ...] = (Restorable, FileParts, *splits, RowCounts, ExactTime, *links, FastFilters, TimeSplit)
    if issubclass(host_class, DIENDataset):
        ours = (*ours, NegativeHistories)
    bases = (*ours, OffsetHistory, host_class) if offsets else (*ours, host_class)
    return type(f"Exact{host_class.__name__}", bases, {"__doc__": exact_class.__doc__})


def create_dataset(
    config: Config, vocabulary: Mapping[str, list[str]] | None = None, state: Mapping[str, Any] | None = None
) -> Any:
    """Read and filter the data set that the configuration names.

    Args:
        config: of the run.
        vocabulary: field -> tokens in the order of their ids, of a run whose numbers are to be kept; None numbers
            tokens as they come.
        state: of the data set, where it is not read from its files; see `Restorable`.

    Raises:
        DataError: a file is missing or malformed, or no interaction is left.
        UsageError: the data set is cut into files, and a filter or the model does not go with that.
    """
    host = importlib.import_module("recbole.data.dataset")
    name = f"{config.model}Dataset"
    host_class = getattr(host, name if hasattr(host, name) else _CLASS_OF_TYPE[config["MODEL_TYPE"]])
    if predicts_clicks(config):
        host_class = ClickDataset
    refuse_pickles(config)
    check_no_filter(config)
    if parts_of(config) and issubclass(host_class, DIENDataset):
        raise UsageError(
            f"{config.model} builds rows of its own and cannot read {config.dataset}, which is cut into files; "
            "take --model=DIN, or the data set before the cut"
        )
    try:
        return exact_class(host_class, ratings=rates(config))(config, vocabulary, state)
    except ValueError as error:  # RecBole's word for a field or a file that its settings ask for in vain
        if not refused_by_recbole(error):
            raise
        raise DataError(f"{config.dataset}: {error}") from None
