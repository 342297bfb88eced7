"""What is wrong with the settings of what models read of items beside their ids."""

from typing import Any

from recbole_ext.config.layers import Layer
from recbole_ext.model_entry import ModelEntry

ITEM_VECTOR_MODELS = "SS4Rec, Mamba4Rec, MDAFMamba and MDAFBST"


def item_key_faults(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """A line for each setting that the model does not read and whose value would change nothing."""
    given = values.get("item_vectors")
    if not given or entry.reads_item_vectors:
        return []
    return [
        f"item_vectors: {entry.name} reads no vectors of items (got {given!r}); {ITEM_VECTOR_MODELS} do; leave it out"
    ]
