"""How a live engine keeps users and finds items."""

from dataclasses import dataclass, fields
from typing import Any

from recbole_ext.errors import UsageError, nearest
from recbole_ext.serving.retrieval.indexes import INDEXES

HISTORIES = ("whole", "window")
DTYPES = ("float32", "float16")


@dataclass(frozen=True)
class EngineSettings:
    """Settings of `open_engine`.

    Attributes:
        history: what the state of a user covers: `window`: the newest MAX_ITEM_LIST_LENGTH events, as in training and
            evaluation, encoded again after each event of a user who has more; `whole`: all events, at the same cost at
            any length. Windows rank better (docs/live_engine.md has the measurement).
        state_dtype: `float32`, or `float16` for half the memory.
        state_memory_gb: memory of the states; the state of another user is computed again from their events.
        index: how items are found: `exact`, `int8` (exact by 8-bit vectors), `hnsw` or `ivf` (approximate, by faiss).
        recent_events: how many event ids are remembered to recognise a repeated one.
        warm: whether the states of all users are computed when the engine is opened, instead of at the first question.
    """

    history: str = "window"
    state_dtype: str = "float32"
    state_memory_gb: float = 4.0
    index: str = "int8"
    recent_events: int = 100_000
    warm: bool = False

    @staticmethod
    def read(given: dict[str, Any]) -> "EngineSettings":
        """Checked settings.

        Raises:
            UsageError: an unknown one, or a value that is not allowed.
        """
        names = [field.name for field in fields(EngineSettings)]
        for name in given:
            if name not in names:
                raise UsageError(f"an engine has no setting {name!r}{nearest(name, names)}; it has {', '.join(names)}")
        settings = EngineSettings(**given)
        for name, allowed in (("history", HISTORIES), ("state_dtype", DTYPES), ("index", INDEXES)):
            if getattr(settings, name) not in allowed:
                raise UsageError(f"{name} must be one of {', '.join(allowed)} (got {getattr(settings, name)!r})")
        for name in ("state_memory_gb", "recent_events"):
            if not getattr(settings, name) > 0:
                raise UsageError(f"{name} must be positive (got {getattr(settings, name)!r})")
        return settings
