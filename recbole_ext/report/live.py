"""A page of a run that is going on: written again and again, and reloaded by the browser, until the run is over."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from recbole_ext.diagnosis.curve import read_curve
from recbole_ext.diagnosis.rules import findings
from recbole_ext.errors import DataError, UsageError
from recbole_ext.report.record import read_record
from recbole_ext.report.run_page import run_page
from recbole_ext.runs.run_list import list_runs
from recbole_ext.runs.trash import is_held

NAME = "live.html"
_DAY = 86_400


def newest_running(root: Path) -> Path:
    """The newest run of a folder that is going on.

    Raises:
        UsageError: none is.
    """
    for run in list_runs(root).runs:
        if run.state == "running":
            return root / run.run
    raise UsageError(f"{root}: no run is going on; name one: watch RUN")


def watch(run: Path, seconds: float, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep) -> None:
    """Write `live.html` of a run every so many seconds until no process holds the run; then it leads to the report.

    Args:
        run: its directory.
        seconds: between two writings, at least 1.
        say: takes the line on where the page is, and the one on the end.
        sleep: waits.

    Raises:
        UsageError: there are too few seconds, or more than a day has.
        ResourceError: the page cannot be written.
    """
    if not 1 <= seconds <= _DAY:
        raise UsageError(f"--seconds must be at least 1, and at most {_DAY:,} (got {seconds:g})")
    say(f"page        {run / NAME}, every {seconds:g} s; Ctrl-C ends the watching and not the run")
    while is_held(run):
        _write(run, f"{seconds:g}")
        sleep(seconds)
    has_report = os.path.lexists(run / "report.html")
    _write(run, "0; url=report.html" if has_report else "")
    say("the run is over: " + ("its report is report.html" if has_report else "it left no report"))


def _write(run: Path, refresh: str) -> None:
    """The page by the files of now; one that is being written is read the next time."""
    record = read_record(run)
    try:
        found = findings(read_curve(run, {}, {}, {})) if record.columns else []
    except DataError:
        found = []
    run_page(record, found, refresh).write(run / NAME)
