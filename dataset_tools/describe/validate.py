"""Checks of a data set before a long training, by the rules of its reader: what it would reject is an error here."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from dataset_tools.describe.checked_file import CheckedFile
from dataset_tools.describe.interaction_check import Carried, InteractionCheck
from dataset_tools.describe.tables_check import check_entities, check_graph, check_others
from dataset_tools.errors import DataError
from dataset_tools.files.dataset_files import interaction_files
from dataset_tools.times.clocks import UNITS
from dataset_tools.times.tally import LATEST, moment
from dataset_tools.times.time_column import TimeColumn

TIME_FIELD = "timestamp"


@dataclass
class Report:
    """What was found: errors abort or falsify training, warnings need a decision, notes inform."""

    rows: int = 0
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def validate(
    path: Path,
    user_field: str = "user_id",
    item_field: str = "item_id",
    time_field: str = TIME_FIELD,
    quiet: bool = True,
    time_unit: str = "seconds",
) -> Report:
    """Check `<name>.inter`, or the parts of a cut data set as one, and the files beside them.

    Args:
        path: the file, or the folder of the data set.
        user_field, item_field: columns of ids.
        time_field: column of times; "" where it is not read, and a number like any other.
        quiet: no progress bar.
        time_unit: what the times count.

    Raises:
        UsageError: there is no such data set.
        DataError: a header is wrong, or a needed field is absent.
    """
    paths = interaction_files(path)
    times, carried, report = TimeColumn(time_field, time_unit, option="--time-unit"), Carried(), Report()
    files = [CheckedFile(file, times, quiet) for file in paths]
    for file in files:
        check = InteractionCheck(file, user_field, item_field, carried)
        check.run()
        report.rows += file.rows
        report.errors += check.errors()
        report.warnings += check.warnings()
    _about_times(files, time_field, report)
    _check_tables(paths[0].with_name(paths[0].name.partition(".")[0]), (user_field, item_field), carried, report)
    return report


def _about_times(files: list[CheckedFile], time_field: str, report: Report) -> None:
    """The range of the times, or what files without them can be used for.

    Raises:
        DataError: a column of times was named, and there is none of that name.
    """
    for file in files:
        if file.times is None and time_field:
            report.notes.append(_without_times(file, time_field))
    tallies = [file.tally for file in files if file.tally.count]
    if not tallies:
        return
    low, high = min(tally.low for tally in tallies), max(tally.high for tally in tallies)
    count, unit = sum(tally.count for tally in tallies), tallies[0].unit
    report.notes.append(f"{time_field}: {moment(low, unit)} to {moment(high, unit)} (UTC)")
    if low == high and count > 1:
        report.warnings.append(f"{time_field} is {low} in all {count:,} rows: no order of events, no split by time")
    elif LATEST * UNITS[unit] > high > time.time() * UNITS[unit]:
        report.warnings.append(f"{time_field} goes to {moment(high, unit)}, which is later than today")


def _without_times(file: CheckedFile, time_field: str) -> str:
    if time_field != TIME_FIELD and time_field not in file.fields:
        raise DataError(
            f"{file.path}: no column {time_field}; it has {', '.join(file.fields)}.\n"
            "Name the right one with --time-field."
        )
    kind = file.fields.get(time_field)
    state = f"no column {time_field}" if kind is None else f"{time_field} is {kind}, and times are float"
    return (
        f"{file.path.name}: {state}; general models need no times, sequence models take the order of the file, click "
        "models and splits by time need them (--time-field names another column)"
    )


def _check_tables(stem: Path, id_fields: tuple[str, str], carried: Carried, report: Report) -> None:
    """The files beside the interactions."""
    for suffix, name, seen in zip(("user", "item"), id_fields, (carried.users, carried.items), strict=True):
        errors, warnings = check_entities(stem.with_name(f"{stem.name}.{suffix}"), name, seen)
        report.errors += errors
        report.warnings += warnings
    report.errors += check_graph(stem, id_fields[1], carried.items)
    report.errors += check_others(stem.parent, stem.name)
