"""The branch of sets of click models: the variational factorisation machine of HybridVAE, on clicks in place of stars.

    score ~ N(mean, variance)      who, what, all their other labelled training rows, their attributes (set_network.py)
    p     = sigmoid(score)         averaged over the score's variance; in training one score is sampled per row

The sets of a training row hold all other training rows of its user and of its item with their labels, also later ones,
and never the row itself. Those of validation and test rows hold training rows alone.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.model.rating.set_network import SetNetwork, SetSettings
from recbole_ext.model.rating.table import Columns, Pairs, RatingTable

_PRIOR_STD = 0.2


class SetBranch(nn.Module):
    """Rows -> mean and variance of the score, in logits.

    Args:
        config: `set_embedding_size`, `set_hidden_size`, `set_dropout_prob`, `set_days`, `next_in_time`.
        dataset: the training split.
    """

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__()
        label = dataset.label_field
        sides = [list(table) if table is not None else [] for table in (dataset.user_feat, dataset.item_feat)]
        names = (dataset.uid_field, dataset.iid_field, label, dataset.time_field)
        attributes = [name for side in sides for name in side if name not in names]
        columns = Columns(
            *names, [0.0, 1.0], attributes, config["set_days"], config["next_in_time"], shrinkage=math.inf
        )
        table = RatingTable(columns, dataset)
        self.network = SetNetwork(
            SetSettings(
                embedding_size=config["set_embedding_size"],
                hidden_size=config["set_hidden_size"],
                latent_size=0,
                variational=True,
                prior_std=_PRIOR_STD,
                leave_one_out=True,
                dropout_prob=config["set_dropout_prob"],
            ),
            table,
        )
        share = float(table.ratings.mean())
        self.bias = nn.Parameter(torch.tensor(math.log(share / (1 - share))))
        self.n_rows = len(table.ratings)

    def forward(self, rows: Any) -> tuple[Tensor, Tensor]:
        """A batch of R rows; see `recbole_ext.tasks.clicks.batches` -> (R,) and (R,)."""
        own = rows["training_row"] if "training_row" in rows else None
        scores = self.network(Pairs(rows["user"], rows["item"], rows["time"], own))
        return scores.mean + self.bias, scores.variance

    def kl(self) -> Tensor:
        """KL of the posteriors of all vectors: () nats per training row."""
        return self.network.kl_of_tables() / self.n_rows
