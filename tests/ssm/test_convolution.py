import pytest
import torch
from torch import nn

from recbole_ext.ssm.convolution import causal_convolution


@pytest.mark.parametrize(
    ("batch", "length", "channels", "kernel"), [(1, 1, 16, 4), (3, 7, 20, 4), (2, 50, 128, 2), (2, 5, 33, 1)]
)
def test_compiled_and_plain_agree_in_outputs_and_gradients(batch: int, length: int, channels: int, kernel: int) -> None:
    torch.manual_seed(0)
    conv = nn.Conv1d(channels, channels, kernel, groups=channels)
    x = (3 * torch.randn(batch, length, 2 * channels)).chunk(2, dim=-1)[0].requires_grad_()  # not contiguous
    tail = torch.randn(batch, kernel - 1, channels, requires_grad=True)
    grad = torch.randn(batch, length, channels)
    found = []
    for backend in ("parallel", "cpu"):
        y, new_tail = causal_convolution(x, conv, tail, backend)
        inputs = [x, conv.weight, conv.bias, *([tail] if kernel > 1 else [])]
        found.append([y, new_tail, *torch.autograd.grad(y, inputs, grad)])
    for plain, compiled in zip(*found, strict=True):
        torch.testing.assert_close(compiled, plain, rtol=1e-5, atol=2e-5)


def test_large_values_neither_overflow_nor_hide_a_nan() -> None:
    conv = nn.Conv1d(16, 16, 1, groups=16)
    nn.init.ones_(conv.weight)
    nn.init.zeros_(conv.bias)
    x = torch.zeros(1, 4, 16)
    x[0, :, 0] = torch.tensor([1e4, -1e4, 1e30, float("nan")])
    y = causal_convolution(x, conv, None, "cpu")[0][0, :, 0]
    torch.testing.assert_close(y, torch.tensor([1e4, 0.0, 1e30, float("nan")]), equal_nan=True)


def test_bf16_takes_the_plain_path() -> None:
    conv = nn.Conv1d(16, 16, 4, groups=16).bfloat16()
    assert causal_convolution(torch.randn(2, 5, 16).bfloat16(), conv, None)[0].dtype == torch.bfloat16
