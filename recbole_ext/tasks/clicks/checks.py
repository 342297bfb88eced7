"""Errors in the settings of click models; leaks of the future are reported before any data is read."""

from typing import Any

from recbole_ext.errors import nearest

BRANCHES = ("static", "sequential", "sets")


def click_faults(values: dict[str, Any]) -> list[str]:
    """All errors of these kinds; values of a wrong type are reported elsewhere.

    A model that lacks one of the keys lacks what the key is about.
    """
    return [*_branches(values), *_sizes(values), *_encoder(values), *_history(values)]


def _branches(values: dict[str, Any]) -> list[str]:
    given = values.get("branches", list(BRANCHES))
    wrong = [name for name in given or [""] if name not in BRANCHES] if isinstance(given, list | None) else []
    if not wrong:
        return []
    return [
        f"branches must name one or more of {', '.join(BRANCHES)} (got {given!r}){nearest(str(wrong[0]), BRANCHES)}"
    ]


def _sizes(values: dict[str, Any]) -> list[str]:
    width, heads = values.get("hidden_size"), values.get("attention_heads")
    if not isinstance(width, int) or not isinstance(heads, int) or (heads > 0 and width % heads == 0):
        return []
    return [f"attention_heads must be positive and divide hidden_size (got {heads}, {width})"]


def _encoder(values: dict[str, Any]) -> list[str]:
    """A sublayer that only one encoder can have."""
    encoder = values.get("encoder", "mamba")
    if not values.get("feed_forward") or encoder == "mamba":
        return []
    return [f"feed_forward goes with encoder: mamba, a transformer has one anyway (got {encoder!r}); leave it out"]


def _history(values: dict[str, Any]) -> list[str]:
    """What a row may see of others."""
    faults, history, order = [], values.get("history_from"), values["eval_args"]
    before = history == "before"
    if before and not values.get("benchmark_filename") and isinstance(order, dict) and order.get("order") != "TO":
        faults.append("history_from: before needs rows in the order of time; add --eval_args='{order: TO}'")
    if before and values.get("implicit_sets") == "train":
        faults.append(
            "implicit_sets: train requires history_from: train, where sets and histories are the training split's; "
            "take --implicit_sets=before"
        )
    if before and "sets" in (values.get("branches") or []):
        faults.append(
            "branches: sets requires history_from: train, where a training example can be left out of its sets"
        )
    return faults
