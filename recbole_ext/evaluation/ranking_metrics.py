"""RecBole's metrics of rankings with our metrics of lists, as Python floats."""

from typing import Any

import numpy as np
from recbole.evaluator import Evaluator as HostEvaluator

from recbole_ext.errors import DataError
from recbole_ext.evaluation.list_metrics import LIST_METRICS


class RankingMetrics(HostEvaluator):
    """Computes the configured metrics from what a collector has gathered.

    Args:
        config: the run's configuration.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.metric_class |= {name: LIST_METRICS[name](config) for name in self.metrics if name in LIST_METRICS}

    def evaluate(self, dataobject: Any) -> dict[str, float]:
        """All metrics by name.

        Raises:
            DataError: GAUC of lists without other candidates.
        """
        found = {name: float(value) for name, value in super().evaluate(dataobject).items()}
        if np.isnan(found.get("gauc", 0.0)):
            raise DataError(
                "GAUC compares the targets of a list with its other candidates, and no list has any; "
                "measure Hit or NDCG, or keep more candidates (--filter_seen_items=False)"
            )
        return found
