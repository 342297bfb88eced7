"""How a live engine keeps users and finds items."""

from dataclasses import dataclass
from typing import Any

from recbole_ext.config.keys.schema import Kind, boolean, integer, one_of, positive
from recbole_ext.errors import UsageError, nearest
from recbole_ext.serving.retrieval.indexes import INDEXES

HISTORIES = ("whole", "window")
DTYPES = ("float32", "float16")
_KINDS: dict[str, Kind] = {
    "history": one_of(*HISTORIES),
    "state_dtype": one_of(*DTYPES),
    "state_memory_gb": positive,
    "index": one_of(*INDEXES),
    "recent_events": integer(1),
    "warm": boolean,
}


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
        for name, value in given.items():
            if name not in _KINDS:
                close = nearest(str(name), _KINDS)
                raise UsageError(f"an engine has no setting {name!r}{close}; it has {', '.join(_KINDS)}")
            fault = _KINDS[name](value)
            if fault:
                raise UsageError(f"{name} {fault}")
        return EngineSettings(**given)
