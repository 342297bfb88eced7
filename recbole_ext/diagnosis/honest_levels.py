"""The best that is honestly known of a data set under a protocol; better than that, a leak is looked for first."""

from typing import Any

from recbole_ext.tasks.ratings.levels import HONEST
from recbole_ext.tasks.registered import task_of_run


def honest_level(result: dict[str, Any]) -> float | None:
    """The value of the validation metric beyond which a test result of this data and protocol is too good.

    Args:
        result: as `quick_start.run` returns it.

    Returns:
        None where nothing is known, or where the protocol was changed by hand.
    """
    protocol, dataset = result.get("protocol") or {}, str(result.get("dataset"))
    task = task_of_run(result, str(result.get("model")))
    levels = {"rmse": HONEST[dataset]} if dataset in HONEST else {}  # of stars, whichever task learned them
    levels |= task.honest_levels(dataset, protocol)
    return levels.get(str(result.get("valid_metric", "")).lower())
