"""`diagnose`: findings on a run's curve, as text, as JSON, and as a tuned configuration."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from recbole_ext.diagnosis.curve import Curve, read_curve
from recbole_ext.diagnosis.finding import Finding
from recbole_ext.diagnosis.rules import RULES, findings
from recbole_ext.errors import UsageError
from recbole_ext.files import write_atomically
from recbole_ext.training.course.course import COLUMNS

ADVICE = "# advice of recbole-ext diagnose, to be read after the run's own configuration"
"""First line of a tuned configuration."""


def diagnosis_lines(found: list[Finding]) -> list[str]:
    """The findings as text."""
    if not found:
        return [f"none of {len(RULES)} rules finds anything; that is no proof that the run is good"]
    lines = []
    for one in found:
        lines.append(f"{'limit  ' if one.limit else 'finding'} {one.text}")
        where = [f"{f'epoch {epoch}' if epoch is not None else 'result'}: {value:g}" for epoch, value in one.evidence]
        lines += [f"        evidence {', '.join(where)}"] if where else []
        lines.append(f"        advice   {one.advice}")
    return lines


def tuned_text(found: list[Finding], curve: Curve) -> str:
    """A configuration file with a reason as a comment on each line; "" without advice that is a setting."""
    lines = []
    for change in (change for one in found for change in one.changes):
        text = yaml.safe_dump({change.key: change.value}).strip()
        lines.append(f"{text}  # was {curve.settings.get(change.key, 'not known')}: {change.reason}")
    return "".join(f"{line}\n" for line in [ADVICE, *lines]) if lines else ""


def diagnose(
    path: Path, columns: dict[str, Any], settings: dict[str, Any], reported: dict[str, Any], metric: str = ""
) -> tuple[list[Finding], Curve]:
    """Read a curve and find its errors.

    Args:
        path: a run's directory, or a csv file with a row per epoch.
        columns: our names -> the file's, for a csv file.
        settings: of the run, for a csv file.
        reported: test metrics, for a csv file.
        metric: that chose the weights; "" for the run's own.

    Raises:
        UsageError: a value is malformed, or there is no file.
        DataError: the file is not readable.
    """
    for name in ("epochs", "warmup_steps", "learning_rate", "dropout_prob", "kl_weight", "latent_size"):
        if not isinstance(settings.get(name), int | float | None):
            raise UsageError(f"--settings: {name} must be a number (got {settings[name]!r})")
    if not isinstance(settings.get("seeds"), int | list | None):
        raise UsageError(f"--settings: seeds must be a number or a list (got {settings['seeds']!r})")
    if settings.get("kl_reduction") not in (None, "mean", "sum"):
        raise UsageError(f"--settings: kl_reduction must be mean or sum (got {settings['kl_reduction']!r})")
    wrong = [name for name in columns if name not in COLUMNS]
    if wrong:
        raise UsageError(f"--columns: {wrong[0]!r} is no column of ours; those are {', '.join(COLUMNS)}")
    curve = read_curve(path, {ours: str(theirs) for ours, theirs in columns.items()}, settings, reported, metric)
    return findings(curve), curve


def diagnosis_text(found: list[Finding], curve: Curve, as_json: bool = False, output: Path | None = None) -> str:
    """The findings with the tuned configuration, as text or JSON.

    Args:
        found, curve: from `diagnose`.
        as_json: for programs.
        output: where the tuned configuration is written too; None for nowhere.
    """
    tuned = tuned_text(found, curve)
    if tuned and output:
        write_atomically(output, tuned.encode())
    if as_json:
        return json.dumps({"findings": [asdict(one) for one in found], "tuned": tuned}, indent=2)
    lines = diagnosis_lines(found)
    return "\n".join([*lines, "", tuned.rstrip()] if tuned else lines)
