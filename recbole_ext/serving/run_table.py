"""The result of a run as a table: for programs, and for the output of a notebook's cell."""

from typing import Any

import pandas as pd
from markupsafe import escape

from recbole_ext.evaluation.best_baseline import against_baselines
from recbole_ext.evaluation.metric_order import in_order
from recbole_ext.redact import redact_forms


def tested_table(result: dict[str, Any]) -> pd.DataFrame:
    """Metrics of the test as columns, the model and its baselines as rows, the best by the metric of choice first.

    Args:
        result: as `result.json` has it; {} gives an empty table.
    """
    test = result.get("test")
    if not test:
        return pd.DataFrame()
    table = pd.DataFrame.from_dict({result["model"]: test, **(result.get("baselines") or {})}, orient="index")
    table = table[in_order(test)]
    metric = str(result["valid_metric"]).lower()
    if metric not in table:
        return table
    return table.sort_values(metric, ascending=not result.get("valid_metric_bigger", True), kind="stable")


def run_html(name: str, result: dict[str, Any]) -> str:
    """A fragment of HTML; every word from outside is escaped.

    Args:
        name: of the run.
        result: as `result.json` has it.
    """
    title = f"<b>{escape(redact_forms(name))}</b>"
    table = tested_table(result)
    if table.empty:
        state = "has no test result" if result else "has not finished"
        return f"<div>{title} {state}</div>"
    said = [against_baselines(result)] if result.get("baselines") else []
    protocol = result.get("protocol") or {}
    known = [str(protocol[key]) for key in ("name", "seen_items", "target_time", "candidates") if protocol.get(key)]
    said += [f"protocol: {'; '.join(known)}"] if known else []
    lines = "".join(f"<div>{escape(redact_forms(line))}</div>" for line in said)
    return f"<div>{title}{table.to_html(float_format='{:.4f}'.format)}{lines}</div>"
