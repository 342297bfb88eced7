"""The verdict of a run: how it ended, what it reached, its criteria, and what the diagnosis found."""

from dataclasses import asdict
from typing import Any

from recbole_ext.config.keys.train_on import ALL_ROWS, trained_on_all
from recbole_ext.diagnosis.finding import Finding
from recbole_ext.diagnosis.rules import RULES
from recbole_ext.evaluation.best_baseline import against_baselines
from recbole_ext.evaluation.criteria import Verdict, judge, of_tier, tier_lines
from recbole_ext.report.page import Page
from recbole_ext.report.record import Record

_USES = {
    "metrics.csv": "learning curves",
    "environment.json": "the environment",
    "command.txt": "the command",
    "events.jsonl": "the time of the end",
    "analysis.json": "groups of users and items, hits by length of the list, calibration and examples",
}
"""What a page draws of a file."""


def add_verdict(page: Page, record: Record, found: list[Finding]) -> None:
    """The sentences first, then lines of what is wrong, of criteria and of findings."""
    page.text(outcome(record))
    if trained_on_all(record.result):
        page.text(f"There is no test result: the model was {ALL_ROWS}, so there is nothing to compare.")
    elif record.result.get("test"):
        page.text(against_baselines(record.result))
    page.notes([("WARNING", text) for text in record.result.get("warnings") or []])
    cause = [line for line in str(record.end.get("text", "")).splitlines() if line.strip()]
    page.notes([("CAUSE", *cause)] if cause and not record.result else [])
    page.notes([("DAMAGED", *message.splitlines()) for message in record.damage])
    page.notes([("MISSING", f"{name}, so this page is without {_USES[name]}") for name in record.missing])
    _add_audit(page, record.result)
    _add_criteria(page, record)
    _add_diagnosis(page, record, found)


def outcome(record: Record) -> str:
    """How the run ended."""
    result, end = record.result, record.end
    moment = f"{str(end.get('time', ''))[:16].replace('T', ' ')} UTC" if end.get("time") else "an unknown time"
    if result:
        epochs = _epochs(result.get("epochs_trained"))
        seconds = f" in {result['fit_seconds']:,.0f} s" if result.get("fit_seconds") is not None else ""
        weights = f"the weights are those of epoch {result.get('best_epoch')}"
        untested = f", {ALL_ROWS}" if trained_on_all(result) else ""
        return f"Finished at {moment}: {epochs}{seconds}; {weights}{untested}."
    rows = _epochs(len(record.rows))
    why = {"interrupted": "was interrupted", "failed": "failed"}.get(str(end.get("event")))
    if why is None:
        return f"This run has not finished: it is in progress, or was killed. There are {rows} and no test result."
    return f"This run {why} at {moment}, after {rows}, and has no test result."


def _epochs(count: int | None) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"


def _add_audit(page: Page, result: dict[str, Any]) -> None:
    audit = result.get("audit")
    if audit and not result.get("diverged"):
        failed = [("FAIL", finding["name"], finding["text"]) for finding in audit.get("findings") or []]
        page.notes(failed or [("PASS", "metric audit", "no problems found")])


def _add_criteria(page: Page, record: Record) -> None:
    verdicts = judge(record.config.get("criteria"), record.rows, record.result or None)
    if verdicts:
        page.heading("Criteria")
        page.verdicts([_verdict_row(verdict) for verdict in verdicts])
        for line in tier_lines(map(asdict, verdicts)):
            page.text(" ".join(line.split()).capitalize() + ".")


def _verdict_row(verdict: Verdict) -> tuple[str, str, str]:
    value = "" if verdict.value is None else f"it is {verdict.value:.6g}"
    return verdict.verdict, f"{of_tier(verdict.tier)}{verdict.text}", value


def _add_diagnosis(page: Page, record: Record, found: list[Finding]) -> None:
    if not record.columns:
        return
    page.heading("Diagnosis")
    if not found:
        page.text(f"None of {len(RULES)} rules has a finding; this does not prove that the run is good.")
    page.notes([("LIMIT" if one.limit else "FINDING", one.text, f"Advice: {one.advice}") for one in found])
    changes = [[c.key, record.config.get(c.key), c.value, c.reason] for one in found for c in one.changes]
    if changes:
        page.table(["key", "value", "suggested", "reason"], changes, fold="Settings that the advice changes")
