"""Which back end executes a scan: what each one needs, and how `auto` chooses."""

import functools
import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch

from recbole_ext.ssm.names import BACKENDS

_LOGGER = logging.getLogger(__name__)

SELECTIVE = "selective_scan"
DIAGONAL = "diagonal_scan"

# What the compiled kernels take; their state is float32.
_KERNEL_TYPES = {
    SELECTIVE: (torch.float32, torch.bfloat16, torch.float16),
    DIAGONAL: (torch.float32, torch.complex64),
}


class BackendUnavailable(RuntimeError):
    """The back end that was asked for cannot run this scan here.

    `exit_code` is what a command line ends with: 4, a missing resource.
    """

    exit_code = 4


@dataclass(frozen=True)
class ScanRequest:
    """What a back end has to be able to do.

    Attributes:
        operation: `selective_scan` or `diagonal_scan`.
        device_type: `cpu`, `cuda` or `mps`.
        dtype: Type of the inputs.
        carries_state: Whether a state from before the window enters the scan.
    """

    operation: str
    device_type: str
    dtype: torch.dtype
    carries_state: bool


def _always(request: ScanRequest) -> str | None:
    """Plain PyTorch runs everywhere."""
    return None


def _cpu_obstacle(request: ScanRequest) -> str | None:
    """Why the compiled CPU kernel cannot serve the request, None if it can."""
    if request.device_type != "cpu":
        return f"it runs on CPUs only, and this is {request.device_type}; leave the back end at auto"
    if importlib.util.find_spec("numba") is None:
        return "numba is not installed; run: pip install numba"
    return _type_obstacle(request)


def _triton_obstacle(request: ScanRequest) -> str | None:
    """Why the Triton kernel cannot serve the request, None if it can."""
    if request.device_type != "cuda":
        return f"it runs on CUDA GPUs only, and this is {request.device_type}; leave the back end at auto"
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed; run: pip install triton"
    return _type_obstacle(request)


def _type_obstacle(request: ScanRequest) -> str | None:
    """Why a compiled kernel cannot take the type, None if it can."""
    if request.dtype not in _KERNEL_TYPES[request.operation]:
        return f"it has no kernel for {request.dtype}; use backend=auto"
    return None


def _mamba_ssm_obstacle(request: ScanRequest) -> str | None:
    """Why mamba-ssm's CUDA kernel cannot serve the request, None if it can."""
    if request.device_type != "cuda":
        return f"it runs on CUDA GPUs only, and this is {request.device_type}; leave the back end at auto"
    if importlib.util.find_spec("selective_scan_cuda") is None:
        return (  # later versions leave the CUDA scan of Mamba-1 out, unless they are built with a flag
            "its CUDA extension is not installed; with CUDA's compiler nvcc on the PATH, run: "
            "pip install --no-build-isolation 'mamba-ssm>=2.2.2,<2.3'"
        )
    if request.operation != SELECTIVE:
        return "it has no diagonal_scan; use backend=auto"
    if request.carries_state:
        return "its kernel takes no initial_state; use backend=auto"
    return None


_OBSTACLES: dict[str, Callable[[ScanRequest], str | None]] = {
    "reference": _always,
    "parallel": _always,
    "cpu": _cpu_obstacle,
    "triton": _triton_obstacle,
    "mamba_ssm": _mamba_ssm_obstacle,
}
_FASTEST_FIRST = {"cuda": ("triton", "mamba_ssm", "parallel"), "cpu": ("cpu", "parallel")}


@functools.cache
def _resolve(name: str, request: ScanRequest) -> str:
    """The back end for a request, logged the first time it is asked for."""
    if name != "auto":
        obstacle = _OBSTACLES[name](request)
        if obstacle:
            raise BackendUnavailable(f"back end {name} cannot run {request.operation} here: {obstacle}")
        return name
    candidates = _FASTEST_FIRST.get(request.device_type, ("parallel",))
    chosen = next(c for c in candidates if _OBSTACLES[c](request) is None)
    _LOGGER.info("%s on %s (%s): back end %s", request.operation, request.device_type, request.dtype, chosen)
    return chosen


def resolve_backend(
    name: str,
    device_type: str,
    operation: str = SELECTIVE,
    dtype: torch.dtype = torch.float32,
    carries_state: bool = False,
) -> str:
    """Turn `auto` into the fastest back end that can do it; hold an explicit choice to its word.

    Args:
        name: `auto` or one of `BACKENDS`.
        device_type: `cpu`, `cuda` or `mps`.
        operation: `selective_scan` or `diagonal_scan`.
        dtype: Type of the inputs.
        carries_state: Whether an initial state is given.

    Returns:
        One of `BACKENDS`.

    Raises:
        ValueError: If the name is unknown.
        BackendUnavailable: If the named back end is not available; with the reason and what to run.
    """
    if name != "auto" and name not in BACKENDS:
        raise ValueError(f"backend must be auto or one of {', '.join(BACKENDS)} (got {name})")
    return _resolve(name, ScanRequest(operation, device_type, dtype, carries_state))


def backend_status() -> dict[str, str | None]:
    """Every back end with None where it works on this machine, else the reason and the command that helps."""
    device_type = "cuda" if torch.cuda.is_available() else "cpu"
    request = ScanRequest(SELECTIVE, device_type, torch.float32, carries_state=False)
    return {name: obstacle(request) for name, obstacle in _OBSTACLES.items()}
