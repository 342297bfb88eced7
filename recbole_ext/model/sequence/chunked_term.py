"""The history term within a softmax whose scores are computed a chunk of states at a time."""

import torch
from torch import Tensor

from recbole_ext.model.sequence.history_term import HistoryItems, compiled_on, logits_of_items


class ChunkedTerm:
    """Adds the term to chunks of scores, and collects its gradient from chunks of probabilities.

    Args:
        history: of all n states.
        logits: (n, groups) float32.
        targets: (n,) int64, a candidate for each state.

    Attributes:
        gradient: (n, groups), of the sum of the losses by the logits; whole after the last chunk.
    """

    def __init__(self, history: HistoryItems, logits: Tensor, targets: Tensor) -> None:
        self.history, self.logits, self.targets = history, logits.detach().contiguous(), targets
        self.gradient = torch.zeros_like(self.logits)
        self.compiled = compiled_on(logits.device)

    def add(self, scores: Tensor, first: int) -> None:
        """Add the logits to the scores (r, V) of the states from `first` on, in place."""
        history = self.history
        if self.compiled:
            from recbole_ext.model.sequence import history_kernel as kernel

            arrays = (x.numpy() for x in (history.bounds, history.item, history.group, self.logits))
            kernel.add(scores.numpy(), first, *arrays)
            return
        state, item, group = self._of(first, len(scores))
        scores.index_put_((state - first, item), self.logits[state, group], accumulate=True)

    def collect(self, share: Tensor, normaliser: Tensor, first: int) -> None:
        """Add to the gradient what the unnormalised probabilities (r, V) and their sums (r, 1) say."""
        history = self.history
        if self.compiled:
            from recbole_ext.model.sequence import history_kernel as kernel

            arrays = (x.numpy() for x in (history.bounds, history.item, history.group, self.targets, self.gradient))
            kernel.collect(share.numpy(), normaliser.view(-1).numpy(), first, *arrays)
            return
        state, item, group = self._of(first, len(share))
        wrong = share[state - first, item] / normaliser[state - first, 0] - (item == self.targets[state]).float()
        self.gradient.index_put_((state, group), wrong, accumulate=True)

    def _of(self, first: int, count: int) -> list[Tensor]:
        """State, item and group of the histories of some states."""
        begin, end = self.history.bounds[first], self.history.bounds[first + count]
        return [x[begin:end] for x in (self.history.state, self.history.item, self.history.group)]


def term_above_mean(history: HistoryItems, logits: Tensor, targets: Tensor, n_candidates: int) -> Tensor:
    """The term of each state's target less the mean of its term over all candidates: (n,)."""
    groups = logits.shape[1]
    count = torch.bincount(history.state * groups + history.group, minlength=history.n * groups)
    mean = (logits * count.view(history.n, groups)).sum(1) / n_candidates
    return logits_of_items(history, logits, targets) - mean
