"""Where a run computes: the device, and its place among the processes that torchrun started."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from recbole_ext.device_names import device_fault
from recbole_ext.errors import ResourceError, UsageError


@dataclass(frozen=True)
class Placement:
    """Device and rank of this process.

    Attributes:
        device: where tensors live.
        rank: place among all processes, 0 in a single one.
        local_rank: place among the processes of this machine.
        world_size: number of processes.
    """

    device: torch.device
    rank: int = 0
    local_rank: int = 0
    world_size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and logs."""
        return self.rank == 0


def place(values: Mapping[str, Any]) -> Placement:
    """Choose the device from `device`, RecBole's `use_gpu` and `gpu_id`, and torchrun's environment.

    Raises:
        UsageError: `device` is no device name.
        ResourceError: the requested device is not available.
    """
    rank, local_rank = int(os.environ.get("RANK", 0)), int(os.environ.get("LOCAL_RANK", 0))
    world_size = int(os.environ.get("WORLD_SIZE", 1))
    wanted = str(values.get("device") or "auto")
    if wanted == "auto":
        wanted = _best_device(values, local_rank, world_size)
    if fault := device_fault(wanted):
        raise UsageError(fault)
    device = torch.device(wanted)
    _require(device)
    return Placement(device, rank, local_rank, world_size)


def _best_device(values: Mapping[str, Any], local_rank: int, world_size: int) -> str:
    gpu_id = gpu_text(values)
    if values.get("use_gpu") is False or not gpu_id:
        return "cpu"
    if torch.cuda.is_available():
        return f"cuda:{local_rank if world_size > 1 else gpu_id.split(',')[0]}"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def gpu_text(values: Mapping[str, Any]) -> str:
    """`gpu_id` as RecBole reads it: `0` is the first GPU, as a number and as a text; "" is none."""
    given = values.get("gpu_id", 0)
    return "" if given is None else str(given)


def is_here(device: torch.device) -> bool:
    """Whether this machine has a device."""
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    return device.type != "mps" or torch.backends.mps.is_available()


def _require(device: torch.device) -> None:
    if not is_here(device):
        raise ResourceError(f"device {device} is not available here; use --device=cpu, or see: recbole-ext doctor")


@contextmanager
def process_group(placement: Placement) -> Iterator[None]:
    """Join the other processes of a torchrun for the length of a run; does nothing for a single one.

    Raises:
        ResourceError: another process has ended while this one waited for it.
    """
    if placement.world_size == 1 or dist.is_initialized():
        yield
        return
    backend = "nccl" if placement.device.type == "cuda" else "gloo"
    if backend == "nccl":
        torch.cuda.set_device(placement.device)
    dist.init_process_group(backend, timeout=timedelta(hours=12))
    try:
        yield
    except RuntimeError as error:
        if not is_lost_process(error):
            raise
        raise ResourceError(
            f"another process of this run has ended, so this one (rank {placement.rank}) cannot go on; its own output "
            "says why\nthe best weights so far are in the run's directory; start all processes again"
        ) from error
    finally:
        dist.destroy_process_group()


def is_lost_process(error: RuntimeError) -> bool:
    """Whether torch reports that a process with which this one computes is gone; gloo has no class for that."""
    lost = ("Connection closed by peer", "Connection reset by peer", "Broken pipe")
    known = isinstance(error, dist.DistError)
    return known or ("gloo" in str(error) and any(text in str(error) for text in lost))


def from_leader(value: Any, placement: Placement) -> Any:
    """The leading process's value, in every process."""
    if placement.world_size == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0, device=placement.device if placement.device.type == "cuda" else None)
    return box[0]


def mean_over_processes(values: list[float], placement: Placement) -> list[float]:
    """The mean of each value, in every process."""
    if placement.world_size == 1:
        return values
    total = torch.tensor(values, dtype=torch.float64, device=placement.device)
    dist.all_reduce(total)
    return (total / placement.world_size).tolist()
