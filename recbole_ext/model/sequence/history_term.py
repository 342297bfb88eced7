"""The history term: a learned logit for the items that the user has had before.

    score_j += w_c . h + b_c    for each item j of the user's whole history, c the group of its latest event

h is the state at the position of the prediction, so the model decides at each position how likely a return is: below
0 where users have each item once, above 0 where they return to items. No item is removed by it. The softmax then no
longer spends its capacity on learning which items a user has had. Groups (`history_term`): `seen`: one for all items;
`recency`: the event distance in octaves; each times the values of `history_field`, where one is named.

Source: the copy and exclude mechanisms of Chang et al., 2024 (Softmax-CPR), with one learned logit per group in place
of separate projections.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from recbole.utils import FeatureType
from torch import Tensor, nn

from recbole_ext.errors import UsageError

HISTORY_TERMS = ("none", "seen", "recency")
OCTAVES = 12
_NEVER = 2**40


@dataclass(frozen=True)
class Slots:
    """The events of each row's history that can be the latest of their item, oldest first.

    Attributes:
        items: (B, S) int64, 0 for none.
        place: (B, S) int64, the event's position in the row's list; below 0 for events before the list.
        until: (B, S) int64, the position of the next event with the same item.
        values: (B, S) int64, of `history_field`; None without one.
    """

    items: Tensor
    place: Tensor
    until: Tensor
    values: Tensor | None


@dataclass(frozen=True)
class HistoryItems:
    """The items in the histories of n states, each once per state, in the order of the states.

    Attributes:
        bounds: (n + 1,) int64, where each state's items begin.
        item: (p,) int64, a row of the table of candidates.
        group: (p,) int64.
    """

    bounds: Tensor
    item: Tensor
    group: Tensor

    @property
    def n(self) -> int:
        """Number of states."""
        return len(self.bounds) - 1

    @cached_property
    def state(self) -> Tensor:
        """(p,) int64 in [0, n)."""
        return torch.repeat_interleave(torch.arange(self.n, device=self.bounds.device), self.bounds.diff())

    def less(self, first_item: int) -> "HistoryItems":
        """The same for a table of candidates that begins with some item."""
        return replace(self, item=self.item - first_item)


def compiled_on(device: torch.device) -> bool:
    """Whether the compiled loops serve a device; elsewhere torch's indexing does."""
    return device.type == "cpu"


def history_term_of(config: Any, dataset: Any, width: int) -> "HistoryTerm | None":
    """The term that `history_term` asks for; None for `none`.

    Raises:
        UsageError: an unknown kind, or a `history_field` that is no column of single tokens beside the ids.
    """
    kind, field = config["history_term"], config["history_field"]
    if kind not in HISTORY_TERMS:
        raise UsageError(f"history_term must be one of {', '.join(HISTORY_TERMS)} (got {kind!r})")
    if field and kind == "none":
        raise UsageError(f"history_field {field!r} is read with history_term: seen or recency (got none)")
    ids = (dataset.uid_field, dataset.iid_field)
    known = getattr(dataset, "events", dataset.inter_feat).columns
    columns = [name for name in known if dataset.field2type.get(name) is FeatureType.TOKEN]
    if field and (field in ids or field not in columns):
        others = ", ".join(sorted(set(columns) - set(ids))) or "the data have none"
        raise UsageError(
            f"history_field must be a loaded token column of the events, beside the ids: {others} (got {field!r})"
        )
    return None if kind == "none" else HistoryTerm(config, dataset, width)


def slots_of(items: Tensor, earlier: Tensor, earlier_place: Tensor, values: Tensor | None) -> Slots:
    """Slots of lists (B, L) and the events (B, E) before them; values (B, E + L) or None."""
    place = torch.arange(items.shape[1], device=items.device).expand_as(items)
    items, place = torch.cat([earlier, items], 1), torch.cat([earlier_place, place], 1)
    order = torch.argsort(items, dim=1, stable=True)
    by_item, by_place = items.gather(1, order), place.gather(1, order)
    following = torch.where(by_item[:, 1:] == by_item[:, :-1], by_place[:, 1:], _NEVER)
    until = torch.full_like(place, _NEVER).scatter(1, order[:, :-1], following)
    return Slots(items, place, until, values)


class HistoryTerm(nn.Module):
    """Logits of the groups of a history; settings are keys of a run.

    Args:
        config: `history_term`, `history_field`.
        dataset: the training split, for the number of values of `history_field`.
        width: of the states.
    """

    def __init__(self, config: Any, dataset: Any, width: int) -> None:
        super().__init__()
        self.field = config["history_field"]
        self.items, self.suffix, self.length = (
            dataset.iid_field,
            config["LIST_SUFFIX"],
            config["ITEM_LIST_LENGTH_FIELD"],
        )
        self.octaves = OCTAVES if config["history_term"] == "recency" else 0
        n_values = dataset.num(self.field) if self.field else 1
        self.logits = nn.Linear(width, n_values * max(1, self.octaves))
        nn.init.zeros_(self.logits.weight)
        nn.init.zeros_(self.logits.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        """(n, width) -> (n, groups)."""
        return self.logits(hidden)

    def slots(self, interaction: Any) -> Slots:
        """The slots of a batch of histories; a batch that was written out without earlier events has none of them."""
        items = interaction[self.items + self.suffix]
        earlier = f"earlier_{self.items}{self.suffix}"
        none = items[:, :0]
        known = earlier in interaction
        values = None
        if self.field:
            parts = [f"earlier_{self.field}{self.suffix}"] if known else []
            values = torch.cat([interaction[name] for name in (*parts, self.field + self.suffix)], 1)
        before = (interaction[earlier], interaction[f"earlier_place{self.suffix}"]) if known else (none, none)
        return slots_of(items, *before, values)

    def history(self, interaction: Any, has_target: Tensor | None = None) -> HistoryItems:
        """The items in the histories of a batch.

        Args:
            interaction: windows or prefix rows.
            has_target: (B, L) bool, the positions of windows in question; None, or (B,): the end of each row.
        """
        if has_target is not None and has_target.dim() == 2:
            row, position = torch.nonzero(has_target, as_tuple=True)
        else:
            position = interaction[self.length] - 1
            row = torch.arange(len(position), device=position.device)
        return self.items_at(self.slots(interaction), row, position)

    def add(self, scores: Tensor, hidden: Tensor, interaction: Any) -> Tensor:
        """Add the term of each row's history to scores of all items (B, n_items), in place; after states (B, width)."""
        history, logits = self.history(interaction), self(hidden)
        state = history.state
        return scores.index_put_((state, history.item), logits[state, history.group], accumulate=True)

    def add_to_items(self, scores: Tensor, hidden: Tensor, history: HistoryItems, items: Tensor) -> Tensor:
        """Scores of some items (n,) or (n, K) and their terms, after states (n, width) with their histories."""
        return scores + logits_of_items(history, self(hidden), items)

    def add_to_shared(self, scores: Tensor, hidden: Tensor, history: HistoryItems, items: Tensor) -> Tensor:
        """Scores (n, K) of the same items (K,) for every state, and their terms; see `add_to_items`."""
        return scores + logits_of_shared(history, self(hidden), items)

    def items_at(self, slots: Slots, row: Tensor, position: Tensor) -> HistoryItems:
        """The items of histories up to and with a position of a row.

        Args:
            slots: of a batch.
            row, position: (n,) int64.
        """
        return (self._compiled if compiled_on(slots.items.device) else self._listed)(slots, row, position)

    def _listed(self, slots: Slots, row: Tensor, position: Tensor) -> HistoryItems:
        k = position.unsqueeze(1)
        there = (slots.items[row] > 0) & (slots.place[row] <= k) & (slots.until[row] > k)
        state, slot = torch.nonzero(there, as_tuple=True)
        of = row[state]
        group = slots.values[of, slot] if slots.values is not None else torch.zeros_like(of)
        if self.octaves:
            octave = (position[state] - slots.place[of, slot] + 1).double().log2().long().clamp(max=self.octaves - 1)
            group = group * self.octaves + octave
        bounds = torch.searchsorted(state, torch.arange(len(row) + 1, device=state.device))
        return HistoryItems(bounds, slots.items[of, slot], group)

    def _compiled(self, slots: Slots, row: Tensor, position: Tensor) -> HistoryItems:
        from recbole_ext.model.sequence import history_kernel as kernel

        values = slots.items[:, :0] if slots.values is None else slots.values
        of_slots = [x.contiguous().numpy() for x in (slots.items, slots.place, slots.until, values)]
        of_states = [x.contiguous().numpy() for x in (row, position)]
        bounds = torch.empty(len(row) + 1, dtype=torch.long)
        count: Any = kernel.count
        fill: Any = kernel.fill
        total = count(*of_slots[:3], *of_states, bounds.numpy())
        item, group = (torch.empty(total, dtype=torch.long) for _ in range(2))
        fill(*of_slots, *of_states, self.octaves, item.numpy(), group.numpy())
        return HistoryItems(bounds, item, group)


def logits_of_items(history: HistoryItems, logits: Tensor, items: Tensor) -> Tensor:
    """The history term of some items for each state, 0 where an item is not in the history.

    Args:
        history: of n states.
        logits: (n, groups).
        items: (n,) or (n, K) ids.

    Returns:
        Of the shape of `items`.
    """
    found = []
    for column in items.view(history.n, -1).T:
        kept = history.item == column[history.state]
        state = history.state[kept]
        found.append(logits.new_zeros(history.n).index_put((state,), logits[state, history.group[kept]]))
    return torch.stack(found, 1).view(items.shape)


def logits_of_shared(history: HistoryItems, logits: Tensor, items: Tensor) -> Tensor:
    """The history term of the same items for every state, 0 where one is not in the history.

    Args:
        history: of n states.
        logits: (n, groups).
        items: (K,) ids, which may repeat.

    Returns:
        (n, K).
    """
    unique, column = torch.unique(items, return_inverse=True)
    place = torch.searchsorted(unique, history.item).clamp(max=len(unique) - 1)
    kept = unique[place] == history.item
    state, place = history.state[kept], place[kept]
    table = logits.new_zeros(history.n, len(unique)).index_put((state, place), logits[state, history.group[kept]])
    return table[:, column]
