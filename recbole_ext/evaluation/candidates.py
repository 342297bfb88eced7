"""What the candidates of a split left out: targets that could not be recommended, and lists shorter than K."""

from dataclasses import dataclass
from typing import Any

WARNED_SHARE = 0.05
"""From this fraction of the targets, or of the lists, on a user is warned."""


@dataclass
class CandidateCounts:
    """Counts of one evaluation of a split.

    Attributes:
        lists: ranked lists, one per user or per row of a sequence.
        targets: items to be found.
        targets_not_candidates: those among them that the protocol took out; each is a miss.
        short_lists: lists with fewer candidates than the largest K.
    """

    lists: int = 0
    targets: int = 0
    targets_not_candidates: int = 0
    short_lists: int = 0


def candidate_warnings(counts: dict[str, Any], split: str, largest_k: int) -> list[str]:
    """Warnings about them for the user; [] where little was left out.

    Args:
        counts: a `CandidateCounts` as `result.json` holds it.
        split: `valid` or `test`.
        largest_k: the largest cut-off of the metrics.
    """
    warned, missed, targets = [], counts["targets_not_candidates"], counts["targets"]
    if missed and missed >= WARNED_SHARE * targets:
        warned.append(
            f"{split}: {missed:,} of {targets:,} targets were seen before and this protocol removes seen items, so "
            "they are misses: --protocol=recbole (recbole_time with the target time) or --filter_seen_items=False"
        )
    short, lists = counts["short_lists"], counts["lists"]
    if short and short >= WARNED_SHARE * lists:
        warned.append(
            f"{split}: {short:,} of {lists:,} lists have fewer than {largest_k} candidates, so a target among them is "
            "always found; lower --topk"
        )
    return warned
