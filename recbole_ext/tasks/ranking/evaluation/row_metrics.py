"""Metrics of any rows of a table of ranked targets, with intervals over users.

A list of a sequence model has one target, so each row has its metrics. Other models rank one list for all targets of a
user: `rank` is the place of a row's item in that list, and the metrics of some rows are those of the lists with these
rows as targets, which is what an evaluation of these rows alone would have found.
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
from recbole.evaluator.collector import DataStruct
from recbole.utils import EvaluatorType, ModelType

from recbole_ext.evaluation.collector import row_values
from recbole_ext.evaluation.ranking_metrics import RankingMetrics
from recbole_ext.evaluation.row_metrics import Measure, ValueRows, measure_of, numbered_users
from recbole_ext.evaluation.units import Sums, ranked_sums

RANK = "rank"
"""The column of places in the lists, from 1; 0 for a target that is not in its list."""
_BLOCK = 200_000


class RankedRows:
    """Metrics of lists from the places of their targets.

    Args:
        config: of the run.

    Attributes:
        lists_of_users: whether all targets of a user are in one list.
    """

    def __init__(self, config: Any) -> None:
        self.metrics, self.width = RankingMetrics(config), max(config["topk"])
        self.lists_of_users = config["MODEL_TYPE"] != ModelType.SEQUENTIAL
        self.columns = (RANK, *self.values(np.zeros(1, dtype=np.int64)))

    def values(self, rank: np.ndarray) -> dict[str, np.ndarray]:
        """Metrics of lists with one target each, by its place (n,): name -> (n,)."""
        blocks = [
            self._of_lists(np.arange(len(part)), part, np.ones(len(part), dtype=np.int64))
            for part in np.split(rank, range(_BLOCK, len(rank), _BLOCK))
        ]
        return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}

    def _of_lists(self, row: np.ndarray, rank: np.ndarray, n_targets: np.ndarray) -> dict[str, np.ndarray]:
        """Metrics of R lists: name -> (R,).

        Args:
            row, rank: (p,) list and place of each target.
            n_targets: (R,).
        """
        hits = np.zeros((len(n_targets), self.width + 1), dtype=np.int64)
        hits[row[rank > 0], rank[rank > 0] - 1] = 1
        hits[:, -1] = n_targets
        struct = DataStruct()
        struct.set("rec.topk", torch.from_numpy(hits))
        return row_values(struct, self.metrics)

    def sums(self, rows: pd.DataFrame) -> tuple[np.ndarray, Sums]:
        """See `RowMetrics`; of a list for all targets of a user, the same target twice counts once."""
        if not self.lists_of_users:
            user, users = numbered_users(rows)
            return users, ranked_sums(user, {name: rows[name].to_numpy() for name in self.columns if name != RANK})
        targets = rows.drop_duplicates(["user", "item"])
        user, users = numbered_users(targets)
        lists = self._of_lists(user, targets[RANK].to_numpy(dtype=np.int64), np.bincount(user))
        return users, ranked_sums(np.arange(len(users)), lists)

    def measure(self, rows: pd.DataFrame, with_intervals: bool = True) -> Measure:
        """See `RowMetrics`."""
        return measure_of(self, rows, with_intervals)


def row_metrics(config: Any) -> RankedRows | ValueRows:
    """Of lists or of labels, as the metrics of the run ask."""
    if config["eval_type"] == EvaluatorType.RANKING:
        return RankedRows(config)
    return ValueRows(("label", "prediction"), [str(name).lower() for name in config["metrics"]])
