"""The key `replay`: of the training targets before a time only a sample is trained on; as histories all stay known."""

from typing import Any

from recbole_ext.config.keys.schema import Entries, between, integer
from recbole_ext.model_entry import ModelEntry
from recbole_ext.model_list import GROWING

REPLAY = Entries({"share": between(0, 1), "before": integer(-(2**63))}, ("share", "before"))


def replay_faults(entry: ModelEntry, layers: Any, values: dict[str, Any]) -> list[str]:
    """What does not go with the choice, for a value of the declared form."""
    if not values.get("replay"):
        return []
    if not entry.grows:
        return [f"replay: {entry.name} trains on all rows; it is for {', '.join(GROWING)}; leave it out"]
    if entry.family == "sequential" and values.get("train_mode") != "all_positions":
        return [f"replay goes with train_mode: all_positions (got {values.get('train_mode')!r}); leave one of them out"]
    if values.get("stages"):
        return ["replay and stages both choose training targets; leave one of them out"]
    return []
