"""Made contributions of users by window, with a known decay."""

from collections.abc import Sequence

import numpy as np

from recbole_ext.evaluation.units import Units, ranked_units, valued_units


def hits(rates: Sequence[float], n_users: int = 400, rows: int = 5, seed: int = 0) -> list[Units]:
    """Windows of hits: user u has `rows` targets in each, and hits with the window's rate times a level of its own."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(0.5, 1.5, n_users)
    tokens = np.repeat([f"u{k:04d}" for k in range(n_users)], rows)
    windows = []
    for rate in rates:
        hit = rng.random(n_users * rows) < np.repeat(np.clip(rate * level, 0, 1), rows)
        windows.append(ranked_units(tokens, 7, {"hit@10": hit.astype(float)}))
    return windows


def errors(sizes: Sequence[float], n_users: int = 300, rows: int = 5, seed: int = 0) -> list[Units]:
    """Windows of ratings whose errors are normal with these standard deviations."""
    rng = np.random.default_rng(seed)
    tokens = np.repeat([f"u{k:04d}" for k in range(n_users)], rows)
    truth = np.full(len(tokens), 3.0)
    return [valued_units(tokens, truth, truth + rng.normal(0, size, len(tokens)), ["rmse", "mae"]) for size in sizes]
