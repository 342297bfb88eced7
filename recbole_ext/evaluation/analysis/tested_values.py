"""Tested rows with a true and a predicted value, for groups and for what reports draw of them."""

from typing import Any

import numpy as np
import pandas as pd

from recbole_ext.evaluation.analysis.examples import example_values
from recbole_ext.evaluation.analysis.value_analysis import value_analysis
from recbole_ext.evaluation.row_metrics import RowMetrics

_TRUE, _PREDICTED = "true", "predicted"


def value_rows(
    of: RowMetrics, users: np.ndarray | None, items: np.ndarray | None, truth: np.ndarray, predicted: np.ndarray
) -> pd.DataFrame:
    """The rows as `of` reads them.

    Args:
        of: metrics of a column of true and one of predicted values.
        users, items: (n,) ids; None where the data has none.
        truth, predicted: (n,).
    """
    ids = {name: column for name, column in (("user", users), ("item", items)) if column is not None}
    return pd.DataFrame({**ids, of.columns[0]: truth, of.columns[1]: predicted})


def values_with_examples(
    dataset: Any,
    earlier: list[Any],
    users: np.ndarray | None,
    items: np.ndarray | None,
    truth: np.ndarray,
    predicted: np.ndarray,
) -> dict[str, Any]:
    """`value_analysis`, and a few users where rows name users and items.

    Args:
        dataset: the split, for the tokens of its ids.
        earlier: the splits before it.
        users, items, truth, predicted: see `value_rows`.
    """
    found = value_analysis(truth, predicted)
    if users is not None and items is not None:
        rows = pd.DataFrame({"user": users, "item": items, _TRUE: truth, _PREDICTED: predicted})
        tokens = (dataset.field2id_token[name] for name in (dataset.uid_field, dataset.iid_field))
        found["examples"] = example_values(rows, (_TRUE, _PREDICTED), earlier, *tokens)
    return found
