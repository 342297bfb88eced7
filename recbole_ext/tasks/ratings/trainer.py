"""Training of rating models: what the result tells of the tested ratings, and of a posterior that has collapsed."""

from typing import Any

from recbole_ext.tasks.ratings.result import rating_result
from recbole_ext.training.trainer import RunTrainer


class RatingTrainer(RunTrainer):
    """RunTrainer whose `metrics.csv` also has the model's KL in nats, whole and per dimension, and active units."""

    quiet_columns = ("kl_d",)
    part: Any = None
    metrics: dict[str, float]

    def stateful(self) -> dict[str, Any]:
        """The sums of KL too, so that an epoch that is resumed has them of all its batches."""
        return super().stateful() | {"kl": self.model.record}

    def measured(self, eval_data: Any) -> dict[str, float]:
        """RMSE and MAE of a part, clipped to the scale."""
        self.part, self.metrics = eval_data, super().measured(eval_data)
        return self.metrics

    def findings(self) -> dict[str, Any]:
        """The report by star and group, the audit, and warnings, of the part that was evaluated last."""
        if self.part is None:  # a process that does not lead has evaluated nothing
            return {}
        rows = self.run.rows if self.run else []
        return rating_result(self.config, self.model, self.keeper.loaders[0], self.part, rows, self.metrics)
