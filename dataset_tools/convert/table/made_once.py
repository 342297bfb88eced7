"""The data set of a table, made when it is first asked for."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.plan import planned
from dataset_tools.convert.table.table import print_sentence, write_plan
from dataset_tools.errors import UsageError

_LONGEST_STEM = 48


def made_once(options: TableOptions, report: Callable[[str], object] = print_sentence) -> Path:
    """The folder of the data set that a table becomes; it is converted unless that was done before.

    Args:
        options: what to convert; without a name it is that of the input with eight digits of the fingerprint, so that
            other data or other columns are another data set.
        report: called with each sentence for the user.

    Raises:
        UsageError, DataError, ResourceError: see `convert_table`; or the name is that of another data set.
    """
    plan = planned(options)
    if not options.name:
        stem = re.sub(r"[^A-Za-z0-9_-]+", "_", options.stem).strip("_")[:_LONGEST_STEM] or "table"
        plan = replace(plan, options=replace(options, name=f"{stem}-{plan.fingerprint[:8]}"))
    target = plan.options.target
    if not target.exists():
        write_plan(plan, report)
    elif _made_of(target) != plan.fingerprint:
        raise UsageError(
            f"{target}: a data set of other data, or of other columns of it; give this one another name, "
            "or remove that folder"
        )
    return target


def _made_of(folder: Path) -> str:
    try:
        summary = json.loads((folder / f"{folder.name}.summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(summary.get("made_of", "")) if isinstance(summary, dict) else ""
