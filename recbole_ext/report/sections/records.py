"""What a run was: the settings that were given, its protocol, command, environment, and all settings."""

from collections.abc import Mapping
from typing import Any

from dataset_tools.drift.split_table import distances_table
from recbole_ext.redact import redact
from recbole_ext.report.changed_settings import changed_settings
from recbole_ext.report.page import Page
from recbole_ext.report.plain_value import plain_value
from recbole_ext.report.record import Record

_HEAD = ["key", "value", "where it came from"]


def add_settings(page: Page, record: Record) -> None:
    """The settings that are no defaults."""
    changed = changed_settings(record)
    chosen = [row for row in _settings(record) if row[0] in changed]
    page.heading("Settings that differ from the default")
    if chosen:
        page.table(_HEAD, chosen)
    else:
        page.text("None: every setting has its default." if record.config else "The settings cannot be read.")


def add_records(page: Page, record: Record) -> None:
    """Splits, protocol, command, all settings, environment."""
    page.fold("Splits", _splits(record.result)).fold("Protocol", _protocol(record.result))
    page.heading("Repeat this run").code(record.command or "the command was not recorded")
    rows = _settings(record)
    if rows:
        page.table(_HEAD, rows, fold=f"All {len(rows)} values")
    if record.environment:
        page.fold("Environment", Page("").facts(_flat(record.environment)))


def _settings(record: Record) -> list[list[str]]:
    return [
        [key, plain_value(value), record.origins.get(key, "")] for key, value in sorted(redact(record.config).items())
    ]


def _splits(result: Mapping[str, Any]) -> Page:
    """How far validation and test are from training; nothing for results that did not measure it."""
    found, page = result.get("split_distances") or [], Page("")
    if found:
        page.text(
            "How far the distributions of validation and test are from that of training, by the measures of drift; "
            "beside each the value of a random split of the same sizes. Larger is farther."
        )
        page.table(*distances_table(found))
    return page


def _protocol(result: Mapping[str, Any]) -> Page:
    protocol, page = dict(result.get("protocol") or {}), Page("")
    if protocol:
        hashes = protocol.pop("data_sha256", {})
        protocol.pop("packages", None)  # of the environment
        facts = {name.replace("_", " "): plain_value(value) for name, value in protocol.items()}
        facts |= {f"sha256 of {name}": value for name, value in hashes.items()}
        page.text("Only numbers of the same protocol and data can be compared.").facts(facts)
    return page


def _flat(nested: Mapping[str, Any]) -> dict[str, object]:
    parts = {key: value for key, value in nested.items() if not isinstance(value, dict)}
    versions = nested.get("packages") or {}
    return parts | {"packages": ", ".join(f"{name} {number}" for name, number in versions.items())}
