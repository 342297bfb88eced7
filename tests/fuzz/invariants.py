"""What holds for every run that ended well, whatever the data: finite metrics, counts that add up, honest hits."""

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.fuzz.made_data import MadeData
from tests.fuzz.recount import recounted

_SHARES = ("hit", "recall", "mrr", "ndcg", "precision", "map", "itemcoverage", "tailpercentage", "giniindex", "auc")


def faults(data: MadeData, runs: Path, words: list[str]) -> list[str]:
    """Each broken rule in a sentence.

    Args:
        data: what was trained on.
        runs: the folder with the one run.
        words: of the command.
    """
    (run,) = runs.iterdir()
    result = json.loads((run / "result.json").read_text())
    splits = {"valid": result["valid"], "test": result["test"], **result["baselines"]}
    found = [fault for name, metrics in splits.items() for fault in _of_metrics(name, metrics or {})]
    return found + _counts(data, result) + recounted(data, run, result, words)


def _of_metrics(name: str, metrics: dict[str, Any]) -> list[str]:
    found = [f"{name}: {key} is {value!r}" for key, value in metrics.items() if not _finite(value)]
    shares = {k: v for k, v in metrics.items() if k.partition("@")[0] in _SHARES and _finite(v)}
    found += [f"{name}: {key} is {value}" for key, value in shares.items() if not -1e-9 <= value <= 1 + 1e-9]
    for first in ("hit", "recall"):
        ordered = sorted((int(key.partition("@")[2]), value) for key, value in shares.items() if key.startswith(first))
        found += [f"{name}: {first} falls with K" for (_, a), (_, b) in pairwise(ordered) if b < a]
    return found


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _counts(data: MadeData, result: dict[str, Any]) -> list[str]:
    """The rows that were read are those that were lost and those of the splits."""
    rows = result["rows"]
    found = [] if rows["read"] == len(data.events) else [f"{rows['read']} read of {len(data.events)} written"]
    lost, split = sum(loss["rows"] for loss in rows["losses"]), sum(rows["splits"].values())
    if rows["read"] - lost != split + rows["history_only"]:
        found.append(f"{rows['read']} read, {lost} lost, {rows['history_only']} history alone, {split} in the splits")
    return found
