"""Rating prediction: the rating that a user gives to an item, on the scale of the data set."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from recbole_ext.config.keys.unread_rules import OF_ROWS, Rule, always, without_sequence
from recbole_ext.tasks.ratings.checks import rating_faults
from recbole_ext.tasks.ratings.columns import RATING_COLUMNS
from recbole_ext.tasks.ratings.levels import HONEST
from recbole_ext.tasks.ratings.unread import UNREAD, architecture_faults
from recbole_ext.tasks.task import Batches, Task

if TYPE_CHECKING:
    from recbole_ext.config.config import Config
    from recbole_ext.config.layers import Layer
    from recbole_ext.data.loaders import Loaders
    from recbole_ext.evaluation.evaluator import Scorer
    from recbole_ext.evaluation.row_metrics import RowMetrics
    from recbole_ext.model_entry import ModelEntry


class RatingTask(Task):
    """See the module."""

    name = "ratings"
    title = "Rating prediction"
    columns = RATING_COLUMNS
    batches = Batches(steps=8, most=8192)
    criteria_names = (
        *("valid.r2", "test.r2", "test.mse", "test.correlation", "test.precision@10", "test.ndcg@10"),
        *("kl", "kl_tables", "fit", "active_units"),
    )
    answers = ("rate", "evaluate")
    use = "Predicting the ratings of users of this data set for its items."
    limits = (
        "Users choose what they rate: the error on items that a user would never have rated is unknown. Averages hide "
        "groups; the report has the errors of new and rarely seen users and items."
    )
    same_value = MappingProxyType({"LABEL_FIELD": "RATING_FIELD"})  # RecBole's metrics read the truth under it
    unread = (
        *OF_ROWS,
        without_sequence(always),
        Rule(("ssm_backend",), always, "{model} has no state-space layer"),
        *UNREAD,
        Rule(("numerical_features", "discretization"), always, "side_features chooses the columns of {model}"),
    )

    def metrics(self, entry: "ModelEntry") -> Mapping[str, tuple[str, ...]]:
        """Errors."""
        return {"labeled": ("rmse", "mae")}

    def baseline_names(self, entry: "ModelEntry", metrics: list[str]) -> tuple[str, ...]:
        """Means of ratings."""
        return ("global_mean", "item_mean", "user_item_bias")

    def faults(self, entry: "ModelEntry", layers: "list[Layer]", values: dict[str, Any]) -> list[str]:
        """Also a column that is measured and not learned, and keys of the other architecture."""
        return [
            *super().faults(entry, layers, values),
            *rating_faults(entry, layers, values),
            *architecture_faults(entry, layers, values),
        ]

    def dataset(self, config: "Config") -> Callable[..., Any]:
        """Rows that `split_seed` alone splits."""
        from recbole_ext.tasks.ratings.data import ExactRatingDataset

        return ExactRatingDataset

    def check_data(self, config: "Config", dataset: Any) -> None:
        """Ratings that differ, on the scale."""
        from recbole_ext.tasks.ratings.data import check_ratings

        check_ratings(config, dataset)

    def loaders(self, config: "Config", dataset: Any, parts: list[Any]) -> "Loaders":
        """Rows, or the rows of whole users."""
        from recbole_ext.tasks.ratings.loaders import rating_loaders

        return rating_loaders(config, dataset, parts)

    def training_sample(self, config: "Config", loaders: "Loaders", count: int) -> Any:
        """Rows that are predicted without their own rating."""
        from recbole_ext.tasks.ratings.loaders import rating_sample

        return rating_sample(config, loaders, count)

    def later_loader(self, config: "Config", loaders: "Loaders", part: Any, earlier: list[Any]) -> Any:
        """Rows to predict, from the ratings of training as in the test."""
        from recbole_ext.tasks.ratings.batches import RatingEvalLoader

        return RatingEvalLoader(config, part)

    def row_metrics(self, config: "Config") -> "RowMetrics":
        """Errors of ratings."""
        from recbole_ext.evaluation.row_metrics import ValueRows

        return ValueRows(("rating", "prediction"), [str(name).lower() for name in config["metrics"]])

    def scorer(self, config: "Config", train: Any) -> "Scorer":
        """Errors of ratings, and what is reported of them."""
        from recbole_ext.tasks.ratings.scorer import RatingScorer

        return RatingScorer(config, train)

    def baselines(self, config: "Config", loaders: "Loaders") -> dict[str, Callable[..., Any]]:
        """Means of ratings."""
        from recbole_ext.tasks.ratings.baselines import RATING_BASELINES

        return dict(RATING_BASELINES)

    def protocol_facts(self, config: "Config", loaders: "Loaders | None") -> dict[str, Any]:
        """Nothing is ranked; the split has a seed of its own."""
        return {
            "name": f"recbole {config.entry.family}",
            "split_suffix": f", split seed {config['split_seed']}",
            "seen_items": "ratings predicted, clipped to the scale",
        }

    def honest_levels(self, dataset: str, protocol: Mapping[str, Any]) -> Mapping[str, float]:
        """Errors below which nothing honest is known."""
        return {"rmse": HONEST[dataset]} if dataset in HONEST else {}

    def summary_lines(self, result: Mapping[str, Any]) -> list[str]:
        """Errors by star and group, and the audit."""
        from recbole_ext.tasks.ratings.result import rating_lines

        return rating_lines(result)


TASK = RatingTask()
