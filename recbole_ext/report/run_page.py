"""The page of a run: what came out first, then why, and what it was; drawn from the run's directory alone."""

from recbole_ext.diagnosis.finding import Finding
from recbole_ext.report.page import Page
from recbole_ext.report.record import Record
from recbole_ext.report.sections.curves import add_curves, add_further_curves, add_gate, add_latent
from recbole_ext.report.sections.examples import add_examples
from recbole_ext.report.sections.lists import add_recommended
from recbole_ext.report.sections.records import add_records, add_settings
from recbole_ext.report.sections.results import add_baselines, add_groups, add_hits
from recbole_ext.report.sections.values import add_values
from recbole_ext.report.sections.verdict import add_verdict


def run_page(record: Record, found: list[Finding], refresh: str = "") -> Page:
    """The whole page of a run; `refresh` is that of `Page`."""
    title = f"{record.config.get('model')} on {record.config.get('dataset')}"
    page = Page(title, record.folder.resolve().name, refresh)
    add_verdict(page, record, found)
    for add in (add_baselines, add_groups, add_hits, add_recommended, add_examples, add_values, add_curves):
        add(page, record)
    add_settings(page, record)
    page.heading("Further records")
    further = Page("")
    for add in (add_further_curves, add_gate, add_latent):
        add(further, record)
    page.fold("Further curves", further)
    add_records(page, record)
    return page
