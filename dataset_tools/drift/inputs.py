"""The files of the past and the future, their columns, and the moment between them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from dataset_tools.drift.options import DriftOptions
from dataset_tools.errors import DataError, UsageError
from dataset_tools.files.dataset_files import PARTS, interaction_files
from dataset_tools.files.headers import Column, read_header
from dataset_tools.files.interactions import Interactions
from dataset_tools.split.cut import time_at, time_at_share
from dataset_tools.split.cut_words import parse_share, parse_time
from dataset_tools.split.sort import check_order, write_sorted
from dataset_tools.times.tally import dated

VALUE_FIELDS = ("rating", "label", "behavior")
CATEGORY_FIELDS = ("category_id", "category", "categories", "genre", "genres", "class")


@dataclass(frozen=True)
class Source:
    """A file, and whether it is past or future; None where the time of each row decides."""

    path: Path
    side: str | None


@dataclass(frozen=True)
class Columns:
    """Names of the columns that are read.

    Attributes:
        user, item, time: of every file.
        value: rating, label or behaviour; None without one.
        group: category of a row; None where the items have it, or nothing does.
        item_group: category in the table of items; None without one.
        unit: of the times.
    """

    user: str
    item: str
    time: str
    value: str | None
    group: str | None
    item_group: str | None
    unit: str

    @property
    def mix(self) -> str | None:
        """The table of counts from which a user's mix of categories follows; None without categories."""
        return "user_groups" if self.group else "user_items" if self.item_group else None

    def open(self, path: Path) -> Interactions:
        """The interactions of a file."""
        return Interactions(
            path, self.user, self.item, self.time, self.value, time_unit=self.unit, group_field=self.group
        )


def find_sources(options: DriftOptions) -> list[Source]:
    """The files in the order of time.

    Raises:
        UsageError: there is no data set, or it is not said what the future is.
    """
    if options.future is not None and options.cut is not None:
        raise UsageError("drift: --future names the later data and --cut divides one data set; give one of them.")
    files = interaction_files(options.past)
    if options.future is not None:
        later = interaction_files(options.future)
        return [Source(file, "past") for file in files] + [Source(file, "future") for file in later]
    if options.cut is not None:
        return [Source(file, None) for file in files]
    test = f".{PARTS[-1]}.inter"
    sides = ["future" if len(files) > 1 and file.name.endswith(test) else "past" for file in files]
    if set(sides) != {"past", "future"}:
        raise UsageError(
            f"{options.past}: where does the future begin?\n"
            "Add --future PATH, or --cut TIME for one data set, such as --cut 0.8 or --cut 2015-03-31T06:40:03Z."
        )
    return [Source(file, side) for file, side in zip(files, sides, strict=True)]


def find_columns(options: DriftOptions, sources: Sequence[Source]) -> Columns:
    """The columns, which all files share.

    Raises:
        UsageError: two options name one column.
        DataError: a column is missing, or the files differ in one of them.
    """
    headers = [read_header(source.path) for source in sources]
    tables = [header for source in sources if (header := _item_header(source.path))]
    taken = _taken(options)
    value = options.value_field or _first([name for name in VALUE_FIELDS if name not in taken], headers)
    if value and not _first([value], headers):
        fields = ", ".join(column.field for column in headers[0])
        raise DataError(
            f"{sources[0].path}: no field {value}; it has {fields}.\nName the right one with --value-field."
        )
    names = [options.category_field] if options.category_field else [n for n in CATEGORY_FIELDS if n not in taken]
    group, in_table = _first(names, headers), _first(names, tables)
    if options.category_field and not group and not in_table:
        raise DataError(f"{sources[0].path}: no field {options.category_field} there or in the table of items.")
    columns = Columns(
        options.user_field,
        options.item_field,
        options.time_field,
        value,
        group,
        None if group else in_table,
        options.time_unit,
    )
    columns.open(sources[0].path)  # names missing columns and the options for them
    _check_same(sources, headers, [columns.user, columns.item, columns.time, value, group])
    return columns


def _taken(options: DriftOptions) -> set[str]:
    """Names that the options give to columns of their own."""
    roles = ("user_field", "item_field", "time_field", "value_field", "category_field")
    found: dict[str, str] = {}
    for role in roles:
        name, option = getattr(options, role), f"--{role.replace('_', '-')}"
        if name is not None and found.setdefault(name, option) != option:
            raise UsageError(f"{found[name]} and {option} both name the column {name}; each needs one of its own.")
    return set(found)


def _first(names: Sequence[str], headers: Sequence[Sequence[Column]]) -> str | None:
    present = {column.field for header in headers for column in header}
    return next((name for name in names if name in present), None)


def _item_header(path: Path) -> list[Column]:
    table = item_table(path)
    return read_header(table) if table else []


def item_table(path: Path) -> Path | None:
    """The `.item` file beside an `.inter` file, also beside a part of a cut data set."""
    name = path.name.removesuffix(".inter")
    stems = [name, *(name.removesuffix(f".{part}") for part in PARTS)]
    return next((table for stem in stems if (table := path.with_name(f"{stem}.item")).is_file()), None)


def _check_same(sources: Sequence[Source], headers: Sequence[list[Column]], names: Sequence[str | None]) -> None:
    for source, header in zip(sources, headers, strict=True):
        for name in filter(None, names):
            here, there = (next((c.header for c in h if c.field == name), None) for h in (header, headers[0]))
            if here != there:
                raise DataError(
                    f"{source.path}: the column {name} changed: {here or 'absent'} here, {there or 'absent'} in "
                    f"{sources[0].path.name}.\nWrite both files with the same columns, or name another one with "
                    "--value-field or --category-field."
                )


def find_cut(options: DriftOptions, columns: Columns, sources: Sequence[Source]) -> tuple[int, int, int]:
    """First time, cut and last time, Unix seconds; the future begins at the cut.

    Raises:
        DataError: a file is empty, the future is not after the past, or one side of the cut has no rows.
        UnsortedError: a file is not in time order.
        UsageError: the cut cannot be parsed.
    """
    ends = _all_ends(columns, sources)
    first, last = ends[0][0], ends[-1][1]
    if options.cut is not None:
        cut = _cut_time(options.cut, columns, sources)
        if not first < cut <= last:
            raise DataError(
                f"{options.past}: no row is {'before' if cut <= first else 'at or after'} the cut at {dated(cut)}; "
                f"the rows go from {dated(first)} to {dated(last)}."
            )
        return first, cut, last
    split = next(place for place, source in enumerate(sources) if source.side == "future")
    _check_order(options, ends[:split], ends[split:])
    if ends[split][0] == first:
        raise DataError(
            f"{options.future or options.past}: nothing is before this future: all rows until its first one have one "
            f"time, {dated(first)}; drift is over time."
        )
    return first, ends[split][0], last


def span_of_files(columns: Columns, sources: Sequence[Source]) -> tuple[int, int]:
    """First and last time of files in the order of time, Unix seconds.

    Raises:
        DataError: a file is empty, or begins before the end of the one before it.
        UnsortedError: a file is not in time order.
    """
    ends = _all_ends(columns, sources)
    return ends[0][0], ends[-1][1]


def _all_ends(columns: Columns, sources: Sequence[Source]) -> list[tuple[int, int]]:
    """First and last time of each file."""
    ends = [_ends(columns.open(source.path)) for source in sources]
    for ((_, last), before), ((first, _), source) in pairwise(zip(ends, sources, strict=True)):
        if first < last and before.side == source.side:
            raise DataError(f"{source.path}: it begins at {dated(first)}, before the end of {before.path.name}.")
    return ends


def _ends(log: Interactions) -> tuple[int, int]:
    if log.start >= log.end:
        raise DataError(f"{log.path}: the file has a header and no rows.")
    check_order(log)
    return time_at(log, log.start), time_at(log, log.end - 1)


def _cut_time(text: str, columns: Columns, sources: Sequence[Source]) -> int:
    if "." not in text:
        return parse_time(text)
    if len(sources) > 1:
        raise UsageError(f"--cut {text}: a fraction needs a data set in one file; write a time.")
    log = columns.open(sources[0].path)
    return time_at_share(log, parse_share(text, "--cut"), log.end)


def _check_order(options: DriftOptions, past: Sequence[tuple[int, int]], future: Sequence[tuple[int, int]]) -> None:
    if future[-1][1] < past[0][0]:
        raise DataError(
            f"{options.future}: this future ends at {dated(future[-1][1])}, before the past begins at "
            f"{dated(past[0][0])}; exchange --past and --future."
        )
    if future[0][0] < past[-1][1]:
        raise DataError(
            f"{options.future or options.past}: past and future overlap: the future begins at {dated(future[0][0])}, "
            f"the past ends at {dated(past[-1][1])}.\nDivide one data set instead: --past PATH --cut TIME. "
            "Two releases of one log: recbole-data split NEWER --after OLDER, and user ids may be redrawn."
        )


def sorted_copies(sources: Sequence[Source], columns: Columns, folder: Path) -> list[Source]:
    """The same files in time order, written to `folder`."""
    copies = []
    for number, source in enumerate(sources):
        path = folder / f"{number}.inter"
        write_sorted(columns.open(source.path), path)
        copies.append(replace(source, path=path))
    return copies
