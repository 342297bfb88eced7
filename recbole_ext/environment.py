"""What a result depends on besides settings and data: versions, source, machine, device."""

import os
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import torch

from recbole_ext.host_memory import memory_total
from recbole_ext.source_commit import source_commit
from recbole_ext.versions import all_versions

_CPU_INFO = Path("/proc/cpuinfo")
_CPU_FIELDS = ("model name", "Processor", "Hardware", "cpu model")
"""How the line of the processor's name begins, on x86 first."""


def environment(device: torch.device) -> dict[str, Any]:
    """Versions, source, machine and device of this process."""
    on_gpu = device.type == "cuda"
    return {
        "packages": all_versions(),
        "commit": source_commit(),
        "system": platform.platform(),
        "processor": processor_name(),
        "cpu_cores": os.cpu_count(),
        "physical_cores": psutil.cpu_count(logical=False),
        "torch_threads": torch.get_num_threads(),
        "memory_gb": round(memory_total() / 1e9, 1),
        "device": str(device),
        "gpu": torch.cuda.get_device_name(device) if on_gpu else None,
        "gpu_memory_gb": round(torch.cuda.get_device_properties(device).total_memory / 1e9, 1) if on_gpu else None,
    }


@cache
def processor_name() -> str:
    """The processor as its maker calls it; its architecture where the system does not report a name."""
    return _from_cpu_info() or _from_sysctl() or platform.processor() or platform.machine()


def _from_cpu_info() -> str:
    try:
        lines = [line.partition(":") for line in _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return ""
    found = {name.strip(): " ".join(value.split()) for name, _, value in lines}
    return next((found[field] for field in _CPU_FIELDS if found.get(field)), "")


def _from_sysctl() -> str:
    """On macOS."""
    words = ["sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
