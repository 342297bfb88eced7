"""The short causal convolution in front of a Mamba scan, with the SiLU that follows it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.ssm.backend import SELECTIVE, resolve_backend


@torch.compiler.disable
def causal_convolution(x: Tensor, conv: nn.Conv1d, tail: Tensor | None, backend: str = "auto") -> tuple[Tensor, Tensor]:
    """SiLU of a depthwise convolution over the present and the d_conv - 1 inputs before it.

        y_k = silu(bias + sum_j weight_j x_{k - (d_conv - 1) + j})

    Args:
        x: (B, L, channels) float.
        conv: Depthwise convolution of kernel size d_conv.
        tail: (B, d_conv - 1, channels), the inputs before the window; zero if None.
        backend: That of the scan that follows; where it is `cpu`, both run as one compiled kernel.

    Returns:
        y: (B, L, channels) and the new tail: (B, d_conv - 1, channels).
    """
    length, kernel = x.shape[1], conv.kernel_size[0]
    if tail is None:
        tail = x.new_zeros(x.shape[0], kernel - 1, x.shape[2])
    extended = torch.cat([tail.to(x.dtype), x], dim=1)  # (B, d_conv - 1 + L, channels)
    compiled = x.dtype == torch.float32 and resolve_backend(backend, x.device.type, SELECTIVE, x.dtype) == "cpu"
    if compiled and conv.bias is not None and conv.weight.dtype == torch.float32:
        from recbole_ext.ssm.cpu.operators import convolution_silu

        return convolution_silu(extended, conv.weight.squeeze(1), conv.bias), extended[:, length:]
    y = F.conv1d(extended.transpose(1, 2), conv.weight, conv.bias, groups=conv.groups).transpose(1, 2)
    return F.silu(y), extended[:, length:]
