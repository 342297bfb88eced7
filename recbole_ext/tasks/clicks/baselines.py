"""Non-learned baselines of click models: rates of clicks, and the rate of rows that match their history alike.

match_rate   (clicks + 10 p) / (rows + 10) over training rows that match their history as the row does
             (`recbole_ext.tasks.clicks.matches`); there where a model reads histories
"""

from typing import Any

from torch import Tensor

from recbole_ext.evaluation.label_rates import LABEL_RATES, ClickRate


class MatchRate(ClickRate):
    """What is known of the item from the user's own history."""

    def fit(self, train: Any, config: Any) -> None:
        """Click rates by how rows match their histories."""
        self.of_cell = train.match_rates()

    def rates(self, user: Tensor, item: Tensor, rows: Any) -> Tensor:
        """The click rate of rows that match in the same way: (R,)."""
        return self.of_cell[rows["match"].cpu()]


CLICK_BASELINES: dict[str, Any] = {**LABEL_RATES, "match_rate": MatchRate}
