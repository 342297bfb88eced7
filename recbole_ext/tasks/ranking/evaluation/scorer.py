"""Evaluation of rankings: scores of all items, or of sampled candidates, and where the targets stand among them."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import torch
from recbole.data.dataloader import FullSortEvalDataLoader
from recbole.utils import EvaluatorType
from torch import Tensor

from recbole_ext.config.config import Config
from recbole_ext.data.loader_view import whole_loader
from recbole_ext.evaluation.analysis.examples import example_lists
from recbole_ext.evaluation.analysis.list_analysis import list_analysis
from recbole_ext.evaluation.analysis.list_record import ListRecord, example_users
from recbole_ext.evaluation.candidates import candidate_warnings
from recbole_ext.evaluation.collector import UnitCollector
from recbole_ext.evaluation.finite import require_finite_scores
from recbole_ext.evaluation.ranking_metrics import RankingMetrics
from recbole_ext.evaluation.row_metrics import RowMetrics
from recbole_ext.evaluation.training_counts import item_counts
from recbole_ext.evaluation.units import Units
from recbole_ext.evaluation.values import ValueScorer, predicted_in_parts
from recbole_ext.tasks.ranking.evaluation.row_metrics import RANK, RankedRows

Ranked = tuple[Any, Tensor, Tensor, Tensor]
"""Rows of a batch, scores (R, n_items) with -inf for what is not a candidate, and row and item of each target (p,)."""


class RankingScores:
    """The lists of a split, and their metrics.

    Args:
        collector: which has seen all batches.
        metrics: those asked for.
        loader: of the split.

    Attributes:
        metrics: name -> value.
        candidates: `CandidateCounts` as a mapping, and the loader's counts of its lists.
    """

    def __init__(self, collector: UnitCollector, metrics: RankingMetrics, loader: Any) -> None:
        self.collector, self.wanted, self.dataset = collector, metrics, loader._dataset
        self.metrics = metrics.evaluate(collector.get_data_struct())
        self.candidates = asdict(collector.counts) | getattr(loader, "counts", {})

    def units(self) -> Units | None:
        """Contributions of users to the metrics; None where the rows name no users."""
        return self.collector.units(self.dataset, self.wanted)

    def columns(self) -> dict[str, float]:
        """Nothing besides the metrics."""
        return {}

    def findings(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Nothing besides the metrics."""
        return {}

    def warnings(self, split: str) -> dict[str, str]:
        """Targets that are not candidates, and lists shorter than K."""
        return {text: text for text in candidate_warnings(self.candidates, split, self.collector.largest_k)}

    def tested_rows(self, of: RowMetrics) -> pd.DataFrame | None:
        """The targets with their places, where they were recorded."""
        record = self.collector.record
        if record is None or not isinstance(of, RankedRows):
            return None
        item, user = self.collector.targets()
        places = record.places
        rank = np.where(places > of.width, 0, places)
        columns = {"item": item, **({} if user is None else {"user": user}), RANK: rank}
        return pd.DataFrame(columns if of.lists_of_users else {**columns, **of.values(rank)})

    def analysis(self, train: Any, earlier: list[Any]) -> dict[str, Any]:
        """Hits down to place 100, what is recommended, and a few users with their lists."""
        record, data = self.collector.record, self.dataset
        if record is None:
            return {}
        found = list_analysis(record, self.collector.targets()[0], item_counts(train))
        if record.examples:
            tokens = (data.field2id_token[name] for name in (data.uid_field, data.iid_field))
            found["examples"] = example_lists(record.examples, earlier, *tokens)
        return found


class RankingScorer:
    """Ranks.

    Args:
        config: the run's configuration.
        train: loader of the training split, of which some metrics need the items' counts.
    """

    quiet_columns: tuple[str, ...] = ()

    def __init__(self, config: Any, train: Any) -> None:
        self.config, self.device = config, config["device"]
        self.metrics = RankingMetrics(config)
        self._collector = UnitCollector(config)
        self._collector.data_collect(train)

    def collector(self) -> UnitCollector:
        """A collector that has seen nothing of a split yet."""
        return self._collector.emptied()

    def score(self, model: Any, loader: Any, before_batch: Callable[[], None], detailed: bool = False) -> RankingScores:
        """Score all lists of a loader by the current weights."""
        collector = self.collector()
        if detailed:
            collector.record = ListRecord(loader._dataset.item_num, _users_of(loader._dataset))
        for batch in loader:
            before_batch()
            rows, scores, row, item = self.ranked(model, loader, batch)
            collector.eval_batch_collect(scores, rows, row, item)
        return RankingScores(collector, self.metrics, loader)

    def ranked(self, model: Any, loader: Any, batch: Any) -> Ranked:
        """The scores of a batch of lists.

        Raises:
            NonFiniteError: a score is NaN or infinity.
        """
        among_all = isinstance(whole_loader(loader), FullSortEvalDataLoader)
        rows, scores, row, item = (self._among_all if among_all else self._among_sampled)(model, loader._dataset, batch)
        return rows, require_finite_scores(scores), row, item

    def _among_all(self, model: Any, dataset: Any, batch: Any) -> Ranked:
        rows, seen, row, item = batch
        try:
            scores = model.full_sort_predict(rows.to(self.device))  # of rows without item ids
        except NotImplementedError:
            pairs = rows.to(self.device).repeat_interleave(dataset.item_num)
            pairs.update(dataset.get_item_feature().to(self.device).repeat(len(rows)))
            scores = self._predicted(model, pairs)
        scores = scores.view(-1, dataset.item_num)
        scores[:, 0] = -torch.inf
        if seen is not None:
            scores[seen] = -torch.inf
        return rows, scores, row, item

    def _among_sampled(self, model: Any, dataset: Any, batch: Any) -> Ranked:
        rows, list_of_row, row, item, removed = batch
        predicted = self._predicted(model, rows)
        lengths = torch.unique_consecutive(list_of_row, return_counts=True)[1]
        scores = torch.full((len(lengths), dataset.item_num), -torch.inf, device=self.device)
        scores[list_of_row, rows[self.config["ITEM_ID_FIELD"]].cpu()] = predicted.reshape(-1).to(scores.dtype)
        scores[removed] = -torch.inf
        return rows[lengths.cumsum(0) - lengths], scores, row, item

    def _predicted(self, model: Any, rows: Any) -> Tensor:
        return predicted_in_parts(model, rows, self.config["eval_batch_size"], self.device)


def _users_of(split: Any) -> np.ndarray:
    """Ids of the users whose lists are kept; none where rows name no users."""
    rows = split.inter_feat
    return example_users(np.asarray(rows[split.uid_field])) if split.uid_field in rows else np.zeros(0, dtype=np.int64)


def scorer_of_metrics(config: Config, train: Any) -> RankingScorer | ValueScorer:
    """Of lists or of values, as the metrics ask.

    Args:
        config: of the run.
        train: loader of its training split.
    """
    return RankingScorer(config, train) if config["eval_type"] == EvaluatorType.RANKING else ValueScorer(config)
