"""Where the interactions of a data set are: in one file, or in the files of a cut."""

import shlex
from pathlib import Path

from dataset_tools.errors import UsageError
from dataset_tools.sources import RELEASES

PARTS = ("train", "valid", "test")


def with_name(path: str | Path) -> Path:
    """The path; of `.` and of `..`, which do not say what their folder is called, the whole one."""
    return Path(path).resolve() if Path(path).name in ("", "..") else Path(path)


def interaction_files(path: Path) -> list[Path]:
    """The file itself, or `<name>.inter` of a folder, or the parts of a cut in the order of time.

    Raises:
        UsageError: none of them exists.
    """
    path = with_name(path)
    whole = path / f"{path.name}.inter" if path.is_dir() else path
    if whole.is_file():
        return [whole]
    parts = [path / f"{path.name}.{part}.inter" for part in PARTS] if path.is_dir() else []
    found = [part for part in parts if part.is_file()]
    if not found:
        expected = whole.name if whole.suffix else f"{path.name}/{path.name}.inter"
        release = next((name for name in RELEASES if path.name.startswith(name)), "RELEASE")
        raise UsageError(
            f"{path}: no data set there (expected {expected}).\n"
            f"Create one: recbole-data convert {release} --input <zip or folder> "
            f"--output {shlex.quote(str(path.parent))}"
        )
    return found


def whole_file(path: Path) -> Path:
    """The one file of a data set.

    Raises:
        UsageError: there is none, or the data set is cut.
    """
    files = interaction_files(path)
    if len(files) > 1:
        raise UsageError(f"{path}: it is cut into files; name one of them, or the data set from which it was made.")
    return files[0]
