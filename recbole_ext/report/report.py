"""`report.html`, `results.png` and `model_card.md` of a run: what came out, what it was, and what can be concluded."""

import logging
import shlex
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from recbole_ext.diagnosis.curve import read_curve
from recbole_ext.diagnosis.finding import Finding
from recbole_ext.diagnosis.rules import findings
from recbole_ext.errors import DataError, ResourceError
from recbole_ext.files import hold, remove_leftovers, write_atomically
from recbole_ext.places import from_here
from recbole_ext.redact import redact_text
from recbole_ext.report.charts.png import png
from recbole_ext.report.model_card import model_card
from recbole_ext.report.page import Page
from recbole_ext.report.record import read_record
from recbole_ext.report.run_page import run_page
from recbole_ext.training.tracking.progress import Progress
from recbole_ext.typed_command import PROGRAM

_LOG = logging.getLogger(__name__)
_MOST_SAID = 5


def write_report(folder: Path) -> tuple[Path, list[Finding]]:
    """Write a run's report and model card again, from the files in its directory that can be read.

    Args:
        folder: of the run; it need not have finished.

    Returns:
        Where the report is, and what the diagnosis found.

    Raises:
        UsageError: this is no run's directory.
        DataError: a file of it is damaged; the report has the others, and says so.
        ResourceError: the report cannot be written.
    """
    record, path = read_record(folder), folder / "report.html"
    _tidy(folder)
    curve = read_curve(folder, {}, {}, {}) if record.columns else None
    record = replace(record, damage=tuple(dict.fromkeys([*record.damage, *(curve.damage if curve else ())])))
    found = findings(curve) if curve else []
    page = run_page(record, found)
    page.write(path)
    _write_pictures(page, folder)
    write_atomically(folder / "model_card.md", model_card(record, found).encode("utf-8", "replace"))
    if record.damage:
        raise DataError("\n".join([*record.damage, f"what the other files have is in {path}"]))
    return path, found


def _write_pictures(page: Page, folder: Path) -> None:
    """`results.png`, the page's main charts of the test; none for a run without a result.

    Raises:
        ResourceError: the picture cannot be written.
    """
    path = folder / "results.png"
    if page.pictures:
        write_atomically(path, png(page.title, page.subtitle, page.pictures))
    else:
        path.unlink(missing_ok=True)


def _tidy(folder: Path) -> None:
    """Remove what killed processes left in the run's directory, unless another process is at work there."""
    with suppress(ResourceError):
        lock = hold(folder, "held")
        remove_leftovers(folder)
        lock.release()


def leave_report(folder: Path) -> None:
    """The same at the end of a run, with the diagnosis in a few lines; an error in it does not affect the run.

    A run that ended before its first epoch did leaves no report.
    """
    try:
        if not (folder / "metrics.csv").is_file():
            return
        path, found = write_report(folder)
        progress = Progress(0, enabled=True)
        for line in [*summary_of(found), f"report      {from_here(path)}"]:
            progress.say(line)
    except Exception as error:
        _LOG.debug("no report", exc_info=True)
        print(
            f"warning: no report of {folder}: {redact_text(str(error))}\n"
            f"the run itself is whole; write the report later with: {shlex.join([PROGRAM, 'report', str(folder)])}",
            file=sys.stderr,
        )


def require_its_data(run: Path, data_path: str) -> None:
    """Compare data with that of the run.

    Raises:
        DataError: it is not what the run was trained on.
    """
    from recbole_ext.pipeline.splits import require_its_files
    from recbole_ext.serving.load import finished_config  # reading a report alone takes no data and no model

    require_its_files(finished_config(run, data_path), run)


def summary_of(found: list[Finding]) -> list[str]:
    """The findings in a line each."""
    lines = [f"{'limit' if one.limit else 'finding':<12}{one.text}" for one in found[:_MOST_SAID]]
    more = len(found) - _MOST_SAID
    return [*lines, f"            and {more} more in the report"] if more > 0 else lines
