"""Scores of all items for lists of a loader, as the evaluation of a run computes them."""

from typing import Any

import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.errors import UsageError
from recbole_ext.evaluation.finite import require_finite_scores
from recbole_ext.evaluation.values import predicted_in_parts
from recbole_ext.serving.load import LoadedRun
from recbole_ext.tasks.ranking.evaluation.full_ranking import Batch

SEQUENCES = "SS4Rec, Mamba4Rec, SASRec, GRU4Rec"
"""Models that rank for a history, in an engine too."""
FOLD_IN = f"{SEQUENCES}; without an order in time EASE, ItemKNN (knn_method: item), MultiVAE"


def not_folded_in(model: str, others: str = FOLD_IN) -> UsageError:
    """The error for a history that is given to a model which ranks for the users of its training data alone."""
    return UsageError(
        f"{model} ranks for users of its training data, and no history is folded in; models that rank for a history "
        f"alone: {others}"
    )


class ItemScores:
    """Scores all items with the best weights of a run.

    Args:
        run: opened.
    """

    def __init__(self, run: LoadedRun) -> None:
        self.model, self.config, self.n_items = run.model, run.config, run.train.item_num
        self.items = run.train.get_item_feature().to(run.config["device"])
        features = run.train.user_feat
        self.of_users = {run.train.uid_field, *(features.columns if features is not None else ())}

    @torch.no_grad()
    def of(self, batch: Batch, known_users: bool = True) -> Tensor:
        """Scores of a batch of lists: (R, n_items), -inf for padding and for items that were seen.

        Args:
            batch: from a `FullRankingLoader`.
            known_users: False for users whom training never saw; the model then gets their histories alone.

        Raises:
            UsageError: the model reads who the user is, and none of these was in training.
        """
        rows, seen, *_ = batch
        if not known_users:
            rows = Interaction({name: rows[name] for name in rows.interaction if name not in self.of_users})
        try:
            scores = self._all(rows.to(self.config["device"])).view(-1, self.n_items)
        except KeyError as error:
            raise self._refusal(error) or error from None
        scores[:, 0] = -torch.inf
        if seen is not None:
            scores[seen] = -torch.inf
        return require_finite_scores(scores)

    def _all(self, rows: Any) -> Tensor:
        try:
            return self.model.full_sort_predict(rows)
        except NotImplementedError:
            pairs = rows.repeat_interleave(self.n_items)
            pairs.update(self.items.repeat(len(rows)))
            return predicted_in_parts(self.model, pairs, self.config["eval_batch_size"], self.config["device"])

    def _refusal(self, error: KeyError) -> UsageError | None:
        """The error for a column that only a row of the data has; None if something else went wrong."""
        field = str(error.args[0]) if error.args else ""
        name = self.config.model
        if field in self.of_users:
            return UsageError(
                f"{name} ranks for users of its training data: it reads {field!r}. Models that rank for a history "
                f"alone: {SEQUENCES}; and RecBole's other sequential models without user embeddings"
            )
        if field in self.config["load_col"].get("inter", ()) if self.config["load_col"] else False:
            return UsageError(f"{name} reads {field!r} of each interaction, which is not known of items to recommend")
        return None
