"""The live engine of every ranking model without a state: histories are kept, and a question computes all scores."""

from typing import Any

import numpy as np
import torch

from recbole_ext.errors import UsageError
from recbole_ext.serving.folded_users import folder_of
from recbole_ext.serving.histories import has_events, lists_of_histories, lists_of_users, unknown_value
from recbole_ext.serving.item_scores import SEQUENCES, ItemScores, not_folded_in
from recbole_ext.serving.live.event_chains import History
from recbole_ext.serving.live.live_engine import LiveEngine
from recbole_ext.serving.live.question import Question
from recbole_ext.serving.live.settings import EngineSettings
from recbole_ext.serving.load import LoadedRun
from recbole_ext.serving.retrieval.exact import best_of

Array = np.ndarray[Any, Any]


class HistoryEngine(LiveEngine):
    """Follows users by their events.

    A model of sequences reads the history of the question; any other model ranks for the users of its training data,
    of whom the events that came since are seen items and nothing else.

    Args:
        run: opened.
        settings: see there; those of states and of the index have no effect.

    Raises:
        UsageError: the data of the run hold written-out histories, to which no event can be added.
    """

    def __init__(self, run: LoadedRun, settings: EngineSettings) -> None:
        if hasattr(run.train, "item_id_list_field") and not has_events(run):
            raise UsageError(
                f"{run.path}: the data of this run hold written-out histories, to which no event can be added; train "
                "on single interactions"
            )
        super().__init__(run, settings)
        self.scores = ItemScores(run)

    def _prepare(self, question: Question) -> Array:
        """Scores of all items: (n_items,) float32."""
        user = question.user if question.user is not None and question.user < self.users.n_known else 0
        if has_events(self.run):
            scores = self._of_history(question.history, user, question.at)
        elif question.given or not user:
            raise self._not_ranked()
        else:
            lists = lists_of_users(self.run, np.array([user]), None, False)
            scores = self.scores.of(lists.loader.collate_fn(np.zeros(1, dtype=np.int64)))
        return scores[0].float().cpu().numpy()

    def _not_ranked(self) -> UsageError:
        """The error for a history, or a new user, of a model without sequences."""
        model = self.run.config.model
        if folder_of(self.run) is None:
            return not_folded_in(model, SEQUENCES)
        return UsageError(
            f"{model} folds in the histories of `recommend`, and an engine ranks by it for users of its training data "
            f"alone; engines rank for a history by models of sequences: {SEQUENCES}"
        )

    def _of_history(self, history: History, user: int, at: int) -> torch.Tensor:
        train, count = self.run.train, np.array([len(history)])
        columns = {
            name: _values(column, history.places, unknown_value(self.run, name))
            for name, column in train.events.columns.items()
            if name not in self.users.fields.names
        }
        columns[train.iid_field] = torch.from_numpy(history.items)
        for name, values in zip(self.users.fields.names, history.values.T, strict=True):
            columns[name] = torch.from_numpy(values.copy())
        if self.users.timed:
            columns[train.time_field] = torch.from_numpy(history.times)
        time = at if self.users.timed else None
        lists = lists_of_histories(self.run, columns, count, np.array([user]), time, False)
        return self.scores.of(lists.loader.collate_fn(np.zeros(1, dtype=np.int64)), bool(user))

    def _best(self, question: Question, prepared: Array) -> tuple[Array, Array]:
        scores = prepared.copy()
        scores[question.excluded] = -np.inf
        items = np.arange(len(scores)) if question.allowed is None else question.allowed
        items = items[scores[items] > -np.inf]
        if len(items) > question.k:
            worst = np.partition(scores[items], -question.k)[-question.k]
            items = items[scores[items] >= worst]
        return best_of(items, scores[items], question.k)


def _values(column: torch.Tensor, places: Array, unknown: float) -> torch.Tensor:
    """A column of the run's events at some places, and the value of an unknown one for events that came since."""
    known = torch.from_numpy((places >= 0) & (places < len(column)))
    found = column[torch.from_numpy(places).clamp(min=0, max=len(column) - 1)]
    found[~known] = unknown
    return found
