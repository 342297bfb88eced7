"""`index.html` of a folder of runs: one table that sorts in the browser, with links, tags and notes."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from recbole_ext.evaluation.metric_order import in_order
from recbole_ext.files import write_atomically
from recbole_ext.redact import redact_forms
from recbole_ext.report.rendering import html
from recbole_ext.runs.run_list import Listed, RunList

NAME = "index.html"
MOST_METRICS = 6
SCRIPT = (Path(__file__).parent / "templates" / "sort.js").read_text(encoding="utf-8")
HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
"""By which the page allows this script and no other."""


def write_runs_page(found: RunList) -> Path:
    """Write the page into the folder of the runs; returns where it is.

    Raises:
        ResourceError: it cannot be written.
    """
    path = found.folder / NAME
    write_atomically(path, runs_page(found).encode("utf-8", "replace"))
    return path


def runs_page(found: RunList) -> str:
    """The page of the listed runs."""
    metrics = in_order({name for run in found.runs for name in run.test})[:MOST_METRICS]
    head = ["run", "state", "epochs", "best epoch", *metrics, "tags", "note"]
    rows = [_row(run, metrics, found.folder) for run in found.runs]
    title = f"{found.count:,} runs, {found.n_finished:,} finished"
    return html("index.html", title=title, head=head, rows=rows, script=SCRIPT, hash=HASH)


def _row(run: Listed, metrics: list[str], folder: Path) -> dict[str, Any]:
    values = [run.epochs, run.best_epoch, *(run.test.get(name) for name in metrics)]
    has_report = (folder / run.run / "report.html").is_file()
    return {
        "run": redact_forms(run.run),
        "link": f"{run.run}/report.html" if has_report else "",
        "state": run.state,
        "numbers": [{"shown": _shown(value), "key": "" if value is None else repr(value)} for value in values],
        "words": [redact_forms(" ".join(run.marks.tags)), redact_forms(run.marks.note)],
    }


def _shown(value: float | int | None) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
