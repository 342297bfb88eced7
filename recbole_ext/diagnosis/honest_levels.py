"""The best that is honestly known of a data set under a protocol; better than that, a leak is looked for first.

A level lies somewhat above the best published or measured number, so that a better model does not meet it, and a model
that sees its target does.
"""

from typing import Any

from recbole_ext.tasks.ratings.levels import HONEST

_RANKING = {
    ("ml-100k", "recbole"): {"hit@10": 0.22, "ndcg@10": 0.12},  # best measured .1389 / .0703
    ("ml-100k", "time_aware"): {"hit@10": 0.32, "ndcg@10": 0.18},
    ("ml-100k", "no_time"): {"hit@10": 0.28, "ndcg@10": 0.16},  # .2100 / .1105
    ("ml-1m", "recbole"): {"hit@10": 0.385, "ndcg@10": 0.23},  # best published .3344 / .1973
    ("ml-1m", "recbole_time"): {"hit@10": 0.41, "ndcg@10": 0.255},  # best published .3523 / .2153
    ("ml-1m", "time_aware"): {"hit@10": 0.44, "ndcg@10": 0.27},  # best measured .3853 / .2346
    ("ml-1m", "no_time"): {"hit@10": 0.37, "ndcg@10": 0.22},  # best published .3159 / .1857
    ("ml-20m", "time_aware"): {"hit@10": 0.42, "ndcg@10": 0.25},  # .3661 / .2181
    ("ml-20m", "no_time"): {"hit@10": 0.40, "ndcg@10": 0.245},  # .3457 / .2107
}
"""All items ranked, each user's last event tested."""
_CLICKS = {"ml-100k": {"auc": 0.90}, "ml-1m": {"auc": 0.93}}
"""Ratings as clicks; the best known are .8762 and .9114."""


def honest_level(result: dict[str, Any]) -> float | None:
    """The value of the validation metric beyond which a test result of this data and protocol is too good.

    Args:
        result: as `quick_start.run` returns it.

    Returns:
        None where nothing is known, or where the protocol was changed by hand.
    """
    protocol, dataset = result.get("protocol") or {}, str(result.get("dataset"))
    if protocol.get("task") == "clicks":
        levels = _CLICKS.get(dataset, {})
    elif "rmse" in (result.get("test") or {}):
        levels = {"rmse": HONEST[dataset]} if dataset in HONEST else {}
    else:
        whole = protocol.get("candidates") == "full" and protocol.get("split_kind") == "LS"
        unchanged = protocol.get("changes") == {}  # None: a version that did not record them
        levels = _RANKING.get((dataset, str(protocol.get("preset"))), {}) if whole and unchanged else {}
    return levels.get(str(result.get("valid_metric", "")).lower())
