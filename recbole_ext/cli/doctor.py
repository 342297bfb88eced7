"""`doctor`: what works on this machine, and the command that fixes what does not."""

import os
import shutil
import sys
from pathlib import Path

import psutil
from packaging.version import Version

from recbole_ext.places import found_datasets
from recbole_ext.versions import package_versions

OLDEST = {"torch": "2.10", "numpy": "1.24", "pandas": "2", "scipy": "1.9"}
BELOW = {"numpy": "2", "pandas": "3", "scipy": "1.13"}
OF_313 = {"numpy": ("2.1", "3"), "scipy": ("1.14.1", "")}
"""The ranges of setup.cfg, and those of Python 3.13, for which there is no numpy 1."""


def report(quick: bool = False) -> str:
    """Versions, scan back ends, devices, memory, disk and data sets, one line each.

    Args:
        quick: leave out what only an imported torch can answer.
    """
    packages = [_package(name, number) for name, number in package_versions().items()]
    later = ["scan back ends and devices: `doctor` without --quick imports torch and tries them"]
    of_torch = [("not examined", later)] if quick else [("scan back ends", _backends()), ("devices", _devices())]
    parts = [("packages", packages), *of_torch, ("machine", _machine()), ("data sets", _datasets())]
    return "\n".join(line for title, lines in parts for line in (f"{title}:", *(f"  {x}" for x in lines)))


def _range(name: str, python: tuple[int, ...]) -> tuple[str, str]:
    """First version that does and first that does not, "" where there is no such bound."""
    usual = OLDEST.get(name, ""), BELOW.get(name, "")
    return OF_313.get(name, usual) if python >= (3, 13) else usual


def _package(name: str, number: str, python: tuple[int, ...] = sys.version_info[:2]) -> str:
    found = Version(Version(number).base_version)
    oldest, below = _range(name, python)
    if oldest and found < Version(oldest):
        return f"{name} {number}: too old; run: pip install '{name}>={oldest}'"
    if below and found >= Version(below):
        return f"{name} {number}: RecBole breaks on it; run: pip install '{name}<{below}'"
    return f"{name} {number}: ok"


def _backends() -> list[str]:
    from recbole_ext.ssm.backend import backend_status

    return [f"{name}: {'ok' if reason is None else reason}" for name, reason in backend_status().items()]


def _devices() -> list[str]:
    import torch

    lines = [f"cpu: ok, {os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads"]
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        lines.append(
            f"cuda:{index}: {torch.cuda.get_device_name(index)}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
        )
    if not torch.cuda.is_available():
        built = torch.version.cuda
        lines.append(
            "cuda: no GPU is visible; check with: nvidia-smi"
            if built
            else "cuda: this torch is built without CUDA; choose a build at https://pytorch.org/get-started/locally"
        )
    if torch.backends.mps.is_available():
        lines.append("mps: ok")
    return lines


def _machine() -> list[str]:
    memory, disk = psutil.virtual_memory(), shutil.disk_usage(Path.cwd())
    return [
        f"memory: {memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free",
        f"disk: {disk.free / 1e9:.1f} GB free in {Path.cwd()}",
    ]


def _datasets() -> list[str]:
    names = found_datasets(Path("dataset"))
    return [", ".join(names), "more: python -m dataset_tools convert RELEASE --input PATH --output dataset"]
