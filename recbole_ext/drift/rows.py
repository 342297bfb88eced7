"""Evaluated rows of later interactions as what each user contributes, for windows and for models on the same rows."""

import numpy as np
import pandas as pd

from recbole_ext.drift.quality import kind_of
from recbole_ext.evaluation.row_metrics import RowMetrics
from recbole_ext.evaluation.units import Tested, Units


def evaluated(table: pd.DataFrame) -> np.ndarray:
    """(n,) bool: rows that a model was evaluated on."""
    return table["evaluated"].to_numpy()


def units_of(row_metrics: RowMetrics, rows: pd.DataFrame) -> Units | None:
    """What each user contributes to the metrics that are a quality; None of no rows, or of labels of one class."""
    if not len(rows):
        return None
    users, sums = row_metrics.sums(rows)
    kept = {name: of for name, of in sums.items() if kind_of(name)}
    totals, weights = ({name: of[side] for name, of in kept.items()} for side in (0, 1))
    return Units(Tested(np.asarray(users, dtype=str), len(rows)), weights, totals) if kept else None


def on_common_rows(row_metrics: RowMetrics, ours: pd.DataFrame, theirs: pd.DataFrame) -> tuple[Units, Units] | None:
    """The contributions of two models on the rows that both were evaluated on; None without any.

    Args:
        row_metrics: of the run.
        ours, theirs: tables of the same later interactions.
    """
    both = evaluated(ours) & evaluated(theirs)
    found = units_of(row_metrics, ours[both]), units_of(row_metrics, theirs[both])
    return None if found[0] is None or found[1] is None else (found[0], found[1])
