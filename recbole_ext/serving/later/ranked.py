"""Later targets ranked: at which place of its list each of them stands."""

from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction

from recbole_ext.data.history import TARGET_POSITION
from recbole_ext.evaluation.finite import require_finite_metrics
from recbole_ext.serving.folded_users import FoldedUsers
from recbole_ext.serving.given_histories import GivenHistories
from recbole_ext.serving.item_scores import ItemScores
from recbole_ext.serving.later.parts import LaterPart
from recbole_ext.serving.load import LoadedRun
from recbole_ext.tasks.ranking.data.seen import removes_seen_items
from recbole_ext.tasks.ranking.evaluation.full_ranking import lists_in_memory
from recbole_ext.tasks.ranking.evaluation.scorer import RankingScorer


class RankedTargets:
    """Ranks targets by one model.

    Args:
        run: opened.
        model: whose scores; the run's or a baseline of it.
        scorer: of the run.
        n_rows: of the later interactions.

    Attributes:
        rank: (n,) int64, the place of each row's item in its list, from 1; 0 if it is not in it, -1 if it was not
            ranked.
    """

    def __init__(self, run: LoadedRun, model: Any, scorer: RankingScorer, n_rows: int) -> None:
        self.run, self.model, self.scorer = run, model, scorer
        self.collector = scorer.collector()
        self.rank = np.full(n_rows, -1, dtype=np.int64)

    @torch.no_grad()
    def add(self, part: LaterPart, loader: Any) -> bool:
        """Rank the rows of a part; False for users whom the run does not know where the model must know them."""
        hidden = set() if part.known_users else ItemScores(self.run).of_users
        place_of = _Places(self.run.train, part)
        for rows, *rest in loader:
            named = Interaction({name: rows[name] for name in rows.interaction if name not in hidden})
            try:
                ranked, scores, row, item = self.scorer.ranked(self.model, loader, (named, *rest))
            except KeyError as error:
                if error.args and error.args[0] in hidden:
                    return False
                raise
            self.collector.eval_batch_collect(scores, ranked, row, item)
            place_of.enter(self.rank, ranked, row, item, self.collector.places)
        return True

    @torch.no_grad()
    def fold_in(self, folder: FoldedUsers, given: GivenHistories, targets: tuple[np.ndarray, ...]) -> None:
        """Rank the targets of users whose histories are given, one list for all targets of a user.

        Args:
            folder: of the run's model.
            given: m histories.
            targets: number of the history, item, and number of the later interaction of each target, (p,) int64 each.
        """
        step = lists_in_memory(self.run.config, self.run.train.item_num)
        user, item, place = targets
        for start in range(0, len(given), step):
            some = np.arange(start, min(start + step, len(given)))
            mine = np.flatnonzero((user >= start) & (user < start + step))
            scores = folder.scores(given.take(some), removes_seen_items(self.run.config))
            row, wanted = torch.from_numpy(user[mine] - start), torch.from_numpy(item[mine])
            self.collector.eval_batch_collect(scores, Interaction({}), row, wanted)
            self.rank[place[mine]] = self.collector.places.numpy()

    def metrics(self) -> dict[str, float]:
        """Of all lists together, rounded as the run rounds them."""
        return require_finite_metrics(self.scorer.metrics.evaluate(self.collector.get_data_struct()))


class _Places:
    """Which later interactions the targets of a batch are.

    Args:
        train: the training split.
        part: that is ranked.
    """

    def __init__(self, train: Any, part: LaterPart) -> None:
        self.train, self.rows = train, part.rows
        table = part.part.inter_feat
        self.of_events = TARGET_POSITION in table
        keys = (
            table[TARGET_POSITION].numpy()
            if self.of_events
            else self._pairs(table[train.uid_field], table[train.iid_field])
        )
        self.order = np.argsort(keys, kind="stable")
        self.ordered = keys[self.order]

    def _pairs(self, user: Any, item: Any) -> np.ndarray:
        return np.asarray(user).astype(np.int64) * self.train.item_num + np.asarray(item)

    def enter(self, rank: np.ndarray, lists: Any, row: torch.Tensor, item: torch.Tensor, places: torch.Tensor) -> None:
        """Write the places of a batch's targets; the same target twice has the same place."""
        of_list = lists[TARGET_POSITION if self.of_events else self.train.uid_field].cpu()[row.cpu()]
        wanted = of_list.numpy() if self.of_events else self._pairs(of_list, item.cpu())
        low, high = (np.searchsorted(self.ordered, wanted, side=side) for side in ("left", "right"))
        count = high - low
        which = np.repeat(low - np.cumsum(count) + count, count) + np.arange(count.sum())
        rank[self.rows[self.order[which]]] = np.repeat(places.numpy(), count)
