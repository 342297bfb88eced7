"""`drift.md` and `drift.svg`: the findings on half a page, for a pull request or a mail, and the picture in it."""

from pathlib import Path
from typing import Any

from recbole_ext.drift.report.curves import drawing
from recbole_ext.drift.report.page import TEMPLATES
from recbole_ext.drift.report.sentences import advice, file_names, sentences
from recbole_ext.drift.report.series import curves
from recbole_ext.drift.report.tables import Table, decay_table, window_table, year_table
from recbole_ext.files import write_atomically
from recbole_ext.report.markdown import escaped

PICTURE = "drift.svg"


def write_summary(report: dict[str, Any], directory: Path) -> Path:
    """Write `drift.md` and `drift.svg`.

    Args:
        report: the content of `drift.json`.
        directory: where they go.

    Returns:
        The summary.

    Raises:
        ResourceError: the disk or the folder's permissions refuse.
    """
    write_atomically(directory / PICTURE, picture(report).encode("utf-8", "replace"))
    path = directory / "drift.md"
    write_atomically(path, markdown(report).encode("utf-8", "replace"))
    return path


def picture(report: dict[str, Any]) -> str:
    """The curve of the judged metric, as a file of its own."""
    style = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("picture.css", "curves.css"))
    return str(drawing(curves(report, report["metric"]), style))


def markdown(report: dict[str, Any]) -> str:
    """The summary as text."""
    run, future = report["run"], report["future"]
    word, reason = advice(report)
    first, *more = sentences(report)
    blocks = [
        f"# Model drift: {escaped(run['model'])} on {escaped(run['dataset'])}",
        f"Run {escaped(run['name'])}, not retrained. Future: {escaped(file_names(report))}, {future['rows']:,} rows "
        f"from {future['start'][:10]} to {future['end'][:10]}.",
        f"**{report['verdict']['state']}.** {escaped(first)}",
        *_list(more),
        f"**{word}:** {escaped(reason)}.",
        f"![{escaped(report['metric'])} by window]({PICTURE})",
        "## Decay",
        _table(decay_table(report)),
        "## Windows",
        _table(window_table(report)),
    ]
    years = year_table(report)
    blocks += ["## By year", _table(years)] if years else []
    if report["data"]:
        blocks += [f"## Data drift: {report['data']['verdict']}", escaped(report["data"]["summary"][0])]
        blocks += _list(report["data"]["summary"][1:])
    blocks.append(
        "Values in brackets are 95 % intervals over users. Refitted baselines know everything before their window; "
        "where they fall with the model, the data became harder. Curves, groups and distributions: drift.html; all "
        "numbers: drift.json."
    )
    return "\n\n".join(blocks) + "\n"


def _list(sentences: list[str]) -> list[str]:
    return ["\n".join(f"- {escaped(sentence)}" for sentence in sentences)] if sentences else []


def _table(table: Table) -> str:
    rule = ["---"] * len(table.head)
    lines = (" | ".join(escaped(cell) for cell in row) for row in (table.head, rule, *table.rows))
    return "\n".join(f"| {line} |" for line in lines)
