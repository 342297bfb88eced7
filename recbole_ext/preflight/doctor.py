"""`doctor`: what works on this machine, and the command that fixes what does not."""

import os
import shutil
from pathlib import Path

import psutil

from recbole_ext.places import found_datasets
from recbole_ext.preflight.gpu import gpu_lines
from recbole_ext.preflight.packages import PURPOSES, Package, examined
from recbole_ext.versions import package_versions


def report(quick: bool = False) -> str:
    """Packages, scan back ends, devices, memory, disk and data sets, one line each.

    Args:
        quick: leave out what only an imported torch can answer.
    """
    later = ["scan back ends and devices: `doctor` without --quick imports torch and tries them"]
    of_torch = [("not examined", later)] if quick else [("scan back ends", _backends()), ("devices", _devices())]
    parts = [("packages", _packages()), ("optional packages", _optional())]
    parts += [*of_torch, ("machine", machine_lines()), ("data sets", _datasets())]
    return "\n".join(line for title, lines in parts for line in (f"{title}:", *(f"  {x}" for x in lines)))


def broken() -> list[Package]:
    """Required packages that are not installed, or in a version that does not work."""
    return [package for package in examined() if package.problem]


def _packages() -> list[str]:
    ours = [f"{name} {number}: ok" for name, number in package_versions().items() if name in ("recbole_ext", "python")]
    return [*ours, *(package.line() for package in examined())]


def _optional() -> list[str]:
    return [f"{package.line()} ({purpose})" for group, purpose in PURPOSES.items() for package in examined(group)]


def _backends() -> list[str]:
    from recbole_ext.ssm.backend import backend_status

    return [f"{name}: {'ok' if reason is None else reason}" for name, reason in backend_status().items()]


def _devices() -> list[str]:
    import torch

    return [f"cpu: ok, {os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads", *gpu_lines()]


def machine_lines() -> list[str]:
    """Memory and disk that are free."""
    memory, disk = psutil.virtual_memory(), shutil.disk_usage(Path.cwd())
    return [
        f"memory: {memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free",
        f"disk: {disk.free / 1e9:.1f} GB free in {Path.cwd()}",
    ]


def _datasets() -> list[str]:
    names = found_datasets(Path("dataset"))
    return [", ".join(names), "more: python -m dataset_tools convert RELEASE --input PATH --output dataset"]
