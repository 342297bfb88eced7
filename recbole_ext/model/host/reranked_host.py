"""RecBole's GRU4RecCPR and SASRecCPR on catalogues smaller than their reranked candidates."""

from typing import Any

from recbole.model.sequential_recommender.gru4reccpr import GRU4RecCPR as RecBoleGRU4RecCPR
from recbole.model.sequential_recommender.sasreccpr import SASRecCPR as RecBoleSASRecCPR


class _AtMostAllItems:
    """Mixin before a model with `reranker_CAN_NUM`: the sizes of its reranker partitions."""

    reranker_CAN_NUM: list[int]
    n_items: int

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)  # type: ignore[call-arg]
        self.reranker_CAN_NUM = [min(size, self.n_items) for size in self.reranker_CAN_NUM]


class GRU4RecCPR(_AtMostAllItems, RecBoleGRU4RecCPR):
    """RecBole's GRU4RecCPR."""


class SASRecCPR(_AtMostAllItems, RecBoleSASRecCPR):
    """RecBole's SASRecCPR."""
