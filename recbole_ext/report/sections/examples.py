"""A few tested users: what they had, what was recommended or predicted, and what they took."""

from collections.abc import Mapping
from typing import Any

from dataset_tools.visible import visible
from recbole_ext.redact import redact_forms
from recbole_ext.report.page import Page
from recbole_ext.report.record import Record

_LONGEST = 120


def add_examples(page: Page, record: Record) -> None:
    """Users beside each other, items by their titles where these are known."""
    users = record.analysis.get("examples") or []
    if not users:
        return
    kind = "Bold: what the user took next." if "list" in users[0] else "Predicted values of tested rows, highest first."
    page.heading("Some users").text(f"A fixed random sample of the tested users. {kind}")
    page.examples([_example(user) for user in users])


def _example(user: Mapping[str, Any]) -> dict[str, Any]:
    titles = user.get("titles") or {}

    def title(token: str) -> str:
        return _shown(titles.get(token, token))

    history, count = [title(token) for token in user["history"]], user["history_length"]
    newest = f"the last {len(history)} of {count:,} read" if count > len(history) else f"{count:,}"
    missed = user.get("missed") or []
    return {
        "name": _shown(user["user"]),
        "before": f"Before ({newest})",
        "history": history,
        "lines": _ranked(user, title) if "list" in user else _predicted(user, title),
        "after": "Not in the list:" if missed else "",
        "missed": [f"{title(one['item'])} ({_place(one['place'])})" for one in missed],
    }


def _ranked(user: Mapping[str, Any], title: Any) -> list[dict[str, str]]:
    return [
        {"title": title(one["item"]), "mark": "TARGET" if one["target"] else "", "note": ""} for one in user["list"]
    ]


def _predicted(user: Mapping[str, Any], title: Any) -> list[dict[str, str]]:
    return [
        {"title": title(one["item"]), "mark": "", "note": f"predicted {one['predicted']:.2f}, true {one['true']:g}"}
        for one in user.get("predicted") or []
    ]


def _place(place: int) -> str:
    return f"place {place}" if place else "not among the first 100"


def _shown(text: str) -> str:
    """A title or token in one line, without signs that change the direction of writing."""
    return visible(redact_forms(" ".join(str(text).split())))[:_LONGEST]
