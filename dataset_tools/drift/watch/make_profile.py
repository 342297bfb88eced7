"""The command `profile`: the counts of a data set, stored for the watch."""

import secrets
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from dataset_tools.drift.counting.profile import Profile
from dataset_tools.drift.drift import compared, count_files
from dataset_tools.drift.inputs import Columns, Source, find_columns, sorted_copies, span_of_files
from dataset_tools.drift.measuring.pair import Comparison, make_week
from dataset_tools.drift.options import DriftOptions
from dataset_tools.drift.thresholds import load_thresholds
from dataset_tools.drift.verdict import Compared, rounded
from dataset_tools.drift.watch.judge import WATCHED
from dataset_tools.drift.watch.profile import Past, StoredProfile, hashed
from dataset_tools.drift.windows import make_windows
from dataset_tools.engines.choice import make_engine
from dataset_tools.engines.local import Engine
from dataset_tools.errors import UnsortedError
from dataset_tools.files.claims import json_with, require_free
from dataset_tools.files.dataset_files import interaction_files
from dataset_tools.files.replace import temporary_folder
from dataset_tools.sources.fetch import digest_of


def make_profile(options: DriftOptions, span: int, with_users: bool, threads: int = 0) -> StoredProfile:
    """Count a data set and write `options.output`.

    Args:
        options: `past` is the data set; `output` the file.
        span: seconds of the windows of the past that are compared with what was before them.
        with_users: whether rows by hashed user are stored, from which rows of unknown users are recognised.
        threads: that read; 0 for as many as are useful.

    Raises:
        UsageError: the output may not be written, or an option has a value that is not allowed.
        DataError: the data set cannot be counted.
    """
    require_free(options.output, [options.past], json_with("kind", "neighbours", "sha256"), options.overwrite)
    sources = [Source(file, "past") for file in interaction_files(options.past)]
    columns = find_columns(options, sources)
    engine = make_engine("local", threads, None)
    try:
        try:
            profile = _counted(options, sources, sources, columns, span, engine)
        except UnsortedError:
            with temporary_folder(options.output.parent, ".profile-") as folder:
                copies = sorted_copies(sources, columns, folder)
                profile = _counted(options, sources, copies, columns, span, engine)
    finally:
        engine.close()
    stored = _stored(options, sources, columns, profile, span, with_users)
    stored.write(options.output)
    return stored


def _counted(
    options: DriftOptions,
    sources: Sequence[Source],
    files: Sequence[Source],
    columns: Columns,
    span: int,
    engine: Engine,
) -> Profile:
    first, last = span_of_files(columns, files)
    windows = make_windows(first, last, last + 1, span, load_thresholds(options.thresholds).neighbours)
    return count_files(options, sources, files, columns, windows, engine)


def _stored(
    options: DriftOptions, sources: Sequence[Source], columns: Columns, profile: Profile, span: int, with_users: bool
) -> StoredProfile:
    every = tuple(range(profile.windows.n_past + 1))
    users, salt = profile.users.vector(every), secrets.token_hex(16)
    fields = {name: getattr(columns, name) for name in ("user", "item", "time", "value", "group")}
    return StoredProfile(
        holds=_holds(fields, profile, with_users),
        files=[_file(source.path) for source in sources],
        fields=fields,
        time_unit=columns.unit,
        first=profile.windows.first,
        last=profile.windows.last,
        offset=options.offset_seconds,
        rows=int(profile.rows.sum()),
        users=int((users > 0).sum()),
        items=_by_name(profile.item_names, profile.items.vector(every)),
        values={} if profile.values is None else _by_name(profile.value_names, profile.values.vector(every)),
        week=make_week(profile, every).tolist(),
        item_groups=_groups(profile.item_categories),
        span=span,
        neighbours=[_neighbour(one) for one in _neighbours(options, profile)],
        salt=salt,
        user_rows={hashed(salt, user): rows for user, rows in _by_name(profile.user_names, users).items()}
        if with_users
        else {},
    )


def _file(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": digest_of(path, "sha256").partition(":")[2]}


def _by_name(names: list[str], rows: np.ndarray) -> dict[str, int]:
    return dict(zip(names, rows.tolist(), strict=True))


def _groups(pairs: pl.DataFrame | None) -> dict[str, list[str]]:
    if pairs is None or not len(pairs):
        return {}
    grouped = pairs.group_by("item", maintain_order=True).agg("group")
    return dict(zip(grouped["item"].to_list(), grouped["group"].to_list(), strict=True))


def _neighbours(options: DriftOptions, profile: Profile) -> list[Compared]:
    """Windows of the past, each compared with what was before it; those that are large enough."""
    thresholds = load_thresholds(options.thresholds)
    wanted = [
        Comparison(index, tuple(range(index)), tuple(range(index))) for index in range(1, profile.windows.n_past + 1)
    ]
    return [one for one in compared(options, profile, thresholds, wanted) if one.is_enough(thresholds)]


def _neighbour(one: Compared) -> dict[str, Past]:
    found = {}
    for measured in one.measured:
        if measured.measure.name in WATCHED and measured.value is not None:
            null = float(np.mean(measured.draws)) if measured.draws else None
            found[measured.measure.name] = Past(round(measured.value, 6), rounded(null))
    return found


def _holds(fields: dict[str, str | None], profile: Profile, with_users: bool) -> list[str]:
    found = [
        "rows by item",
        "rows by hour of the week",
        "the number of users, and no user"
        if not with_users
        else "rows by user, under keyed hashes of 64 bits whose key is in this file: pseudonymous, not anonymous",
        "distances of windows of the past",
    ]
    found += [f"rows by {fields['value']}"] * (profile.values is not None)
    found += ["categories of items"] * (profile.item_categories is not None)
    return [*found, "no rows"]
