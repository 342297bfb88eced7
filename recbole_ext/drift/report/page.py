"""`drift.html` of model drift: verdict and advice, curves, groups, windows, then the drift of the data; no script."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dataset_tools.drift.report.page import TEMPLATES as OF_DATA
from dataset_tools.drift.report.page import WORDS, data_values
from dataset_tools.page_templates import rendered
from recbole_ext.drift.report.curves import Curves, drawing
from recbole_ext.drift.report.sentences import advice, file_names, sentences
from recbole_ext.drift.report.series import curves, difference_curves, group_curves, metrics_of
from recbole_ext.drift.report.tables import decay_table, half_life, window_table, year_table
from recbole_ext.files import write_atomically

TEMPLATES = Path(__file__).parent / "templates"
MOST_CHARTS = 12


def write_page(report: dict[str, Any], directory: Path) -> Path:
    """Write `drift.html`; a reader sees the old page or the new one.

    Args:
        report: the content of `drift.json`, see docs/drift.md.
        directory: where it goes.

    Returns:
        The page.

    Raises:
        ResourceError: the disk or the folder's permissions refuse.
    """
    path = directory / "drift.html"
    write_atomically(path, page(report).encode("utf-8", "replace"))
    return path


def page(report: dict[str, Any]) -> str:
    """The page as text."""
    data = report["data"]
    return rendered(
        TEMPLATES / "model.html",
        OF_DATA,
        report=report,
        charts=[curves(report, metric) for metric in metrics_of(report)[:MOST_CHARTS]],
        differences=difference_curves(report),
        groups=group_curves(report),
        sentences=sentences(report),
        file_names=file_names(report),
        decay=decay_table(report),
        windows_of_model=window_table(report),
        years=year_table(report),
        advice=advice(report),
        half_life=half_life,
        drawing=drawing,
        legend_of=legend_of,
        numbers=data,
        no_data=report.get("no_data"),
        **(data_values(data) if data else {"words": WORDS}),
    )


def legend_of(charts: Sequence[Curves]) -> list[tuple[str, str]]:
    """Name and style of every line that any of the charts has."""
    return list({line.name: line.style for chart in charts for line in chart.lines}.items())
