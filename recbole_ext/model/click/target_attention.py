"""Reading a history for one candidate, and weighing a row's fields by what was read.

Rows that share a history are its queries side by side, so that attention is one product per history.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.model.layers.gap_bucket import GAP_BUCKETS, gap_bucket

_MOST_SCORES = 2**26
"""Scores (S, heads, Q, L + 1) held at once, 256 MB: one user with many rows would pad every history to them."""


@dataclass(frozen=True)
class Reading:
    """Which part of which history each row reads.

    Attributes:
        history: (R,) int64, number of the row's history.
        slot: (R,) int64, the row's place among the rows of its history.
        visible: (R,) int64, how many events of the history came before the row.
        time: (R,) int64 seconds.
    """

    history: Tensor
    slot: Tensor
    visible: Tensor
    time: Tensor

    def spread(self, values: Tensor, n_histories: int) -> Tensor:
        """(R, ...) -> (S, Q, ...), 0 where a history has fewer than Q rows."""
        n_slots = int(self.slot.max()) + 1
        out = values.new_zeros(n_histories, n_slots, *values.shape[1:])
        return out.index_put((self.history, self.slot), values)

    def gather(self, values: Tensor) -> Tensor:
        """(S, Q, ...) -> (R, ...)."""
        return values[self.history, self.slot]

    def parts(self, n_histories: int, cells: int) -> "Iterator[tuple[Tensor, Tensor, Reading]]":
        """Parts that are padded to at most `cells` places (S, Q), or to one place per history.

        Yields:
            Rows (r,) and histories (s,) int64 of a part, and who reads what of these.
        """
        counts = self.history.bincount(minlength=n_histories)
        low, end = 0, int(counts.max())
        while low < end:
            histories = torch.nonzero(counts > low).flatten()
            high = min(end, low + max(1, cells // len(histories)))
            rows = torch.nonzero((self.slot >= low) & (self.slot < high)).flatten()
            number = torch.zeros_like(counts).index_put((histories,), torch.arange(len(histories), device=rows.device))
            yield (
                rows,
                histories,
                Reading(number[self.history[rows]], self.slot[rows] - low, self.visible[rows], self.time[rows]),
            )
            low = high

    def last_state(self, states: Tensor) -> Tensor:
        """The state after the last event that each row sees, 0 for none: (S, L, H) -> (R, H)."""
        found = states[self.history, (self.visible - 1).clamp(min=0)]
        return found * (self.visible > 0).unsqueeze(1)


class _Lookup(torch.autograd.Function):
    """table[n_values, H] at indices (S, Q, L) -> (S, H, Q, L); its gradient is one count per value and head."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, indices: Tensor) -> Tensor:
        ctx.save_for_backward(indices)
        ctx.n_values = len(table)
        return torch.stack([column.take(indices) for column in table.t().contiguous()], dim=1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (indices,) = ctx.saved_tensors
        flat = indices.flatten()
        counts = [flat.bincount(head.flatten(), ctx.n_values) for head in grad.unbind(1)]
        return torch.stack(counts, dim=1).to(grad.dtype), None


class TargetAttention(nn.Module):
    """Attention of the candidate over the last `reach` events that came before the row.

        a_k = softmax_k(q . key_k / sqrt(d) + T[bucket(time of the row - time of event k)]),   readout = sum a_k value_k

    A learned key and value are appended to the events, so an empty history is defined too.

    Args:
        width: of states and queries.
        heads: divide the width.
        reach: longest history.
    """

    def __init__(self, width: int, heads: int, reach: int) -> None:
        super().__init__()
        self.heads, self.reach = heads, reach
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.age = nn.Embedding(GAP_BUCKETS, heads)
        self.nothing = nn.Parameter(torch.zeros(2, width))
        nn.init.zeros_(self.age.weight)
        nn.init.normal_(self.nothing, std=0.02)

    def forward(self, target: Tensor, states: Tensor, times: Tensor, reading: Reading) -> Tensor:
        """Read each row's history.

        Args:
            target: (R, width), the candidates.
            states: (S, L, width).
            times: (S, L) int64 seconds.
            reading: who reads what.

        Returns:
            (R, heads, width / heads).
        """
        n, length = times.shape
        cells = max(1, _MOST_SCORES // (self.heads * (length + 1)))
        if n * (int(reading.slot.max()) + 1) <= cells:
            return self._read(target, states, times, reading)
        found, places = [], []
        for rows, histories, part in reading.parts(n, cells):
            places.append(rows)
            found.append(self._read(target[rows], states[histories], times[histories], part))
        return torch.cat(found)[torch.cat(places).argsort()]

    def _read(self, target: Tensor, states: Tensor, times: Tensor, reading: Reading) -> Tensor:
        """`forward` in one piece."""
        n = len(states)
        query = self._split(reading.spread(self.query(target) / (target.shape[1] // self.heads) ** 0.5, n))
        key, value = (
            self._split(torch.cat([layer(states), none.expand(n, 1, -1)], dim=1))
            for layer, none in zip((self.key, self.value), self.nothing, strict=True)
        )  # (S, heads, L + 1, d)
        scores = query @ key.transpose(2, 3) + self._bias(times, reading)
        return reading.gather((scores.softmax(-1) @ value).transpose(1, 2))  # (S, Q, heads, d) -> (R, heads, d)

    def _bias(self, times: Tensor, reading: Reading) -> Tensor:
        """T of each event's age, -inf for what a row does not read, 0 for `nothing`: (S, heads, Q, L + 1)."""
        n, length = times.shape
        age = reading.spread(reading.time, n).unsqueeze(2) - times.unsqueeze(1)  # (S, Q, L)
        seen = reading.spread(reading.visible, n).unsqueeze(2)
        event = torch.arange(length, device=times.device)
        allowed = (event < seen) & (event >= seen - self.reach)
        ages = gap_bucket(age).masked_fill_(~allowed, GAP_BUCKETS)
        beside = self.age.weight.new_tensor([float("-inf"), 0.0]).unsqueeze(1).expand(2, self.heads)
        table = torch.cat([self.age.weight, beside])
        return _Lookup.apply(table, nn.functional.pad(ages, (0, 1), value=GAP_BUCKETS + 1))

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class CrossBranchAttention(nn.Module):
    """The fields of a row (queries) over what was read from its history (keys and values).

        fields' = LayerNorm(fields + softmax(Q K' / sqrt(d)) V),   summary = mean of fields'

    Args:
        field_width: of a field's vector, and of the attention.
        token_width: of a token read from the history.
    """

    def __init__(self, field_width: int, token_width: int) -> None:
        super().__init__()
        self.query = nn.Linear(field_width, field_width)
        self.key, self.value = nn.Linear(token_width, field_width), nn.Linear(token_width, field_width)
        self.norm = nn.LayerNorm(field_width)

    def forward(self, fields: Tensor, tokens: Tensor) -> Tensor:
        """(R, F, field_width), (R, T, token_width) -> (R, field_width)."""
        query, key, value = self.query(fields), self.key(tokens), self.value(tokens)
        weights = (query @ key.transpose(1, 2) / query.shape[-1] ** 0.5).softmax(-1)
        return self.norm(fields + weights @ value).mean(1)
