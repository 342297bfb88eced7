"""Ranked lists of a run: the k best items of users, or of histories that are given, in the ids of the data."""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from recbole_ext.errors import UsageError
from recbole_ext.evaluation.collector import top_items
from recbole_ext.serving.given_histories import GivenHistories, read_histories
from recbole_ext.serving.histories import (
    Lists,
    evaluated_lists,
    has_events,
    lists_of_histories,
    lists_of_users,
)
from recbole_ext.serving.item_scores import FOLD_IN, ItemScores
from recbole_ext.serving.load import LoadedRun
from recbole_ext.serving.skipped import Skipped

VIEWS = ("now", "test", "valid")


class Recommender:
    """Ranks items with the best weights of a run.

    Args:
        run: opened, of a model that ranks items.
    """

    def __init__(self, run: LoadedRun) -> None:
        self.run, self.scores = run, ItemScores(run)
        self.user, self.item = run.train.uid_field, run.train.iid_field
        self.widest = max(run.config["topk"])

    def recommend(
        self, users: Iterable[Any] | None, k: int, at: str, time: int | None, remove_seen: bool | None
    ) -> pd.DataFrame:
        """The k best items of users of the run, best first.

        Args:
            users: as the data name them; None for all.
            k: length of the lists; a list with fewer candidates is shorter.
            at: `now`: after all of a user's events; `test` or `valid`: as the evaluation of that split sees the user.
            time: of the recommendation, in seconds; for `now`.
            remove_seen: whether items that a user has seen are left out; None: as the run's protocol does.

        Returns:
            user, item (by the data's field names), `rank` from 1, and `score`; `attrs["skipped"]` has a sentence for
            each user who could not be ranked.

        Raises:
            UsageError: k or `at` is none, or the model needs more than a user.
            DataError: no user is left.
        """
        _check(k, at, time)
        self._check_time(time)
        skipped, tokens = Skipped("users"), self.run.train.field2id_token[self.user]
        ids = self._known(users, skipped) if users is not None else np.arange(1, len(tokens))
        if at == "now":
            lists = self._now(ids, time, remove_seen, skipped)
        else:
            lists = evaluated_lists(self.run, at, remove_seen)
        places = self._places(lists, ids, at, skipped if users is not None else Skipped("users"))
        skipped.settle(len(places))
        whole = at != "now"
        return self._table(lists, places, tokens[lists.users[places]], k, whole, skipped)

    def fold_in(self, history: Any, name: str, k: int, time: int | None, remove_seen: bool | None) -> pd.DataFrame:
        """The k best items after histories that are given, of known and unknown users.

        Args:
            history: a table of user, item and time, (user, item, time) triples, or the items of one user.
            name: of the user whose items are given.
            k, time, remove_seen: as for `recommend`.

        Raises:
            UsageError: the model does not rank for histories, or reads who the user is.
            DataError: no history is left.
        """
        _check(k, "now", None)
        if not has_events(self.run):
            raise UsageError(
                f"{self.run.config.model} ranks for users of its training data, and no history is folded in; models "
                f"that rank for a history alone: {FOLD_IN}"
            )
        self._check_time(time)
        skipped = Skipped("events")
        given = read_histories(self.run, history, name, skipped)
        skipped.settle(len(given.users))
        found = [self._of_given(given.only(known), k, time, remove_seen) for known in (True, False)]
        table = pd.concat([part for part in found if part is not None], ignore_index=True)
        order = pd.Categorical(table[self.user], categories=given.users)
        table = table.iloc[np.argsort(order.codes, kind="stable")].reset_index(drop=True)
        table.attrs["skipped"] = skipped.sentences
        return table

    def _check_time(self, time: int | None) -> None:
        if time is not None and has_events(self.run) and not self.run.train.timed:
            raise UsageError(f"time: the data of this run have no times; leave it out (got {time!r})")

    def _of_given(
        self, given: GivenHistories, k: int, time: int | None, remove_seen: bool | None
    ) -> pd.DataFrame | None:
        if not len(given.users):
            return None
        lists = lists_of_histories(self.run, given.columns, given.count, given.ids, time, remove_seen)
        return self._table(lists, np.arange(len(given.users)), given.users, k, False, None, bool(given.ids.all()))

    def _known(self, users: Iterable[Any], skipped: Skipped) -> np.ndarray:
        """Ids of users, each once, in the order in which they are asked for."""
        known = self.run.train.field2token_id[self.user]
        asked = [users] if isinstance(users, str | int) else list(users)
        ids = [int(known.get(str(user), 0)) for user in asked]
        for line, (user, number) in enumerate(zip(asked, ids, strict=True), start=1):
            if not number:
                skipped.add(line, f"{self.user} {str(user)!r} is not in the run's data")
        return np.array(list(dict.fromkeys(number for number in ids if number)), dtype=np.int64)

    def _now(self, ids: np.ndarray, time: int | None, remove_seen: bool | None, skipped: Skipped) -> Lists:
        with_rows = self._with_rows()
        tokens = self.run.train.field2id_token[self.user]
        for number in ids[~with_rows[ids]]:
            skipped.add(None, f"{self.user} {tokens[number]!r} has no events")
        kept = np.sort(ids[with_rows[ids]])
        skipped.settle(len(kept))
        return lists_of_users(self.run, kept, time, remove_seen)

    def _with_rows(self) -> np.ndarray:
        """(n_users,) bool: users with an event in any split."""
        train = self.run.train
        columns = [part.inter_feat[self.user] for part in self.run.loaders.parts if len(part)]
        columns = [train.events[self.user]] if has_events(self.run) else columns
        return np.bincount(torch.cat(columns).numpy(), minlength=train.user_num) > 0

    def _places(self, lists: Lists, ids: np.ndarray, at: str, skipped: Skipped) -> np.ndarray:
        """The first list of each user, in the order of `ids`."""
        first = np.full(self.run.train.user_num, -1)
        first[lists.users[::-1]] = np.arange(len(lists.users))[::-1]
        missing = ids[first[ids] < 0] if at != "now" else []
        for number in missing:
            skipped.add(None, f"{self.user} {self.run.train.field2id_token[self.user][number]!r} has no row in {at}")
        places = first[ids]
        return places[places >= 0]

    def _table(
        self,
        lists: Lists,
        places: np.ndarray,
        users: Any,
        k: int,
        whole: bool,
        skipped: Skipped | None,
        known_users: bool = True,
    ) -> pd.DataFrame:
        best, items = self._best(lists, places, k, whole, known_users)
        row, rank = np.nonzero(items >= 0)
        tokens = self.run.train.field2id_token[self.item]
        columns = {self.user: np.asarray(users)[row], self.item: tokens[items[row, rank]]}
        table = pd.DataFrame({**columns, "rank": rank + 1, "score": best[row, rank]})
        for name in columns:
            table[name] = table[name].astype(str)
        table.attrs["skipped"] = skipped.sentences if skipped else []
        return table

    def _best(
        self, lists: Lists, places: np.ndarray, k: int, whole: bool, known_users: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scores and items (n, k), best first; -1 where a list has fewer candidates.

        A row is rounded as its batch is, so what an evaluation computed comes out of its whole batches alone.
        """
        step, n = lists.loader.step, len(lists.users)
        best, items = np.empty((len(places), k), dtype=np.float32), np.full((len(places), k), -1)
        of_batch = places // step if whole else np.arange(len(places)) // step
        for number in np.unique(of_batch):
            mine = np.flatnonzero(of_batch == number)
            rows = np.arange(number * step, min((number + 1) * step, n)) if whole else places[mine]
            scores = self.scores.of(lists.loader.collate_fn(rows), known_users)
            kept = torch.from_numpy(places[mine] - number * step if whole else np.arange(len(mine)))
            best[mine], items[mine] = _top(scores[kept.to(scores.device)], k, self.widest)
        return best, items


def _top(scores: Tensor, k: int, widest: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best of (R, n_items) scores; equal ones as the evaluation orders them, which ranks `widest` items."""
    items = top_items(scores, max(k, widest))[:, :k]
    best = scores.gather(1, items.clamp(min=0))
    return best.float().cpu().numpy(), items.cpu().numpy()


def _check(k: int, at: str, time: int | None) -> None:
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise UsageError(f"k must be a whole number of at least 1 (got {k!r})")
    if at not in VIEWS:
        raise UsageError(f"at must be one of {', '.join(VIEWS)} (got {at!r})")
    if time is not None and at != "now":
        raise UsageError(f"time is for at='now'; a row of {at} has its own")


def warn_of(skipped: list[str]) -> None:
    """One warning for everything that was left out."""
    if skipped:
        more = f"; and {len(skipped) - 3:,} more" if len(skipped) > 3 else ""
        warnings.warn(f"left out: {'; '.join(skipped[:3])}{more}", UserWarning, stacklevel=3)
