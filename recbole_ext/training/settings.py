"""How long a run trains, and by what it chooses weights."""

from dataclasses import dataclass
from typing import Any

from recbole_ext.training.special import planned_epochs, pretrains
from recbole_ext.training.stage_list import Stage, read_stages


@dataclass(frozen=True)
class TrainingSettings:
    """Read once from the configuration.

    Attributes:
        stages: in turn; one over all training rows where the key `stages` is not set.
        in_stages: whether it is set.
        eval_step: epochs between two validations; 0 for none.
        valid_metric: in small letters.
        sign: 1 if more of it is better, else -1.
        min_delta: what counts as an improvement.
        nan_retries: how often a run goes back because of non-finite values.
    """

    stages: tuple[Stage, ...]
    in_stages: bool
    eval_step: int
    valid_metric: str
    sign: int
    min_delta: float
    nan_retries: int

    @classmethod
    def read(cls, config: Any) -> "TrainingSettings":
        """Of a run's configuration.

        Raises:
            UsageError: an entry of `stages` is wrong.
        """
        stages = tuple(read_stages(config))
        whole = Stage(1.0, config["learning_rate"], planned_epochs(config), config["stopping_step"])
        epochs = sum(stage.epochs for stage in stages) or whole.epochs
        return cls(
            stages=stages or (whole,),
            in_stages=bool(stages),
            eval_step=0 if pretrains(config) else min(config["eval_step"], epochs),
            valid_metric=config["valid_metric"].lower(),
            sign=1 if config["valid_metric_bigger"] else -1,
            min_delta=config["min_delta"],
            nan_retries=config["nan_retries"],
        )

    @property
    def epochs(self) -> int:
        """Of all stages."""
        return sum(stage.epochs for stage in self.stages)
