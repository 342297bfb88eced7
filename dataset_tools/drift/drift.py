"""The command `drift`: files in, `drift.json` and `drift.html` out."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dataset_tools.drift.counting.categories import item_categories
from dataset_tools.drift.counting.counts import CountJob, Counts, count_range, users_kept
from dataset_tools.drift.counting.profile import Profile
from dataset_tools.drift.inputs import Columns, Source, find_columns, find_cut, find_sources, sorted_copies
from dataset_tools.drift.measuring.pair import Comparison
from dataset_tools.drift.options import REFERENCES, DriftOptions
from dataset_tools.drift.report.page import page
from dataset_tools.drift.report.report import Report, make_report
from dataset_tools.drift.thresholds import Thresholds, load_thresholds
from dataset_tools.drift.verdict import Compared, compare
from dataset_tools.drift.windows import Windows, make_windows, require_users
from dataset_tools.engines.choice import make_engine
from dataset_tools.engines.local import Engine
from dataset_tools.errors import DataError, UnsortedError, UsageError
from dataset_tools.files.publish import whole_folder
from dataset_tools.progress import Progress
from dataset_tools.split.cut_words import parse_span

COMPARING_THREADS = 2


def drift(
    options: DriftOptions, engine_name: str = "local", threads: int = 0, ray_address: str | None = None
) -> Report:
    """Compare the future with the past and write both files.

    Args:
        options: what is compared.
        engine_name, threads, ray_address: where the ranges are read.

    Raises:
        UsageError: an option has a value that is not allowed.
        DataError: the files cannot be compared.
        ResourceError: the output cannot be written, or Ray is absent.
    """
    if options.reference not in REFERENCES:
        raise UsageError(f"--reference {options.reference}: unknown; allowed: {', '.join(REFERENCES)}.")
    thresholds, sources = load_thresholds(options.thresholds), find_sources(options)
    columns = find_columns(options, sources)
    span = None if options.windows is None else parse_span(options.windows)
    engine = make_engine(engine_name, threads, ray_address)
    try:
        with whole_folder(options.output, options.overwrite, [options.past, options.future]) as folder:
            try:
                profile = _profile(options, sources, sources, columns, (span, thresholds.neighbours), engine)
            except UnsortedError:
                work = folder / "work"
                work.mkdir()
                copies = sorted_copies(sources, columns, work)
                profile = _profile(options, sources, copies, columns, (span, thresholds.neighbours), engine)
                for copy in copies:
                    copy.path.unlink()
                work.rmdir()
            found = compared(options, profile, thresholds, comparisons(profile.windows, options.reference))
            report = make_report(options, sources, columns, thresholds, profile, found)
            _write(folder, report)
            return report
    finally:
        engine.close()


def _profile(
    options: DriftOptions,
    sources: Sequence[Source],
    files: Sequence[Source],
    columns: Columns,
    spans: tuple[int | None, int],
    engine: Engine,
) -> Profile:
    """Count the rows of `files`, which are `sources` or their sorted copies."""
    first, cut, last = find_cut(options, columns, files)
    profile = count_files(options, sources, files, columns, make_windows(first, last, cut, *spans), engine)
    _check_windows(options, profile)
    return profile


def count_files(
    options: DriftOptions,
    sources: Sequence[Source],
    files: Sequence[Source],
    columns: Columns,
    windows: Windows,
    engine: Engine,
) -> Profile:
    """Count the rows of files in windows.

    Args:
        options: of the command.
        sources: the files.
        files: the same, or their sorted copies.
        columns: that are read.
        windows: in which they are counted.
        engine: where.

    Raises:
        UnsortedError: a file is not in time order.
        DataError: a row cannot be read, or no item has a category of the column that the options name.
    """
    one_in = users_kept(source.path.stat().st_size for source in sources)
    parts = [(part, source) for source in files for part in columns.open(source.path).ranges()]
    jobs = (
        CountJob(number, part, source, columns, windows, options.offset_seconds, one_in)
        for number, (part, source) in enumerate(parts)
    )
    counts = Counts()
    bar = Progress("counting", sum(part.end - part.start for part, _ in parts), enabled=not options.quiet)
    try:
        for (part, _), found in zip(parts, engine.map(count_range, jobs), strict=True):
            counts.merge(found)
            bar.update(part.end - part.start)
    finally:
        bar.close()
    pairs = item_categories(sources, columns) if columns.item_group else None
    profile = Profile(counts, windows, pairs, options.offset_seconds)
    if options.category_field and profile.groups is None:
        raise DataError(f"{sources[0].path}: no item of it has a {options.category_field} in the table of items.")
    return profile


def _check_windows(options: DriftOptions, profile: Profile) -> None:
    """Every window of the future needs rows of two users.

    Raises:
        DataError: one has none.
    """
    for index in profile.windows.future:
        users = int((profile.users.vector((index,)) > 0).sum())
        require_users(profile.windows, index, users, options.future or options.past)


def comparisons(windows: Windows, reference: str) -> list[Comparison]:
    """What is compared: neighbouring windows of the past, then the windows of the future.

    With `previous`, the first window of the past has no neighbour of its length before it and is only a reference. A
    past that is too short for such windows is itself the reference of the first window of the future.
    """
    found = []
    for index in range(2 if reference == "previous" and windows.n_past else 1, windows.n_past + 1 + windows.n_future):
        earlier = tuple(range(index))
        past = tuple(range(min(index, windows.n_past + 1)))
        if reference == "previous":
            found.append(Comparison(index, (index - 1,), earlier))
        else:
            found.append(Comparison(index, past, past))
    return found


def compared(
    options: DriftOptions, profile: Profile, thresholds: Thresholds, wanted: Sequence[Comparison]
) -> list[Compared]:
    """The comparisons whose sides have rows, several at a time."""
    rows = profile.rows
    kept = [one for one in wanted if rows[one.window] and sum(rows[index] for index in one.reference)]
    bar = Progress("comparing", len(kept), enabled=not options.quiet)
    found = []
    with ThreadPoolExecutor(COMPARING_THREADS) as pool:
        for one in pool.map(lambda c: compare(profile, c, thresholds.repeats, options.seed), kept):
            found.append(one)
            bar.update(1)
    bar.close()
    return found


def _write(folder: Path, report: Report) -> None:
    text = json.dumps(report.numbers, indent=2, allow_nan=False) + "\n"
    (folder / "drift.json").write_text(text, encoding="utf-8")
    (folder / "drift.html").write_text(page(report.numbers), encoding="utf-8")
