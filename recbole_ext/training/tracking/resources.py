"""What a run takes of its machine: memory, processors and the GPU, in the columns of an epoch."""

import os
import subprocess
import time
from collections.abc import Callable

import psutil
import torch

from recbole_ext.host_memory import memory_share
from recbole_ext.training.hook import Hook

OF_MACHINE = ("memory_", "cpu_", "gpu_")
"""Beginnings of the names of all columns of this module; like seconds, they differ from run to run."""
SECONDS = 5.0
"""Between two samples within an epoch; one is taken at its end in any case."""


class Resources(Hook):
    """Samples of one epoch.

    Args:
        device: of the run.

    Attributes:
        most: column -> the largest sample of the epoch.
        gpu_uses: samples of how busy the GPU is.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.process = device, psutil.Process()
        self.most: dict[str, float] = {}
        self.gpu_uses: list[float] = []
        self.sampled_at = self.began_at = time.monotonic()
        self.cpu_seconds = _cpu_seconds(self.process)

    def after_step(self) -> None:
        """Sample, if the last time is `SECONDS` ago."""
        self.sample()

    def sample(self, at_once: bool = False) -> None:
        """Take one sample; between two there are `SECONDS`, unless it is `at_once`."""
        if not at_once and time.monotonic() - self.sampled_at < SECONDS:
            return
        self.sampled_at = time.monotonic()
        found = {"memory_mb": self.process.memory_info().rss / 2**20, "memory_share": memory_share()}
        found |= gpu_memory(self.device)
        self.most |= {name: max(value, self.most.get(name, 0.0)) for name, value in found.items()}
        self.gpu_uses += [use for use in [gpu_use(self.device)] if use is not None]

    def recent(self) -> dict[str, float]:
        """Cells of the moment, for an epoch that is not over."""
        return dict(self.most)

    def columns(self) -> dict[str, float]:
        """Cells of the epoch's row: the most memory, mean use of processors and GPU, all in [0, 1] but `memory_mb`."""
        self.sample(at_once=True)
        now, cpu_seconds = time.monotonic(), _cpu_seconds(self.process)
        used = (cpu_seconds - self.cpu_seconds) / max(now - self.began_at, 1e-9) / _cores()
        row = {name: round(value, 1 if name.endswith("_mb") else 4) for name, value in self.most.items()}
        row["cpu_use"] = round(max(0.0, used), 4)
        if self.gpu_uses:
            row["gpu_use"] = round(sum(self.gpu_uses) / len(self.gpu_uses), 4)
        self.most, self.gpu_uses = {}, []
        self.began_at, self.cpu_seconds = now, cpu_seconds
        return row


def gpu_memory(device: torch.device) -> dict[str, float]:
    """Memory of a GPU that is in use, by whatever process, in MB (2^20 bytes) and as a fraction; {} without one."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return _cells(total - free, total)
    if device.type == "mps":
        return _cells(torch.mps.driver_allocated_memory(), torch.mps.recommended_max_memory())
    return {}


def _cells(used: int, total: int) -> dict[str, float]:
    return {"gpu_memory_mb": used / 2**20, "gpu_memory_share": used / total}


def gpu_use(device: torch.device, ask: Callable[[str], str] | None = None) -> float | None:
    """How busy an NVIDIA GPU has been in the last moment, in [0, 1]; None where nothing answers.

    Args:
        device: of the run.
        ask: what `nvidia-smi` answers about the GPU with a UUID; None for the program itself.
    """
    if device.type != "cuda":
        return None
    try:
        return float((ask or _nvidia_smi)(f"GPU-{torch.cuda.get_device_properties(device).uuid}")) / 100
    except (OSError, subprocess.SubprocessError, ValueError, AttributeError):  # not installed; a part of a GPU (MIG)
        return None


def _nvidia_smi(uuid: str) -> str:
    command = ["nvidia-smi", f"--id={uuid}", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()


def _cpu_seconds(process: psutil.Process) -> float:
    """Processor seconds of a process and of its loader processes, ended ones too."""
    own = process.cpu_times()
    total = own.user + own.system + getattr(own, "children_user", 0.0) + getattr(own, "children_system", 0.0)
    for child in process.children():
        try:
            of_child = child.cpu_times()
            total += of_child.user + of_child.system
        except psutil.Error:  # it has just ended, and is counted among the ended ones
            continue
    return total


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
