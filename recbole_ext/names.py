"""Names that become parts of paths or of modules, and paths that must stay inside their folder."""

import os
import re
from pathlib import Path

from recbole_ext.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


def is_name(name: object) -> bool:
    """Whether this is 1 to 64 letters, digits, `.`, `_` or `-`, the first one no `.`."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def checked_name(what: str, name: object) -> str:
    """A name that is safe as a part of a path.

    Args:
        what: named in the error, for instance `--dataset`.
        name: what was given.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(name, str) or not is_name(name):
        raise UsageError(
            f"{what} must be 1 to 64 letters, digits, '.', '_' or '-', the first one no '.' (got {str(name)[:80]!r})"
        )
    return name


def named_folder(text: str | Path, root: str | Path, file: str) -> Path:
    """A folder by its path, or by its name in the folder where such ones lie by default.

    Args:
        text: a path, or a name in `root`.
        root: the default folder.
        file: what every such folder holds.

    Returns:
        The path as it is, unless nothing lies there and `root` has a folder of this name; `.` and `..` become
        paths with a name.
    """
    path, inside = Path(text), Path(root) / text
    if path.name in ("", ".."):
        return Path(os.path.abspath(path))
    return inside if not path.exists() and (inside / file).is_file() else path


def refuse_links(folder: Path) -> None:
    """A run's files and checkpoints are no links: what is appended to them would go elsewhere.

    Raises:
        UsageError: one of them is a link.
    """
    for path in (folder / "checkpoint", *folder.iterdir(), *(folder / "checkpoint").glob("*")):
        if path.is_symlink():
            raise UsageError(f"{path} is a link; a run's own files are needed, so copy the file or remove the link")


def inside(folder: Path, name: object) -> Path:
    """The file of this name in a folder, links followed.

    Raises:
        UsageError: the name has other parts, or the file is a link to a place outside.
    """
    path = folder / str(name)
    if not isinstance(name, str) or path.name != name or "\0" in name or path.resolve().parent != folder.resolve():
        raise UsageError(f"{folder}: {str(name)[:80]!r} lies outside this folder; it is not opened")
    return path


CONTEXT = "context_"
"""Prefix of context columns in models and batches of clicks, whose other fields have fixed names."""


def part_name(column: str, prefix: str = "column_") -> str:
    """`column_age` of `age`, a name for a part of a torch module.

    torch takes no dots, and no name that a container has already, such as `type`.
    """
    return prefix + column.replace("%", "%25").replace(".", "%2E")
