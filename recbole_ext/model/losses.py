"""Losses over a catalogue of items that never hold the scores of all targets at once."""

from typing import Any

import torch
from torch import Tensor

CHUNK_SCORES = 2**21
"""Scores held at once: 8 MB of float32, which stays in a CPU's cache."""


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Forward and backward in one pass: the gradient of a chunk is made while its scores are at hand."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, candidates: Tensor, targets: Tensor) -> Tensor:
        hidden, candidates = hidden.float(), candidates.float()
        n, n_candidates = len(targets), len(candidates)
        grad_hidden, grad_candidates = torch.empty_like(hidden), torch.zeros_like(candidates)
        total = hidden.new_zeros((), dtype=torch.float64)
        for rows in torch.arange(n, device=hidden.device).split(max(16, CHUNK_SCORES // n_candidates)):
            chunk, own = hidden[rows], targets[rows]
            scores = chunk @ candidates.T
            place = torch.arange(len(rows), device=hidden.device)
            highest = scores.amax(1, keepdim=True)
            target_score = scores[place, own] - highest.squeeze(1)
            share = scores.sub_(highest).exp_()
            normaliser = share.sum(1, keepdim=True)
            total += (normaliser.squeeze(1).log() - target_score).double().sum()
            share.div_(normaliser)
            share[place, own] -= 1
            grad_hidden[rows] = share @ candidates
            grad_candidates.addmm_(share.T, chunk)
        ctx.save_for_backward(grad_hidden / n, grad_candidates / n)
        return (total / n).to(hidden.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        grad_hidden, grad_candidates = ctx.saved_tensors
        return grad * grad_hidden, grad * grad_candidates, None


def full_cross_entropy(hidden: Tensor, candidates: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of a softmax over all candidates.

        loss = mean_i (log sum_j exp(hidden_i . candidates_j) - hidden_i . candidates_{targets_i})

    Args:
        hidden: (n, H) float.
        candidates: (V, H) float, one row per item.
        targets: (n,) int64 in [0, V).

    Returns:
        () float32; its gradient reaches `hidden` and `candidates`. It can be differentiated once.

    Raises:
        ValueError: there is no target.
    """
    if not len(targets):
        raise ValueError("full_cross_entropy needs at least one target (got 0)")
    return _ChunkedCrossEntropy.apply(hidden, candidates, targets)
