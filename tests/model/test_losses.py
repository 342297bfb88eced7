import pytest
import torch
from torch.nn import functional as F

from recbole_ext.model import losses
from recbole_ext.model.losses import full_cross_entropy


@pytest.mark.parametrize("chunk_scores", [7, 100, 2**21])
def test_equals_torchs_cross_entropy_in_value_and_gradient(monkeypatch: pytest.MonkeyPatch, chunk_scores: int) -> None:
    monkeypatch.setattr(losses, "CHUNK_SCORES", chunk_scores)
    torch.manual_seed(0)
    hidden, items = torch.randn(50, 8), torch.randn(30, 8) * 3
    targets = torch.randint(30, (50,))
    results = []
    for loss in (lambda h, w: 2 * F.cross_entropy(h @ w.T, targets), lambda h, w: 2 * full_cross_entropy(h, w, targets)):
        h, w = hidden.clone().requires_grad_(), items.clone().requires_grad_()
        value = loss(h, w)
        value.backward()
        results.append((value.detach(), h.grad, w.grad))
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_huge_scores_do_not_overflow() -> None:
    hidden = torch.full((2, 4), 100.0, requires_grad=True)
    loss = full_cross_entropy(hidden, torch.eye(4) * 100, torch.tensor([0, 1]))
    loss.backward()
    assert loss.item() == pytest.approx(1.3863, abs=1e-3)
    assert torch.isfinite(hidden.grad).all()


def test_no_target_is_refused() -> None:
    with pytest.raises(ValueError, match=r"needs at least one target \(got 0\)"):
        full_cross_entropy(torch.randn(0, 4), torch.randn(3, 4), torch.zeros(0, dtype=torch.long))
