"""RecBole's RepeatNet, trained on all positions of a window.

After the event at position k of a list, with the states m_1 ... m_k of a GRU and the items x_1 ... x_k:

    a_i(W, U, v) = softmax over i <= k of v . tanh(W m_k + U m_i)
    (r, e)       = softmax of C sum_i a_i m_i                 how likely a repetition is, and a new item
    P(repeat j)  = sum over i with x_i = j of a_i
    P(explore j) = softmax over items that are not in the list of D [sum_i a_i m_i, m_k]
    P(j)         = r P(repeat j) + e P(explore j)

with weights W, U, v of its own for each of the three. RecBole computes this for one row per prefix, and (r, e) over the
padding of the list too: `train_mode: prefix` trains and ranks with its code as it is. Here the sums end at k, and one
pass of the GRU over a window serves all its positions.

Source: Ren et al., 2019, RepeatNet; RecBole's code, to which it is equal on full lists, but for `joint_train`: the
second loss is that of each row, where RecBole multiplies each row's kind by every row's probability.
"""

from dataclasses import dataclass
from typing import Any

import torch
from recbole.model.sequential_recommender.repeatnet import RepeatNet as RecBoleRepeatNet
from torch import Tensor, nn

from recbole_ext.model.host.on_windows import OnWindows, nll_of


class RepeatNet(OnWindows, RecBoleRepeatNet):
    """RecBole's RepeatNet."""

    def shares_at(self, interaction: Any, row: Tensor, position: Tensor) -> Tensor:
        """Probabilities of all items after the events at (row, position), (n,) each: (n, n_items)."""
        return self._at(interaction[self.ITEM_SEQ], row, position)[1]

    def loss_at(self, interaction: Any, row: Tensor, position: Tensor, target: Tensor) -> Tensor:
        """Mean loss of targets (n,) after these events; with `joint_train` that of their kinds too: ()."""
        gate, shares, listed = self._at(interaction[self.ITEM_SEQ], row, position)
        loss = nll_of(shares, target)
        if not self.joint_train:
            return loss
        repeats = (listed == target.unsqueeze(1)).any(1)
        return loss + nll_of(gate, (~repeats).long()) / 2

    def _at(self, items: Tensor, row: Tensor, position: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """After the events at (row, position), (n,) each: (r, e) (n, 2), probabilities (n, n_items), lists (n, L)."""
        before = torch.arange(items.shape[1], device=items.device) <= position.unsqueeze(1)
        memory, listed = self.gru(self.item_matrix(items))[0], items[row] * before
        states = _States(memory, row, memory[row, position], before)
        kind, repeat = self.repeat_explore_mechanism, self.repeat_recommendation_decoder
        gate = kind.Wcre(states.mean(states.weights(kind, kind.Wre, kind.Ure, kind.Vre))).softmax(-1)
        again = states.weights(repeat, repeat.Wr, repeat.Ur, repeat.Vr) * gate[:, :1]
        return gate, (self._new(states, listed) * gate[:, 1:]).scatter_add(1, listed, again), listed

    def _new(self, states: "_States", listed: Tensor) -> Tensor:
        """P(explore j): (n, n_items); the column of the padding item is a candidate, as in RecBole."""
        decoder = self.explore_recommendation_decoder
        read = states.mean(states.weights(decoder, decoder.We, decoder.Ue, decoder.Ve))
        scores = decoder.dropout(decoder.matrix_for_explore(torch.cat([read, states.last], 1)))
        return scores.scatter(1, torch.where(states.before, listed, listed[:, :1]), -torch.inf).softmax(-1)


@dataclass(frozen=True)
class _States:
    """States of a GRU up to n events.

    Attributes:
        memory: (B, L, H) of the windows.
        row: (n,) int64, the window of each event.
        last: (n, H) the state after it.
        before: (n, L) bool, the events up to it.
    """

    memory: Tensor
    row: Tensor
    last: Tensor
    before: Tensor

    def weights(self, decoder: Any, of_last: nn.Module, of_memory: nn.Module, score: nn.Module) -> Tensor:
        """a_i: (n, L), 0 after the event."""
        projected = decoder.dropout(of_memory(self.memory))[self.row] + decoder.dropout(of_last(self.last)).unsqueeze(1)
        return score(projected.tanh()).squeeze(-1).masked_fill(~self.before, -torch.inf).softmax(-1)

    def mean(self, weights: Tensor) -> Tensor:
        """sum_i a_i m_i: (n, H)."""
        return (weights.unsqueeze(1) @ self.memory[self.row]).squeeze(1)
