"""All the random states that a run depends on, read and set together."""

import random
from typing import Any

import numpy as np
import torch


def generators(*loaders: Any) -> list[torch.Generator]:
    """The generators of loaders, also of those that hold two loaders inside (knowledge graphs)."""
    found = []
    for loader in loaders:
        inner = [loader, *(getattr(loader, name, None) for name in ("general_dataloader", "kg_dataloader"))]
        candidates = (getattr(each, "generator", None) for each in inner)
        found += [g for g in candidates if isinstance(g, torch.Generator)]
    return found


def random_states(*loaders: Any) -> dict[str, Any]:
    """States of Python, NumPy, torch, the device and the loaders' generators."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()
    states = {
        "python": [version, np.array(words, dtype=np.int64), gauss],
        "numpy": [name, np.asarray(keys, dtype=np.int64), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "loaders": [g.get_state() for g in generators(*loaders)],
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_states(states: dict[str, Any], *loaders: Any) -> None:
    """Set what `random_states` returned, for the same loaders."""
    version, words, gauss = states["python"]
    random.setstate((version, tuple(int(word) for word in words), gauss))
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, np.asarray(keys).astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    for generator, state in zip(generators(*loaders), states["loaders"], strict=True):
        generator.set_state(state)
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
    if "mps" in states and torch.backends.mps.is_available():
        torch.mps.set_rng_state(states["mps"])
