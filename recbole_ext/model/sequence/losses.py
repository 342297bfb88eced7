"""Losses over a catalogue of items that never hold the scores of all targets at once."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from recbole_ext.model.sequence.chunked_term import ChunkedTerm, term_above_mean
from recbole_ext.model.sequence.history_term import HistoryItems

CHUNK_SCORES = 2**19
"""Scores held at once on a CPU: 2 MB of float32, which stays in a core's cache; 64 times as many elsewhere."""


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Forward and backward in one pass: the gradient of a chunk is made while its scores are at hand."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        candidates: Tensor,
        targets: Tensor,
        weights: Tensor | None,
        logits: Tensor | None,
        history: HistoryItems | None,
    ) -> Tensor:
        ctx.types = [x.dtype for x in (hidden, candidates, logits) if x is not None]
        term = None if history is None or logits is None else ChunkedTerm(history, logits.float(), targets)
        with torch.autocast(hidden.device.type, enabled=False):
            return _ChunkedCrossEntropy._loss_and_gradients(
                ctx, hidden.float(), candidates.float(), targets, weights, term
            )

    @staticmethod
    def _loss_and_gradients(
        ctx: Any, hidden: Tensor, candidates: Tensor, targets: Tensor, weights: Tensor | None, term: ChunkedTerm | None
    ) -> Tensor:
        n, n_candidates = len(targets), len(candidates)
        grad_hidden, grad_candidates = torch.empty_like(hidden), torch.zeros_like(candidates)
        total = hidden.new_zeros((), dtype=torch.float64)
        held = CHUNK_SCORES * (1 if hidden.device.type == "cpu" else 64)
        for rows in torch.arange(n, device=hidden.device).split(max(16, held // n_candidates)):
            chunk, own = hidden[rows], targets[rows]
            scores = chunk @ candidates.T
            if term is not None:
                term.add(scores, int(rows[0]))
            place = torch.arange(len(rows), device=hidden.device)
            highest = scores.amax(1, keepdim=True)
            target_score = scores[place, own] - highest.squeeze(1)
            share = scores.sub_(highest).exp_()
            normaliser = share.sum(1, keepdim=True)
            if term is not None:
                term.collect(share, normaliser, int(rows[0]))
            losses = normaliser.squeeze(1).log() - target_score
            gradient = (share @ candidates).div_(normaliser).sub_(candidates[own])
            if weights is not None:
                weight = weights[rows]
                losses, gradient, chunk = losses * weight, gradient * weight.unsqueeze(1), chunk * weight.unsqueeze(1)
            total += losses.double().sum()
            grad_hidden[rows] = gradient
            grad_candidates.addmm_(share.T, chunk / normaliser).index_add_(0, own, chunk, alpha=-1)
        gradients = [grad_hidden, grad_candidates]
        if term is not None:
            gradients.append(term.gradient if weights is None else term.gradient * weights.unsqueeze(1))
        ctx.save_for_backward(*(gradient / n for gradient in gradients))
        return (total / n).to(hidden.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        gradients = [(grad * saved).to(dtype) for saved, dtype in zip(ctx.saved_tensors, ctx.types, strict=True)]
        return gradients[0], gradients[1], None, None, gradients[2] if len(gradients) > 2 else None, None


def weighted_mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """mean_i w_i v_i of (n,) values; weights of None are ones. It is no average: the w_i have mean 1 over all data."""
    return values.mean() if weights is None else (weights * values).mean()


def full_cross_entropy(
    hidden: Tensor,
    candidates: Tensor,
    targets: Tensor,
    weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    logits: Tensor | None = None,
    history: HistoryItems | None = None,
) -> Tensor:
    """Mean cross-entropy of a softmax over all candidates.

        s_ij = hidden_i . candidates_j (+ logits_ic where j is in i's history, c its group there)
        loss = mean_i w_i (log sum_j exp(s_ij) - (1 - e) s_{i, targets_i} - e mean_j s_ij)

    The mean of the scores is the score of the mean candidate, so label smoothing e takes no pass over the scores.

    Args:
        hidden: (n, H) float.
        candidates: (V, H) float, one row per item.
        targets: (n,) int64 in [0, V).
        weights: (n,) float, w; ones if None.
        label_smoothing: e, the share of each target that is spread over all candidates.
        logits: (n, groups) float, of the history term; None without one.
        history: the items in each state's history, as rows of `candidates`.

    Returns:
        () float32; its gradient reaches `hidden`, `candidates` and `logits`. It can be differentiated once.

    Raises:
        ValueError: there is no target.
    """
    if not len(targets):
        raise ValueError("full_cross_entropy needs at least one target (got 0)")
    loss = _ChunkedCrossEntropy.apply(hidden, candidates, targets, weights, logits, history)
    if not label_smoothing:
        return loss
    above_mean = (hidden * (candidates[targets] - candidates.mean(0))).sum(1)
    if history is not None and logits is not None:
        above_mean = above_mean + term_above_mean(history, logits, targets, len(candidates))
    return loss + label_smoothing * weighted_mean(above_mean, weights)


def pairwise_loss(positive: Tensor, negative: Tensor, weights: Tensor | None = None) -> Tensor:
    """BPR: -mean_i w_i mean_k log sigmoid(p_i - s_ik).

    Args:
        positive: (n,) scores of the targets.
        negative: (n,) or (n, K) scores of each target's sampled items.
        weights: (n,) float, w; ones if None.

    Returns:
        () float.

    Source: Rendle et al. 2009, equation of BPR-Opt.
    """
    if negative.dim() == 1:
        return -weighted_mean(F.logsigmoid(positive - negative), weights)
    return -weighted_mean(F.logsigmoid(positive.unsqueeze(1) - negative).mean(1), weights)


def sampled_softmax(
    positive: Tensor,
    negative: Tensor,
    targets: Tensor,
    negatives: Tensor,
    log_share: Tensor,
    weights: Tensor | None = None,
) -> Tensor:
    """Mean cross-entropy against shared sampled items, corrected for how often each is sampled (logQ).

        loss = mean_i -log( e^{p_i} / (e^{p_i} + sum_j e^{s_ij - log(K q_j)}) ),   s_ij dropped where j is i's target

    Args:
        positive: (n,) scores of the targets.
        negative: (n, K) scores of the sampled items.
        targets: (n,) int64 item ids.
        negatives: (K,) int64 item ids.
        log_share: (n_items,) log of each item's probability to be sampled.
        weights: (n,) float, of the targets; ones if None.

    Returns:
        () float.

    Source: Bengio and Senecal 2008; the correction as in Yi et al. 2019 (sampling-bias-corrected retrieval).
    Differs from source: the target itself is not sampled, so its score is not corrected.
    """
    corrected = negative - (log_share[negatives] + math.log(len(negatives)))
    corrected = corrected.masked_fill(targets.unsqueeze(1) == negatives, -float("inf"))
    everything = torch.cat([positive.unsqueeze(1), corrected], dim=1)
    return weighted_mean(torch.logsumexp(everything, dim=1) - positive, weights)


def generalised_bce(
    positive: Tensor,
    negative: Tensor,
    targets: Tensor,
    negatives: Tensor,
    n_items: int,
    calibration: float,
    weights: Tensor | None = None,
) -> Tensor:
    """gBCE: binary cross-entropy whose positive part is tempered by the sampling rate.

        loss = -mean_i ( beta log sigmoid(p_i) + sum_j log(1 - sigmoid(s_ij)) ) / (1 + K)
        a    = K / (n_items - 1),   beta = a (t (1 - 1/a) + 1/a)

    Args:
        positive: (n,) scores of the targets.
        negative: (n, K) scores of the sampled items; a target among them does not count.
        targets: (n,) int64 item ids.
        negatives: (K,) int64 item ids.
        n_items: size of the catalogue.
        calibration: t in [0, 1]; 0 is plain BCE, 1 undoes the over-confidence completely.
        weights: (n,) float, of the targets; ones if None.

    Returns:
        () float.

    Source: Petrov and Macdonald 2023 (gSASRec), equations 8 to 10.
    """
    rate = len(negatives) / max(1, n_items - 1)
    beta = rate * (calibration * (1 - 1 / rate) + 1 / rate)
    counted = targets.unsqueeze(1) != negatives
    pushed = (F.logsigmoid(-negative) * counted).sum(1)
    return -weighted_mean((beta * F.logsigmoid(positive) + pushed) / (1 + len(negatives)), weights)
