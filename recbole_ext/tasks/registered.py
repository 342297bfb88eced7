"""Tasks by their names: a task is the folder of that name, and `TASK` of its module `task`."""

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from recbole_ext.model_entry import ModelEntry
from recbole_ext.model_list import DEFAULT_TASK
from recbole_ext.registry import models
from recbole_ext.tasks.task import Task


@cache
def all_tasks() -> Mapping[str, Task]:
    """Every task by its name."""
    names = sorted(path.parent.name for path in Path(__file__).parent.glob("*/task.py"))
    return {name: importlib.import_module(f"recbole_ext.tasks.{name}.task").TASK for name in names}


def known_task(name: str) -> Task | None:
    """The task of a name; None for the words of earlier versions."""
    return all_tasks().get(name)


def task_of(entry: ModelEntry) -> Task:
    """The task of a model."""
    return all_tasks()[entry.task]


def task_of_run(result: Mapping[str, Any], model: str) -> Task:
    """The task of a run by what its directory holds.

    Args:
        result: as `result.json` holds it; {} for a run that has not finished.
        model: the name of its model, which decides where the result names no task.
    """
    recorded = known_task(str((result.get("protocol") or {}).get("task")))
    entry = models().get(model)
    return recorded or all_tasks()[entry.task if entry else DEFAULT_TASK]
