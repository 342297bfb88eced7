"""`continued.json` for a person."""

from collections.abc import Iterator, Mapping
from typing import Any

from dataset_tools.times.tally import dated
from recbole_ext.evaluation.tables import table_lines

_NAMES = {
    "both": "rows that both evaluate",
    "both_known_users": "  of users the old run knows",
    "both_new_users": "  of new users",
    "new_alone": "rows that the new weights alone evaluate",
    "all": "all rows",
}


def lines(report: Mapping[str, Any]) -> list[str]:
    """Protocol, counts and a table of groups."""
    return ["", *_protocol(report), "", *_table(report), *(f"note        {text}" for text in report["notes"])]


def _protocol(report: Mapping[str, Any]) -> Iterator[str]:
    rows, starts = report["rows"], report["starts"]
    yield f"continued   {report['old_run']} -> {report['run']}"
    yield (
        f"new rows    {rows['train']:,} trained on, {rows['valid']:,} to choose by (from {dated(starts['valid'])}), "
        f"{rows['test']:,} to compare on (from {dated(starts['test'])}); {report['new_users']:,} new users, "
        f"{report['new_items']:,} new items"
    )
    if report["left_out"]:
        yield f"left out    {'; '.join(f'{count:,} {reason}' for reason, count in report['left_out'].items())}"
    yield f"trained     from the old weights with a new optimizer; {report['replay']:.0%} of the old targets again"
    if report["candidates"] is not None:
        yield (
            f"protocol    rows that both evaluate: the same histories and the {report['candidates']:,} items of the "
            "old run as candidates, as `evaluate --run OLD`"
        )
        yield (
            "            other rows: all items are candidates of the new weights; old weights: items that they do not "
            "know are missed"
        )
    if report["not_evaluated_by_old"]:
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in report["not_evaluated_by_old"].items())
        yield f"            not evaluated by the old weights: {reasons}"


def _table(report: Mapping[str, Any]) -> list[str]:
    """The metric of validation by group; the file has all metrics."""
    name = report["valid_metric"]
    head = [name, "rows", "users", "old", "continued", "difference", "95 %"]
    return table_lines(
        head, [_row(label, of, name) for key, label in _NAMES.items() if (of := report["groups"][key])["rows"]]
    )


def _row(label: str, group: Mapping[str, Any], name: str) -> list[str]:
    old, continued, difference = (group[side].get(name) for side in ("old", "continued", "difference"))
    known = difference is not None and difference["low"] is not None
    interval = f"{difference['low']:+.4f} to {difference['high']:+.4f}" if known else "-"
    counts = [f"{group[count]:,}" for count in ("rows", "users")]
    return [label, *counts, _cell(old), _cell(continued), _cell(difference, "+"), interval]


def _cell(bounded: Mapping[str, Any] | None, sign: str = "") -> str:
    return "-" if bounded is None else f"{bounded['value']:{sign}.4f}"
