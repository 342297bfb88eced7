"""What a rating run adds to its result: the report by star and group, and the audit."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from recbole_ext.tasks.ratings.audit.evidence import Evidence
from recbole_ext.tasks.ratings.audit.metric_audit import audit_lines, metric_audit
from recbole_ext.tasks.ratings.metrics import errors, predict_part, rating_report, report_lines

_FLOAT32 = 1e-4
"""Relative difference between means of float32 and of float64 values."""


def rating_result(config: Any, model: Any, train: Any, part: Any, measured: dict[str, float]) -> dict[str, Any]:
    """`ratings`, `audit` and `further_test` (metrics that the user has not chosen) of the current weights.

    Args:
        config: of the run.
        model: a rating model with its best weights.
        train, part: loaders of the training split, and of the one that is reported on.
        measured: what RecBole's metrics gave for the same split.

    Raises:
        RuntimeError: the metrics are not those of these predictions and ratings.
    """
    found, table = predict_part(model, part, config["device"]), model.table
    require_one_truth(measured, errors(found.truth, found.clipped), 10.0 ** -config["metric_decimal_place"])
    user, item = (train.columns[name].numpy() for name in (table.user, table.item))
    of_user, of_item = np.bincount(user, minlength=table.n_users), np.bincount(item, minlength=table.n_items)
    report = rating_report(found, of_user, of_item, config["relevant_rating"])
    time = train.columns[table.time].numpy() if table.time in train.columns else None
    past = user, item, table.ratings
    audit = metric_audit(Evidence(found, past, dict(report["all"]), config["dataset"], time))
    further = {name: report["all"][name] for name in ("r2", "mse", "correlation")}
    further |= {name: report[name] for name in ("precision@10", "ndcg@10") if name in report}
    return {"ratings": report, "audit": audit, "further_test": further}


def require_one_truth(measured: dict[str, float], found: dict[str, float], rounding: float) -> None:
    """The table's metrics and the report are of the same rows, predictions and ratings.

    Args:
        measured: from RecBole's metrics, rounded.
        found: from `errors`, of the predictions and the ratings that were learned.
        rounding: the last decimal place of `measured`.

    Raises:
        RuntimeError: they differ by more than rounding, so that one of the two reads another column or other rows.
    """
    for name in ("rmse", "mae"):
        if name in measured and abs(measured[name] - found[name]) > rounding + _FLOAT32 * abs(found[name]):
            raise RuntimeError(
                f"test {name} is {measured[name]:g} by the metrics and {found[name]:g} by the predicted rows; the two "
                "are not of the same ratings"
            )


def rating_lines(result: Mapping[str, Any]) -> list[str]:
    """The same for a person; [] for a result of another task."""
    if "ratings" not in result:
        return []
    audit = [] if result.get("diverged") else audit_lines(result["audit"])  # it would explain numbers without meaning
    return [*report_lines(result["ratings"]), *audit]
