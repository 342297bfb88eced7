from typing import Any

import pytest
import torch
from torch import Tensor

from recbole_ext.model.layers.own_precision import in_own_precision


class _Square(torch.autograd.Function):
    """x^T x: under autocast a product of 16 bits."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, power: int) -> Tensor:
        ctx.save_for_backward(x)
        return x.T @ x if power == 2 else x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return x @ (grad + grad.T), None


@pytest.mark.parametrize(
    ("given", "expected"),
    [(torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)],
)
def test_a_function_computes_in_the_type_of_its_inputs(given: torch.dtype, expected: torch.dtype) -> None:
    x = torch.randn(7, 3, dtype=given, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = in_own_precision(_Square, x, 2)
    assert found.dtype == expected
    torch.testing.assert_close(found, x.to(expected).T @ x.to(expected))
    found.sum().backward()
    assert x.grad is not None and x.grad.dtype == given
