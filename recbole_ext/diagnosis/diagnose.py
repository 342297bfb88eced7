"""`diagnose`: what a run's curve shows, in words, as JSON, and as a tuned configuration."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from recbole_ext.diagnosis.curve import COLUMNS, Curve, read_curve
from recbole_ext.diagnosis.finding import Finding
from recbole_ext.diagnosis.rules import RULES, findings
from recbole_ext.errors import UsageError, nearest
from recbole_ext.files import write_atomically

OPTIONS = ("columns", "settings", "reported", "metric", "output")


def diagnosis_lines(found: list[Finding]) -> list[str]:
    """The findings in words."""
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
    """A configuration file with a reason behind each line; "" without advice that is a setting."""
    lines = []
    for change in (change for one in found for change in one.changes):
        text = yaml.safe_dump({change.key: change.value}).strip()
        lines.append(f"{text}  # was {curve.settings.get(change.key, 'not known')}: {change.reason}")
    return "".join(f"{line}\n" for line in lines)


def diagnose_command(file: str, given: dict[str, Any], as_json: bool) -> int:
    """Diagnose a run directory or a csv file.

    Args:
        file: path of either.
        given: those of `OPTIONS`.
        as_json: print JSON.

    Returns:
        0, whatever is found.

    Raises:
        UsageError: an option is unknown or malformed, or there is no file.
        DataError: the file is not readable.
    """
    unknown = [name for name in given if name not in OPTIONS]
    if unknown:
        raise UsageError(f"diagnose: unknown option --{unknown[0]}{nearest(unknown[0], OPTIONS)}")
    if not file:
        raise UsageError('diagnose needs a run or a file: diagnose RUN|metrics.csv [--columns="{valid: val_loss}"]')
    columns, settings, reported = (_mapping(given, name) for name in ("columns", "settings", "reported"))
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
    names = {ours: str(theirs) for ours, theirs in columns.items()}
    curve = read_curve(Path(file), names, settings, reported, str(given.get("metric") or "").lower())
    found = findings(curve)
    tuned = tuned_text(found, curve)
    if as_json:
        print(json.dumps({"findings": [asdict(one) for one in found], "tuned": tuned}, indent=2))
    else:
        print("\n".join(diagnosis_lines(found)))
        print(f"\n# tuned configuration, to be read after the run's own\n{tuned}" if tuned else "", end="")
    if tuned and "output" in given:
        write_atomically(Path(given["output"]), tuned.encode())
    return 0


def _mapping(given: dict[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name) or {}
    if not isinstance(value, dict):
        raise UsageError(f'--{name} must be a mapping, for instance "{{warmup_steps: 2000}}" (got {value!r})')
    return value
