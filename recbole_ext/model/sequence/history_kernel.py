"""The loops of the history term on a CPU, compiled: the items of histories, and the term in a chunk of a softmax."""

from typing import Any

import numpy as np

from dataset_tools.compiled import njit

Array = np.ndarray[Any, Any]
ONE = np.float32(1)
"""An integer or a float of Python would make the sums float64."""


@njit(["i8(i8[:, ::1], i8[:, ::1], i8[:, ::1], i8[::1], i8[::1], i8[::1])"], nogil=True, cache=True)
def count(items: Array, place: Array, until: Array, row: Array, position: Array, bounds: Array) -> int:
    """Write where each state's items begin, and return how many there are.

    Args:
        items, place, until: (B, S), of `Slots`.
        row, position: (n,) of the states.
        bounds: (n + 1,), written.
    """
    total = 0
    for i in range(len(row)):
        bounds[i] = total
        b, k = row[i], position[i]
        for s in range(items.shape[1]):
            total += items[b, s] > 0 and place[b, s] <= k and until[b, s] > k
    bounds[len(row)] = total
    return total


@njit(["void(i8[:, ::1], i8[:, ::1], i8[:, ::1], i8[::1], i8[::1], i8[::1])"], nogil=True, cache=True)
def fill(items: Array, place: Array, until: Array, row: Array, position: Array, slot: Array) -> None:
    """Write which slots are in each state's history.

    Args:
        items, place, until: (B, S), of `Slots`.
        row, position: (n,) of the states.
        slot: (p,), written: b S + s.
    """
    p, width = 0, items.shape[1]
    for i in range(len(row)):
        b, k = row[i], position[i]
        for s in range(width):
            if items[b, s] > 0 and place[b, s] <= k and until[b, s] > k:
                slot[p] = b * width + s
                p += 1


@njit(["void(f4[:, ::1], i8, i8[::1], i8[::1], i8[::1], f4[:, ::1])"], nogil=True, cache=True)
def add(scores: Array, first: int, bounds: Array, item: Array, group: Array, logits: Array) -> None:
    """scores_{i - first, item} += logits_{i, group} for the items of the states i = first, first + 1, ...

    Args:
        scores: (r, V), changed.
        first: state of the first row.
        bounds: (n + 1,), where each state's items begin.
        item, group: (p,).
        logits: (n, groups).
    """
    for i in range(first, first + len(scores)):
        row = scores[i - first]
        if logits.shape[1] == 1:
            logit = logits[i, 0]
            for p in range(bounds[i], bounds[i + 1]):
                row[item[p]] += logit
        else:
            for p in range(bounds[i], bounds[i + 1]):
                row[item[p]] += logits[i, group[p]]


@njit(["void(f4[:, ::1], f4[::1], i8, i8[::1], i8[::1], i8[::1], i8[::1], f4[:, ::1])"], nogil=True, cache=True)
def collect(
    share: Array,
    normaliser: Array,
    first: int,
    bounds: Array,
    item: Array,
    group: Array,
    targets: Array,
    gradient: Array,
) -> None:
    """gradient_{i, group} += share_{i - first, item} / normaliser_{i - first} - [item is the target of i].

    Args:
        share: (r, V).
        normaliser: (r,).
        first, bounds, item, group: as for `add`.
        targets: (n,).
        gradient: (n, groups), changed.
    """
    for i in range(first, first + len(share)):
        row, whole, target = share[i - first], normaliser[i - first], targets[i]
        if gradient.shape[1] == 1:
            total = gradient[i, 0]  # in a register: a sum in memory waits for each store
            for p in range(bounds[i], bounds[i + 1]):
                total += row[item[p]] / whole
                if item[p] == target:
                    total -= ONE
            gradient[i, 0] = total
        else:
            for p in range(bounds[i], bounds[i + 1]):
                gradient[i, group[p]] += row[item[p]] / whole
                if item[p] == target:
                    gradient[i, group[p]] -= ONE
