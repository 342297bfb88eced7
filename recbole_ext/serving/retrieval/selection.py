"""The k best of a stream of scores, compiled: a heap with the worst of them on top, and exclusion by binary search."""

from typing import Any

import numpy as np

from dataset_tools.compiled import njit

Array = np.ndarray[Any, Any]


@njit(nogil=True, cache=True)
def holds(sorted_items: Array, item: int) -> bool:
    """Whether a sorted array has an item."""
    low, high = 0, len(sorted_items)
    while low < high:
        middle = (low + high) // 2
        if sorted_items[middle] < item:
            low = middle + 1
        else:
            high = middle
    return low < len(sorted_items) and sorted_items[low] == item


@njit(nogil=True, cache=True)
def _worse(score: np.float32, item: int, than: np.float32, than_item: int) -> bool:
    return bool(score < than or (score == than and item > than_item))


@njit(nogil=True, cache=True)
def replace_worst(scores: Array, items: Array, size: int, score: np.float32, item: int) -> None:
    """Put an entry in the place of the worst one, which stands first: (k,) of which the first `size` are the heap."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and _worse(scores[child + 1], items[child + 1], scores[child], items[child]):
            child += 1
        if not _worse(scores[child], items[child], score, item):
            break
        scores[place], items[place] = scores[child], items[child]
        place = child
    scores[place], items[place] = score, item


@njit(nogil=True, cache=True)
def sort_heap(scores: Array, items: Array) -> None:
    """Best first, of equal ones the smaller item first."""
    for size in range(len(scores) - 1, 0, -1):
        score, item = scores[size], items[size]
        scores[size], items[size] = scores[0], items[0]
        replace_worst(scores, items, size, score, item)
