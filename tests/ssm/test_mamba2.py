"""The Mamba-2 block: its chunked scan against the plain recurrence, and the interface it shares with Mamba."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from recbole_ext.ssm import Mamba2, MambaState
from recbole_ext.ssm.mamba2 import chunked_scan

WIDTH = 8


def block(**options: object) -> Mamba2:
    torch.manual_seed(0)
    return Mamba2(WIDTH, **({"d_state": 5, "head_dim": 4} | options))  # type: ignore[arg-type]


def signal(length: int) -> Tensor:
    g = torch.Generator().manual_seed(length)
    return torch.randn(3, length, WIDTH, generator=g).requires_grad_()


def recurrence(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """The equations of the paper, event by event."""
    outputs = []
    for u_k, delta_k, B_k, C_k in zip(*(x.unbind(1) for x in (u, delta, B, C)), strict=True):
        decay = torch.exp(delta_k * A)[..., None, None]
        state = decay * state + (delta_k[..., None] * u_k)[..., None] * B_k[:, None, None, :]
        outputs.append((state * C_k[:, None, None, :]).sum(-1))
    return torch.stack(outputs, dim=1), state


def scan_inputs(length: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
    g = torch.Generator().manual_seed(length)
    u = torch.randn(2, length, 3, 4, generator=g, dtype=dtype)
    delta = torch.exp(torch.rand(2, length, 3, generator=g, dtype=dtype) * 8 - 7)
    A = -torch.exp(torch.randn(3, generator=g, dtype=dtype))
    B, C = (torch.randn(2, length, 5, generator=g, dtype=dtype) for _ in range(2))
    state = torch.randn(2, 3, 4, 5, generator=g, dtype=dtype)
    return tuple(x.requires_grad_() for x in (u, delta, A, B, C, state))


@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 200])
def test_chunked_scan_equals_the_recurrence(length: int) -> None:
    inputs = scan_inputs(length)
    got, expected = chunked_scan(*inputs), recurrence(*inputs)
    weights = [torch.randn_like(x) for x in expected]
    pairs = [*zip(got, expected, strict=True)]
    grads = (torch.autograd.grad(outputs, inputs, weights) for outputs in (got, expected))
    for x, y in [*pairs, *zip(*grads, strict=True)]:
        assert (x - y).abs().max() <= 1e-5 * max(1.0, y.abs().max().item())


@pytest.mark.slow
def test_chunked_scan_gradcheck() -> None:
    inputs = scan_inputs(5, torch.float64)
    assert torch.autograd.gradcheck(lambda *x: chunked_scan(*x, chunk=2), inputs)


def test_huge_and_zero_steps_stay_finite() -> None:
    u, delta, *rest = (x.detach() for x in scan_inputs(64))
    delta[:, ::3], delta[:, 1::3] = 1e9, 0
    inputs = [x.requires_grad_() for x in (u, delta, *rest)]
    y, last = chunked_scan(*inputs)
    grads = torch.autograd.grad(y.sum() + last.sum(), inputs)
    assert all(torch.isfinite(x).all() for x in (y, last, *grads))


@pytest.mark.parametrize("backend", ["reference", "parallel", "cpu"])
def test_other_backends_give_the_same_block(backend: str) -> None:
    mamba, x = block(), signal(40)
    (y, state), (other, other_state) = mamba(x), mamba(x, backend=backend)
    assert (y - other).abs().max() <= 1e-5
    assert all((a - b).abs().max() <= 1e-5 for a, b in zip(state, other_state, strict=True))


@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 200])
def test_event_by_event_equals_the_full_pass(length: int) -> None:
    mamba, x = block(), signal(length)
    whole, last = mamba(x)
    state, outputs = None, []
    for x_k in x.unbind(1):
        y, state = mamba.step(x_k, state)
        outputs.append(y)
    assert (torch.stack(outputs, dim=1) - whole).abs().max() <= 1e-5
    assert all((a - b).abs().max() <= 1e-5 for a, b in zip(state, last, strict=True))


@pytest.mark.parametrize("cut", [1, 30])
def test_state_carried_across_windows_equals_one_pass(cut: int) -> None:
    mamba, x = block(), signal(70)
    whole, last = mamba(x)
    first, state = mamba(x[:, :cut])
    assert isinstance(state, MambaState)
    second, end = mamba(x[:, cut:], state)
    assert (torch.cat([first, second], dim=1) - whole).abs().max() <= 1e-5
    assert all((a - b).abs().max() <= 1e-5 for a, b in zip(end, last, strict=True))


def test_is_causal() -> None:
    x = signal(50)
    (grad,) = torch.autograd.grad(block()(x)[0][:, :40].sum(), x)
    assert grad[:, 40:].abs().max() == 0 and grad[:, :40].abs().min() > 0


def test_initialisation_and_official_names() -> None:
    mamba = block(dt_min=0.001, dt_max=0.1)
    steps = F.softplus(mamba.dt_bias)
    assert 0.00099 <= steps.min() and steps.max() <= 0.101
    assert 1 <= torch.exp(mamba.A_log).min() and torch.exp(mamba.A_log).max() <= 16
    assert all(m.keeps_own_initialisation for m in mamba.modules())
    assert mamba.no_weight_decay <= set(mamba.state_dict())
    assert set(mamba.state_dict()) == {
        "A_log", "D", "conv1d.bias", "conv1d.weight", "dt_bias", "in_proj.weight", "norm.weight", "out_proj.weight"
    }  # fmt: skip


def test_runs_under_autocast_with_a_float32_state() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, state = block()(signal(10))
    assert state.ssm.dtype == torch.float32
    assert (y.float() - block()(signal(10))[0]).abs().max() < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"d_state": 0}, r"must be positive, .* \(got 8, 0, 4, 2, 4\)"),
        ({"head_dim": 3}, r"a divisor of expand \* d_model \(got 8, 5, 4, 2, 3\)"),
        ({"dt_max": 0.0001}, "0 < dt_min <= dt_max must hold"),
    ],
)
def test_wrong_sizes(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        block(**options)
