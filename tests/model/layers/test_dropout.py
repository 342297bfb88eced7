import pytest
import torch

from recbole_ext.model.layers.dropout import Dropout


@pytest.mark.parametrize("p", [0.1, 0.2, 0.5, 0.9])
def test_share_mean_and_gradient(p: float) -> None:
    torch.manual_seed(3)
    x = torch.ones(1000, 1001, requires_grad=True)
    y = Dropout(p)(x)
    (grad,) = torch.autograd.grad(y.sum(), x)
    assert (y == 0).double().mean().item() == pytest.approx(p, abs=0.002)
    assert y.double().mean().item() == pytest.approx(1.0, abs=0.01)
    assert torch.equal(grad, y)  # of a one: dropped with it, scaled with it


def test_decisions_are_independent_of_their_neighbours() -> None:
    torch.manual_seed(3)
    kept = (Dropout(0.5)(torch.ones(2**20)) > 0).double() - 0.5
    for lag in (1, 2, 3, 4, 8):
        assert abs((kept[lag:] * kept[:-lag]).mean().item()) < 0.002


def test_same_seed_same_mask_and_nothing_in_evaluation() -> None:
    dropout, x = Dropout(0.3), torch.randn(7, 5)
    masks = []
    for _ in range(2):
        torch.manual_seed(1)
        masks.append(dropout(x))
    assert torch.equal(*masks)
    assert torch.equal(dropout.eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)


def test_an_odd_number_of_elements_and_bf16() -> None:
    assert Dropout(0.5)(torch.ones(3)).shape == (3,)
    assert Dropout(0.5)(torch.ones(5, dtype=torch.bfloat16)).dtype == torch.bfloat16
