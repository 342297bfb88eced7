"""A release as people download it -> a folder with atomic files, the rejected rows and a summary."""

import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dataset_tools.archive import find_inputs
from dataset_tools.buckets import View
from dataset_tools.engine_choice import make_engine
from dataset_tools.errors import DataError, ResourceError, UsageError
from dataset_tools.fetch import digest_of
from dataset_tools.interactions import LogJob, LogResult, Refusals, convert_log, inter_headers
from dataset_tools.labels import DEFINITIONS, Labelling
from dataset_tools.pairs import CATEGORY_HEADERS, write_categories
from dataset_tools.publish import whole_folder
from dataset_tools.quarantine import RejectedList, check_limit
from dataset_tools.sources.release import Release, Table
from dataset_tools.tables import TAGS_HEADER, read_table, read_tags, write_table
from dataset_tools.yaml_file import dataset_yaml

DISK_FACTOR = 2.0  # runs and output together, as a multiple of the raw log


@dataclass(frozen=True)
class ConvertOptions:
    """One conversion, as the command line states it.

    Args:
        release: what the input is.
        input: zip, folder or file.
        output: folder of data sets; the result is `<output>/<name>/`.
        name: of the data set; the release's name unless given.
        overwrite: replace a data set this package wrote.
        tags, links: add columns to the item table.
        label, negatives, per_behaviour, sample_users: Taobao alone, see labels.py.
        seed: of the sample and of drawn negatives.
        max_rejected: share of the rows of each file that may be refused.
        engine, threads, ray_address: where the work runs.
        quiet: no progress bar.
    """

    release: Release
    input: Path
    output: Path
    name: str = ""
    overwrite: bool = False
    tags: bool = False
    links: bool = False
    label: str | None = None
    negatives: str = "uniform"
    per_behaviour: bool = False
    sample_users: float = 1.0
    seed: int = 2020
    max_rejected: float = 0.001
    engine: str = "local"
    threads: int = 0
    ray_address: str | None = None
    quiet: bool = False

    def __post_init__(self) -> None:
        _check_options(self)

    @property
    def target(self) -> Path:
        """The folder that is written."""
        return self.output / (self.name or self.release.name)


def _check_options(options: ConvertOptions) -> None:
    release = options.release
    asked = {
        "--tags": options.tags and release.tags is None,
        "--links": options.links and release.links is None,
        "--label": options.label is not None and "label" not in release.options,
        "--per-behaviour": options.per_behaviour and "per_behaviour" not in release.options,
        "--sample-users": options.sample_users != 1.0 and "sample_users" not in release.options,
    }
    wrong = [option for option, refused in asked.items() if refused]
    if wrong:
        raise UsageError(f"{release.name}: not there for this release: {', '.join(wrong)}; leave it out.")
    if not 0 < options.sample_users <= 1:
        raise UsageError(f"--sample-users: share of the users in (0, 1], got {options.sample_users}.")
    if "/" in options.name or "\\" in options.name or options.name.startswith("."):
        raise UsageError(f"--name: a plain folder name is needed, got {options.name!r}.")


@dataclass
class _Tables:
    """What became of the tables: columns per suffix, and per file rows in, rows out and refused."""

    columns: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def convert(options: ConvertOptions) -> dict[str, Any]:
    """Write `<output>/<name>/` and return its summary.

    Raises:
        UsageError, DataError, ResourceError: see the modules that do the work; nothing is left behind then.
    """
    with whole_folder(options.target, options.overwrite) as folder:
        work = folder / "work"
        work.mkdir()
        names = options.release.expected_files(options.tags, options.links)
        inputs = find_inputs(options.input, options.release, names, work)
        _check_space(inputs[options.release.log.file], folder)
        summary = _write_all(options, inputs, folder, work)
        shutil.rmtree(work)
    return summary


def _check_space(log: Path, folder: Path) -> None:
    need, free = int(DISK_FACTOR * log.stat().st_size), shutil.disk_usage(folder).free
    if need > free:
        raise ResourceError(
            f"{folder.parent}: {free >> 20:,} MiB free, about {need >> 20:,} MiB needed.\n"
            "Free some space or choose another --output."
        )


def _write_all(options: ConvertOptions, inputs: dict[str, Path], folder: Path, work: Path) -> dict[str, Any]:
    name = options.target.name
    rejected = RejectedList(folder / f"{name}.rejected.tsv")
    try:
        result, refusals = _log(options, inputs[options.release.log.file], folder, work)
        rejected.write(refusals.rows(options.release.log.file))
        tables = _tables(options, inputs, folder, rejected, result)
    finally:
        rejected.close()
    headers = inter_headers(options.release.log, _labelling(options))
    text = dataset_yaml(options.release.title, headers, tables.columns)
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    summary = _summary(options, inputs, folder, result, tables)
    (folder / f"{name}.summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _labelling(options: ConvertOptions) -> Labelling | None:
    return None if options.label is None else Labelling(options.label, options.negatives, options.seed)


def _log(options: ConvertOptions, path: Path, folder: Path, work: Path) -> tuple[LogResult, Refusals]:
    log = options.release.log
    views = [View("")]
    if options.per_behaviour:
        views += [View(symbol, code) for code, symbol in enumerate(log.symbols)]
    job = LogJob(
        path=path,
        log=log,
        work=work,
        folder=folder,
        name=options.target.name,
        views=tuple(views),
        max_rejected=options.max_rejected,
        labelling=_labelling(options),
        sample=options.sample_users,
        seed=options.seed,
        keep_code=log.symbols.index("pv") if options.label == "click" else -1,
        quiet=options.quiet,
    )
    engine = make_engine(options.engine, options.threads, options.ray_address)
    try:
        return convert_log(job, engine)
    finally:
        engine.close()


def _tables(
    options: ConvertOptions, inputs: dict[str, Path], folder: Path, rejected: RejectedList, result: LogResult
) -> _Tables:
    release, tables = options.release, _Tables()
    stem = folder / options.target.name
    rows = _one_table(release.users, inputs, rejected, tables, options)
    if release.users is not None and rows:
        write_table(stem.with_name(stem.name + ".user"), release.users.headers, rows, [])
        tables.columns["user"] = list(release.users.headers)
    rows = _one_table(release.items, inputs, rejected, tables, options)
    headers: tuple[str, ...] = () if release.items is None else release.items.headers
    extra, more = _extra_columns(options, inputs, rejected, tables)
    if len(result.pairs.total()[0]):
        write_categories(stem.with_name(stem.name + ".item"), result.pairs)
        tables.columns["item"] = list(CATEGORY_HEADERS)
    if rows:
        write_table(stem.with_name(stem.name + ".item"), headers + more, rows, extra)
        tables.columns["item"] = [*headers, *more]
    return tables


def _one_table(
    table: Table | None,
    inputs: dict[str, Path],
    rejected: RejectedList,
    tables: _Tables,
    options: ConvertOptions,
) -> dict[str, tuple[str, ...]]:
    """Rows of a table that the release has; one that is not in the input is noted as missing."""
    if table is None:
        return {}
    if table.file not in inputs:
        tables.missing.append(table.file)
        return {}
    before = rejected.counts.copy()
    rows, total = read_table(inputs[table.file], table, rejected)
    _account(table.file, total, len(rows), rejected.counts - before, tables, rejected, options)
    return rows


def _account(
    file: str,
    total: int,
    used: int,
    refused: Counter[str],
    tables: _Tables,
    rejected: RejectedList,
    options: ConvertOptions,
) -> None:
    check_limit(file, total, refused, rejected.examples, options.max_rejected)
    tables.files[file] = {"rows_in": total, "rows_out": used, "rejected": dict(refused)}


def _extra_columns(
    options: ConvertOptions, inputs: dict[str, Path], rejected: RejectedList, tables: _Tables
) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    """Columns added to the item table on request, and their headers."""
    release = options.release
    extra: list[dict[str, str]] = []
    headers: tuple[str, ...] = ()
    if options.tags and release.tags is not None:
        path = _needed(inputs, release.tags.file)
        before = rejected.counts.copy()
        tags, total = read_tags(path, release.tags, rejected)
        refused = rejected.counts - before
        _account(release.tags.file, total, total - refused.total(), refused, tables, rejected, options)
        extra, headers = [tags], (TAGS_HEADER,)
    if options.links and release.links is not None:
        _needed(inputs, release.links.file)
        rows = _one_table(release.links, inputs, rejected, tables, options)
        extra += [{key: values[at] for key, values in rows.items()} for at in (1, 2)]
        headers += release.links.headers[1:]
    return extra, headers


def _needed(inputs: dict[str, Path], file: str) -> Path:
    if file not in inputs:
        raise DataError(f"--input: {file} is not in it, but was asked for; leave the option out or add the file.")
    return inputs[file]


def _summary(
    options: ConvertOptions, inputs: dict[str, Path], folder: Path, result: LogResult, tables: _Tables
) -> dict[str, Any]:
    release = options.release
    outputs = {written.output.path.name: written.output.digest.hexdigest() for written in result.files}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in outputs:
            outputs[path.name] = digest_of(path, "sha256").partition(":")[2]
    digests = {release.log.file: result.sha256}
    for file, path in inputs.items():
        if file not in digests:
            digests[file] = digest_of(path, "sha256").partition(":")[2]
    return {
        "release": release.name,
        "title": release.title,
        "rows_in": result.rows,
        "rows_out": result.kept,
        "rows_rejected": sum(result.refused.values()),
        "rejected": dict(result.refused.most_common()),
        "rows_left_out_on_request": result.left_out,
        "rows_drawn_as_negatives": result.drawn,
        "label": None if options.label is None else DEFINITIONS[options.label],
        "negatives": options.negatives if options.label == "click" else None,
        "seed": options.seed if options.label == "click" or options.sample_users < 1 else None,
        "n_users": int(np.count_nonzero(result.users)),
        "n_items": int(np.count_nonzero(result.items)),
        "first_timestamp": result.seconds[0] if result.seconds else None,
        "last_timestamp": result.seconds[1] if result.seconds else None,
        "window": list(release.log.window),
        "last_line_complete": result.complete_last_line,
        "files": {written.output.path.name: written.rows for written in result.files},
        "tables": tables.files,
        "missing_tables": tables.missing,
        "sha256_input": digests,
        "sha256_output": outputs,
    }
