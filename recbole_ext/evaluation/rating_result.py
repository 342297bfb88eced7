"""What a rating run adds to its result: the report by star and group, the audit, and a collapsed posterior."""

from typing import Any

import numpy as np

from recbole_ext.evaluation.metric_audit import Evidence, audit_lines, metric_audit
from recbole_ext.evaluation.ratings import predict_part, rating_report, report_lines
from recbole_ext.model.kl_record import collapse_warning


def rating_result(config: Any, model: Any, train: Any, part: Any, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """`ratings`, `audit` and `warnings` of the weights of the moment.

    Args:
        config: of the run.
        model: a rating model with its best weights.
        train, part: loaders of the training part, and of the one that is told of.
        rows: of metrics.csv.
    """
    found, table = predict_part(model, part, config["device"]), model.table
    user, item = (train.columns[name].numpy() for name in (table.user, table.item))
    of_user, of_item = np.bincount(user, minlength=table.n_users), np.bincount(item, minlength=table.n_items)
    report = rating_report(found, of_user, of_item, config["relevant_rating"])
    audit = metric_audit(Evidence(found, (user, item, table.ratings), dict(report["all"]), config["dataset"]))
    warning = collapse_warning(rows[-1]) if rows else None
    return {"ratings": report, "audit": audit, "warnings": [warning] if warning else []}


def rating_lines(result: dict[str, Any]) -> list[str]:
    """The same for a person; [] for a result of another task."""
    if "ratings" not in result:
        return []
    warnings = [f"WARNING     {text}" for text in result["warnings"]]
    return [*report_lines(result["ratings"]), *audit_lines(result["audit"]), *warnings]
