"""One global cut in time: a data set -> past and future, as train, valid and test splits and windows."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.errors import DataError, UnsortedError, UsageError
from dataset_tools.files.dataset_files import whole_file
from dataset_tools.files.headers import read_header
from dataset_tools.files.interactions import Interactions
from dataset_tools.files.publish import whole_folder
from dataset_tools.files.yaml_file import dataset_yaml, has_sampled_negatives
from dataset_tools.split.cut import offset_of, time_at, time_at_share
from dataset_tools.split.cut_words import PRESETS, parse_share, parse_span, parse_time
from dataset_tools.split.filters import IdMap, Kept, fit_minimum
from dataset_tools.split.part_writer import PartWriter, Plan
from dataset_tools.split.parts import Part
from dataset_tools.split.releases import after
from dataset_tools.split.sort import check_order, write_sorted
from dataset_tools.times.tally import dated, moment

MAX_WINDOWS = 1000
_TWO_FILES = "if its users are those of the older file, compare with recbole-data drift --past OLDER --future NEWER."


@dataclass(frozen=True)
class SplitOptions:
    """One cut, as the command line states it.

    Args:
        input: folder of a data set, or its `.inter` file; out of time order, it is sorted first.
        output: folder of data sets; the result is `<output>/<name>/`.
        name: of the result; `<input's name>-cut` unless given.
        at: cut time as a date or Unix seconds; the first moment of the future.
        ratio: fraction of the rows that lies in the past; instead of `at`.
        preset: a named cut; instead of `at`.
        after: an older release of the same log, whose end is the cut; instead of `at`.
        valid: fraction of the past's rows that validates (its last rows), a time, or `none`.
        windows: length of consecutive windows of the future, such as `30d`.
        min_user, min_item: rows in the past that a user or item needs to stay.
        future: `all` rows, or only `warm` ones, whose user and item are in the past.
        renumber: write ids as numbers from 1, fitted on the past.
        overwrite: replace a data set this package wrote.
        user_field, item_field, time_field: names in the header.
        time_unit: what the times count, see clocks.py; the parts keep it, and their yaml names it.
        quiet: no progress bar.
    """

    input: Path
    output: Path
    name: str = ""
    at: str | None = None
    ratio: str | None = None
    preset: str | None = None
    after: Path | None = None
    valid: str = "0.1"
    windows: str | None = None
    min_user: int = 1
    min_item: int = 1
    future: str = "all"
    renumber: bool = False
    overwrite: bool = False
    user_field: str = "user_id"
    item_field: str = "item_id"
    time_field: str = "timestamp"
    time_unit: str = "seconds"
    quiet: bool = False

    @property
    def target(self) -> Path:
        """The folder that is written."""
        return self.output / (self.name or f"{_stem(self.input)}-cut")


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.name.partition(".")[0]


def split(options: SplitOptions) -> dict[str, Any]:
    """Write `<output>/<name>/` with one file per part and window, split.json and the yaml; return split.json.

    Raises:
        UsageError: no cut or two of them; a time, fraction or span that cannot be parsed.
        DataError: the file has no rows, or a part is empty.
    """
    path = whole_file(options.input)
    with whole_folder(options.target, options.overwrite, [options.input]) as folder:
        try:
            return _cut(_interactions(path, options), options, folder, sorted_first=False)
        except UnsortedError:
            work = folder / "work"
            work.mkdir()
            write_sorted(_interactions(path, options), work / path.name)
            summary = _cut(_interactions(work / path.name, options), options, folder, sorted_first=True)
            shutil.rmtree(work)
            return summary


def _interactions(path: Path, options: SplitOptions) -> Interactions:
    return Interactions(path, options.user_field, options.item_field, options.time_field, time_unit=options.time_unit)


def _cut(log: Interactions, options: SplitOptions, folder: Path, sorted_first: bool) -> dict[str, Any]:
    """Write everything that belongs in `folder` from a file in time order."""
    check_order(log)
    older = None if options.after is None else after(options.after, log)
    plan = make_plan(log, options, None if older is None else older.cut)
    kept = fit_minimum(log, plan.cut, options.min_user, options.min_item)
    maps = (IdMap(), IdMap()) if options.renumber else None
    writer = PartWriter(log, plan, kept, folder / options.target.name, options.future == "warm", maps)
    writer.write(options.quiet)
    for part in plan.parts:
        if part.rows == 0:
            raise DataError(_empty(part, options))
    _write_tables(log, options, maps, folder)
    _write_yaml(log, options, plan, folder)
    summary = _summary(options, plan, kept, sorted_first) | (older.as_json() if older else {})
    (folder / "split.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _empty(part: Part, options: SplitOptions) -> str:
    span = f"before {part.end}" if part.start is None else f"from {part.start} on"
    return (
        f"{options.input}: the part {part.name} has no rows: {span} none is left, with --min-user {options.min_user} "
        f"and --min-item {options.min_item}, --future {options.future}."
    )


def make_plan(log: Interactions, options: SplitOptions, cut: int | None = None) -> Plan:
    """Cut times from the options.

    Args:
        log: in time order.
        options: of the command.
        cut: where an older release ends; None for a cut that the options name.

    Raises:
        UsageError: not exactly one of at, ratio, preset and after; too many windows.
        DataError: see cut.py.
    """
    cut = _cut_time(log, options, cut)
    _check_inside(log, options, cut)
    valid = _valid_time(log, options, cut)
    if valid is not None and valid >= cut:
        raise UsageError(f"--valid {options.valid}: validation must begin before the cut at {cut}, not at {valid}.")
    parts = [Part("train", None, cut if valid is None else valid)]
    parts += [] if valid is None else [Part("valid", valid, cut)]
    parts.append(Part("test", cut, None))
    return Plan(cut, parts, _windows(log, options, cut), len(parts) - 1)


def _check_inside(log: Interactions, options: SplitOptions, cut: int) -> None:
    """Both sides of the cut must have rows."""
    first, last = time_at(log, log.start), time_at(log, log.end - 1)
    if not first < cut <= last:
        side = "before" if cut <= first else "at or after"
        raise DataError(
            f"{options.input}: no row is {side} the cut at {dated(cut)}; the rows go from {dated(first)} "
            f"to {dated(last)}."
            + (f"\n{options.input} has only later rows: {_TWO_FILES}" if options.after and cut <= first else "")
        )


def _cut_time(log: Interactions, options: SplitOptions, end_of_older: int | None) -> int:
    given = [option for option in (options.at, options.ratio, options.preset, options.after) if option is not None]
    if len(given) != 1:
        raise UsageError("split: exactly one of --at, --at-timestamp, --ratio, --preset and --after is needed.")
    if end_of_older is not None:
        return end_of_older
    if options.preset is not None:
        if options.preset not in PRESETS:
            raise UsageError(f"--preset {options.preset}: unknown; allowed: {', '.join(PRESETS)}.")
        return PRESETS[options.preset]
    if options.ratio is not None:
        return time_at_share(log, parse_share(options.ratio, "--ratio"), log.end)
    return parse_time(options.at or "")


def _valid_time(log: Interactions, options: SplitOptions, cut: int) -> int | None:
    if options.valid == "none":
        return None
    if "." in options.valid:
        share = parse_share(options.valid, "--valid")
        return time_at_share(log, 1 - share, offset_of(log, cut))
    return parse_time(options.valid)


def _windows(log: Interactions, options: SplitOptions, cut: int) -> list[Part]:
    if options.windows is None:
        return []
    span = parse_span(options.windows)
    last = int(log.chunk(log.ranges()[-1]).times[-1])
    count = max((last - cut) // span + 1, 0)
    if count > MAX_WINDOWS:
        raise UsageError(f"--windows {options.windows}: {count} windows, at most {MAX_WINDOWS}; choose a longer span.")
    return [Part(f"window_{n + 1:03d}", cut + n * span, cut + (n + 1) * span) for n in range(count)]


def _write_tables(log: Interactions, options: SplitOptions, maps: tuple[IdMap, IdMap] | None, folder: Path) -> None:
    """Copy `.user` and `.item` beside the parts, renumbered where ids are."""
    for number, suffix in enumerate(("user", "item")):
        source = whole_file(options.input).with_suffix(f".{suffix}")
        if not source.is_file():
            continue
        target = folder / f"{options.target.name}.{suffix}"
        if maps is None:
            shutil.copyfile(source, target)
        else:
            from dataset_tools.split.remap import write_renumbered_table  # loads polars

            name = (options.user_field, options.item_field)[number]
            write_renumbered_table(source, target, name, (log.users, log.items)[number], maps[number])


def _write_yaml(log: Interactions, options: SplitOptions, plan: Plan, folder: Path) -> None:
    tables = {}
    for suffix in ("user", "item"):
        path = folder / f"{options.target.name}.{suffix}"
        if path.is_file():
            tables[suffix] = [found.header for found in read_header(path)]
    text = dataset_yaml(
        f"{log.path.name} cut at {plan.cut}",
        [found.header for found in log.fields],
        tables,
        [part.name for part in plan.parts],
        has_sampled_negatives(whole_file(options.input).with_suffix(".yaml")),
        options.time_unit,
    )
    (folder / f"{options.target.name}.yaml").write_text(text, encoding="utf-8")


def _summary(options: SplitOptions, plan: Plan, kept: Kept, sorted_first: bool) -> dict[str, Any]:
    rows = sum(part.rows for part in plan.parts)
    left_out = sum(part.left_out for part in plan.parts)
    return {
        "input": whole_file(options.input).name,
        "sorted_first": sorted_first,
        "time_unit": options.time_unit,
        "cut_timestamp": plan.cut,
        "cut_utc": moment(plan.cut, "seconds"),
        "rule": "rows with timestamp < cut are the past, all others the future",
        "rows_in": rows + left_out,
        "rows_out": rows,
        "rows_left_out": left_out,
        "min_user_rows_in_past": options.min_user,
        "min_item_rows_in_past": options.min_item,
        "filter_rounds": kept.rounds,
        "future_rows": options.future,
        "known_means": "valid: occurs in train; test and windows: occurs in train or valid",
        "parts": {part.name: part.as_json() for part in plan.parts},
        "windows": {part.name: part.as_json() for part in plan.windows},
    }
