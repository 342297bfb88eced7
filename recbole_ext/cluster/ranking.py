"""Recommendations whose lists are ranked by several processes of Ray."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol

from recbole_ext.cluster.spread import spread
from recbole_ext.serving.bulk.plan import Plan
from recbole_ext.serving.bulk.question import Question
from recbole_ext.serving.bulk.ranked import RankedLists
from recbole_ext.serving.bulk.recommendations import Engine


class Planner(Protocol):
    """A run, or several that are blended."""

    def plan(self, question: Question) -> Plan:
        """How a question is answered."""


def ranked_on_ray(
    opener: Callable[[], Planner], question: Question, processes: int | None = None, address: str | None = None
) -> Engine:
    """An engine for `Recommendations`: each process opens the run, plans the same question and ranks some pieces.

    Args:
        opener: opens the run in a process, for instance `Run.opener`.
        question: of the plan.
        processes, address: see `spread`.
    """

    def engine(plan: Plan) -> AbstractContextManager[Iterator[RankedLists]]:
        return spread(partial(_ranker, opener, question), len(plan.pieces), processes, address)

    return engine


def _ranker(opener: Callable[[], Planner], question: Question) -> Callable[[int], RankedLists]:
    return opener().plan(question).ranked
