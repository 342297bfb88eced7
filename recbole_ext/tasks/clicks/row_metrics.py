"""Click metrics of any rows of a table, with intervals over users; see `recbole_ext.evaluation.row_metrics`."""

import numpy as np
import pandas as pd

from recbole_ext.evaluation.click_metrics import Scored, click_metrics, intervals
from recbole_ext.evaluation.row_metrics import Measure, numbered_users
from recbole_ext.evaluation.units import CLICK_METRICS, Sums, valued_sums


class ClickRowMetrics:
    """AUC, GAUC, log loss and calibration of labels and probabilities."""

    columns = ("label", "probability")

    def sums(self, rows: pd.DataFrame) -> tuple[np.ndarray, Sums]:
        """See `RowMetrics`; calibration is no ratio of sums."""
        user, users = numbered_users(rows)
        labels, probabilities = (rows[name].to_numpy(dtype=np.float64) for name in self.columns)
        return users, valued_sums(user, labels, probabilities, CLICK_METRICS)

    def measure(self, rows: pd.DataFrame, with_intervals: bool = True) -> Measure:
        """See `RowMetrics`; rows that are all of one class have no AUC, and here no metric."""
        user, users = numbered_users(rows)
        labels, probabilities = (rows[name].to_numpy(dtype=np.float64) for name in self.columns)
        if len(np.unique(labels)) < 2:
            return Measure(len(rows), len(users))
        scored = Scored(user, labels, probabilities)
        asked = with_intervals and len(users) > 1
        return Measure(len(rows), len(users), click_metrics(scored), intervals(scored) if asked else {})
