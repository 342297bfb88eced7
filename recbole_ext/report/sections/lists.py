"""What is recommended: how popular it is, and how much of the catalogue."""

from recbole_ext.report.charts.bars import bars
from recbole_ext.report.page import Page
from recbole_ext.report.record import Record

KINDS = {"recommended": "recommended", "tested": "tested targets", "trained": "training rows"}


def add_recommended(page: Page, record: Record) -> None:
    """Coverage in a sentence, classes of popularity as bars, concentration as curves."""
    found = record.analysis.get("recommended") or {}
    if not found or not found["items"]:
        return
    items, listed, k = found["items"], found["items_listed"], found["k"]
    share = 100 * listed / items
    page.heading("What is recommended").text(
        f"{listed:,} of {items:,} items ({share:.1f} %) are among the first {k} of a tested list. Recommended "
        f"items have {found['mean_popularity']:,.0f} training rows on average."
    )
    if (record.result.get("protocol") or {}).get("candidates") not in (None, "full"):
        page.text("The lists rank sampled candidates, so these numbers are of the sample and not of all items.")
    classes = found["classes"]
    names = [f"{one['name']} ({one['items']:,})" for one in classes]
    series = {title: [float(one[key]) for one in classes] for key, title in KINDS.items()}
    page.figure("By popularity of the item", bars("By popularity", names, series, "fraction"), main=True)
    curves = found.get("concentration") or {}
    lines = {KINDS[key]: [(p[0], p[1]) for p in curves[key]] for key in ("recommended", "trained") if curves.get(key)}
    if lines:
        page.chart("Concentration", lines, "fraction of all rows or places", "fraction of items, most frequent first")
