"""How much memory this process can have: that of the machine, or of the control group that it runs in (a container)."""

from collections.abc import Iterator
from pathlib import Path

import psutil

GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
_UNLIMITED = 1 << 60
"""Version 1 writes a number near 2^63 for no limit."""


def memory_total() -> int:
    """Bytes that this process can have at most."""
    return min([psutil.virtual_memory().total, *(limit for _, limit in _groups())])


def memory_share() -> float:
    """The fraction of that memory that is in use, by whatever process; of several limits, the nearest one."""
    machine = psutil.virtual_memory()
    return max([1 - machine.available / machine.total, *(used / limit for used, limit in _groups())])


def _groups() -> Iterator[tuple[int, int]]:
    """Bytes used and bytes allowed of each control group that limits this process."""
    for folder in _folders():
        for used, limit in (("memory.current", "memory.max"), ("memory.usage_in_bytes", "memory.limit_in_bytes")):
            allowed, held = _number(folder / limit), _number(folder / used)
            if allowed and held is not None and allowed < _UNLIMITED:
                yield max(0, held - _file_cache(folder)), allowed


def _folders() -> list[Path]:
    """The folders of this process's group and of the groups around it, under both versions."""
    try:
        lines = MEMBERSHIP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found: list[Path] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            root = GROUPS / controllers
            inner = root / path.lstrip("/")
            found += [root, *(each for each in (inner, *inner.parents) if root in each.parents)]
    return found


def _file_cache(folder: Path) -> int:
    """Bytes of files that the kernel gives up when memory is short; they are counted as used."""
    try:
        pairs = (line.split() for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines())
        return next((int(value) for name, value in pairs if name in ("inactive_file", "total_inactive_file")), 0)
    except (OSError, ValueError):
        return 0


def _number(path: Path) -> int | None:
    """The number in a file; None for `max` and where there is none."""
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
