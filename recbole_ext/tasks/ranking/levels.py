"""What is known of honest rankings, in numbers; imports nothing."""

from collections.abc import Mapping
from typing import Any

HONEST = {
    ("ml-100k", "recbole"): {"hit@10": 0.22, "ndcg@10": 0.12},  # best measured .1389 / .0703
    ("ml-100k", "time_aware"): {"hit@10": 0.32, "ndcg@10": 0.18},
    ("ml-100k", "no_time"): {"hit@10": 0.28, "ndcg@10": 0.16},  # .2386 / .1260
    ("ml-1m", "recbole"): {"hit@10": 0.41, "ndcg@10": 0.255},  # best measured .3583 / .2160
    ("ml-1m", "recbole_time"): {"hit@10": 0.41, "ndcg@10": 0.255},  # best published .3523 / .2153
    ("ml-1m", "time_aware"): {"hit@10": 0.44, "ndcg@10": 0.27},  # best measured .3942 / .2426
    ("ml-1m", "no_time"): {"hit@10": 0.37, "ndcg@10": 0.22},  # best published .3159 / .1857
    ("ml-20m", "time_aware"): {"hit@10": 0.42, "ndcg@10": 0.25},  # .3661 / .2181
    ("ml-20m", "no_time"): {"hit@10": 0.40, "ndcg@10": 0.245},  # .3457 / .2107
}
"""All items ranked, each user's last event tested; a little above the best published or measured."""


def levels_of_presets(dataset: str, protocol: Mapping[str, Any]) -> Mapping[str, float]:
    """Metric -> level of a data set under a preset; {} where the preset was changed by hand or items were sampled.

    Args:
        dataset: its name.
        protocol: as `result.json` holds it.
    """
    whole = protocol.get("candidates") == "full" and protocol.get("split_kind") == "LS"
    unchanged = protocol.get("changes") == {}  # None: a version that did not record them
    return HONEST.get((dataset, str(protocol.get("preset"))), {}) if whole and unchanged else {}
