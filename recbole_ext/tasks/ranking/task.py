"""Ranking: items are ordered for users, by what they took before; also RecBole's models of labels and boosted trees."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from recbole_ext.config.keys.unread_rules import without_sequence
from recbole_ext.data.columns.task_columns import TaskColumns
from recbole_ext.tasks.ranking.levels import levels_of_presets
from recbole_ext.tasks.ranking.outputs import baseline_names, metrics_of
from recbole_ext.tasks.ranking.summary import ranking_lines
from recbole_ext.tasks.task import Batches, Task

if TYPE_CHECKING:
    from recbole_ext.config.config import Config
    from recbole_ext.data.loaders import Loaders
    from recbole_ext.evaluation.evaluator import Scorer
    from recbole_ext.evaluation.row_metrics import RowMetrics
    from recbole_ext.model_entry import ModelEntry


class RankingTask(Task):
    """See the module."""

    name = "ranking"
    title = "Item recommendation"
    columns = TaskColumns()
    batches = Batches(steps=40, most=2048)
    answers = ("recommend", "evaluate", "item_embeddings", "user_embeddings")
    use = "Ranking the items of this data set for users with a history in it."
    limits = (
        "Items that were not in training cannot be ranked: they have no learned representation. Test "
        "users are those of training, at a later time; the metrics do not extend to other users. Interactions "
        "depend on what users were shown (exposure bias), so popular items are favoured."
    )
    fixed_order = ", or train on rows with train_mode: prefix"
    unread = (without_sequence(lambda facts: not facts.sequential),)

    def metrics(self, entry: "ModelEntry") -> Mapping[str, tuple[str, ...]]:
        """Those of lists, or of RecBole's models of labels."""
        return metrics_of(entry)

    def baseline_names(self, entry: "ModelEntry", metrics: list[str]) -> tuple[str, ...]:
        """Of lists, or of labels where labels are measured."""
        return baseline_names(entry, metrics)

    def weighs_targets(self, entry: "ModelEntry") -> bool:
        """The sequence models of this package do, and classes of users that have a `weight_field`."""
        if entry.model_class is not None:
            return hasattr(entry.model_class, "weight_field")
        return entry.own and entry.family == "sequential"

    def has_random_batches(self, entry: "ModelEntry", values: dict[str, Any]) -> bool:
        """Windows are assembled again in each epoch."""
        return entry.causal and values.get("train_mode") == "all_positions"

    def dataset(self, config: "Config") -> Callable[..., Any]:
        """RecBole's class for the model, with exact rows."""
        from recbole_ext.tasks.ranking.data.datasets import dataset_class

        return dataset_class(config)

    def check_data(self, config: "Config", dataset: Any) -> None:
        """Lists no longer than the catalogue, and labels that the model can learn."""
        from recbole_ext.data.columns.labels import check_labels
        from recbole_ext.tasks.ranking.loaders import check_cutoffs

        check_cutoffs(config, dataset)
        check_labels(config, dataset)

    def loaders(self, config: "Config", dataset: Any, parts: list[Any]) -> "Loaders":
        """Rows or windows to train on, and lists that are ranked."""
        from recbole_ext.tasks.ranking.loaders import ranking_loaders

        return ranking_loaders(config, dataset, parts)

    def training_sample(self, config: "Config", loaders: "Loaders", count: int) -> Any:
        """Of sequences, the newest training target of so many users."""
        from recbole_ext.tasks.ranking.loaders import ranking_sample

        return ranking_sample(config, loaders, count)

    def later_loader(self, config: "Config", loaders: "Loaders", part: Any, earlier: list[Any]) -> Any:
        """Lists of the later targets, without what users took in earlier splits where the protocol removes it."""
        from recbole_ext.tasks.ranking.evaluation.evaluation_loader import evaluation_loader

        return evaluation_loader(config, "test", part, earlier, loaders.parts)

    def row_metrics(self, config: "Config") -> "RowMetrics":
        """Of lists, by the places of the targets, or of labels."""
        from recbole_ext.tasks.ranking.evaluation.row_metrics import row_metrics

        return row_metrics(config)

    def scorer(self, config: "Config", train: Any) -> "Scorer":
        """Lists, or values of labelled rows."""
        from recbole_ext.tasks.ranking.evaluation.scorer import scorer_of_metrics

        return scorer_of_metrics(config, train)

    def baselines(self, config: "Config", loaders: "Loaders") -> dict[str, Callable[..., Any]]:
        """Of lists popularity and, of sequences, transition counts; of labels their rates."""
        from recbole_ext.tasks.ranking.evaluation.baselines import baselines_of

        return baselines_of(config, loaders)

    def protocol_facts(self, config: "Config", loaders: "Loaders | None") -> dict[str, Any]:
        """Presets of sequences, seen items and candidates."""
        from recbole_ext.tasks.ranking.evaluation.protocol_facts import ranking_facts

        return ranking_facts(config, loaders)

    def honest_levels(self, dataset: str, protocol: Mapping[str, Any]) -> Mapping[str, float]:
        """Of a preset, unchanged, with all items ranked."""
        return levels_of_presets(dataset, protocol)

    def summary_lines(self, result: Mapping[str, Any]) -> list[str]:
        """What the candidates leave out, and stages."""
        return ranking_lines(result)


TASK = RankingTask()
