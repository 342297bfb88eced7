"""The Triton kernels: always through Triton's interpreter, in its own process; on a GPU with `-m gpu`."""

import importlib.util
import os
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from recbole_ext.ssm import reference

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
Tensors = tuple[Tensor, ...]

needs_triton = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="needs triton")
on_gpu_or_interpreted = [] if INTERPRETED else [pytest.mark.gpu]


def selective_inputs(length: int, dtype: torch.dtype = torch.float32) -> Tensors:
    channels, states = 6, 3
    g = torch.Generator().manual_seed(length)
    u, B, C = (torch.randn(2, length, n, generator=g).to(dtype) for n in (channels, states, states))
    delta = torch.exp(torch.rand(2, length, channels, generator=g) * 8 - 7).to(dtype)
    A, D = -torch.exp(torch.randn(channels, states, generator=g)), torch.randn(channels, generator=g)
    state = torch.randn(2, channels, states, generator=g)
    return tuple(x.to(DEVICE).requires_grad_() for x in (u, delta, A, B, C, D, state))


def gradients(outputs: Tensors, inputs: Tensors) -> Tensors:
    g = torch.Generator().manual_seed(0)
    weights = [torch.randn(y.shape, generator=g).to(y) for y in outputs]
    return torch.autograd.grad(outputs, inputs, weights)


def assert_close(got: Tensors, expected: Tensors, tolerance: float = 1e-5) -> None:
    for x, y in zip(got, expected, strict=True):
        assert (x.to(y.dtype) - y).abs().max() <= tolerance * max(1.0, y.abs().max().item())


@pytest.mark.slow
@needs_triton
@pytest.mark.skipif(INTERPRETED, reason="this is the process of its own")
def test_through_the_interpreter() -> None:
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_triton
class TestKernels:
    pytestmark = on_gpu_or_interpreted

    @pytest.mark.parametrize("length", [1, 7, 17])
    def test_selective_scan_equals_reference(self, length: int) -> None:
        from recbole_ext.ssm import triton_kernel

        inputs = selective_inputs(length)
        expected, got = reference.selective_scan(*inputs), triton_kernel.selective_scan(*inputs)
        assert_close(got, expected)
        assert_close(gradients(got, inputs), gradients(expected, inputs))

    def test_selective_scan_without_gradients_or_state(self) -> None:
        from recbole_ext.ssm import triton_kernel

        inputs = tuple(x.detach() for x in selective_inputs(9))[:6]
        assert_close(triton_kernel.selective_scan(*inputs), reference.selective_scan(*inputs))

    def test_bfloat16_inputs_keep_a_float32_state(self) -> None:
        from recbole_ext.ssm import triton_kernel

        inputs = selective_inputs(9, dtype=torch.bfloat16)
        wide = tuple(x.detach().float().requires_grad_() for x in inputs)
        got, expected = triton_kernel.selective_scan(*inputs), reference.selective_scan(*wide)
        assert (got[0].dtype, got[1].dtype) == (torch.bfloat16, torch.float32)
        assert_close(got, expected, tolerance=0.01)
        grads = gradients(got, inputs)
        assert [x.dtype for x in grads] == [x.dtype for x in inputs]
        assert_close(grads, gradients(expected, wide), tolerance=0.02)

    def test_strided_inputs(self) -> None:
        from recbole_ext.ssm import triton_kernel

        inputs = tuple(x.detach() for x in selective_inputs(5))
        strided = tuple(x.transpose(0, 1).contiguous().transpose(0, 1) if x.dim() > 1 else x for x in inputs)
        assert_close(triton_kernel.selective_scan(*strided), reference.selective_scan(*inputs))

    @pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
    @pytest.mark.parametrize("length", [1, 40])
    def test_diagonal_scan_equals_reference(self, length: int, dtype: torch.dtype) -> None:
        from recbole_ext.ssm import triton_kernel

        g = torch.Generator().manual_seed(length)
        a, b = (torch.randn(2, length, 5, generator=g, dtype=dtype) for _ in range(2))
        state = torch.randn(2, 5, generator=g, dtype=dtype)
        inputs = tuple(x.to(DEVICE).requires_grad_() for x in (a / (1 + a.abs()), b, state))
        expected, got = (reference.diagonal_scan(*inputs),), (triton_kernel.diagonal_scan(*inputs),)
        assert_close(got, expected)
        assert_close(gradients(got, inputs), gradients(expected, inputs))
