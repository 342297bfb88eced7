"""Events of a user before a window: of each item the latest one, so that a window knows its whole history."""

import torch
from torch import Tensor


def following_same_item(users: Tensor, items: Tensor) -> Tensor:
    """(n,) int64: position of the next event of the same user with the same item; n where there is none.

    Args:
        users: (n,) int64, a number per user; events are sorted by user, then by time.
        items: (n,) int64.
    """
    n = len(items)
    order, same = _by_pair(users, items)
    following = torch.full((n,), n)
    following[order[:-1][same]] = order[1:][same]
    return following


def mean_intervals(users: Tensor, items: Tensor, times: Tensor) -> Tensor:
    """(n,) int64 seconds: the mean interval between the user's events of the item up to each event; -1 for the first.

    Args:
        users: (n,) int64, a number per user; events are sorted by user, then by time.
        items: (n,) int64.
        times: (n,) seconds.
    """
    order, same = _by_pair(users, items)
    time, place = times[order].to(torch.int64), torch.arange(len(items))
    new = torch.ones(len(items), dtype=torch.bool)
    new[1:] = ~same
    first = place[new][new.cumsum(0) - 1]
    before = place - first
    mean = torch.where(before > 0, ((time - time[first]) // before.clamp(min=1)).clamp(min=0), -1)
    return torch.empty_like(mean).scatter(0, order, mean)


def _by_pair(users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
    """Positions (n,) by user and item, those of a pair in their order, and whether each has the pair of the next."""
    order = torch.argsort(users * (int(items.max()) + 1 if len(items) else 1) + items, stable=True)
    before, after = order[:-1], order[1:]
    return order, (users[before] == users[after]) & (items[before] == items[after])


def earlier_positions(following: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The latest event of each item among the events [start, end) of each row: (R, E) positions, -1 where fewer.

    Args:
        following: from `following_same_item`.
        start, end: (R,) int64.
    """
    length = end - start
    row = torch.repeat_interleave(torch.arange(len(start)), length)
    position = torch.arange(len(row)) + (start - length.cumsum(0) + length)[row]
    latest = following[position] >= end[row]
    row, position = row[latest], position[latest]
    count = torch.bincount(row, minlength=len(start))
    column = torch.arange(len(row)) - (count.cumsum(0) - count)[row]
    positions = torch.full((len(start), int(count.max()) if len(count) else 0), -1)
    positions[row, column] = position
    return positions


def earlier_columns(columns: dict[str, Tensor], positions: Tensor, end: Tensor, suffix: str) -> dict[str, Tensor]:
    """What a model reads of earlier events: (R, E) each, 0 where a row has fewer.

    Args:
        columns: (n,) columns of all events, the item's among them.
        positions: from `earlier_positions`.
        end: (R,) int64, the first event of each window.
        suffix: of the names of lists.

    Returns:
        `earlier_<column><suffix>`, and `earlier_place<suffix>`: the place of each event relative to the window's
        first, which is below 0.
    """
    there = positions >= 0
    safe = positions.clamp(min=0)
    lists = {f"earlier_{name}{suffix}": torch.where(there, of[safe], 0) for name, of in columns.items()}
    return {**lists, f"earlier_place{suffix}": torch.where(there, positions - end.unsqueeze(1), 0)}
