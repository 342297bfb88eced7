"""What the verdict on a model means, in sentences."""

from collections.abc import Mapping
from typing import Any

from dataset_tools.drift.verdict import DRIFT, INSUFFICIENT, OK
from recbole_ext.amounts import amount
from recbole_ext.drift.reference import Reference
from recbole_ext.drift.window_names import began

Windows = list[dict[str, Any]]


def sentences(windows: Windows, metric: str, reference: Reference) -> list[str]:
    """The verdict, and what explains a loss that is none.

    Args:
        windows: of `drift.json`.
        metric: that counts.
        reference: from which losses are counted.
    """
    if reference.split is None:
        return ["The run has no evaluation of its own from which a loss could be counted, so there is no verdict."]
    judged = [(window, window["verdicts"].get(metric)) for window in windows if window["state"] != INSUFFICIENT]
    if not judged:
        return ["No window has enough evaluated rows and users for a verdict."]
    left = len(windows) - len(judged)
    found = [_drift(metric, judged), *_harder([(window, of) for window, of in judged if of])]
    return found + ([f"{left} of {len(windows)} windows have too few rows or users for a verdict."] if left else [])


def _drift(metric: str, judged: list[tuple[dict[str, Any], Any]]) -> str:
    drifted = [(window, of) for window, of in judged if window["state"] == DRIFT]
    if not drifted:
        return f"{metric} lost no more than the nulls explain and the threshold allows in {len(judged)} windows."
    first, worst = began(drifted[0][0]), max(drifted, key=lambda pair: pair[1]["excess"])
    return (
        f"{metric} drifted in {len(drifted)} of {len(judged)} windows, first in that of {first}; in that of "
        f"{began(worst[0])} {worst[1]['lost']:.1%} is lost, {worst[1]['excess']:.1%} beyond what the "
        "uncertainty of the own evaluation and harder data explain."
    )


def _harder(judged: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[str]:
    harder = [began(window) for window, of in judged if is_harder(of)]
    if not harder:
        return []
    return [
        f"In {amount(len(harder), 'window')}, first in that of {harder[0]}, the loss is explained by "
        "harder data: the baseline that was refitted just before lost as much."
    ]


def is_harder(verdict: Mapping[str, Any]) -> bool:
    """Whether a loss beyond the threshold is no drift because the refitted baseline lost as much."""
    if verdict["state"] != OK or verdict["lost"] is None or verdict["harder"] is None:
        return False
    return bool(verdict["lost"] - max(verdict["own"], 0.0) > verdict["threshold"])
