"""Lists and scores of two runs for the same users, piece by piece, in one numbering of items."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from recbole_ext.errors import DataError
from recbole_ext.evaluation.training_counts import item_counts
from recbole_ext.serving.bulk.lines import Lines
from recbole_ext.serving.bulk.plan import Plan
from recbole_ext.serving.bulk.question import Question
from recbole_ext.serving.bulk.ranked import rank
from recbole_ext.serving.recommend import Recommender
from recbole_ext.serving.run import Run

_STEP = 64
"""Users whose scores of all items are in memory together."""


@dataclass(frozen=True)
class Known:
    """Users of the file by who knows them."""

    both: list[str]
    a_alone: list[str]
    b_alone: list[str]
    neither: int


@dataclass(frozen=True)
class Piece:
    """Some users.

    Attributes:
        users: ids.
        a, b: (m, k) items in the common numbering, best first, -1 where a list is shorter.
        scores_a, scores_b: (m, n_items) float64, -inf for items that are no candidates or not in the run.
    """

    users: list[str]
    a: np.ndarray
    b: np.ndarray
    scores_a: np.ndarray
    scores_b: np.ndarray


class Ranker:
    """A run that ranks.

    Args:
        run: of a ranking model.

    Raises:
        UsageError: its model does not rank.
    """

    def __init__(self, run: Run) -> None:
        run.require("recommend")
        self.run, self.recommender = run, Recommender(run.loaded)

    @cached_property
    def items(self) -> list[str]:
        """Ids by number; the first is padding."""
        train = self.run.loaded.train
        return [str(token) for token in train.field2id_token[train.iid_field]]

    @cached_property
    def counts(self) -> np.ndarray:
        """(n_items,) training rows of each item."""
        return item_counts(self.run.loaded.train)

    def knows(self, user: str) -> bool:
        """Whether the user is in the run's data."""
        train = self.run.loaded.train
        return bool(train.field2token_id[train.uid_field].get(user, 0))

    def plan(self, users: list[str], k: int, remove_seen: bool) -> Plan:
        """The lists of some users, in the order of the answer."""
        question = Question(Lines.of(users), k, remove_seen=remove_seen)
        return self.recommender.plan(question, _STEP)


def known_users(a: Ranker, b: Ranker, users: Path) -> Known:
    """The users of a file, each once.

    Raises:
        DataError: the file cannot be read, or no user of it is known to both runs.
    """
    train = a.run.loaded.train
    ids = list(dict.fromkeys(Lines.read(users, (train.uid_field, "user_id", "user")).ids))
    by: dict[tuple[bool, bool], list[str]] = {(in_a, in_b): [] for in_a in (True, False) for in_b in (True, False)}
    for user in ids:
        by[a.knows(user), b.knows(user)].append(user)
    found = Known(by[True, True], by[True, False], by[False, True], len(by[False, False]))
    if not found.both:
        raise DataError(
            f"{users}: none of its {len(ids):,} users is known to both runs ({len(found.a_alone):,} to "
            f"{a.run.path.name} alone, {len(found.b_alone):,} to {b.run.path.name} alone).\nGive users of both data "
            "sets; runs whose data number users in their own ways cannot be compared."
        )
    return found


class Together:
    """Two runs, in one numbering of items: those of A, then those that only B has.

    Args:
        a, b: the runs.
        users: known to both.
        k: length of the lists.
        remove_seen: whether seen items are left out.

    Attributes:
        items: ids.
        common: (n_items,) bool, items of both.
    """

    def __init__(self, a: Ranker, b: Ranker, users: list[str], k: int, remove_seen: bool) -> None:
        self.a, self.b, self._k, self._remove_seen = a, b, k, remove_seen
        in_a = set(a.items[1:])
        self.items = a.items[1:] + [item for item in b.items[1:] if item not in in_a]
        place = {item: number for number, item in enumerate(self.items)}
        self._places = [np.array([-1, *(place[item] for item in run.items[1:])]) for run in (a, b)]
        self.common = np.isin(np.arange(len(self.items)), self._places[0]) & np.isin(
            np.arange(len(self.items)), self._places[1]
        )
        self.users = self._answered(users)

    def _answered(self, users: list[str]) -> list[str]:
        """The users of whom both runs have an event."""
        plans = (run.plan(users, self._k, self._remove_seen) for run in (self.a, self.b))
        first, second = (set(plan.users.tolist()) for plan in plans)
        return [user for user in users if user in first and user in second]

    def counts(self) -> np.ndarray:
        """(n_items,) training rows in A."""
        found = np.zeros(len(self.items), np.int64)
        found[self._places[0][1:]] = self.a.counts[1:]
        return found

    def pieces(self) -> Iterator[Piece]:
        """The lists, some users at a time."""
        plans = [run.plan(self.users, self._k, self._remove_seen) for run in (self.a, self.b)]
        for number in range(len(plans[0].pieces)):
            (places, a, scores_a), (_, b, scores_b) = (
                self._ranked(plan, number, of) for plan, of in zip(plans, self._places, strict=True)
            )
            yield Piece([self.users[place] for place in places.tolist()], a, b, scores_a, scores_b)

    @torch.no_grad()
    def _ranked(self, plan: Plan, number: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places of the users, ascending, their lists, and their scores."""
        scores = plan.scores(number)
        found = rank(scores, plan.pieces[number], plan.k, plan.widest)
        order = np.argsort(found.places)
        lists = np.full((len(order), self._k), -1, np.int64)
        lists[:, : found.items.shape[1]] = np.where(found.items >= 0, places[np.maximum(found.items, 0)], -1)[order]
        wide = np.full((len(order), len(self.items)), -np.inf)
        wide[:, places[1:]] = scores[:, 1:].double().cpu().numpy()[order]
        return found.places[order], lists, wide
