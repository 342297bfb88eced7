"""Finished runs that recommend together: their scores are blended as `ensemble` does, their lists are one."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from recbole_ext.comparison.blending import candidate_values, fused_scores
from recbole_ext.comparison.ensemble import open_members, weighed
from recbole_ext.errors import UsageError
from recbole_ext.serving.bulk.plan import Plan
from recbole_ext.serving.bulk.question import Question
from recbole_ext.serving.bulk.recommendations import Engine, Recommendations, ranked_here
from recbole_ext.serving.recommend import Recommender, warn_of
from recbole_ext.serving.run import Run


class Blend:
    """Runs of ranking models, of one data set and one protocol.

    Args:
        paths: their directories.
        method: `score` or `rank`; None for `score`.
        weights: one for each run; None to choose them on validation.
        data_path: where the runs' data is now; None: the data that they stored.
        device: where to compute; None: where each run did, or on the best device here if that one is not.

    Attributes:
        paths, method: as above.
        weights: (M,).

    Raises:
        UsageError: the runs cannot be blended, or a method or weights do not fit them.
        DataError: a result or a checkpoint is damaged, or the data has changed.
    """

    def __init__(
        self,
        paths: list[Path],
        method: str | None = None,
        weights: list[float] | None = None,
        data_path: str | None = None,
        device: str | None = None,
    ) -> None:
        self.paths, self._places = [path.resolve() for path in paths], (data_path, device)
        for path in paths:
            Run(path).require("recommend")
        members, self.method, given = open_members(paths, method, weights, data_path, device)
        self.weights = weighed(members, self.method, None).weights if given is None else given
        self._recommenders = [Recommender(member.loaded) for member in members]

    @property
    def config(self) -> Any:
        """The configuration of the first run."""
        return self._recommenders[0].run.config

    @property
    def opener(self) -> Callable[[], "Blend"]:
        """What opens the same runs with the same weights in another process."""
        return partial(Blend, self.paths, self.method, self.weights.tolist(), *self._places)

    def recommend(
        self,
        users: Any = None,
        k: int = 10,
        history: Any = None,
        at: str = "now",
        time: int | None = None,
        remove_seen: bool | None = None,
        allow: Any = None,
        deny: Any = None,
    ) -> pd.DataFrame:
        """The k best items of each user, best first; see `Run.recommend`. The score is the blended one."""
        more = {"at": at, "time": time, "remove_seen": remove_seen}
        question = Question.of(self.config, users, k, history, allow, deny, **more)
        table = self.recommendations(question).frame()
        warn_of(table.attrs["skipped"])
        return table

    def recommendations(self, question: Question, engine: Engine = ranked_here) -> Recommendations:
        """The answer as tables of some users at a time; see `Run.recommendations`."""
        return Recommendations(self.plan(question), question.k, engine)

    def plan(self, question: Question) -> Plan:
        """How the question is answered.

        Raises:
            UsageError: see `Run.recommend`; or the runs have other users or rows there.
        """
        step = max(1, min(each.step for each in self._recommenders) // len(self._recommenders))
        plans = [each.plan(question, step) for each in self._recommenders]
        for path, plan in zip(self.paths[1:], plans[1:], strict=True):
            same = np.array_equal(plan.users, plans[0].users) and len(plan.pieces) == len(plans[0].pieces)
            if not same or not all(map(np.array_equal, plan.pieces, plans[0].pieces)):
                raise UsageError(f"{path.name} has other users or rows there than {self.paths[0].name}")
        weights = ", ".join(f"{path.name} {weight:.3g}" for path, weight in zip(self.paths, self.weights, strict=True))
        notes = [f"blended by {self.method}: {weights}", *dict.fromkeys(note for plan in plans for note in plan.notes)]
        return replace(plans[0], scores=partial(self._fused, plans), notes=notes)

    def _fused(self, plans: list[Plan], number: int) -> Tensor:
        """Blended scores of a piece: (m, n_items), -inf for what is no candidate."""
        found = [plan.scores(number) for plan in plans]
        known = ~torch.isneginf(found[0])
        for path, scores in zip(self.paths[1:], found[1:], strict=True):
            if not torch.equal(~torch.isneginf(scores), known):
                raise UsageError(f"{path.name} ranks other candidates than {self.paths[0].name}")
        return fused_scores([candidate_values(scores, self.method) for scores in found], self.weights, known)
