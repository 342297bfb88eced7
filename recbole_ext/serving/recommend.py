"""Ranked lists of a run: the k best items of users, or of histories that are given, in the ids of the data."""

import warnings
from collections.abc import Callable
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from recbole_ext.errors import UsageError
from recbole_ext.serving.bulk.candidates import barred_items
from recbole_ext.serving.bulk.plan import Plan, pieces_of, similar_pieces
from recbole_ext.serving.bulk.question import Question
from recbole_ext.serving.folded_users import folder_of
from recbole_ext.serving.given_histories import GivenHistories, read_histories
from recbole_ext.serving.histories import (
    Lists,
    UsersNow,
    evaluated_lists,
    has_events,
    lists_of_histories,
    removes_seen,
)
from recbole_ext.serving.item_scores import ItemScores, not_folded_in
from recbole_ext.serving.load import LoadedRun
from recbole_ext.serving.skipped import Skipped

ListsInPieces = tuple[np.ndarray, list[np.ndarray], Callable[[int], Tensor]]
"""Names of users, and pieces and scores as a `Plan` has them."""

_CACHED_BYTES, _LEAST = 28e6, 64
"""Bytes of the scores of a piece, and its lists at least: memory of this size is reused and not mapped again for each
piece, which halves the time of the product on a CPU."""


class Recommender:
    """Ranks items with the best weights of a run.

    Args:
        run: opened, of a model that ranks items.
    """

    def __init__(self, run: LoadedRun) -> None:
        self.run, self.scores = run, ItemScores(run)
        self.user, self.item = run.train.uid_field, run.train.iid_field
        self._made: dict[tuple[str, bool | None], Lists] = {}

    def plan(self, question: Question, step: int | None = None) -> Plan:
        """How the question is answered.

        Args:
            question: checked.
            step: lists that are scored together; None for as many as the evaluation of the run does.

        Raises:
            UsageError: the model needs more than what is given.
            DataError: no user, no event or no item is left.
        """
        train = self.run.train
        self._check_time(question.time)
        skipped = Skipped("users" if question.history is None else "events")
        barred = barred_items(train, question.allow, question.deny, skipped)
        users, pieces, scores = self._lists(question, step, skipped)
        k = min(question.k, train.item_num - 1)
        return Plan(
            (self.user, self.item),
            users,
            self._items,
            pieces,
            scores,
            k,
            max(self.run.config["topk"]),
            barred,
            removes_seen(self.run, question.remove_seen),
            skipped.sentences,
            list(self.run.notes),
        )

    @cached_property
    def step(self) -> int:
        """Lists that are scored together, as the evaluation of the run does."""
        someone = np.flatnonzero(self._counts)[:1]
        return int(UsersNow(self.run, None, False).lists(someone).loader.step)

    @cached_property
    def _items(self) -> np.ndarray:
        return np.asarray(self.run.train.field2id_token[self.item]).astype(str).astype(object)

    @cached_property
    def _users(self) -> np.ndarray:
        return np.asarray(self.run.train.field2id_token[self.user]).astype(str).astype(object)

    def _check_time(self, time: int | None) -> None:
        if time is not None and has_events(self.run) and not self.run.train.timed:
            raise UsageError(f"time: the data of this run have no times; leave it out (got {time!r})")

    def _lists(self, question: Question, step: int | None, skipped: Skipped) -> ListsInPieces:
        if question.history is not None:
            return self._of_histories(question, step, skipped)
        ids = np.arange(1, self.run.train.user_num)
        if question.users is not None:
            ids = question.users.numbers_of(self.run.train.field2token_id[self.user], self.user, skipped)
        return (self._now if question.at == "now" else self._evaluated)(question, ids, step, skipped)

    def _now(self, question: Question, ids: np.ndarray, step: int | None, skipped: Skipped) -> ListsInPieces:
        """Lists after each user's last event; a piece has its users in the order of their numbers."""
        with_rows = self._counts > 0
        for number in ids[~with_rows[ids]]:
            skipped.add(None, f"{self.user} {self._users[number]!r} has no events")
        ids = ids[with_rows[ids]]
        skipped.settle(len(ids))
        after = UsersNow(self.run, question.time, question.remove_seen)
        pieces = self._pieces(ids, question.k) if step is None else pieces_of(len(ids), step)
        pieces = [places[np.argsort(ids[places])] for places in pieces]

        def scores(number: int) -> Tensor:
            users = ids[pieces[number]]
            return self.scores.of(after.lists(users).loader.collate_fn(np.arange(len(users))))

        return self._users[ids], pieces, scores

    def _pieces(self, ids: np.ndarray, k: int) -> list[np.ndarray]:
        """Places of users in pieces of similar histories; the scores of a piece take `_CACHED_BYTES`."""
        cached = max(_LEAST, int(_CACHED_BYTES / (4 * self.run.train.item_num)))
        return similar_pieces(self._counts[ids], min(self.step, cached), k)

    @cached_property
    def _counts(self) -> np.ndarray:
        """(n_users,) int64: events of each user in all splits."""
        train = self.run.train
        columns = [part.inter_feat[self.user] for part in self.run.loaders.parts if len(part)]
        columns = [train.events[self.user]] if has_events(self.run) else columns
        return np.bincount(torch.cat(columns).numpy(), minlength=train.user_num)

    def _evaluated(self, question: Question, ids: np.ndarray, step: int | None, skipped: Skipped) -> ListsInPieces:
        """The first list of each user in an evaluation, by its batches.

        A row is rounded as its batch is, so what an evaluation computed comes out of its whole batches alone.
        """
        lists = self._lists_of(question.at, question.remove_seen)
        n = len(lists.users)
        first = np.full(self.run.train.user_num, -1)
        first[lists.users[::-1]] = np.arange(n)[::-1]
        for number in ids[first[ids] < 0] if question.users is not None else ():
            skipped.add(None, f"{self.user} {self._users[number]!r} has no row in {question.at}")
        rows = first[ids][first[ids] >= 0]
        skipped.settle(len(rows))
        step = step or lists.loader.step
        batches = np.unique(rows // step)
        found_in = (np.flatnonzero(rows // step == batch) for batch in batches)
        pieces = [places[np.argsort(rows[places])] for places in found_in]

        def scores(number: int) -> Tensor:
            start = int(batches[number]) * step
            found = self.scores.of(lists.loader.collate_fn(np.arange(start, min(start + step, n))))
            kept = rows[pieces[number]] - start
            return found if len(kept) == len(found) else found[torch.from_numpy(kept).to(found.device)]

        return self._users[lists.users[rows]], pieces, scores

    def _lists_of(self, at: str, remove_seen: bool | None) -> Lists:
        """See `evaluated_lists`; made once, because to make them takes longer than to rank one."""
        key = (at, remove_seen)
        if key not in self._made:
            self._made[key] = evaluated_lists(self.run, at, remove_seen)
        return self._made[key]

    def _of_histories(self, question: Question, step: int | None, skipped: Skipped) -> ListsInPieces:
        """Lists after histories that are given, of known and unknown users."""
        scores_of = self._history_scores(question)
        given = read_histories(self.run, question.history, question.name, skipped, question.source)
        skipped.settle(len(given.users))
        pieces = pieces_of(len(given), step or self.step)
        pieces = [places[np.argsort(given.ids[places] == 0, kind="stable")] for places in pieces]
        time = given.newest(self.run) if question.time is None else question.time

        def scores(number: int) -> Tensor:
            return scores_of(given.take(pieces[number]), time)

        return np.array(given.users, dtype=object), pieces, scores

    def _history_scores(self, question: Question) -> Callable[[GivenHistories, int | None], Tensor]:
        """What scores histories, those of known users first, at a time.

        Raises:
            UsageError: the model ranks for the users of its training data alone.
        """
        if has_events(self.run):
            return partial(self._after_events, question.remove_seen)
        folder, remove = folder_of(self.run), removes_seen(self.run, question.remove_seen)
        if folder is not None:
            return lambda given, time: folder.scores(given, remove)
        raise not_folded_in(self.run.config.model)

    def _after_events(self, remove_seen: bool | None, given: GivenHistories, time: int | None) -> Tensor:
        """Of a model of sequences; users whom training never saw have their histories alone."""
        found = []
        for some in (given.only(known=True), given.only(known=False)):
            if len(some):
                lists = lists_of_histories(self.run, some.columns, some.count, some.ids, time, remove_seen)
                found.append(self.scores.of(lists.loader.collate_fn(np.arange(len(some))), bool(some.ids.all())))
        return found[0] if len(found) == 1 else torch.cat(found)


def warn_of(skipped: list[str]) -> None:
    """One warning for everything that was left out."""
    if skipped:
        more = f"; and {len(skipped) - 3:,} more" if len(skipped) > 3 else ""
        warnings.warn(f"left out: {'; '.join(skipped[:3])}{more}", UserWarning, stacklevel=3)
