"""Adapter to the CUDA kernel of the mamba-ssm package (Mamba-1 selective scan)."""

from torch import Tensor

from recbole_ext.ssm.backend import BackendUnavailable


def selective_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, initial_state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """See `recbole_ext.ssm.scan.selective_scan`.

    Args:
        u: (B, L, D) float, CUDA.
        delta: (B, L, D) float, > 0.
        A: (D, N) float, < 0.
        B: (B, L, N) float.
        C: (B, L, N) float.
        D: (D,) float.
        initial_state: Must be None: the kernel starts from zero.

    Returns:
        y: (B, L, D) and the last state: (B, D, N), which carries no gradient.

    Raises:
        BackendUnavailable: If an initial state is given.

    Source: `selective_scan_fn` in mamba_ssm/ops/selective_scan_interface.py, layout (B, D, L).
    """
    if initial_state is not None:
        raise BackendUnavailable("back end mamba_ssm takes no initial_state; use backend=auto")
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

    u, delta, B, C = (x.transpose(1, 2).contiguous() for x in (u, delta, B, C))
    y, last_state = selective_scan_fn(u, delta, A, B, C, D.float(), return_last_state=True)
    return y.transpose(1, 2), last_state.detach()
