"""An export: a new directory with the files of one format and `manifest.json`, whole or not at all."""

import json
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from dataset_tools.files.publish import whole_folder
from dataset_tools.files.replace import flush
from recbole_ext import __version__
from recbole_ext.errors import UsageError
from recbole_ext.files import sha256_of
from recbole_ext.runs.checkpoint import read_description, weights_hash
from recbole_ext.runs.run_files import read_result
from recbole_ext.serving.export.formats import require_format, require_new
from recbole_ext.serving.load import LoadedRun

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: the directory.
        files: names of the files in it, without the manifest.
        notes: what a reader of the files must know, a sentence each.
    """

    folder: Path
    files: list[str]
    notes: list[str] = field(default_factory=list)


def export(run: LoadedRun, name: str, output: Path) -> Exported:
    """Write a run in a format.

    Args:
        run: opened.
        name: of `FORMATS`.
        output: a new directory.

    Raises:
        UsageError: the format is unknown, the output exists, or the model cannot be written in this format.
        ResourceError: a package of the extra `[export]` is missing, or the disk refuses; nothing is left behind.
    """
    require_format(name)
    require_new(output)
    if output.resolve().is_relative_to((run.path / "checkpoint").resolve()):
        raise UsageError(f"--output={output}: it is within the checkpoints of the run; name another directory")
    write = import_module(f"recbole_ext.serving.export.{name}").write
    with whole_folder(output.absolute(), overwrite=False) as folder:
        notes = [*_unfinished(run), *write(run, folder)]
        files = _described(folder)
        manifest = {**facts(run), "kind": name, "notes": notes, "files": files}
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return Exported(output, list(files), notes)


def facts(run: LoadedRun) -> dict[str, Any]:
    """What identifies the run and its weights."""
    return {
        "format": FORMAT,
        "recbole_ext": __version__,
        "run": run.path.resolve().name,
        "model": run.config.model,
        "dataset": run.config.dataset,
        "weights_sha256": weights_hash(run.path),
        "protocol": protocol(run),
    }


def protocol(run: LoadedRun) -> dict[str, Any]:
    """The recorded protocol; {} for a run that has not finished."""
    return dict(read_result(run.path).get("protocol") or {})


def _unfinished(run: LoadedRun) -> list[str]:
    if read_result(run.path):
        return []
    epoch = read_description(run.path / "checkpoint", "best").get("epoch")
    return [f"the run has not finished: these are its best weights so far, of epoch {epoch}"]


def _described(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and sha256 of each file, which is on the disk then."""
    found = {}
    for path in sorted(folder.rglob("*")):
        flush(path)
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
    return found
