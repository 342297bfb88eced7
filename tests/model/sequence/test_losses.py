from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from recbole_ext.model.sequence import losses
from recbole_ext.model.sequence.losses import full_cross_entropy, generalised_bce, sampled_softmax, weighted_mean


@pytest.mark.parametrize("chunk_scores", [7, 100, 2**21])
def test_equals_torchs_cross_entropy_in_value_and_gradient(monkeypatch: pytest.MonkeyPatch, chunk_scores: int) -> None:
    monkeypatch.setattr(losses, "CHUNK_SCORES", chunk_scores)
    torch.manual_seed(0)
    hidden, items = torch.randn(50, 8), torch.randn(30, 8) * 3
    targets = torch.randint(30, (50,))
    results = []
    for loss in (
        lambda h, w: 2 * F.cross_entropy(h @ w.T, targets),
        lambda h, w: 2 * full_cross_entropy(h, w, targets),
    ):
        h, w = hidden.clone().requires_grad_(), items.clone().requires_grad_()
        value = loss(h, w)
        value.backward()
        results.append((value.detach(), h.grad, w.grad))
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_label_smoothing_and_weights_equal_torchs(
    monkeypatch: pytest.MonkeyPatch, smoothing: float, weighted: bool
) -> None:
    monkeypatch.setattr(losses, "CHUNK_SCORES", 100)
    torch.manual_seed(0)
    hidden, items, targets = torch.randn(50, 8), torch.randn(30, 8) * 3, torch.randint(30, (50,))
    weights = torch.rand(50) if weighted else None
    results = []
    for loss in (
        lambda h, w: weighted_mean(
            F.cross_entropy(h @ w.T, targets, label_smoothing=smoothing, reduction="none"), weights
        ),
        lambda h, w: full_cross_entropy(h, w, targets, weights, smoothing),
    ):
        h, w = hidden.clone().requires_grad_(), items.clone().requires_grad_()
        value = loss(h, w)
        value.backward()
        results.append((value.detach(), h.grad, w.grad))
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_smoothing_by_hand() -> None:
    """Two candidates with scores 1 and 0: -(0.9 log p_0 + 0.1 log p_1) with e = 0.2."""
    loss = full_cross_entropy(torch.tensor([[1.0]]), torch.tensor([[1.0], [0.0]]), torch.tensor([0]), None, 0.2)
    share = np.e / (1 + np.e)
    assert loss.item() == pytest.approx(-(0.9 * np.log(share) + 0.1 * np.log(1 - share)), rel=1e-6)


@pytest.mark.parametrize("loss", [sampled_softmax, generalised_bce])
def test_sampled_losses_take_weights(loss: Callable[..., torch.Tensor]) -> None:
    torch.manual_seed(0)
    positive, negative = torch.randn(4), torch.randn(4, 3)
    targets, drawn = torch.tensor([9, 8, 7, 6]), torch.tensor([1, 2, 3])
    rest = (torch.zeros(10),) if loss is sampled_softmax else (100, 0.5)
    rows = [loss(positive[k : k + 1], negative[k : k + 1], targets[k : k + 1], drawn, *rest) for k in range(4)]
    weights = torch.tensor([0.0, 1.0, 2.0, 1.0])
    torch.testing.assert_close(
        loss(positive, negative, targets, drawn, *rest, weights), (torch.stack(rows) * weights).mean()
    )


def test_huge_scores_do_not_overflow() -> None:
    hidden = torch.full((2, 4), 100.0, requires_grad=True)
    loss = full_cross_entropy(hidden, torch.eye(4) * 100, torch.tensor([0, 1]))
    loss.backward()
    assert loss.item() == pytest.approx(1.3863, abs=1e-3)
    assert torch.isfinite(hidden.grad).all()


def test_no_target_is_refused() -> None:
    with pytest.raises(ValueError, match=r"needs at least one target \(got 0\)"):
        full_cross_entropy(torch.randn(0, 4), torch.randn(3, 4), torch.zeros(0, dtype=torch.long))


def test_sampled_softmax_by_hand() -> None:
    """One target with score 1; negatives 0 and 2 drawn with probability 1/2 each, so log(K q) = 0."""
    loss = sampled_softmax(
        torch.tensor([1.0]),
        torch.tensor([[0.0, 2.0]]),
        torch.tensor([9]),
        torch.tensor([1, 2]),
        torch.log(torch.tensor([1.0, 0.5, 0.5])),
    )
    assert loss.item() == pytest.approx(np.log(np.e + 1 + np.e**2) - 1, rel=1e-6)


def test_sampled_softmax_drops_the_target_among_the_negatives() -> None:
    loss = sampled_softmax(
        torch.tensor([1.0]), torch.tensor([[5.0, 5.0]]), torch.tensor([1]), torch.tensor([1, 1]), torch.zeros(2)
    )
    assert loss.item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("weights", [[1.0] * 6, [1.0, 2.0, 4.0, 1.0, 8.0, 2.0]])
def test_many_samples_with_correction_approach_the_full_softmax(weights: list[float]) -> None:
    torch.manual_seed(1)
    share = torch.tensor(weights) / sum(weights)
    scores = torch.randn(5, 6)
    targets = torch.tensor([0, 1, 2, 3, 4])
    drawn = torch.multinomial(share, 200_000, replacement=True)
    loss = sampled_softmax(scores[range(5), targets], scores[:, drawn], targets, drawn, share.log())
    assert loss.item() == pytest.approx(F.cross_entropy(scores, targets).item(), abs=0.02)


def test_gbce_without_calibration_is_bce() -> None:
    positive, negative = torch.tensor([0.3]), torch.tensor([[-0.5, 1.0]])
    loss = generalised_bce(positive, negative, torch.tensor([9]), torch.tensor([1, 2]), n_items=100, calibration=0.0)
    expected = F.binary_cross_entropy_with_logits(torch.tensor([0.3, -0.5, 1.0]), torch.tensor([1.0, 0.0, 0.0]))
    torch.testing.assert_close(loss, expected)


def test_gbce_with_full_calibration_weighs_the_target_by_the_sampling_rate() -> None:
    arguments = (torch.tensor([0.3]), torch.tensor([[-0.5, 1.0]]), torch.tensor([9]), torch.tensor([1, 2]))
    plain, tempered = (generalised_bce(*arguments, n_items=101, calibration=t) for t in (0.0, 1.0))
    difference = -(2 / 100 - 1) * F.logsigmoid(torch.tensor(0.3)) / 3
    torch.testing.assert_close(tempered - plain, difference)
