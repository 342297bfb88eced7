"""Heads of attention, which divide the width that they share."""

from typing import Any

from recbole_ext.config.layers import Layer
from recbole_ext.model_entry import ModelEntry

_WIDTHS = {"n_heads": ("hidden_size", "embedding_size"), "num_heads": ("attention_size", "hidden_size")}
"""Number of heads -> the width that they divide, the first one that the model reads."""


def head_faults(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """One line for each number of heads that does not divide its width, in models of RecBole."""
    if entry.own or entry.reference:
        return []
    text = entry.source_text
    faults = []
    for heads, widths in _WIDTHS.items():
        read = [width for width in widths if f'"{width}"' in text and f'"{heads}"' in text]
        n, width = values.get(heads), values.get(read[0]) if read else None
        if isinstance(n, int) and isinstance(width, int) and width % n:
            faults.append(f"{heads} must divide {read[0]} {width} (got {n})")
    return faults
