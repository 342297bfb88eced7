"""State-space layers and their scans. Needs torch (numba for speed on CPUs); independent of recommenders.

The map:

    scan.py       selective_scan and diagonal_scan: what is computed
    backend.py    which back end computes it, and why another cannot
    reference.py  the definition, a loop over events
    parallel.py   plain PyTorch, parallel over blocks of events, any device
    cpu/          compiled by numba for CPUs: operators.py over selective.py, diagonal.py, convolution.py, simd.py
    triton_kernel.py  compiled by Triton for CUDA GPUs
    mamba_ssm.py  adapter to mamba-ssm's CUDA kernel
    convolution.py  the causal convolution in front of a Mamba scan
    s5.py         the S5 layer: one state-space system for all channels, a step per event
    mamba.py      the Mamba block: one small system per channel, steps and projections from the input
    mamba2.py     the Mamba-2 block: one decay and step per head of channels, matrix products instead of a scan

The letters, and what the papers call them:

    B        batch (sequences side by side); as a matrix, the input projection
    L        length, events per sequence
    H        channels of an S5 layer; `hidden_size` (S5 paper: H)
    D        channels of a selective scan, d_inner = expand * d_model (Mamba); as a vector, the skip path
    N        states per channel of a selective scan; `d_state` (Mamba paper: N)
    P        states of an S5 layer; `state_size` (S5 paper: P); `modes` are those kept, P / 2 with `conjugate`
    u        input of a state-space system (Mamba paper: x; S5 paper: u)
    y        output
    h, x     state: h in a selective scan (Mamba paper: h), x in a diagonal one (S5 paper: x)
    delta    step of a selective scan, after softplus (Mamba paper: capital delta)
    steps    time from each event to the next, given to S5; `log_step` scales it (S5 paper: capital delta)
    A        decay rates of a selective scan, -exp(A_log) (Mamba paper: A, S4D-real initialisation)
    Lambda   eigenvalues of an S5 system, -exp(log_decay) + i frequency (S5 paper: capital lambda, HiPPO-N)
    a, b     discrete transition exp(Lambda step) and input of a diagonal scan (S5 paper: Lambda-bar, B-bar u)
    B, C     input and output projection (both papers)
    dt       step before dt_proj and softplus; `dt_min`, `dt_max` bound its initial values

Papers: Gu and Dao 2023 (Mamba), arXiv 2312.00752; Dao and Gu 2024 (Mamba-2), arXiv 2405.21060; Smith,
Warrington, Linderman 2023 (S5), arXiv 2208.04933.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from recbole_ext.ssm.names import BACKENDS

if TYPE_CHECKING:
    from recbole_ext.ssm.backend import BackendUnavailable, backend_status, resolve_backend
    from recbole_ext.ssm.mamba import Mamba, MambaState
    from recbole_ext.ssm.mamba2 import Mamba2
    from recbole_ext.ssm.s5 import S5
    from recbole_ext.ssm.scan import diagonal_scan, selective_scan

__all__ = [
    "BACKENDS",
    "S5",
    "BackendUnavailable",
    "Mamba",
    "Mamba2",
    "MambaState",
    "backend_status",
    "diagonal_scan",
    "resolve_backend",
    "selective_scan",
]

_MODULES = {
    "S5": "s5",
    "BackendUnavailable": "backend",
    "Mamba": "mamba",
    "Mamba2": "mamba2",
    "MambaState": "mamba",
    "backend_status": "backend",
    "diagonal_scan": "scan",
    "resolve_backend": "backend",
    "selective_scan": "scan",
}
"""Name -> module that defines it; imported on first use, so that the names of the back ends need no torch."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
