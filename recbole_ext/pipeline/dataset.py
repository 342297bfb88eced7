"""Making the data set that a configuration names."""

from collections.abc import Mapping
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.config.old_numpy import provide_old_names
from recbole_ext.data.pickles import refuse_pickles
from recbole_ext.data.rows.cut import check_no_filter
from recbole_ext.errors import DataError, memory_for
from recbole_ext.pipeline.refused_settings import settings_net
from recbole_ext.refusals import refused_by_recbole
from recbole_ext.tasks.registered import task_of


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
    refuse_pickles(config)
    check_no_filter(config)
    of_task = task_of(config.entry).dataset(config)
    provide_old_names()  # RecBole's module of data sets may be loaded only now
    try:
        with memory_for(f"reading {config.dataset}"), settings_net(config, "reading the data"):
            return of_task(config, vocabulary, state)
    except ValueError as error:  # RecBole's word for a field or a file that its settings ask for in vain
        if not refused_by_recbole(error):
            raise
        raise DataError(f"{config.dataset}: {error}") from None
