"""The live engine of a run: users are followed event by event, and asked for at any time."""

from typing import Any

from recbole_ext.errors import UsageError
from recbole_ext.serving.live.history_engine import HistoryEngine
from recbole_ext.serving.live.messages import Answer, Engine, Event, Query
from recbole_ext.serving.live.settings import EngineSettings
from recbole_ext.serving.live.state_engine import StateEngine
from recbole_ext.serving.live.stepper import is_recurrent
from recbole_ext.serving.run import Run
from recbole_ext.tasks.registered import task_of

__all__ = ["Answer", "Engine", "Event", "Query", "open_engine"]


def open_engine(run: Run, **settings: Any) -> Engine:
    """The engine that follows users with the model of a run, from the events of all its splits on.

    Args:
        run: of a model that ranks items.
        settings: fields of `EngineSettings`.

    Raises:
        UsageError: the model ranks no items, its data hold written-out histories, or a setting is unknown.
    """
    checked = EngineSettings.read(settings)
    answers = task_of(run.config.entry).answers
    if "recommend" not in answers:
        raise UsageError(
            f"{run.path}: {run.config.model} ranks no items, so there is no live engine for it; it answers "
            f"{', '.join(answers)}"
        )
    loaded = run.loaded
    recurrent = is_recurrent(loaded.model) and hasattr(loaded.train, "events")
    return StateEngine(loaded, checked) if recurrent else HistoryEngine(loaded, checked)
