"""The live engine of a run: users are followed event by event, and asked for at any time."""

from typing import Any

from recbole_ext.errors import UsageError
from recbole_ext.serving.live.messages import Answer, Engine, Event, Query
from recbole_ext.serving.run import Run

__all__ = ["Answer", "Engine", "Event", "Query", "open_engine"]


def open_engine(run: Run, **settings: Any) -> Engine:
    """The engine that follows users with the model of a run.

    Args:
        run: of a model that ranks items.
        settings: of the engine.

    Raises:
        UsageError: no engine follows users with this model.
    """
    raise UsageError(f"{run.path}: no engine follows users with {run.config.model} ({len(settings)} settings given)")
