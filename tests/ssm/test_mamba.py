"""The Mamba block: mambapy's numbers with the same weights, its state, and its initialisation."""

import pytest
import torch
from mambapy.mamba import MambaBlock, MambaConfig
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.ssm import Mamba, MambaState

WIDTH = 8


def block(**options: object) -> Mamba:
    torch.manual_seed(0)
    return Mamba(WIDTH, **options)  # type: ignore[arg-type]


def signal(length: int, dtype: torch.dtype = torch.float32) -> Tensor:
    g = torch.Generator().manual_seed(length)
    return torch.randn(3, length, WIDTH, generator=g, dtype=dtype).requires_grad_()


def relative(got: Tensor, expected: Tensor) -> float:
    return ((got - expected).abs().max() / expected.abs().max().clamp(min=1e-30)).item()


@pytest.mark.parametrize("length", [1, 7, 64])
@pytest.mark.parametrize("d_state", [4, 16])
def test_equals_mambapy_with_its_state_dict(length: int, d_state: int) -> None:
    torch.manual_seed(1)
    theirs = MambaBlock(MambaConfig(d_model=WIDTH, n_layers=1, d_state=d_state))
    ours = Mamba(WIDTH, d_state=d_state)
    ours.load_state_dict(theirs.state_dict())
    x = signal(length)
    expected, (got, _) = theirs(x), ours(x)
    assert relative(got, expected) <= 1e-4
    weight = torch.randn_like(expected)
    names = [n for n, _ in ours.named_parameters()]
    expected_grads = torch.autograd.grad(expected, [x, *(theirs.get_parameter(n) for n in names)], weight)
    got_grads = torch.autograd.grad(got, [x, *(ours.get_parameter(n) for n in names)], weight)
    for name, mine, wanted in zip(["x", *names], got_grads, expected_grads, strict=True):
        assert relative(mine, wanted) <= 1e-4, name


@pytest.mark.slow
def test_gradcheck() -> None:
    mamba = Mamba(2, d_state=2, d_conv=3, expand=1).double()
    x = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    state = MambaState(torch.randn(2, 2, 2, dtype=torch.float64), torch.randn(2, 2, 2, dtype=torch.float64))
    leaves = tuple(s.requires_grad_() for s in state)
    parameters = dict(mamba.named_parameters())

    def run(x: Tensor, conv: Tensor, ssm: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        weights = dict(zip(parameters, values, strict=True))
        y, state = torch.func.functional_call(mamba, weights, (x, MambaState(conv, ssm)))
        return y, *state

    assert torch.autograd.gradcheck(run, (x, *leaves, *parameters.values()))


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


@pytest.mark.parametrize("cut", [1, 2, 30])
@pytest.mark.parametrize("d_conv", [1, 4])
def test_state_carried_across_windows_equals_one_pass(cut: int, d_conv: int) -> None:
    mamba, x = block(d_conv=d_conv), signal(40)
    whole, last = mamba(x)
    first, state = mamba(x[:, :cut])
    second, end = mamba(x[:, cut:], state)
    assert (torch.cat([first, second], dim=1) - whole).abs().max() <= 1e-5
    assert all((a - b).abs().max() <= 1e-5 if a.numel() else True for a, b in zip(end, last, strict=True))


def test_is_causal() -> None:
    x = signal(20)
    y, _ = block()(x)
    (grad,) = torch.autograd.grad(y[:, :12].sum(), x)
    assert grad[:, 12:].abs().max() == 0 and grad[:, :12].abs().min() > 0


def test_initial_steps_lie_in_the_stated_range() -> None:
    steps = F.softplus(Mamba(64, dt_min=0.001, dt_max=0.1).dt_proj.bias)
    assert 0.00099 <= steps.min() < 0.002
    assert 0.05 < steps.max() <= 0.101


def test_initial_decay_and_skip() -> None:
    mamba = block(d_state=3)
    assert torch.allclose(torch.exp(mamba.A_log), torch.tensor([1.0, 2.0, 3.0]).expand(2 * WIDTH, 3))
    assert torch.equal(mamba.D, torch.ones(2 * WIDTH))


def test_survives_an_outer_initialisation_that_honours_the_mark() -> None:
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), block())
    before = {n: p.clone() for n, p in model[1].named_parameters()}

    def init(module: nn.Module) -> None:
        if isinstance(module, nn.Linear) and not getattr(module, "keeps_own_initialisation", False):
            nn.init.zeros_(module.weight)

    model.apply(init)
    assert model[0].weight.abs().max() == 0
    assert all(torch.equal(before[n], p) for n, p in model[1].named_parameters())


def test_weight_decay_exemptions_are_parameters() -> None:
    assert block().no_weight_decay <= set(dict(block().named_parameters()))


def test_runs_under_autocast_with_a_float32_state() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, state = block()(signal(10))
    assert y.dtype == torch.bfloat16 and state.ssm.dtype == torch.float32
    assert relative(y.float(), block()(signal(10))[0]) < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"d_state": 0}, r"must be positive \(got 8, 0, 4, 2, 1\)"),
        ({"dt_rank": -1}, "dt_rank must be positive"),
        ({"dt_max": 0.0001}, r"0 < dt_min <= dt_max must hold \(got 0.001, 0.0001\)"),
    ],
)
def test_wrong_sizes(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        block(**options)
