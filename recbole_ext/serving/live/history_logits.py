"""The history term of a model for one user: the items of the whole history, each with its logit."""

from typing import Any

import numpy as np
import torch

from recbole_ext.data.earlier import mean_intervals
from recbole_ext.model.sequence.history_groups import Past
from recbole_ext.serving.live.event_chains import History
from recbole_ext.serving.load import LoadedRun

Array = np.ndarray[Any, Any]


class HistoryLogits:
    """See `recbole_ext.model.sequence.history_term`.

    Args:
        term: of the model.
        place: of the history field among the values of an event; None without one.
    """

    def __init__(self, term: Any, place: int | None) -> None:
        self.weight, self.bias = (p.detach().float().cpu() for p in (term.logits.weight, term.logits.bias))
        self.groups, self.to_target, self.place = term.groups, term.to_target, place

    @staticmethod
    def of(run: LoadedRun, names: tuple[str, ...]) -> "HistoryLogits | None":
        """The term of a run's model; None where it has none.

        Args:
            run: opened.
            names: of the values of an event.
        """
        term = run.model.history_term
        if term is None:
            return None
        return HistoryLogits(term, names.index(term.field) if term.field else None)

    def __call__(self, history: History, vector: Array, at: int) -> tuple[Array, Array]:
        """Items (m,) int64, each once, and their logits (m,) float32.

        Args:
            history: of the user.
            vector: (width,) the state after the history.
            at: time of the recommendation in seconds, for terms that read the target's time.
        """
        items, back = np.unique(history.items[::-1], return_index=True)  # events since the latest of each item
        group = self.groups.of(self._past(history, back, at if self.to_target else int(history.times[-1])))
        learned = self.weight @ torch.from_numpy(vector) + self.bias
        return items.astype(np.int64), self.groups.logits(learned.unsqueeze(0))[0, group].numpy()

    def _past(self, history: History, back: Array, now: int) -> Past:
        """Of the latest events of each item, which are `back` (m,) events before the last one."""
        latest, distance = len(history) - 1 - back, torch.from_numpy(back + 1)
        values = None if self.place is None else torch.from_numpy(history.values[latest, self.place].astype(np.int64))
        if not self.groups.timed:
            return Past(distance, values)
        items, times = (torch.from_numpy(of.astype(np.int64)) for of in (history.items, history.times))
        interval = mean_intervals(torch.zeros_like(items), items, times)[latest]
        return Past(distance, values, (now - times[latest]).clamp(min=0), interval)
