"""What a `drift.json` of model drift says, in sentences."""

from pathlib import Path
from typing import Any

from dataset_tools.drift.verdict import DRIFT, INSUFFICIENT


def sentences(report: dict[str, Any]) -> list[str]:
    """The verdict: how many windows drift by the judged metric, then the other metrics that drift."""
    verdict, found = report["verdict"], [_verdict_of(report["metric"], report["verdict"]["metrics"], first=True)]
    if report["own_split"] != "test":
        found.append("losses are counted from the validation of the run, which chose its weights: they look larger")
    others = {name: of for name, of in verdict["metrics"].items() if name != report["metric"]}
    return found + [_verdict_of(name, others) for name, of in others.items() if of["state"] == DRIFT]


def _verdict_of(metric: str, verdicts: dict[str, Any], first: bool = False) -> str:
    if metric not in verdicts:
        return f"no window could be judged by {metric}."
    states = verdicts[metric]["windows"]
    drifting, lacking = states.count(DRIFT), states.count(INSUFFICIENT)
    if lacking == len(states):
        return f"no window has enough rows and users to be judged by {metric}."
    judged = f"{drifting} of {len(states) - lacking} windows" if len(states) > 1 else "the window" * bool(drifting)
    text = f"{metric} lost more than chance and harder data explain in {judged or 'no window'}"
    if drifting:
        text += f", at most {verdicts[metric]['largest_excess']:.1%} beyond them"
    return text + (f"; {lacking} more have too few rows or users." if lacking and first else ".")


def advice(report: dict[str, Any]) -> tuple[str, str]:
    """The recommendation in a word or two, and its reason."""
    found = report["recommendation"]
    words = {True: "Retrain", False: "Do not retrain yet", None: "No recommendation"}
    return words[found["retrain"]], found["reason"]


def file_names(report: dict[str, Any]) -> str:
    """The files of the future, without their folders."""
    return ", ".join(Path(file).name for file in report["future"]["file"])


def has_data(report: dict[str, Any]) -> bool:
    """Whether the data were compared too."""
    return bool(report["data"]) and "refused" not in report["data"]
