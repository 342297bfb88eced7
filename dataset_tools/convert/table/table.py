"""A table of one's own to a folder with atomic files, the rejected rows and a summary."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dataset_tools.convert.quarantine import RejectedList
from dataset_tools.convert.table.log import TableLog
from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.plan import Plan, planned
from dataset_tools.convert.table.result import inter_headers, summary_of
from dataset_tools.engines.choice import make_engine
from dataset_tools.errors import ResourceError
from dataset_tools.files.publish import whole_folder
from dataset_tools.files.yaml_file import dataset_yaml

DISK_FACTOR = 3.0  # runs and output together, as a multiple of the input; packed inputs are refused only by the disk
_NO_TIME = "no column of times: the order of the file is the order of the events"


def convert_table(options: TableOptions, report: Callable[[str], object] | None = None) -> dict[str, Any]:
    """Write `<output>/<name>/` and return its summary.

    Args:
        options: what to convert.
        report: called with each sentence for the user; standard error unless given.

    Raises:
        UsageError, DataError, ResourceError: see the modules that do the work; nothing is left behind then.
    """
    return write_plan(planned(options), report or print_sentence)


def write_plan(plan: Plan, report: Callable[[str], object]) -> dict[str, Any]:
    """Carry out a conversion, see `convert_table`."""
    if plan.guessed:
        report(plan.guessed)
    for sentence in _notices(plan):
        report(sentence)
    options = plan.options
    with whole_folder(options.target, options.overwrite, options.read) as folder:
        work = folder / "work"
        work.mkdir()
        _check_space(plan, folder)
        summary = _write_all(plan, folder, report)
        shutil.rmtree(work)
    return summary


def print_sentence(sentence: str) -> None:
    """A sentence for the user on standard error."""
    print(sentence, file=sys.stderr)


def _notices(plan: Plan) -> Iterator[str]:
    if not plan.layout.time:
        yield _NO_TIME
    first = plan.sources[0]
    left = [name for name in first.columns if name not in plan.layout.wanted]
    left += [] if first.frame is None else [f"{name} (the index)" for name in first.frame.index]
    if left:
        yield f"columns left out: {', '.join(left[:20])}{' ...' * (len(left) > 20)}; --keep adds columns"


def _check_space(plan: Plan, folder: Path) -> None:
    need = int(DISK_FACTOR * sum(source.size for source in plan.sources))
    free = shutil.disk_usage(folder).free
    if need > free:
        raise ResourceError(
            f"{folder.parent}: {free >> 20:,} MiB free, about {need >> 20:,} MiB needed.\n"
            "Free some space or choose another --output."
        )


def _write_all(plan: Plan, folder: Path, report: Callable[[str], object]) -> dict[str, Any]:
    options, layout = plan.options, plan.layout
    stem = folder / options.target.name
    rejected = RejectedList(stem.with_name(f"{stem.name}.rejected.tsv"))
    engine = make_engine(options.engine, options.threads, options.ray_address)
    log = TableLog(options, plan.sources, layout, folder / "work", rejected, engine, report)
    try:
        with ThreadPoolExecutor(1) as background:
            digests = background.submit(lambda: plan.digests.by_input)
            inter = log.write(stem.with_name(f"{stem.name}.inter"))
            tables = {
                side.source.path.name: side.write(
                    stem.with_name(f"{stem.name}.{side.kind}"), rejected, options.max_rejected
                )
                for side in plan.sides
            }
            log.counts.inputs = digests.result()
    finally:
        engine.close()
        rejected.close()
    headers = inter_headers(layout, log.counts)
    columns = {side.kind: side.headers for side in plan.sides}
    title = f"{stem.name}: a table converted by recbole-data"
    text = dataset_yaml(title, headers, columns, no_times=plan.no_times)
    _write(stem, "yaml", text)
    summary = summary_of(options, layout, folder, log.counts, inter, tables)
    summary["made_of"] = plan.fingerprint
    _write(stem, "summary.json", json.dumps(summary, indent=2) + "\n")
    return summary


def _write(stem: Path, suffix: str, text: str) -> None:
    stem.with_name(f"{stem.name}.{suffix}").write_text(text, encoding="utf-8")
