"""The Mamba-2 block: one decay per head, so that a chunk of the scan is a few matrix products."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.ssm.convolution import causal_convolution
from recbole_ext.ssm.mamba import MambaState, inverse_softplus_steps, keep_initialisation
from recbole_ext.ssm.scan import selective_scan

CHUNK = 32  # events


def _decays(log_decay: Tensor) -> Tensor:
    """exp(sum of log_decay over (j, k]) for j <= k, else 0: (..., T) -> (..., T, T), indexed [k, j].

    Differences of running sums, all <= 0 where they are used, so nothing overflows.
    """
    total = log_decay.cumsum(-1)
    later = torch.ones(total.shape[-1], total.shape[-1], dtype=torch.bool, device=total.device).triu(1)
    return torch.exp((total.unsqueeze(-1) - total.unsqueeze(-2)).masked_fill(later, -torch.inf))


def chunked_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, initial_state: Tensor, chunk: int = CHUNK
) -> tuple[Tensor, Tensor]:
    """The selective scan with a scalar decay per head, by matrix products within chunks of events.

        h_k = exp(delta_k A) h_{k-1} + delta_k u_k B_k^T,    y_k = h_k C_k

    Within a chunk that starts from the state h,

        y_k = exp(s_k) h C_k + sum_{j <= k} exp(s_k - s_j) (C_k . B_j) delta_j u_j,    s_k = sum_{i <= k} delta_i A

    Args:
        u: (B, L, heads, head_dim) float, input.
        delta: (B, L, heads) float, step, > 0.
        A: (heads,) float, negative.
        B: (B, L, N) float, input projection, shared by the heads.
        C: (B, L, N) float, output projection, shared by the heads.
        initial_state: (B, heads, head_dim, N) float.
        chunk: Events per chunk.

    Returns:
        y: (B, L, heads, head_dim), and the last state: (B, heads, head_dim, N).

    Source: Dao and Gu 2024 (Mamba-2), section 6 and listing 1; `ssd_minimal_discrete` in mamba_ssm.
    """
    length = u.shape[1]
    missing = -length % chunk  # events with a step of 0 change nothing
    u = F.pad(u * delta.unsqueeze(-1), (0, 0, 0, 0, 0, missing)).unflatten(1, (-1, chunk))
    log_decay = F.pad(delta * A, (0, 0, 0, missing)).unflatten(1, (-1, chunk)).transpose(2, 3)
    B, C = (F.pad(x, (0, 0, 0, missing)).unflatten(1, (-1, chunk)) for x in (B, C))
    u = u.transpose(2, 3)  # (B, chunks, heads, T, head_dim)
    decays = _decays(log_decay)  # (B, chunks, heads, T, T)
    y = (decays * (C @ B.transpose(-1, -2)).unsqueeze(2)) @ u
    added = (u * decays[..., -1, :].unsqueeze(-1)).transpose(-1, -2) @ B.unsqueeze(2)
    total = torch.exp(log_decay.cumsum(-1))  # (B, chunks, heads, T)
    state, entering = initial_state, []
    for decay, contribution in zip(total[..., -1].unbind(1), added.unbind(1), strict=True):
        entering.append(state)
        state = decay[..., None, None] * state + contribution
    carried = C.unsqueeze(2) @ torch.stack(entering, dim=1).transpose(-1, -2)  # (B, chunks, heads, T, head_dim)
    y = y + total.unsqueeze(-1) * carried
    return y.transpose(2, 3).flatten(1, 2)[:, :length], state


class Mamba2(nn.Module):
    """One Mamba-2 block, with its own initialisation and the official parameter names.

        z, xBC, dt = in_proj(input);    x, B_k, C_k = silu(conv1d(xBC));    delta = softplus(dt + dt_bias)
        y          = scan(x, delta, -exp(A_log), B_k, C_k) + D x
        output     = out_proj(RMSNorm(y * silu(z)))

    Args:
        d_model: Width of input and output.
        d_state: N, states per channel; larger ones cost less than in Mamba-1.
        d_conv: Length of the causal convolution.
        expand: d_inner = expand * d_model.
        head_dim: Channels that share a decay and a step; divides d_inner.
        dt_min: Smallest initial step.
        dt_max: Largest initial step.
        dt_init_floor: No initial step is below this.

    Raises:
        ValueError: If a size is not positive, head_dim does not divide d_inner, or the step range is not usable.

    Source: Dao and Gu 2024, figure 6; mamba_ssm/modules/mamba2_simple.py.
    Differs from source: one group of B and C; plain PyTorch.
    """

    no_weight_decay = frozenset({"A_log", "D", "dt_bias"})

    def __init__(
        self,
        d_model: int,
        d_state: int = 64,
        d_conv: int = 4,
        expand: int = 2,
        head_dim: int = 32,
        dt_min: float = 0.001,
        dt_max: float = 0.1,
        dt_init_floor: float = 1e-4,
    ) -> None:
        super().__init__()
        inner = expand * d_model
        if min(d_model, d_state, d_conv, expand, head_dim) < 1 or inner % head_dim:
            raise ValueError(
                "d_model, d_state, d_conv, expand and head_dim must be positive, head_dim a divisor of "
                f"expand * d_model (got {d_model}, {d_state}, {d_conv}, {expand}, {head_dim})"
            )
        self.d_inner, self.d_state, self.head_dim = inner, d_state, head_dim
        heads, mixed = inner // head_dim, inner + 2 * d_state
        self.in_proj = nn.Linear(d_model, inner + mixed + heads, bias=False)
        self.conv1d = nn.Conv1d(mixed, mixed, d_conv, groups=mixed, padding=d_conv - 1)
        self.dt_bias = nn.Parameter(inverse_softplus_steps(heads, dt_min, dt_max, dt_init_floor))
        self.A_log = nn.Parameter(torch.log(torch.empty(heads).uniform_(1, 16)))
        self.D = nn.Parameter(torch.ones(heads))
        self.norm = nn.RMSNorm(inner, eps=1e-5)
        self.out_proj = nn.Linear(inner, d_model, bias=False)
        keep_initialisation(self)

    def forward(self, x: Tensor, state: MambaState | None = None, backend: str = "auto") -> tuple[Tensor, MambaState]:
        """Run the block over a window of a sequence.

        Args:
            x: (B, L, d_model) float.
            state: What the window before returned; None at the start of the sequences. Detach it to cut the
                graph. Its convolution part has d_inner + 2 d_state channels.
            backend: `auto` is `chunked_scan`; any other name runs the same recurrence through that back end of
                `recbole_ext.ssm.scan.selective_scan`.

        Returns:
            y: (B, L, d_model) and the state after the window.
        """
        heads = len(self.A_log)
        widths = [self.d_inner, self.d_inner + 2 * self.d_state, heads]
        z, mixed, dt = self.in_proj(x).split(widths, dim=-1)
        mixed, tail = causal_convolution(mixed, self.conv1d, state.conv if state else None, backend)
        u, B, C = mixed.split([self.d_inner, self.d_state, self.d_state], dim=-1)
        delta = F.softplus(dt.to(self.dt_bias.dtype) + self.dt_bias)  # (B, L, heads)
        y, last = self._scan(u, delta, B, C, state.ssm if state else None, backend)
        return self.out_proj(self.norm(y * F.silu(z))), MambaState(tail, last)

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

    def _scan(
        self, u: Tensor, delta: Tensor, B: Tensor, C: Tensor, state: Tensor | None, backend: str
    ) -> tuple[Tensor, Tensor]:
        """The scan and the skip path: u (B, L, d_inner), delta (B, L, heads) -> y (B, L, d_inner), last state."""
        A, D = -torch.exp(self.A_log), self.D.repeat_interleave(self.head_dim)
        if backend != "auto":
            delta, A = (x.repeat_interleave(self.head_dim, dim=-1) for x in (delta, A))
            A = A.unsqueeze(-1).expand(-1, self.d_state)
            return selective_scan(u, delta, A, B, C, D, initial_state=state, backend=backend)
        if state is None:
            state = delta.new_zeros(u.shape[0], self.d_inner, self.d_state)
        u_wide, B, C = (x.to(delta.dtype) for x in (u, B, C))
        heads = (-1, self.head_dim)
        with torch.autocast(u.device.type, enabled=False):  # the state stays in the parameters' precision
            y, last = chunked_scan(u_wide.unflatten(2, heads), delta, A, B, C, state.unflatten(1, heads))
        return (y.flatten(2) + D * u_wide).to(u.dtype), last.flatten(1, 2)
