"""What a result depends on besides code and data: versions, machine, device."""

import os
import platform
from typing import Any

import torch

from recbole_ext.host_memory import memory_total
from recbole_ext.versions import package_versions


def environment(device: torch.device) -> dict[str, Any]:
    """Versions, machine and device of this process."""
    on_gpu = device.type == "cuda"
    return {
        "packages": package_versions(),
        "system": platform.platform(),
        "cpu_cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "memory_gb": round(memory_total() / 1e9, 1),
        "device": str(device),
        "gpu": torch.cuda.get_device_name(device) if on_gpu else None,
        "gpu_memory_gb": round(torch.cuda.get_device_properties(device).total_memory / 1e9, 1) if on_gpu else None,
    }
