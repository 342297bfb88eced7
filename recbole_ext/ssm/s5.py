"""S5: a diagonal state-space layer with many inputs and outputs, and its own step size for every event."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.ssm.scan import diagonal_scan


def hippo_modes(size: int) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of HiPPO-N, the normal part of HiPPO-LegS.

        S = A_LegS + p p^T,  p_n = sqrt(n + 1/2);   S = -1/2 I + (skew-symmetric)

    Args:
        size: P, number of states.

    Returns:
        Lambda: (P,) complex128, by ascending imaginary part; V: (P, P) complex128, S = V diag(Lambda) V^H.

    Source: Gu et al. 2022 (S4D), section 4; `make_DPLR_HiPPO` in s5/ssm_init.py.
    """
    n = torch.arange(size, dtype=torch.float64)
    outer = torch.sqrt(2 * n + 1).unsqueeze(1) * torch.sqrt(2 * n + 1)
    skew = 0.5 * (torch.triu(outer, 1) - torch.tril(outer, -1))
    frequency, vectors = torch.linalg.eigh(-1j * skew)
    return torch.complex(torch.full_like(frequency, -0.5), frequency), vectors


def discretise(decay: Tensor, frequency: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
    """Zero-order hold of x' = Lambda x + v over a step, in real arithmetic.

        a = exp(Lambda step),   factor = (a - 1) / Lambda,   Lambda = -decay + i frequency

    The numerator is exp(z) - 1 written with expm1 and sin^2(./2), so a tiny step keeps its digits, a step of
    0 gives a = 1 and factor = 0, and a huge one a = 0 and factor = -1 / Lambda; gradients stay finite.

    Args:
        decay: (P,) float, > 0.
        frequency: (P,) float.
        step: (..., P) float, >= 0.

    Returns:
        a and factor: (..., P) complex.

    Source: S5, equation 6.
    """
    exponent, angle = -decay * step, frequency * step
    shrink, sine = torch.exp(exponent), torch.sin(angle)
    a = torch.complex(shrink * torch.cos(angle), shrink * sine)
    real = torch.expm1(exponent) * torch.cos(angle) - 2 * torch.sin(angle / 2).square()
    return a, torch.complex(real, shrink * sine) / torch.complex(-decay, frequency)


class S5(nn.Module):
    """One S5 layer over events at irregular times.

        step_k = steps_k exp(log_step)
        x_k    = exp(Lambda step_k) x_{k-1} + (exp(Lambda step_k) - 1) / Lambda * (B u_k)
        y_k    = Re(C x_k) + D u_k

    Re(Lambda) = -exp(log_decay) cannot become positive, so no gap can make the state explode. All parameters
    are real; a last dimension of 2 holds real and imaginary part. The layer has no child modules, so an outer
    `apply(init)` leaves its initialisation alone.

    Args:
        hidden_size: H, inputs and outputs.
        state_size: P, states; even with `conjugate`.
        dt_min: Smallest initial step per unit of time.
        dt_max: Largest initial step per unit of time.
        conjugate: Keep one state of each complex conjugate pair (P / 2 of them) and double the real part. The
            same function class for real signals at half the cost.

    Raises:
        ValueError: If a size or step range is not usable.

    Source: Smith et al. 2023, "Simplified State Space Layers for Sequence Modeling"; `S5SSM` in s5/ssm.py.
    Differs from source: the factor is applied after `B u`, so nothing of size (B, L, P, H) exists; Lambda is
    kept in the left half plane; a step per event.
    """

    no_weight_decay = frozenset({"log_decay", "frequency", "log_step", "D"})

    def __init__(
        self,
        hidden_size: int,
        state_size: int,
        dt_min: float = 0.001,
        dt_max: float = 0.1,
        conjugate: bool = True,
    ) -> None:
        super().__init__()
        if hidden_size < 1 or state_size < 1 or (conjugate and state_size % 2):
            raise ValueError(
                "hidden_size and state_size must be positive, state_size even with conjugate "
                f"(got {hidden_size}, {state_size})"
            )
        if not 0 < dt_min <= dt_max:
            raise ValueError(f"0 < dt_min <= dt_max must hold (got {dt_min}, {dt_max})")
        self.hidden_size, self.conjugate = hidden_size, conjugate
        eigenvalues, vectors = hippo_modes(state_size)
        if conjugate:
            eigenvalues, vectors = eigenvalues[state_size // 2 :], vectors[:, state_size // 2 :]
        self.modes = len(eigenvalues)
        self.log_decay = nn.Parameter(torch.log(-eigenvalues.real).float())
        self.frequency = nn.Parameter(eigenvalues.imag.float())
        self.log_step = nn.Parameter(torch.empty(self.modes).uniform_(math.log(dt_min), math.log(dt_max)))
        self.B = nn.Parameter(_input_matrix(vectors, hidden_size))
        self.C = nn.Parameter(_output_matrix(vectors, hidden_size))
        self.D = nn.Parameter(torch.randn(hidden_size))

    def forward(
        self, u: Tensor, steps: Tensor, initial_state: Tensor | None = None, backend: str = "auto"
    ) -> tuple[Tensor, Tensor]:
        """Run the layer over a sequence.

        Args:
            u: (B, L, H) float.
            steps: (B, L) float, time from each event to the next, >= 0; 0, as at padding, leaves the state
                unchanged.
            initial_state: (B, modes) complex, the state before the first event; zero if None.
            backend: See `recbole_ext.ssm.scan.diagonal_scan`.

        Returns:
            y: (B, L, H); and the state after the last step: (B, modes) complex.
        """
        step = steps.unsqueeze(-1).to(self.log_step.dtype) * torch.exp(self.log_step)  # (B, L, modes)
        a, factor = discretise(torch.exp(self.log_decay), self.frequency, step)
        weight = self.B.transpose(1, 2).flatten(0, 1)  # (2 modes, H), real and imaginary rows in turn
        drive = F.linear(u, weight).to(self.B.dtype).unflatten(-1, (self.modes, 2)).contiguous()
        b = factor * torch.view_as_complex(drive)
        x = diagonal_scan(a, b, initial_state=initial_state, backend=backend)
        return self._output(x) + self.D * u, x[:, -1]

    def step(self, u: Tensor, step: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Advance by one event.

        Args:
            u: (B, H) float.
            step: (B,) float, time from this event to the next, >= 0.
            state: (B, modes) complex; zero if None.

        Returns:
            y: (B, H) and the new state: (B, modes) complex.
        """
        y, state = self.forward(u.unsqueeze(1), step.unsqueeze(1), state, backend="reference")
        return y.squeeze(1), state

    def _output(self, x: Tensor) -> Tensor:
        """Re(C x), doubled where each state stands for a conjugate pair: (B, L, modes) -> (B, L, H)."""
        sign = self.C.new_tensor([1.0, -1.0]) * (2 if self.conjugate else 1)
        return F.linear(torch.view_as_real(x).flatten(-2), (self.C * sign).flatten(1))


def _input_matrix(vectors: Tensor, hidden_size: int) -> Tensor:
    """V^H B with B ~ N(0, 1 / H): (modes, H, 2) float32."""
    B = torch.randn(vectors.shape[0], hidden_size, dtype=torch.float64) / math.sqrt(hidden_size)
    return torch.view_as_real(vectors.conj().T @ B.to(vectors.dtype)).float()


def _output_matrix(vectors: Tensor, hidden_size: int) -> Tensor:
    """C V with complex C ~ N(0, 1 / P): (H, modes, 2) float32."""
    size = vectors.shape[0]
    C = torch.randn(hidden_size, size, dtype=vectors.dtype) / math.sqrt(size)
    return torch.view_as_real(C @ vectors).float()
