"""The header line of every table: the machine on which the numbers were measured."""

import os
import platform
from pathlib import Path

import torch

from recbole_ext.versions import package_versions


def describe() -> str:
    """Processor, cores, threads, load and versions, on one line."""
    versions = package_versions()
    names = " ".join(f"{name} {versions[name]}" for name in ("python", "torch", "recbole", "recbole_ext"))
    gpu = torch.cuda.get_device_name() + ", " if torch.cuda.is_available() else ""
    load = os.getloadavg()[0]
    return f"{gpu}{_processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, load {load:.1f}; {names}"


def peak_memory_mb() -> float:
    """Largest resident memory of this process since its start, or since `forget_peak_memory`; Linux."""
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def forget_peak_memory() -> float:
    """Reset the peak to what is resident now, and return that in MB; Linux."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_memory_mb()


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
