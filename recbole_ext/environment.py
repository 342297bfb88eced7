"""What a result depends on besides code and data: versions, machine, device."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil
import torch

import recbole_ext

PACKAGES = ("recbole", "torch", "numpy", "pandas", "scipy", "polars", "safetensors", "mamba-ssm", "causal-conv1d")


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that can change a result."""
    found = {"recbole_ext": recbole_ext.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def environment(device: torch.device) -> dict[str, Any]:
    """Versions, machine and device of this process."""
    on_gpu = device.type == "cuda"
    return {
        "packages": package_versions(),
        "system": platform.platform(),
        "cpu_cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "device": str(device),
        "gpu": torch.cuda.get_device_name(device) if on_gpu else None,
        "gpu_memory_gb": round(torch.cuda.get_device_properties(device).total_memory / 1e9, 1) if on_gpu else None,
    }
