"""What a gate does: the weight of the static branch over rows, and by how much is known of a user."""

import numpy as np

BUCKETS = (0, 1, 5, 20, 100)
"""First numbers of past events of the buckets of activity; the last one is open."""
_DEAD_STD, _DEAD_MEAN = 0.01, 0.02


def gate_statistics(gate_static: np.ndarray, visible: np.ndarray) -> dict[str, float]:
    """Statistics of the weights of the static branch.

    Args:
        gate_static: (n,) in [0, 1].
        visible: (n,) int64, past events that each row sees.

    Returns:
        `gate_static_mean`, `_std`, `_median`, `_min`, `_max`; `_entropy`: mean entropy of (g, 1 - g) in bits, 1 where
        both branches count the same; and the mean by bucket of activity, `gate_static_events_5` for 5 to 19 events.
    """
    g = np.clip(gate_static, 1e-12, 1 - 1e-12)
    entropy = -(g * np.log2(g) + (1 - g) * np.log2(1 - g))
    found = {
        "mean": gate_static.mean(),
        "std": gate_static.std(),
        "median": np.median(gate_static),
        "min": gate_static.min(),
        "max": gate_static.max(),
        "entropy": entropy.mean(),
    }
    bucket = np.searchsorted(BUCKETS, visible, side="right") - 1
    for number, first in enumerate(BUCKETS):
        if (bucket == number).any():
            found[f"events_{first}"] = gate_static[bucket == number].mean()
    return {f"gate_static_{name}": float(value) for name, value in found.items()}


def is_dead(statistics: dict[str, float]) -> bool:
    """Whether a gate is the same for all rows, or shuts one branch out."""
    mean = statistics["gate_static_mean"]
    return statistics["gate_static_std"] < _DEAD_STD or not _DEAD_MEAN <= mean <= 1 - _DEAD_MEAN
