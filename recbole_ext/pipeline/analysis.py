"""`analysis.json` of a run: what its pages draw of the test besides metrics, from the one evaluation of the test."""

import logging
from pathlib import Path
from typing import Any

from dataset_tools.files.titles import read_titles
from recbole_ext.config.config import Config
from recbole_ext.data.event_order import tied_rows
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import DataError
from recbole_ext.evaluation.analysis.examples import tokens_of, with_titles
from recbole_ext.evaluation.analysis.groups import by_groups
from recbole_ext.evaluation.evaluator import Evaluation
from recbole_ext.evaluation.training_counts import item_counts, user_counts
from recbole_ext.tasks.registered import task_of

_LOG = logging.getLogger(__name__)


def analysis_of(config: Config, loaders: Loaders, tested: Evaluation) -> dict[str, Any]:
    """The content of `analysis.json`; {} in a process that does not lead, and where an error ended it.

    An error here is logged and costs the run nothing: its result is known.

    Args:
        config, loaders: of the run.
        tested: the detailed evaluation of the test split.
    """
    if tested.scores is None:
        return {}
    try:
        return _analysis(config, loaders, tested)
    except Exception as error:
        _LOG.warning("the test was evaluated and not analysed (%s: %s)", type(error).__name__, str(error)[:200])
        _LOG.debug("no analysis", exc_info=True)
        return {}


def _analysis(config: Config, loaders: Loaders, tested: Evaluation) -> dict[str, Any]:
    assert tested.scores is not None
    train, of = loaders.train._dataset, task_of(config.entry).row_metrics(config)
    found = tested.scores.analysis(train, loaders.parts[:2])
    rows = tested.scores.tested_rows(of)
    if rows is not None:
        users = user_counts(train) if train.uid_field in train.inter_feat else None
        items = item_counts(train) if train.iid_field in train.inter_feat else None
        tied = tied_rows(loaders.parts[2], rows)
        found["groups"] = by_groups(of, rows, str(config["valid_metric"]).lower(), users, items, tied)
    if found.get("examples"):
        tokens = {token for example in found["examples"] for token in tokens_of(example)}
        found["examples"] = with_titles(found["examples"], _titles(config, tokens))
    return found


def _titles(config: Config, tokens: set[str]) -> dict[str, str]:
    """Titles from the data set's `.item` file; none where it cannot be read as one with tabs."""
    try:
        return read_titles(Path(config["data_path"]) / f"{config.dataset}.item", config["ITEM_ID_FIELD"], tokens)
    except (DataError, OSError):
        return {}
