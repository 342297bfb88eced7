"""Every back end of both scans against the definition, forward and every gradient."""

import pytest
import torch
from torch import Tensor

from recbole_ext.ssm import BACKENDS, backend_status, diagonal_scan, parallel, selective_scan

LENGTHS = [1, 2, 3, 7, 64, 200]
SELECTIVE_BACKENDS = [b for b in BACKENDS if b != "reference" and backend_status()[b] is None]
DIAGONAL_BACKENDS = [b for b in SELECTIVE_BACKENDS if b != "mamba_ssm"]
Tensors = tuple[Tensor, ...]


def selective_inputs(length: int, channels: int = 5, states: int = 4, dtype: torch.dtype = torch.float32) -> Tensors:
    """u, delta, A, B, C, D, initial_state, with steps from 0.001 to 3."""
    g = torch.Generator().manual_seed(length)
    batch = 2
    u, B, C = (torch.randn(batch, length, n, generator=g, dtype=dtype) for n in (channels, states, states))
    delta = torch.exp(torch.rand(batch, length, channels, generator=g, dtype=dtype) * 8 - 7)
    A = -torch.exp(torch.randn(channels, states, generator=g, dtype=dtype))
    D = torch.randn(channels, generator=g, dtype=dtype)
    state = torch.randn(batch, channels, states, generator=g, dtype=dtype)
    return tuple(x.requires_grad_() for x in (u, delta, A, B, C, D, state))


def diagonal_inputs(length: int, dtype: torch.dtype, modes: int = 6) -> Tensors:
    """a (inside the unit disc), b, initial_state."""
    g = torch.Generator().manual_seed(length)
    a, b = (torch.randn(2, length, modes, generator=g, dtype=dtype) for _ in range(2))
    a = a / (1 + a.abs())
    state = torch.randn(2, modes, generator=g, dtype=dtype)
    return tuple(x.requires_grad_() for x in (a, b, state))


def run_selective(inputs: Tensors, backend: str, with_state: bool = True) -> tuple[Tensor, Tensor]:
    """The scan of `selective_inputs`."""
    *args, state = inputs
    return selective_scan(*args, initial_state=state if with_state else None, backend=backend)


def gradients(outputs: Tensors, inputs: Tensors) -> Tensors:
    """Gradients of a fixed random functional of all outputs."""
    g = torch.Generator().manual_seed(0)
    weights = [torch.randn(y.shape, generator=g, dtype=y.dtype) for y in outputs]
    return torch.autograd.grad(outputs, inputs, weights)


def assert_close(got: Tensors, expected: Tensors, tolerance: float = 1e-5) -> None:
    """Each tensor within the tolerance of the expected one, relative to that one's largest value."""
    for x, y in zip(got, expected, strict=True):
        assert (x - y).abs().max() <= tolerance * max(1.0, y.abs().max().item())


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("backend", SELECTIVE_BACKENDS)
def test_selective_scan_equals_reference(backend: str, length: int) -> None:
    inputs = selective_inputs(length)
    expected, got = run_selective(inputs, "reference"), run_selective(inputs, backend)
    assert_close(got, expected)
    assert_close(gradients(got, inputs), gradients(expected, inputs))


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
@pytest.mark.parametrize("backend", DIAGONAL_BACKENDS)
def test_diagonal_scan_equals_reference(backend: str, dtype: torch.dtype, length: int) -> None:
    a, b, state = inputs = diagonal_inputs(length, dtype)
    expected = (diagonal_scan(a, b, initial_state=state, backend="reference"),)
    got = (diagonal_scan(a, b, initial_state=state, backend=backend),)
    assert_close(got, expected)
    assert_close(gradients(got, inputs), gradients(expected, inputs))


def test_selective_scan_by_hand() -> None:
    one = torch.ones(1, 3, 1)
    half = -torch.log(torch.tensor([[2.0]]))  # exp(delta A) = 1 / 2
    y, last = selective_scan(one, one, half, one, 2 * one, torch.tensor([10.0]), backend="reference")
    assert y.flatten().tolist() == pytest.approx([12.0, 13.0, 13.5])
    assert last.flatten().tolist() == pytest.approx([1.75])


def test_diagonal_scan_by_hand() -> None:
    a = torch.full((1, 3, 1), 1j)
    x = diagonal_scan(a, torch.ones_like(a), backend="reference")
    assert x.flatten().tolist() == pytest.approx([1, 1 + 1j, 1j])


@pytest.mark.parametrize("backend", ["reference", "parallel"])
@pytest.mark.parametrize("length", [1, 5])
def test_selective_scan_gradcheck(backend: str, length: int) -> None:
    inputs = selective_inputs(length, channels=2, states=2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda *x: run_selective(x, backend), inputs)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("backend", ["reference", "parallel"])
def test_diagonal_scan_gradcheck(backend: str, dtype: torch.dtype) -> None:
    inputs = diagonal_inputs(7, dtype, modes=2)

    def run(a: Tensor, b: Tensor, state: Tensor) -> Tensor:
        return diagonal_scan(a, b, initial_state=state, backend=backend)

    assert torch.autograd.gradcheck(run, inputs)


@pytest.mark.parametrize("backend", ["reference", *SELECTIVE_BACKENDS])
def test_state_carried_across_windows_equals_one_pass(backend: str) -> None:
    *args, state = (x.detach() for x in selective_inputs(64))
    u, delta, A, B, C, D = args
    whole, last = selective_scan(*args, initial_state=state, backend=backend)
    first, carried = selective_scan(
        u[:, :41], delta[:, :41], A, B[:, :41], C[:, :41], D, initial_state=state, backend=backend
    )
    second, end = selective_scan(
        u[:, 41:], delta[:, 41:], A, B[:, 41:], C[:, 41:], D, initial_state=carried, backend=backend
    )
    assert_close((torch.cat([first, second], dim=1), end), (whole, last))


@pytest.mark.parametrize("backend", ["reference", *SELECTIVE_BACKENDS])
def test_selective_scan_is_causal(backend: str) -> None:
    inputs = selective_inputs(64)
    y, _ = run_selective(inputs, backend)
    (grad_u,) = torch.autograd.grad(y[:, :40].sum(), inputs[:1])
    assert grad_u[:, :40].abs().min() > 0
    assert grad_u[:, 40:].abs().max() == 0


@pytest.mark.parametrize("backend", ["reference", *SELECTIVE_BACKENDS])
def test_huge_and_tiny_steps_stay_finite(backend: str) -> None:
    u, delta, *rest = (x.detach() for x in selective_inputs(64))
    delta[:, ::2], delta[:, 1::4] = 1e9, 1e-30
    inputs = tuple(x.requires_grad_() for x in (u, delta, *rest))
    outputs = run_selective(inputs, backend)
    expected = run_selective(inputs, "reference")
    assert_close(outputs, expected)
    for got, wanted in zip(gradients(outputs, inputs), gradients(expected, inputs), strict=True):
        assert torch.isfinite(got).all()
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4 * wanted.abs().max().item())


@pytest.mark.parametrize("backend", ["reference", *SELECTIVE_BACKENDS])
def test_any_strides(backend: str) -> None:
    u, delta, A, B, C, D, state = inputs = selective_inputs(7)
    strided = (
        u.transpose(1, 2).contiguous().transpose(1, 2),
        delta.transpose(0, 1).contiguous().transpose(0, 1),
        A.t().contiguous().t(),
        torch.cat([B, C], dim=2)[..., : B.shape[2]],
        torch.cat([B, C], dim=2)[..., B.shape[2] :],
        D.repeat_interleave(2)[::2],
        state.transpose(1, 2).contiguous().transpose(1, 2),
    )
    got, expected = run_selective(strided, backend), run_selective(inputs, "reference")
    assert_close(got, expected)
    expanded_weight = torch.ones(()).expand(got[0].shape)  # a gradient of stride 0, as sum() gives
    got_grads = torch.autograd.grad(got[0], inputs, expanded_weight)
    assert_close(got_grads, torch.autograd.grad(expected[0], inputs, expanded_weight))


@pytest.mark.parametrize("backend", ["reference", *SELECTIVE_BACKENDS])
def test_low_precision_inputs_keep_a_float32_state(backend: str) -> None:
    inputs = [x.detach().to(torch.bfloat16) for x in selective_inputs(64)[:6]]
    y, last = selective_scan(*inputs, backend=backend)
    assert (y.dtype, last.dtype) == (torch.bfloat16, torch.float32)
    wide, _ = selective_scan(*(x.float() for x in inputs), backend="reference")
    assert_close((y.float(),), (wide,), tolerance=0.01)


def test_parallel_memory_is_bounded_by_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    inner = parallel._scan_blocks

    def recording(a: Tensor, b: Tensor, initial_state: Tensor) -> Tensor:
        sizes.append(a.shape[1])
        return inner(a, b, initial_state)

    monkeypatch.setattr(parallel, "_scan_blocks", recording)
    inputs = selective_inputs(200)
    gradients(run_selective(inputs, "parallel"), inputs)
    assert max(sizes) == parallel.WINDOW


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"u": torch.ones(2, 3)}, r"u must have shape \(B, L >= 1, channels\) \(got \(2, 3\)\)"),
        ({"u": torch.ones(2, 0, 5)}, r"u must have shape \(B, L >= 1, channels\)"),
        ({"delta": torch.ones(2, 3, 4)}, r"delta must have shape \(2, 3, 5\) \(got \(2, 3, 4\)\)"),
        ({"initial_state": torch.ones(2, 5)}, r"initial_state must have shape \(2, 5, 4\)"),
    ],
)
def test_selective_scan_names_the_wrong_shape(changed: dict[str, Tensor], message: str) -> None:
    names = ("u", "delta", "A", "B", "C", "D", "initial_state")
    arguments = dict(zip(names, selective_inputs(3), strict=True)) | changed
    with pytest.raises(ValueError, match=message):
        selective_scan(**arguments)


def test_diagonal_scan_needs_one_type() -> None:
    a = torch.ones(1, 2, 3)
    with pytest.raises(ValueError, match="a and b must have one type"):
        diagonal_scan(a, a.to(torch.complex64))
