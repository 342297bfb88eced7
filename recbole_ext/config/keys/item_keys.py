"""Settings of what is known of items and events beside their ids: models that would not read them refuse by name."""

from typing import Any

from recbole_ext.config.layers import Layer
from recbole_ext.model_entry import ModelEntry

ITEM_VECTOR_MODELS = "SS4Rec, Mamba4Rec, MDAFMamba and MDAFBST"
FIELD_KEYS = ("item_fields", "event_fields")


def item_key_faults(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """A line for each setting whose value this model would leave unread."""
    faults = []
    if values.get("item_vectors") and not entry.reads_item_vectors:
        faults.append(
            f"item_vectors: {entry.name} reads no vectors of items (got {values['item_vectors']!r}); "
            f"{ITEM_VECTOR_MODELS} do; leave it out"
        )
    for key in FIELD_KEYS:
        if values.get(key) and not entry.reads_fields(key):
            faults.append(f"{key}: {entry.name} does not read it (got {values[key]!r}); {_instead(entry)}")
    return faults


def _instead(entry: ModelEntry) -> str:
    if entry.family == "context_aware":
        return "it reads the columns that load_col names; leave it out"
    return "SS4Rec and Mamba4Rec do; leave it out"
