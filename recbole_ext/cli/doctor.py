"""`doctor`: what works on this machine, and the command that fixes what does not."""

import os
import shutil
from pathlib import Path

import psutil

from recbole_ext.places import found_datasets
from recbole_ext.versions import package_versions

TESTED = {"torch": (2, 10), "numpy": (1, 24), "pandas": (2, 0), "scipy": (1, 9)}
BELOW = {"numpy": (2,), "pandas": (3,), "scipy": (1, 13)}


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


def _package(name: str, number: str) -> str:
    found = tuple(int(part) for part in number.split("+")[0].split(".")[:2] if part.isdigit())
    if name in TESTED and found < TESTED[name]:
        return f"{name} {number}: too old; run: pip install '{name}>={_dotted(TESTED[name])}'"
    if name in BELOW and found >= BELOW[name]:
        return f"{name} {number}: RecBole breaks on it; run: pip install '{name}<{_dotted(BELOW[name])}'"
    return f"{name} {number}: ok"


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


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
