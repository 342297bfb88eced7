"""RecBole's collector, which also remembers whose rows were tested, so that runs can be compared user by user."""

import inspect
from typing import Any

import numpy as np
import torch
from recbole.evaluator import Collector, Evaluator
from recbole.evaluator.base_metric import TopkMetric
from torch import Tensor

from recbole_ext.evaluation.units import Units, fingerprint, ranked_units, valued_units


class UnitCollector(Collector):
    """Collects what metrics need, and keeps it until the next evaluation begins.

    Args:
        config: the run's configuration.

    Attributes:
        struct: what the metrics of the last evaluation were computed from.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.begin()

    def begin(self) -> None:
        """Forget the last evaluation, whole or broken off."""
        self.struct: Any = None
        self._users: list[Tensor] = []
        self._targets: list[tuple[Tensor, Tensor]] = []
        self._rows = 0
        for key in [key for key in self.data_struct._data_dict if key.startswith("rec.") or key == "data.label"]:
            del self.data_struct[key]

    def eval_batch_collect(self, scores_tensor: Tensor, interaction: Any, positive_u: Any, positive_i: Any) -> None:
        """See RecBole's.

        Args:
            scores_tensor: (R, n_items) for rankings, (R,) for values.
            interaction: R rows, or those of R blocks of sampled candidates.
            positive_u, positive_i: (p,) row and item of each target; None for values.
        """
        super().eval_batch_collect(scores_tensor, interaction, positive_u, positive_i)
        field = self.config["USER_ID_FIELD"]
        if field not in interaction:
            return
        users = interaction[field].cpu()
        if positive_u is not None:
            users = users[_first_of_blocks(len(users), len(scores_tensor), positive_u.cpu())]
            self._targets.append((positive_u.cpu() + self._rows, positive_i.cpu()))
        self.note(users)

    def note(self, users: Tensor) -> None:
        """The (R,) users of the next rows."""
        self._users.append(users)
        self._rows += len(users)

    def get_data_struct(self) -> Any:
        """See RecBole's."""
        self.struct = super().get_data_struct()
        return self.struct

    def units(self, dataset: Any, evaluator: Evaluator) -> Units | None:
        """Contributions of the users of the last evaluation; None if its rows or metrics name none.

        Args:
            dataset: the part, for the tokens of its ids.
            evaluator: whose metrics.
        """
        if not self._users or self.struct is None:
            return None
        users = torch.cat(self._users).numpy()
        tokens = np.asarray(dataset.field2id_token[dataset.uid_field])[users].astype(str)
        if "rec.topk" in self.struct:
            row, item = (torch.cat(part).numpy() for part in zip(*self._targets, strict=True))
            items = np.asarray(dataset.field2id_token[dataset.iid_field])[item].astype(str)
            return ranked_units(tokens, fingerprint(tokens[row], items), row_values(self.struct, evaluator))
        if "rec.score" not in self.struct:
            return None
        truth, score = (self.struct.get(key).reshape(-1).numpy() for key in ("data.label", "rec.score"))
        return valued_units(tokens, truth, score, evaluator.metrics)


def _first_of_blocks(n_rows: int, n_users: int, positive_u: Tensor) -> Tensor:
    """(R,) place of the first row of each block; a user's block is as many rows per target as any other's."""
    if n_rows == n_users:
        return torch.arange(n_users)
    lengths = torch.bincount(positive_u, minlength=n_users) * (n_rows // len(positive_u))
    return lengths.cumsum(0) - lengths


def row_values(struct: Any, evaluator: Evaluator) -> dict[str, np.ndarray]:
    """Each row's value of each metric at each cut-off: (R,)."""
    found: dict[str, np.ndarray] = {}
    for name, metric in evaluator.metric_class.items():
        if not isinstance(metric, TopkMetric):
            continue
        known = metric.used_info(struct)  # hits (R, K), and targets (R,) for the metrics that ask for them
        values = metric.metric_info(*known[: len(inspect.signature(metric.metric_info).parameters)])
        found |= {f"{name}@{k}": values[:, k - 1].astype(np.float64) for k in metric.topk}
    return found
