"""Tasks by their names: a task is the folder of that name, and `TASK` of its module `task`."""

import importlib
from functools import cache

from recbole_ext.registry import ModelEntry
from recbole_ext.tasks.task import Task


@cache
def task_named(name: str) -> Task:
    """The task of a name, as the registry and `result.json` have it."""
    task: Task = importlib.import_module(f"recbole_ext.tasks.{name}.task").TASK
    return task


def task_of(entry: ModelEntry) -> Task:
    """The task of a model."""
    return task_named(entry.task)
