"""`recbole-data`: dispatches commands; an error becomes one message and an exit code.

Exit codes: 0 done, 2 usage, 3 data, 4 resources, 130 interrupted, 143 terminated.
"""

import json
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from dataset_tools.arguments import TABLE, build_parser, joined
from dataset_tools.convert.table.arguments import percent
from dataset_tools.errors import DataError, RecBoleExtError, ResourceError, UsageError, asked, is_out_of_memory
from dataset_tools.files.claims import is_page, json_with, require_free
from dataset_tools.files.dataset_files import interaction_files
from dataset_tools.files.publish import abandon
from dataset_tools.sources import RELEASES
from dataset_tools.split.cut_words import parse_span
from dataset_tools.standard_streams import standard_streams


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with standard_streams(goes_on=False):
            options = build_parser().parse_args(joined(sys.argv[1:] if arguments is None else arguments))
            COMMANDS[options.command](options)
        return 0
    except BrokenPipeError:  # the reader has closed, for instance `| head`
        return 0
    except Exception as error:
        known = _known(error)
        if known is None or options.debug:
            raise
        with standard_streams(goes_on=True):
            print(f"error: {known}", file=sys.stderr)
        return known.exit_code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    """End the process at once: an exception raised in the middle of a thread pool's lock can hang it."""
    abandon()
    with suppress(OSError):  # nothing may be there to read it
        os.write(2, f"error: stopped by signal {number}; no output was written\n".encode())
    os._exit(128 + number)


def _known(error: Exception) -> RecBoleExtError | None:
    """The error as it is reported; None for a bug."""
    if isinstance(error, RecBoleExtError):
        return error
    if is_out_of_memory(error):
        return ResourceError(f"out of memory: {asked(error)}\nread fewer rows, or use a larger machine")
    if isinstance(error, OSError):
        return ResourceError(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return None


def _convert(options: Namespace) -> None:
    from dataset_tools.convert.convert import ConvertOptions, convert

    release = RELEASES[options.release]
    if options.download == (options.input is not None):
        raise UsageError(f"convert {release.name}: one of --input PATH and --download is needed, not both.")
    names = set(ConvertOptions.__dataclass_fields__) & set(vars(options)) - {
        "release",
        "input",
        "max_rejected",
    }
    chosen = {name: getattr(options, name) for name in names}
    chosen |= {"release": release, "max_rejected": percent(options.max_rejected)}
    checked = ConvertOptions(input=options.input or Path(), **chosen)
    if options.download:
        checked = ConvertOptions(input=_download(options), **chosen)
    with _waiting(options, "converting"):
        summary = convert(checked)
    _say(options, _convert_text(checked.target, summary))


def _download(options: Namespace) -> Path:
    from dataset_tools.sources.fetch import fetch

    release = RELEASES[options.release]
    if release.download is not None:
        print(f"{release.title}: licence\n{release.licence}", file=sys.stderr)
    path = fetch(release, options.output / "downloads", options.url, options.quiet)
    if release.download is not None and release.download.digest is None:
        print(f"{path}: the publisher replaces this file, so no digest is known to check it.", file=sys.stderr)
    return path


def _convert_text(target: Path, summary: dict[str, Any]) -> str:
    lines = _counts_text(target, summary)
    if summary["label"]:
        lines.append(f"label: {summary['label']}; sampled negatives: {summary['rows_drawn_as_negatives']:,}")
    if summary["missing_tables"]:
        lines.append(f"not in the input, so not written: {', '.join(summary['missing_tables'])}")
    if not summary["last_line_complete"]:
        lines.append("the last line of the log has no line end; was the file cut off?")
    return "\n".join(lines)


def _table(options: Namespace) -> None:
    from dataset_tools.convert.table.options import TableOptions
    from dataset_tools.convert.table.table import convert_table  # compiled loops, whose import takes a second

    names = set(TableOptions.__dataclass_fields__) & set(vars(options)) - {"input", "max_rejected"}
    chosen = {name: getattr(options, name) for name in names}
    checked = TableOptions(input=tuple(options.input), max_rejected=percent(options.max_rejected), **chosen)
    summary = convert_table(checked, str if options.quiet else None)
    _say(options, _table_text(checked.target, summary))


def _table_text(target: Path, summary: dict[str, Any]) -> str:
    lines = _counts_text(target, summary)
    cut = summary["files_without_a_last_line_end"]
    if cut:
        lines.append(f"the last line of {', '.join(cut)} has no line end; was the file cut off?")
    return "\n".join(lines)


def _counts_text(target: Path, summary: dict[str, Any]) -> list[str]:
    """Rows in, out, rejected and left out."""
    lines = [
        f"{target}: {summary['rows_out']:,} of {summary['rows_in']:,} rows, "
        f"{summary['n_users']:,} users, {summary['n_items']:,} items"
    ]
    if summary["rows_rejected"]:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in summary["rejected"].items())
        lines.append(f"rejected {summary['rows_rejected']:,}: {reasons}; see {target.name}.rejected.tsv")
    if summary["rows_left_out_on_request"]:
        lines.append(f"left out on request: {summary['rows_left_out_on_request']:,}")
    return lines


def _split(options: Namespace) -> None:
    from dataset_tools.split.split import SplitOptions, split

    names = SplitOptions.__dataclass_fields__
    checked = SplitOptions(**{name: getattr(options, name) for name in names})
    with _waiting(options, "cutting"):
        summary = split(checked)
    lines = [f"{checked.target}: cut at {summary['cut_timestamp']} ({summary['cut_utc']})"]
    if checked.after is not None:
        from dataset_tools.split.releases import sentence

        lines.append(sentence(summary))
    lines += ["the file was not in time order and was sorted first"] * summary["sorted_first"]
    for name, part in (summary["parts"] | summary["windows"]).items():
        cold = part.get("share_rows_cold")
        lines.append(
            f"{name}: {part['rows']:,} rows, {part['n_users']:,} users, {part['n_items']:,} items"
            + ("" if cold is None else f", {cold:.1%} of the rows with a user or item unknown to the past")
        )
    _say(options, "\n".join(lines))


def _ads(options: Namespace) -> None:
    from dataset_tools.clicks.ads import AdOptions, convert_ads

    checked = AdOptions(**{name: getattr(options, name) for name in AdOptions.__dataclass_fields__})
    with _waiting(options, "converting"):
        summary = convert_ads(checked)
    parts = (f"{name} {part['rows']:,} rows, {part['clicks']:,} clicks" for name, part in summary["parts"].items())
    _say(options, f"{checked.output / checked.name}: {'; '.join(parts)}")


def _sample(options: Namespace) -> None:
    from dataset_tools.clicks.samples import SampleOptions, left_out, sample

    checked = SampleOptions(**{name: getattr(options, name) for name in SampleOptions.__dataclass_fields__})
    with _waiting(options, "sampling"):
        summary = sample(checked)
    parts = (f"{name} {part['rows']:,} rows, {part['clicks']:,} clicks" for name, part in summary["parts"].items())
    _say(options, f"{checked.target}: {'; '.join(parts)}; {left_out(summary)}")


def _times(options: Namespace) -> None:
    from dataset_tools.convert.times import TimesOptions, convert_times

    checked = TimesOptions(**{name: getattr(options, name) for name in TimesOptions.__dataclass_fields__})
    with _waiting(options, "converting the times"):
        counts = convert_times(checked)
    zone = f", {counts['without_zone']:,} without a zone, read as UTC" if counts["without_zone"] else ""
    _say(options, f"{checked.target}: {counts['rows']:,} rows, {counts['dates']:,} times were dates{zone}")


def _describe(options: Namespace) -> None:
    groups = [interaction_files(path) for path in options.input]
    files = [file for group in groups for file in group]
    for path, is_ours, option in (
        (options.html, is_page, "--html"),
        (options.json, json_with("name", "rows"), "--json"),
    ):
        if path:
            require_free(path, [*options.input, *files], is_ours, options.overwrite, option)
    from dataset_tools.describe.describe import describe  # compiled loops, whose import takes a second
    from dataset_tools.describe.described import text_table
    from dataset_tools.describe.part_distances import with_distances
    from dataset_tools.describe.report import write_page

    described = []
    for group in groups:
        found = [
            describe(file, options, options.engine, options.threads, options.ray_address, options.quiet)
            for file in group
        ]
        described += with_distances(found, group, options, options.quiet)
    if options.html:
        write_page(options.html, described)
    if options.json:
        options.json.write_text(json.dumps([one.as_json() for one in described], indent=2) + "\n", encoding="utf-8")
    print("\n\n".join(text_table(one) for one in described))


def _validate(options: Namespace) -> None:
    interaction_files(options.input)
    from dataset_tools.describe.validate import validate  # compiled loops, whose import takes a second

    report = validate(
        options.input, options.user_field, options.item_field, options.time_field, options.quiet, options.time_unit
    )
    if report.errors:
        raise DataError("\n".join(report.errors + report.warnings))
    found = f"{options.input}: {report.rows:,} rows, no problems found"
    _say(options, "\n".join([*report.warnings, *report.notes, found]))


def _drift(options: Namespace) -> None:
    from dataset_tools.drift.options import DriftOptions

    checked = DriftOptions(**{name: getattr(options, name) for name in DriftOptions.__dataclass_fields__})
    from dataset_tools.drift.drift import drift  # compiled loops and scipy, whose import takes a second

    with _waiting(options, "measuring drift"):
        report = drift(checked, options.engine, options.threads, options.ray_address)
    verdict = f"{options.output}: {report.numbers['verdict']}"
    _say(options, "\n".join([verdict, *report.sentences, f"page: {options.output / 'drift.html'}"]))


def _profile(options: Namespace) -> None:
    from dataset_tools.drift.options import DriftOptions

    names = set(DriftOptions.__dataclass_fields__) & set(vars(options))
    checked = DriftOptions(**{name: getattr(options, name) for name in names})
    from dataset_tools.drift.watch.make_profile import make_profile  # compiled loops and scipy

    span = parse_span(options.window, "--window")
    with _waiting(options, "counting"):
        stored = make_profile(checked, span, options.with_users, options.threads)
    size = f"{stored.rows:,} rows, {len(stored.items):,} items, {stored.users:,} users"
    _say(options, f"{checked.output}: counts of {size}; it holds {'; '.join(stored.holds)}")


def _waiting(options: Namespace, title: str) -> AbstractContextManager[None]:
    """Around what has no bar, or none at its beginning and its end."""
    from dataset_tools.progress import waiting

    return waiting(title, enabled=not options.quiet)


def _say(options: Namespace, text: str) -> None:
    if not options.quiet:
        print(text)


COMMANDS: dict[str, Callable[[Namespace], None]] = {
    "convert": _convert,
    TABLE: _table,
    "split": _split,
    "ads": _ads,
    "sample": _sample,
    "times": _times,
    "describe": _describe,
    "validate": _validate,
    "drift": _drift,
    "profile": _profile,
}
