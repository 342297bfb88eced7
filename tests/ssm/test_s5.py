"""The S5 layer: the published layer's numbers, its steps per event, and its safety."""

import pytest
import torch
from s5.s5_model import S5SSM
from torch import Tensor, nn

from recbole_ext.ssm import S5
from recbole_ext.ssm.s5 import discretise, hippo_modes

H, P = 6, 8


def layer(**options: object) -> S5:
    torch.manual_seed(0)
    return S5(H, P, **options)  # type: ignore[arg-type]


def signal(length: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """u and unequal steps, some of them zero."""
    g = torch.Generator().manual_seed(length)
    u = torch.randn(3, length, H, generator=g, dtype=dtype)
    steps = torch.rand(3, length, generator=g, dtype=dtype) * 4
    return u.requires_grad_(), (steps * (steps > 0.5)).requires_grad_()


def published(ours: S5) -> S5SSM:
    """s5-pytorch's layer with all P modes, computing the same function as ours."""
    decay, B, C = torch.exp(ours.log_decay), torch.view_as_complex(ours.B), torch.view_as_complex(ours.C)
    eigenvalues, log_step = torch.complex(-decay, ours.frequency), ours.log_step
    if ours.conjugate:
        eigenvalues, B = torch.cat([eigenvalues, eigenvalues.conj()]), torch.cat([B, B.conj()])
        C, log_step = torch.cat([C, C.conj()], dim=1), torch.cat([log_step, log_step])
    theirs = S5SSM(eigenvalues.detach(), torch.eye(P) + 0j, torch.eye(P) + 0j, H, P, 0.001, 0.1, bcInit="dense")
    theirs.B.data, theirs.C.data = torch.view_as_real(B.detach().resolve_conj()), C.detach().resolve_conj()
    theirs.D.data, theirs.log_step.data = ours.D.detach(), log_step.detach()
    return theirs


def relative(got: Tensor, expected: Tensor) -> float:
    return ((got - expected).abs().max() / expected.abs().max().clamp(min=1e-30)).item()


@pytest.mark.parametrize("conjugate", [False, True])
@pytest.mark.parametrize("length", [1, 7, 64])
def test_equals_s5_pytorch(length: int, conjugate: bool) -> None:
    ours = layer(conjugate=conjugate)
    theirs = published(ours)
    u, steps = signal(length)
    expected = torch.stack([theirs(u[i], step_scale=steps[i]) for i in range(3)])
    got, _ = ours(u, steps)
    assert relative(got, expected) <= 1e-4
    weight = torch.randn_like(expected)
    expected_grads = torch.autograd.grad(expected, [u, steps, theirs.D], weight, retain_graph=True)
    got_grads = torch.autograd.grad(got, [u, steps, ours.D], weight, retain_graph=True)
    for mine, wanted in zip(got_grads, expected_grads, strict=True):
        assert relative(mine, wanted) <= 1e-4
    if not conjugate:
        decay = torch.exp(ours.log_decay).detach()
        parameters = [theirs.Lambda, theirs.log_step, theirs.B, theirs.C]
        eigenvalues, log_step, B, C = torch.autograd.grad(expected, parameters, weight)
        wanted = [-decay * eigenvalues.real, eigenvalues.imag, log_step, B, torch.view_as_real(C)]
        own = [ours.log_decay, ours.frequency, ours.log_step, ours.B, ours.C]
        for mine, theirs_grad in zip(torch.autograd.grad(got, own, weight), wanted, strict=True):
            assert relative(mine, theirs_grad) <= 1e-4


def test_hippo_modes_are_those_of_the_published_matrix() -> None:
    eigenvalues, vectors = hippo_modes(4)
    n = torch.arange(4.0, dtype=torch.float64)
    root = torch.sqrt(2 * n + 1)
    legs = -(torch.tril(root[:, None] * root) - torch.diag(n))
    normal = legs + torch.sqrt(n + 0.5)[:, None] * torch.sqrt(n + 0.5)
    rebuilt = vectors @ torch.diag(eigenvalues) @ vectors.conj().T
    assert (rebuilt - normal).abs().max() < 1e-12


def test_initial_frequencies_at_32_states() -> None:
    modes = S5(4, 32).frequency
    assert len(modes) == 16
    assert modes.min() > 0
    assert modes.max().item() == pytest.approx(325, abs=1)


@pytest.mark.slow
@pytest.mark.parametrize("conjugate", [False, True])
def test_gradcheck(conjugate: bool) -> None:
    s5 = layer(conjugate=conjugate).double()
    u, steps = signal(3, torch.float64)
    steps = steps.detach() + 0.1
    state = torch.randn(3, s5.modes, dtype=torch.complex128, requires_grad=True)
    parameters = {n: p for n, p in s5.named_parameters()}

    def run(u: Tensor, steps: Tensor, state: Tensor, *values: Tensor) -> tuple[Tensor, Tensor]:
        weights = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(s5, weights, (u, steps, state))

    assert torch.autograd.gradcheck(run, (u, steps.requires_grad_(), state, *parameters.values()))


@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 200])
def test_event_by_event_equals_the_full_pass(length: int) -> None:
    s5 = layer()
    u, steps = signal(length)
    whole, last = s5(u, steps)
    state, outputs = None, []
    for k in range(length):
        y, state = s5.step(u[:, k], steps[:, k], state)
        outputs.append(y)
    assert (torch.stack(outputs, dim=1) - whole).abs().max() <= 1e-5
    assert (state - last).abs().max() <= 1e-5


def test_state_carried_across_windows_equals_one_pass() -> None:
    s5 = layer()
    u, steps = signal(64)
    whole, last = s5(u, steps)
    first, state = s5(u[:, :23], steps[:, :23])
    second, end = s5(u[:, 23:], steps[:, 23:], state)
    assert (torch.cat([first, second], dim=1) - whole).abs().max() <= 1e-5
    assert (end - last).abs().max() <= 1e-5


def test_is_causal() -> None:
    u, steps = signal(20)
    y, _ = layer()(u, steps)
    grads = torch.autograd.grad(y[:, :12].sum(), [u, steps])
    assert all(g[:, 12:].abs().max() == 0 and g[:, :12].abs().max() > 0 for g in grads)


def test_zero_step_leaves_the_state_unchanged() -> None:
    s5 = layer()
    u, steps = signal(5)
    _, before = s5(u, steps)
    _, after = s5.step(torch.randn(3, H), torch.zeros(3), before)
    assert torch.equal(after, before)


@pytest.mark.parametrize("step", [0.0, 1e-30, 1e-8, 1.0, 1e9])
def test_any_step_gives_finite_values_and_gradients(step: float) -> None:
    s5 = layer()
    u, _ = signal(50)
    steps = torch.full((3, 50), step, requires_grad=True)
    y, last = s5(u, steps)
    y.sum().backward()
    assert torch.isfinite(y).all() and torch.isfinite(torch.view_as_real(last)).all()
    assert torch.isfinite(steps.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in s5.parameters())


def test_huge_step_forgets_everything_before_it() -> None:
    s5 = layer()
    u, steps = signal(9)
    steps = steps.detach()
    steps[:, 8] = 1e9
    _, last = s5(u, steps)
    _, alone = s5(u[:, 8:], steps[:, 8:])
    assert torch.allclose(last, alone, atol=1e-6)


def test_tiny_step_keeps_its_digits() -> None:
    s5 = layer()
    step = torch.tensor(1e-7)
    _, factor = discretise(torch.exp(s5.log_decay), s5.frequency, step)
    assert (factor / step - 1).abs().max() < 1e-4


def test_modes_stay_stable_whatever_the_parameters() -> None:
    s5 = layer()
    with torch.no_grad():
        s5.log_decay.copy_(torch.linspace(-80, 80, s5.modes))
    a, _ = discretise(torch.exp(s5.log_decay), s5.frequency, torch.rand(100, 1) * 1e6)
    assert a.abs().max() <= 1 + 1e-6


def test_no_tensor_grows_with_states_times_channels_times_length() -> None:
    largest = 0

    def record(tensor: Tensor) -> Tensor:
        nonlocal largest
        largest = max(largest, tensor.numel())
        return tensor

    s5 = S5(64, 32)
    u, steps = torch.randn(2, 100, 64), torch.rand(2, 100)
    with torch.autograd.graph.saved_tensors_hooks(record, lambda t: t):
        s5(u, steps)[0].sum().backward()
    assert largest <= 2 * 100 * 64


def test_survives_an_outer_initialisation() -> None:
    model = nn.Sequential(nn.Linear(H, H), layer())
    before = {n: p.clone() for n, p in model[1].named_parameters()}

    def init(module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.weight)

    model.apply(init)
    assert all(torch.equal(before[n], p) for n, p in model[1].named_parameters())


def test_weight_decay_exemptions_are_parameters() -> None:
    assert layer().no_weight_decay <= set(dict(layer().named_parameters()))


def test_parameters_are_real() -> None:
    assert not any(p.is_complex() for p in layer().parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 0}, r"must be positive, .* \(got 0, 8\)"),
        ({"state_size": 7}, "state_size even with conjugate"),
        ({"dt_min": 0.0}, r"0 < dt_min <= dt_max must hold \(got 0.0, 0.1\)"),
        ({"dt_min": 0.2}, "0 < dt_min <= dt_max"),
    ],
)
def test_wrong_sizes(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        S5(**({"hidden_size": H, "state_size": P} | options))  # type: ignore[arg-type]
