"""RecBole's FwFM with the weights of its pairs of fields among the parameters.

Differs from source: RecBole keeps them as a tensor that no optimiser steps and no checkpoint holds, so that they stay
at their random start.
"""

from typing import Any

from recbole.model.context_aware_recommender.fwfm import FwFM as RecBoleFwFM
from torch import Tensor, nn


class FwFM(RecBoleFwFM):
    """RecBole's FwFM."""

    weight: Tensor

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.weight = nn.Parameter(self.weight.detach())
