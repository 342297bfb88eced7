"""A release as people download it -> a folder with atomic files, the rejected rows and a summary."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset_tools.convert.buckets import View
from dataset_tools.convert.labels import Labelling
from dataset_tools.convert.log import LogJob, LogResult, Refusals, convert_log, inter_headers
from dataset_tools.convert.quarantine import RejectedList
from dataset_tools.convert.side_tables import SideTables
from dataset_tools.engines.choice import make_engine
from dataset_tools.errors import ResourceError, UsageError
from dataset_tools.files.publish import require_folder_name, whole_folder
from dataset_tools.files.yaml_file import dataset_yaml
from dataset_tools.sources.archive import find_inputs
from dataset_tools.sources.fetch import digest_of
from dataset_tools.sources.label_definitions import DEFINITIONS
from dataset_tools.sources.release import ORDERS, Release

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
        seed: of the sample and of sampled negatives.
        order: of the rows, `time` or `file`.
        max_rejected: fraction of the rows of each file that may be refused.
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
    order: str = "time"
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
        "--order file": options.order == "file" and bool(release.options),
        "--sample-users": options.sample_users != 1.0 and "sample_users" not in release.options,
    }
    wrong = [option for option, refused in asked.items() if refused]
    if wrong:
        raise UsageError(f"{release.name}: not there for this release: {', '.join(wrong)}; leave it out.")
    if options.order not in ORDERS:
        raise UsageError(f"--order {options.order}: unknown; allowed: {', '.join(ORDERS)}.")
    if not 0 < options.sample_users <= 1:
        raise UsageError(f"--sample-users: fraction of the users in (0, 1], got {options.sample_users}.")
    require_folder_name(options.name)


def convert(options: ConvertOptions) -> dict[str, Any]:
    """Write `<output>/<name>/` and return its summary.

    Raises:
        UsageError, DataError, ResourceError: see the modules that do the work; nothing is left behind then.
    """
    with whole_folder(options.target, options.overwrite, [options.input]) as folder:
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
        release = options.release
        tables = SideTables(release, inputs, rejected, options.max_rejected, options.tags, options.links)
        tables.write(folder / name, result.pairs)
    finally:
        rejected.close()
    headers = inter_headers(options.release.log, _labelling(options))
    text = dataset_yaml(options.release.title, headers, tables.columns, sampled_negatives=result.sampled > 0)
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
        file_order=options.order == "file",
        keep_code=log.symbols.index("pv") if options.label == "click" else -1,
        quiet=options.quiet,
    )
    engine = make_engine(options.engine, options.threads, options.ray_address)
    try:
        return convert_log(job, engine)
    finally:
        engine.close()


def _summary(
    options: ConvertOptions, inputs: dict[str, Path], folder: Path, result: LogResult, tables: SideTables
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
        "rows_drawn_as_negatives": result.sampled,
        "label": None if options.label is None else DEFINITIONS[options.label],
        "negatives": options.negatives if options.label == "click" else None,
        "seed": options.seed if options.label == "click" or options.sample_users < 1 else None,
        "n_users": int(np.count_nonzero(result.users)),
        "n_items": int(np.count_nonzero(result.items)),
        "order": options.order,
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
