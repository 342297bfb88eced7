"""`report.html` and `model_card.md` of a run: what it was, what came out, and what can be concluded from it."""

import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dataset_tools.drift.split_table import distances_table
from recbole_ext.config.keys.train_on import ALL_ROWS, trained_on_all
from recbole_ext.diagnosis.curve import read_curve
from recbole_ext.diagnosis.finding import Finding
from recbole_ext.diagnosis.rules import RULES, findings
from recbole_ext.errors import DataError, ResourceError
from recbole_ext.evaluation.best_baseline import against_baselines
from recbole_ext.evaluation.criteria import Verdict, judge, of_tier, tier_lines
from recbole_ext.files import hold, remove_leftovers, write_atomically
from recbole_ext.places import from_here
from recbole_ext.redact import redact, redact_text
from recbole_ext.report.model_card import model_card
from recbole_ext.report.page import Page
from recbole_ext.report.record import Record, read_record
from recbole_ext.report.run_charts import add_curves, add_gate, add_latent, add_reliability
from recbole_ext.training.tracking.progress import Progress

_LOG = logging.getLogger(__name__)
_DEFAULTS = ("recbole ", "properties/", "derived", "default")
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
    run_page(record, found).write(path)
    write_atomically(folder / "model_card.md", model_card(record, found).encode("utf-8", "replace"))
    if record.damage:
        raise DataError("\n".join([*record.damage, f"what the other files have is in {path}"]))
    return path, found


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
            f"the run itself is whole; write the report later with: recbole-ext report {folder}",
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


def run_page(record: Record, found: list[Finding], refresh: str = "") -> Page:
    """The whole page of a run; `refresh` is that of `Page`."""
    title = f"{record.config.get('model')} on {record.config.get('dataset')}"
    page = Page(title, record.folder.resolve().name, refresh)
    page.text(outcome(record)).notes([("WARNING", text) for text in record.result.get("warnings") or []])
    cause = [line for line in str(record.end.get("text", "")).splitlines() if line.strip()]
    page.notes([("CAUSE", *cause)] if cause and not record.result else [])
    page.notes([("DAMAGED", *message.splitlines()) for message in record.damage])
    _add_result(page, record)
    _add_criteria(page, record)
    _add_diagnosis(page, record, found)
    add_curves(page, record)
    add_gate(page, record)
    add_latent(page, record)
    _add_protocol(page, record)
    page.heading("Repeat this run").code(record.command or "the command was not recorded")
    _add_configuration(page, record)
    page.heading("Environment").facts(_flat(record.environment))
    return page


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


def _add_result(page: Page, record: Record) -> None:
    result = record.result
    test = result.get("test") or {}
    if trained_on_all(result):
        page.heading("Result").text(f"None: the model was {ALL_ROWS}, so there is nothing to compare.")
    if not test:
        return
    page.heading("Result").text(against_baselines(result))
    rows = {result["model"]: test}
    spans = (result.get("test_intervals") or {}).get(result["model"]) or {}
    if spans:
        rows |= {"95 % from": {n: s[0] for n, s in spans.items()}, "95 % to": {n: s[1] for n, s in spans.items()}}
    rows |= result.get("baselines") or {}
    rows |= {"(validation)": result["valid"]} if result.get("valid") else {}
    page.table(["test", *test], [[name, *(found.get(metric) for metric in test)] for name, found in rows.items()])
    _add_ratings(page, result)
    add_reliability(page, record)
    _add_splits(page, result)


def _add_splits(page: Page, result: Mapping[str, Any]) -> None:
    """How far validation and test are from training; nothing for results that did not measure it."""
    found = result.get("split_distances") or []
    if found:
        page.heading("Splits").text(
            "How far the distributions of validation and test are from that of training, by the measures of drift; "
            "beside each the value of a random split of the same sizes. Larger is farther."
        )
        page.table(*distances_table(found))


def _add_ratings(page: Page, result: Mapping[str, Any]) -> None:
    """Errors by group and star, and the audit; nothing for other tasks."""
    ratings, audit = result.get("ratings"), result.get("audit")
    if ratings:
        groups = {"all rows": ratings["all"], **ratings["groups"]}
        names = ("n", "rmse", "mae", "r2", "correlation")
        page.table(["tested rows", *names], [[group, *(of.get(n) for n in names)] for group, of in groups.items()])
        stars = [[star, of["n"], of["rmse"], of["bias"]] for star, of in (ratings.get("by_star") or {}).items()]
        page.table(["rating", "n", "rmse", "bias"], stars)
    if audit and not result.get("diverged"):
        failed = [("FAIL", finding["name"], finding["text"]) for finding in audit.get("findings") or []]
        passed = ("PASS", "metric audit", "no problems found")
        page.notes(failed or [passed])


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
        page.table(["key", "value", "suggested", "reason"], changes)


def _add_protocol(page: Page, record: Record) -> None:
    protocol = dict(record.result.get("protocol") or {})
    if protocol:
        hashes = protocol.pop("data_sha256", {})
        protocol.pop("packages", None)  # of the environment below
        facts = {name.replace("_", " "): value for name, value in protocol.items()}
        facts |= {f"sha256 of {name}": value for name, value in hashes.items()}
        page.heading("Protocol").text("Only numbers of the same protocol and data can be compared.").facts(facts)


def _add_configuration(page: Page, record: Record) -> None:
    rows = [[key, str(value), record.origins.get(key, "")] for key, value in sorted(redact(record.config).items())]
    chosen = [row for row in rows if not str(row[2]).startswith(_DEFAULTS)]
    head = ["key", "value", "where it came from"]
    page.heading("Configuration")
    if chosen:
        page.table(head, chosen)
    page.table(head, rows, fold=f"All {len(rows)} values")


def _flat(nested: Mapping[str, Any]) -> dict[str, object]:
    parts = {key: value for key, value in nested.items() if not isinstance(value, dict)}
    versions = nested.get("packages") or {}
    return parts | {"packages": ", ".join(f"{name} {number}" for name, number in versions.items())}


def summary_of(found: list[Finding]) -> list[str]:
    """The findings in a line each."""
    lines = [f"{'limit' if one.limit else 'finding':<12}{one.text}" for one in found[:_MOST_SAID]]
    more = len(found) - _MOST_SAID
    return [*lines, f"            and {more} more in the report"] if more > 0 else lines
