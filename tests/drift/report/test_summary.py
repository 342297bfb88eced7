"""The summary in Markdown and the picture: every number in its row, and a name cannot break a table."""

import xml.etree.ElementTree
from pathlib import Path

from recbole_ext.drift.report.page import page
from recbole_ext.drift.report.sentences import sentences
from recbole_ext.drift.report.summary import markdown, picture, write_summary
from tests.drift.made_report import made_report


def rows_after(text: str, heading: str) -> list[list[str]]:
    block = text.partition(f"## {heading}\n\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block.splitlines()]


def test_verdict_advice_and_tables() -> None:
    text = markdown(made_report(name="a|b<i>\nc"))
    assert "Run a\\|b&lt;i> c, not retrained" in text
    assert "**DRIFT.** ndcg@10 drifted in 2 of 5 windows, first in that of 2001-06-30.\n\n- 1 of 6" in text
    assert "**Retrain:** retrained, ndcg@10 is better by +0.02 (+0.016 to +0.024), more than the cost of 0.005." in text
    decay = rows_after(text, "Decay")
    assert decay[2][0] == "ndcg@10" and decay[2][-1] == "395 days (300 to 610, longer than what was observed)"
    assert decay[3][-1].startswith("none: the data show neither decay nor growth")
    windows = rows_after(text, "Windows")
    assert windows[2] == [
        "2001-01-01", "2001-03-02", "12,000", "11,000", "800", "33.3%", "0.0%", "0.1400 (0.1300 to 0.1500)",
        "2.0% (baseline -5.0%)", "OK", "0.1358 (0.1258 to 0.1458)", "0.0350",
    ]  # fmt: skip
    assert len(windows) == 2 + 6 and "## By year" not in text and "Data drift" not in text


def test_years_have_a_table_and_what_was_not_measured_no_column() -> None:
    report = made_report(retrained=False)
    report["years"] = [{**window, "baselines": {}} for window in report["windows"][:2]]
    years = rows_after(markdown(report), "By year")
    assert years[0] == ["from", "to", "rows", "evaluated", "users", "by new users", "of new items", "ndcg@10"]
    assert len(years) == 4


def test_the_picture_is_a_file_of_its_own(tmp_path: Path) -> None:
    assert write_summary(made_report(), tmp_path) == tmp_path / "drift.md"
    root = xml.etree.ElementTree.parse(tmp_path / "drift.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and "(drift.svg)" in (tmp_path / "drift.md").read_text()


def test_a_window_without_the_metric_is_a_gap_and_no_zero() -> None:
    report = made_report()
    report["windows"][2]["metrics"] = {}
    report["windows"][3]["metrics"]["ndcg@10"] = {"value": 0.1, "low": None, "high": None}
    text = markdown(report)
    assert [row[7] for row in rows_after(text, "Windows")[4:6]] == ["-", "0.1000"]
    drawn = picture(report)
    assert drawn.count('r="4"') == 1 + 5 and "nan" not in drawn


def test_losses_from_validation_are_named_as_such() -> None:
    report = made_report()
    assert sentences(report) == report["verdict"]["summary"]
    report["own_split"] = "valid"
    assert "validation of the run" in sentences(report)[-1]


def test_data_that_could_not_be_compared_are_named() -> None:
    report = made_report() | {"no_data": "ml-1m.train.inter is missing"}
    assert "Data drift" not in markdown(report)
    assert "The data were not compared: ml-1m.train.inter is missing" in page(report)
