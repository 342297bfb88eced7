"""Click prediction: the probability that a user clicks on an item, by fields and by histories of behaviours."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from recbole_ext.config.keys.unread_rules import OF_ROWS
from recbole_ext.evaluation.protocol import LABELED
from recbole_ext.tasks.clicks.checks import click_faults
from recbole_ext.tasks.clicks.columns import CLICK_COLUMNS
from recbole_ext.tasks.task import Batches, Task

if TYPE_CHECKING:
    from recbole_ext.config.config import Config
    from recbole_ext.config.layers import Layer
    from recbole_ext.data.loaders import Loaders
    from recbole_ext.evaluation.evaluator import Scorer
    from recbole_ext.evaluation.row_metrics import RowMetrics
    from recbole_ext.model_entry import ModelEntry


class ClickTask(Task):
    """See the module."""

    name = "clicks"
    title = "Click prediction"
    columns = CLICK_COLUMNS
    batches = Batches(steps=8, most=4096)
    further_metrics = (
        "gauc",
        "ece",
        "gate_static_mean",
        "gate_static_std",
        "gate_static_median",
        "gate_static_entropy",
    )
    answers = ("click_probability", "evaluate")
    use = "Ordering candidates by their click probability, on examples like those of training."
    limits = (
        "Probabilities are only as calibrated as the reliability curve of the report shows, and depend on how "
        "negatives were sampled."
    )
    is_compared_by_name = True  # the name records whose labels are known
    unread = OF_ROWS

    def metrics(self, entry: "ModelEntry") -> Mapping[str, tuple[str, ...]]:
        """Of probabilities."""
        return {"labeled": ("auc", "logloss", "gauc")}

    def baseline_names(self, entry: "ModelEntry", metrics: list[str]) -> tuple[str, ...]:
        """Rates of clicks."""
        return ("click_rate", "item_rate", "user_item_rate", "match_rate")

    def has_random_batches(self, entry: "ModelEntry", values: dict[str, Any]) -> bool:
        """Rows with the same history share a batch, in a new order in each epoch."""
        return True

    def faults(self, entry: "ModelEntry", layers: "list[Layer]", values: dict[str, Any]) -> list[str]:
        """Also what would show a row its future."""
        return [*super().faults(entry, layers, values), *click_faults(values)]

    def dataset(self, config: "Config") -> Callable[..., Any]:
        """Rows whose splits store the past of each."""
        from recbole_ext.tasks.clicks.data import ExactClickDataset

        return ExactClickDataset

    def check_data(self, config: "Config", dataset: Any) -> None:
        """Nothing: that labels are of both classes is checked split by split."""

    def loaders(self, config: "Config", dataset: Any, parts: list[Any]) -> "Loaders":
        """Rows with the histories that they share."""
        from recbole_ext.tasks.clicks.loaders import click_loaders

        return click_loaders(config, dataset, parts)

    def training_sample(self, config: "Config", loaders: "Loaders", count: int) -> Any:
        """Rows with their histories."""
        from recbole_ext.tasks.clicks.loaders import click_sample

        return click_sample(config, loaders, count)

    def later_loader(self, config: "Config", loaders: "Loaders", part: Any, earlier: list[Any]) -> Any:
        """Rows that see what came before each of them, whatever its split; in their sets too."""
        from recbole_ext.tasks.clicks.batches import ClickLoader

        return ClickLoader(config.alone(), part, sets="none" if config["implicit_sets"] == "none" else "before")

    def row_metrics(self, config: "Config") -> "RowMetrics":
        """Of labels and probabilities."""
        from recbole_ext.tasks.clicks.row_metrics import ClickRowMetrics

        return ClickRowMetrics()

    def scorer(self, config: "Config", train: Any) -> "Scorer":
        """Click metrics, and the gate."""
        from recbole_ext.tasks.clicks.scorer import ClickScorer

        return ClickScorer(config)

    def baselines(self, config: "Config", loaders: "Loaders") -> dict[str, Callable[..., Any]]:
        """Rates of clicks; of history matches too, where the model reads histories."""
        from recbole_ext.tasks.clicks.baselines import CLICK_BASELINES

        with_histories = loaders.train.reads_histories
        return {name: made for name, made in CLICK_BASELINES.items() if with_histories or name != "match_rate"}

    def protocol_facts(self, config: "Config", loaders: "Loaders | None") -> dict[str, Any]:
        """Whose labels a row sees."""
        name = f"clicks, histories of {config['history_from']}, implicit sets {config['implicit_sets']}"
        next_in_time = f", labels next in time {config['next_in_time']}" if "sets" in config["branches"] else ""
        return {
            "name": name + next_in_time,
            "seen_items": LABELED,
            "max_length": config["MAX_ITEM_LIST_LENGTH"],
        }

    def honest_levels(self, dataset: str, protocol: Mapping[str, Any]) -> Mapping[str, float]:
        """Of ratings as clicks; the best known are .8762 and .9114."""
        return {"ml-100k": {"auc": 0.90}, "ml-1m": {"auc": 0.93}}.get(dataset, {})

    def summary_lines(self, result: Mapping[str, Any]) -> list[str]:
        """What the gate does."""
        gate = result.get("clicks", {}).get("gate")
        if not gate:
            return []
        mean, std = gate["gate_static_mean"], gate["gate_static_std"]
        return [f"gate        the static branch weighs {mean:.3f} ±{std:.3f}, the sequential one the rest"]


TASK = ClickTask()
