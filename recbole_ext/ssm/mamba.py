"""The Mamba block: gated, with a short causal convolution and a selective scan."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.ssm.convolution import causal_convolution
from recbole_ext.ssm.scan import selective_scan


class MambaState(NamedTuple):
    """State of a block carried between two windows, or two events, of the same sequences.

    Attributes:
        conv: (B, d_conv - 1, d_inner), the last inputs of the convolution.
        ssm: (B, d_inner, d_state), the state of the scan.
    """

    conv: Tensor
    ssm: Tensor


def keep_initialisation(block: nn.Module) -> None:
    """Mark a block and all modules in it as initialised: `keeps_own_initialisation = True`.

    A recommender that calls `self.apply(self._init_weights)` must skip modules with this mark, or it
    overwrites the bias of `dt_proj`, which holds the initial step sizes.

    Args:
        block: The block to mark.
    """
    for module in block.modules():
        module.keeps_own_initialisation = True  # type: ignore[assignment]


def inverse_softplus_steps(size: int, dt_min: float, dt_max: float, dt_init_floor: float) -> Tensor:
    """Biases whose softplus is log-uniform in [dt_min, dt_max].

    Args:
        size: How many.
        dt_min: Smallest step.
        dt_max: Largest step.
        dt_init_floor: No step is below this.

    Returns:
        (size,) float.

    Raises:
        ValueError: If not 0 < dt_min <= dt_max.
    """
    if not 0 < dt_min <= dt_max:
        raise ValueError(f"0 < dt_min <= dt_max must hold (got {dt_min}, {dt_max})")
    step = torch.empty(size).uniform_(math.log(dt_min), math.log(dt_max)).exp().clamp(min=dt_init_floor)
    return step + torch.log(-torch.expm1(-step))


class Mamba(nn.Module):
    """One Mamba block (Mamba-1), with Mamba's own initialisation and the official parameter names.

        x, z       = in_proj(input);    x = silu(conv1d(x))
        dt, B_k, C_k = x_proj(x);       delta = softplus(dt_proj(dt))
        y          = selective_scan(x, delta, -exp(A_log), B_k, C_k, D)
        output     = out_proj(y * silu(z))

    Args:
        d_model: Width of input and output.
        d_state: N, states per channel.
        d_conv: Length of the causal convolution.
        expand: d_inner = expand * d_model.
        dt_rank: Rank of the step projection; `auto` is ceil(d_model / 16).
        dt_min: Smallest initial step.
        dt_max: Largest initial step.
        dt_init_floor: No initial step is below this.

    Raises:
        ValueError: If a size is not positive or the step range is not usable.

    Source: Gu and Dao 2023, figure 3; mamba_ssm/modules/mamba_simple.py.
    Differs from source: nn.Conv1d instead of causal-conv1d; no fused path, so it runs on any device.
    """

    no_weight_decay = frozenset({"A_log", "D"})

    def __init__(
        self,
        d_model: int,
        d_state: int = 16,
        d_conv: int = 4,
        expand: int = 2,
        dt_rank: int | str = "auto",
        dt_min: float = 0.001,
        dt_max: float = 0.1,
        dt_init_floor: float = 1e-4,
    ) -> None:
        super().__init__()
        rank = math.ceil(d_model / 16) if dt_rank == "auto" else int(dt_rank)
        if min(d_model, d_state, d_conv, expand, rank) < 1:
            raise ValueError(
                "d_model, d_state, d_conv, expand and dt_rank must be positive "
                f"(got {d_model}, {d_state}, {d_conv}, {expand}, {rank})"
            )
        inner = expand * d_model
        self.d_state, self.dt_rank = d_state, rank
        self.in_proj = nn.Linear(d_model, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, d_conv, groups=inner, padding=d_conv - 1)
        self.x_proj = nn.Linear(inner, rank + 2 * d_state, bias=False)
        self.dt_proj = nn.Linear(rank, inner)
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, d_state + 1)).repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, d_model, bias=False)
        nn.init.uniform_(self.dt_proj.weight, -(rank**-0.5), rank**-0.5)
        with torch.no_grad():
            self.dt_proj.bias.copy_(inverse_softplus_steps(inner, dt_min, dt_max, dt_init_floor))
        keep_initialisation(self)

    def forward(self, x: Tensor, state: MambaState | None = None, backend: str = "auto") -> tuple[Tensor, MambaState]:
        """Run the block over a window of a sequence.

        Args:
            x: (B, L, d_model) float.
            state: What the window before returned; None at the start of the sequences. Detach it to cut
                the graph.
            backend: See `recbole_ext.ssm.scan.selective_scan`.

        Returns:
            y: (B, L, d_model) and the state after the window.
        """
        x, z = self.in_proj(x).chunk(2, dim=-1)  # (B, L, d_inner) each
        x, tail = causal_convolution(x, self.conv1d, state.conv if state else None, backend)
        dt, B, C = self.x_proj(x).split([self.dt_rank, self.d_state, self.d_state], dim=-1)
        y, last = selective_scan(
            x,
            F.softplus(self.dt_proj(dt)),
            -torch.exp(self.A_log),
            B,
            C,
            self.D,
            initial_state=state.ssm if state else None,
            backend=backend,
        )
        return self.out_proj(y * F.silu(z)), MambaState(tail, last)

    def step(self, x: Tensor, state: MambaState | None = None) -> tuple[Tensor, MambaState]:
        """Advance by one event.

        Args:
            x: (B, d_model) float.
            state: What the event before returned; None at the start.

        Returns:
            y: (B, d_model) and the new state.
        """
        y, state = self.forward(x.unsqueeze(1), state, backend="reference")
        return y.squeeze(1), state
