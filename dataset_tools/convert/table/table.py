"""A table of one's own to a folder with atomic files, the rejected rows and a summary."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dataset_tools.convert.quarantine import RejectedList
from dataset_tools.convert.table.layout import Layout
from dataset_tools.convert.table.log import TableLog
from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.reading.source import Source, find_source
from dataset_tools.convert.table.resolve import resolve
from dataset_tools.convert.table.result import inter_headers, sha256, summary_of
from dataset_tools.convert.table.side import SideTable
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
    report = report or _print
    sources = [find_source(path, options.columns, options.encoding) for path in options.input]
    layout, command = resolve(options, sources)
    if command:
        report(f"guessed; this command states it:\n  {command}")
    for sentence in _notices(sources, layout):
        report(sentence)
    sides = _side_tables(options, layout)
    with whole_folder(options.target, options.overwrite, options.read) as folder:
        work = folder / "work"
        work.mkdir()
        _check_space(options, folder)
        summary = _write_all(options, sources, layout, sides, folder, report)
        shutil.rmtree(work)
    return summary


def _print(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _notices(sources: list[Source], layout: Layout) -> Iterator[str]:
    if not layout.time:
        yield _NO_TIME
    left = [name for name in sources[0].columns if name not in layout.wanted]
    if left:
        yield f"columns left out: {', '.join(left[:20])}{' ...' * (len(left) > 20)}; --keep adds columns"


def _check_space(options: TableOptions, folder: Path) -> None:
    need = int(DISK_FACTOR * sum(path.stat().st_size for path in options.input))
    free = shutil.disk_usage(folder).free
    if need > free:
        raise ResourceError(
            f"{folder.parent}: {free >> 20:,} MiB free, about {need >> 20:,} MiB needed.\n"
            "Free some space or choose another --output."
        )


def _write_all(
    options: TableOptions,
    sources: list[Source],
    layout: Layout,
    sides: list[SideTable],
    folder: Path,
    report: Callable[[str], object],
) -> dict[str, Any]:
    stem = folder / options.target.name
    rejected = RejectedList(stem.with_name(f"{stem.name}.rejected.tsv"))
    engine = make_engine(options.engine, options.threads, options.ray_address)
    log = TableLog(options, sources, layout, folder / "work", rejected, engine, report)
    try:
        with ThreadPoolExecutor(1) as background:
            digests = {path: background.submit(sha256, path) for path in options.read if path is not None}
            inter = log.write(stem.with_name(f"{stem.name}.inter"))
            tables = {
                side.path.name: side.write(stem.with_name(f"{stem.name}.{side.kind}"), rejected, options.max_rejected)
                for side in sides
            }
            log.counts.inputs = {str(path): digest.result() for path, digest in digests.items()}
    finally:
        engine.close()
        rejected.close()
    headers = inter_headers(layout, log.counts)
    columns = {side.kind: side.headers for side in sides}
    text = dataset_yaml(f"{stem.name}: a table converted by recbole-data", headers, columns)
    _write(stem, "yaml", text)
    summary = summary_of(options, layout, folder, log.counts, inter, tables)
    _write(stem, "summary.json", json.dumps(summary, indent=2) + "\n")
    return summary


def _side_tables(options: TableOptions, layout: Layout) -> list[SideTable]:
    """The tables of users and items that are given."""
    users = ("user", options.users, options.user_key, layout.user)
    items = ("item", options.items, options.item_key, layout.item)
    given = ((path, kind, key, name) for kind, path, key, name in (users, items) if path is not None)
    return [SideTable(*each, options.encoding) for each in given]


def _write(stem: Path, suffix: str, text: str) -> None:
    stem.with_name(f"{stem.name}.{suffix}").write_text(text, encoding="utf-8")
