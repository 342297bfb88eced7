"""What a `drift.json` of model drift says, in sentences."""

from pathlib import Path
from typing import Any


def sentences(report: dict[str, Any]) -> list[str]:
    """The verdict, who was evaluated, and where the losses are counted from."""
    found = list(report["verdict"]["summary"])
    if report["future"].get("sample"):
        found.append(f"{report['future']['sample']}.")
    if report["own_split"] == "valid":
        found.append("Losses are counted from the validation of the run, which chose its weights, so they look larger.")
    return found


def advice(report: dict[str, Any]) -> tuple[str, str]:
    """The recommendation in a word or two, and its reason."""
    found = report["recommendation"]
    words = {True: "Retrain", False: "Do not retrain yet", None: "No recommendation"}
    return words[found["retrain"]], found["reason"]


def file_names(report: dict[str, Any]) -> str:
    """The files of the future, without their folders."""
    return ", ".join(Path(file).name for file in report["future"]["file"].split(", "))
