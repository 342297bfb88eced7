"""RecBole's collector: what was recommended among the candidates, and to whom, so that runs can be compared.

A score of -inf marks an item that is not a candidate. Such an item is in no list, and a target that is none is a
miss. Models, baselines, sampled candidates and ensembles all are evaluated here.
"""

import inspect
from typing import Any

import numpy as np
import torch
from recbole.evaluator import Collector
from recbole.evaluator.base_metric import TopkMetric
from recbole.evaluator.collector import DataStruct
from torch import Tensor

from recbole_ext.evaluation.analysis.list_record import DEPTH, TOP, ListRecord, Rows
from recbole_ext.evaluation.candidates import CandidateCounts
from recbole_ext.evaluation.ranking_metrics import RankingMetrics
from recbole_ext.evaluation.training_counts import item_counts
from recbole_ext.evaluation.units import Units, fingerprint, ranked_units


class UnitCollector(Collector):
    """Collects what the metrics of one evaluation need.

    Args:
        config: the run's configuration.

    Attributes:
        struct: what the metrics were computed from.
        counts: candidates of the evaluation.
        places: (p,) int64, where each target of the last batch is in its list, from 1; 0 for one that is not in it.
        record: what reports draw of the lists; None where nothing of it is kept.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.largest_k = max(config["topk"])
        self.struct: Any = None
        self.counts = CandidateCounts()
        self.record: ListRecord | None = None
        self.places = torch.zeros(0, dtype=torch.long)
        self._parts: dict[str, list[Tensor]] = {}
        self._users: list[Tensor] = []
        self._targets: list[tuple[Tensor, Tensor]] = []
        self._rows = 0

    def emptied(self) -> "UnitCollector":
        """A collector that knows the same of the training split, and nothing of any other."""
        made = UnitCollector(self.config)
        made.data_struct = self.data_struct
        return made

    def data_collect(self, train_data: Any) -> None:
        """What metrics need of the training split.

        Args:
            train_data: the training loader.
        """
        part = train_data._dataset
        if self.register.need("data.num_items"):
            self.data_struct.set("data.num_items", part.item_num - 1)  # padding is no item
        if self.register.need("data.num_users"):
            self.data_struct.set("data.num_users", part.user_num)
        if self.register.need("data.count_items"):
            self.data_struct.set("data.count_items", item_counts(part))
        if self.register.need("data.count_users"):
            self.data_struct.set("data.count_users", part.user_counter)

    def eval_batch_collect(self, scores_tensor: Tensor, interaction: Any, positive_u: Any, positive_i: Any) -> None:
        """Add a batch.

        Args:
            scores_tensor: (R, n_items), -inf for what is not a candidate.
            interaction: R rows.
            positive_u, positive_i: (p,) row and item of each target.
        """
        row, item = (places.to(scores_tensor.device) for places in (positive_u, positive_i))
        items = self._collect_lists(scores_tensor, row, item)
        if self.record is not None:
            self._extend(self.record, scores_tensor, items, (row, item), Rows(interaction, self.config))
        if self.register.need("rec.score"):
            self._add("rec.score", scores_tensor)
        self._targets.append((positive_u.cpu() + self._rows, positive_i.cpu()))
        field = self.config["USER_ID_FIELD"]
        if field in interaction:
            self.note(interaction[field].cpu())

    def _add(self, key: str, values: Tensor) -> None:
        self._parts.setdefault(key, []).append(values.detach())

    def _extend(
        self, record: ListRecord, scores: Tensor, items: Tensor, targets: tuple[Tensor, Tensor], rows: Rows
    ) -> None:
        """Add the lists of a batch to the record; down to the largest K they are those that the metrics are of."""
        places, k = self.places, self.largest_k
        if k < DEPTH:
            more = top_items(scores, DEPTH)[:, k:]
            found = places_in(more, *targets)
            places = torch.where(places > 0, places, torch.where(found > 0, found + k, 0))
            items = torch.cat((items, more), dim=1)
        record.add(items[:, :TOP], places, targets[0].cpu(), targets[1].cpu(), rows)

    def _collect_lists(self, scores: Tensor, row: Tensor, item: Tensor) -> Tensor:
        """The lists of a batch and their hits; returns the items of the lists, (R, K).

        Args:
            scores: (R, n_items).
            row, item: (p,) of each target.
        """
        n_items = scores.shape[1]
        items = top_items(scores, self.largest_k)
        self.places = places_in(items, row, item)
        wanted = torch.unique(row * n_items + item)  # the same target twice counts once
        row, item = wanted // n_items, wanted % n_items
        n_targets = torch.bincount(row, minlength=len(scores)).unsqueeze(1)
        listed = items + torch.arange(len(scores), device=items.device).unsqueeze(1) * n_items
        hits = torch.isin(listed, wanted) & (items >= 0)
        lost = torch.isneginf(scores[row, item])
        if self.register.need("rec.items"):
            self._add("rec.items", items)
        self._add("rec.topk", torch.cat((hits, n_targets), dim=1).int())
        if self.register.need("rec.meanrank"):
            self._add("rec.meanrank", self._ranks_of_targets(scores, row, item))
        self.counts.lists += len(scores)
        self.counts.targets += len(wanted)
        self.counts.targets_not_candidates += int(lost.sum())
        self.counts.short_lists += int((items[:, -1] < 0).sum())
        return items

    def _ranks_of_targets(self, scores: Tensor, row: Tensor, item: Tensor) -> Tensor:
        """Each list's sum of ranks of targets, number of ranked items, and number of targets: (R, 3) float64.

        Equal scores share their mean rank. Targets that are not candidates come after all candidates.
        """
        target = torch.zeros_like(scores, dtype=torch.bool)
        target[row, item] = True
        ordered, index = torch.sort(scores, dim=1, descending=True)
        candidate = ~torch.isneginf(ordered)
        n_candidates = candidate.sum(dim=1, keepdim=True).double()
        rank = torch.where(target.gather(1, index) & candidate, self._average_rank(ordered).double(), 0.0)
        lost = (target & torch.isneginf(scores)).sum(dim=1, keepdim=True)
        ranks_of_lost = lost * n_candidates + lost * (lost + 1) / 2
        n_targets = target.sum(dim=1, keepdim=True)
        return torch.cat((rank.sum(dim=1, keepdim=True) + ranks_of_lost, n_candidates + lost, n_targets), dim=1)

    def note(self, users: Tensor) -> None:
        """The (R,) users of the next rows."""
        self._users.append(users)
        self._rows += len(users)

    def get_data_struct(self) -> Any:
        """Everything that was collected, on the CPU."""
        self.struct = DataStruct()
        self.struct._data_dict |= self.data_struct._data_dict
        for key, parts in self._parts.items():
            self.struct.set(key, torch.cat(parts).cpu())
        self._parts = {}
        return self.struct

    def targets(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The item (p,) of each target and the user (p,) of its list; None for users that no row names."""
        row, item = (torch.cat(part).numpy() for part in zip(*self._targets, strict=True))
        return item, torch.cat(self._users).numpy()[row] if self._users else None

    def units(self, dataset: Any, metrics: RankingMetrics) -> Units | None:
        """Contributions of the users; None if its rows or metrics name none.

        Args:
            dataset: the split, for the tokens of its ids.
            metrics: those asked for.
        """
        if not self._users or self.struct is None:
            return None
        users = torch.cat(self._users).numpy()
        tokens = np.asarray(dataset.field2id_token[dataset.uid_field])[users].astype(str)
        if "rec.topk" not in self.struct:
            return None
        row, item = (torch.cat(part).numpy() for part in zip(*self._targets, strict=True))
        items = np.asarray(dataset.field2id_token[dataset.iid_field])[item].astype(str)
        return ranked_units(tokens, fingerprint(tokens[row], items), row_values(self.struct, metrics))


def top_items(scores: Tensor, k: int) -> Tensor:
    """The k best candidates of each row, best first: (R, k) int64, -1 where there are fewer.

    Args:
        scores: (R, n_items), -inf for what is not a candidate.
        k: length of the lists; it may be larger than the number of items.
    """
    width = min(k, scores.shape[1])
    best, items = torch.topk(scores, width, dim=1)
    return torch.nn.functional.pad(items.masked_fill(torch.isneginf(best), -1), (0, k - width), value=-1)


def places_in(items: Tensor, row: Tensor, item: Tensor) -> Tensor:
    """Where each target is in its list, from 1, and 0 for one that is not in it: (p,) int64.

    Args:
        items: (R, K) of the lists, from `top_items`.
        row, item: (p,) list and item of each target.
    """
    same = items[row] == item.unsqueeze(1)
    return torch.where(same.any(1), same.int().argmax(1) + 1, 0).cpu()


def row_values(struct: Any, metrics: RankingMetrics) -> dict[str, np.ndarray]:
    """Each row's value of each metric at each cut-off: (R,)."""
    found: dict[str, np.ndarray] = {}
    for name, metric in metrics.metric_class.items():
        if not isinstance(metric, TopkMetric) or type(metric).metric_info is TopkMetric.metric_info:
            continue  # no value per row
        known = metric.used_info(struct)  # hits (R, K), and targets (R,) for the metrics that ask for them
        values = metric.metric_info(*known[: len(inspect.signature(metric.metric_info).parameters)])
        found |= {f"{name}@{k}": values[:, k - 1].astype(np.float64) for k in metric.topk}
    return found
