"""The history term: a learned logit for the items that the user has had before.

    score_j += w_c . h + b_c    for each item j of the user's whole history, c the group of its latest event

h is the state at the position of the prediction, so the model decides at each position how likely a return is: below
0 where users have each item once, above 0 where they return to items. No item is removed by it. The softmax then no
longer spends its capacity on learning which items a user has had. Groups: `history_term`, see history_groups.py.

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
from recbole_ext.model.sequence.history_groups import KINDS, HistoryGroups, Past

_NEVER = 2**40


@dataclass(frozen=True)
class Slots:
    """The events of each row's history that can be the latest of their item, oldest first.

    Attributes:
        items: (B, S) int64, 0 for none.
        place: (B, S) int64, the event's position in the row's list; below 0 for events before the list.
        until: (B, S) int64, the position of the next event with the same item.
        values: (B, S) int64, of `history_field`; None without one.
        times: (B, S) int64 seconds; None where the groups do not read them, as `intervals`.
        intervals: (B, S) int64 mean seconds between the row's events of the item up to this one, -1 for its first.
    """

    items: Tensor
    place: Tensor
    until: Tensor
    values: Tensor | None = None
    times: Tensor | None = None
    intervals: Tensor | None = None


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
    if kind not in KINDS:
        raise UsageError(f"history_term must be one of {', '.join(KINDS)} (got {kind!r})")
    if field and kind == "none":
        raise UsageError(f"history_field {field!r} is read with history_term: {', '.join(KINDS[1:])} (got none)")
    if kind == "interval" and not (dataset.timed and hasattr(dataset, "events")):
        raise UsageError("history_term: interval reads times of single events, and the data have none; take recency")
    if field:
        _check_field(field, dataset)
    return None if kind == "none" else HistoryTerm(config, dataset, width)


def _check_field(field: str, dataset: Any) -> None:
    ids = (dataset.uid_field, dataset.iid_field)
    known = getattr(dataset, "events", dataset.inter_feat).columns
    columns = [name for name in known if dataset.field2type.get(name) is FeatureType.TOKEN]
    if field in ids or field not in columns:
        others = ", ".join(sorted(set(columns) - set(ids))) or "the data have none"
        raise UsageError(
            f"history_field must be a loaded token column of the events, beside the ids: {others} (got {field!r})"
        )


def slots_of(items: Tensor, earlier: Tensor, earlier_place: Tensor, **read: Tensor | None) -> Slots:
    """Slots of lists (B, L) and the events (B, E) before them; `read`: further fields of `Slots`, (B, E + L)."""
    place = torch.arange(items.shape[1], device=items.device).expand_as(items)
    items, place = torch.cat([earlier, items], 1), torch.cat([earlier_place, place], 1)
    order = torch.argsort(items, dim=1, stable=True)
    by_item, by_place = items.gather(1, order), place.gather(1, order)
    following = torch.where(by_item[:, 1:] == by_item[:, :-1], by_place[:, 1:], _NEVER)
    until = torch.full_like(place, _NEVER).scatter(1, order[:, :-1], following)
    return Slots(items, place, until, **read)


class HistoryTerm(nn.Module):
    """Logits of the groups of a history; settings are keys of a run.

    Args:
        config: `history_term`, `history_field`; `use_target_time`: `interval` counts up to the time of the target.
        dataset: the training split, for the number of values of `history_field`.
        width: of the states.
    """

    def __init__(self, config: Any, dataset: Any, width: int) -> None:
        super().__init__()
        self.field = config["history_field"]
        self.items, self.time, self.suffix = dataset.iid_field, dataset.time_field, config["LIST_SUFFIX"]
        self.seconds = dataset.events.whole[-2:] if config["history_term"] == "interval" else ()
        self.length, self.to_target = config["ITEM_LIST_LENGTH_FIELD"], bool(config["use_target_time"])
        self.groups = HistoryGroups(config["history_term"], dataset.num(self.field) if self.field else 1)
        self.logits = nn.Linear(width, self.groups.n_logits)
        nn.init.zeros_(self.logits.weight)
        nn.init.zeros_(self.logits.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        """(n, width) -> (n, groups)."""
        return self.groups.logits(self.logits(hidden))

    def slots(self, interaction: Any) -> Slots:
        """The slots of a batch of histories; a batch that was written out without earlier events has none of them."""
        items = interaction[self.items + self.suffix]
        known = f"earlier_{self.items}{self.suffix}" in interaction
        none = items[:, :0]
        before = [interaction[f"earlier_{name}{self.suffix}"] if known else none for name in (self.items, "place")]
        names = {"values": self.field} if self.field else {}
        if self.groups.timed:
            names |= dict(zip(("times", "intervals"), self.seconds, strict=True))
        parts = [f"earlier_{{}}{self.suffix}"] * known + [f"{{}}{self.suffix}"]
        whole = {
            field: torch.cat([interaction[part.format(name)] for part in parts], 1) for field, name in names.items()
        }
        return slots_of(items, *before, **whole)

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
        now = self._now(interaction, row, position) if self.groups.timed else None
        return self.items_at(self.slots(interaction), row, position, now)

    def _now(self, interaction: Any, row: Tensor, position: Tensor) -> Tensor:
        """(n,) int64 seconds, up to which the time since an event counts: to the target's time where it is read."""
        listed = self.time + self.suffix
        if self.to_target and f"next_{listed}" in interaction:
            return interaction[f"next_{listed}"][row, position]
        if self.to_target and self.time in interaction:
            return interaction[self.time].to(torch.int64)
        return interaction[listed][row, position]

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

    def items_at(self, slots: Slots, row: Tensor, position: Tensor, now: Tensor | None = None) -> HistoryItems:
        """The items of histories up to and with a position of a row.

        Args:
            slots: of a batch.
            row, position: (n,) int64.
            now: (n,) int64 seconds, for groups that read times.
        """
        bounds, slot = (_compiled if compiled_on(slots.items.device) else _listed)(slots, row, position)
        found = HistoryItems(bounds, slots.items.flatten()[slot], torch.zeros_like(slot))
        if self.groups.n_groups == 1:
            return found
        state = found.state
        of_slots = (slots.place, slots.values, slots.times, slots.intervals)
        place, values, times, intervals = (None if of is None else of.flatten()[slot] for of in of_slots)
        assert place is not None
        elapsed = None if now is None or times is None else (now[state] - times).clamp(min=0)
        return replace(found, group=self.groups.of(Past(position[state] - place + 1, values, elapsed, intervals)))


def _listed(slots: Slots, row: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
    """Where each state's slots begin (n + 1,), and which slots they are (p,)."""
    k = position.unsqueeze(1)
    there = (slots.items[row] > 0) & (slots.place[row] <= k) & (slots.until[row] > k)
    state, slot = torch.nonzero(there, as_tuple=True)
    bounds = torch.searchsorted(state, torch.arange(len(row) + 1, device=state.device))
    return bounds, row[state] * slots.items.shape[1] + slot


def _compiled(slots: Slots, row: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
    """See `_listed`; on a CPU."""
    from recbole_ext.model.sequence import history_kernel as kernel

    given = [x.contiguous().numpy() for x in (slots.items, slots.place, slots.until, row, position)]
    bounds = torch.empty(len(row) + 1, dtype=torch.long)
    count: Any = kernel.count
    slot = torch.empty(count(*given, bounds.numpy()), dtype=torch.long)
    fill: Any = kernel.fill
    fill(*given, slot.numpy())
    return bounds, slot


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
