"""The history term of a model for one user: the items of the whole history, each with its logit."""

from typing import Any

import numpy as np
import torch

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
        self.weight, self.bias = (p.detach().float().cpu().numpy() for p in (term.logits.weight, term.logits.bias))
        self.octaves, self.place = term.octaves, place

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

    def __call__(self, history: History, vector: Array) -> tuple[Array, Array]:
        """Items (m,) int64, each once, and their logits (m,) float32, at the state (width,) after the history."""
        items, back = np.unique(history.items[::-1], return_index=True)  # events since the latest of each item
        group = np.zeros(len(items), dtype=np.int64)
        if self.place is not None:
            group = history.values[::-1, self.place][back].astype(np.int64)
        if self.octaves:
            octave = np.log2(back + 1.0).astype(np.int64).clip(max=self.octaves - 1)
            group = group * self.octaves + octave
        logits = torch.from_numpy(self.weight) @ torch.from_numpy(vector) + torch.from_numpy(self.bias)
        return items.astype(np.int64), logits.numpy()[group]
