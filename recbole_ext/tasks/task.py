"""What differs between tasks, and nothing else.

A task is an object and a room: `recbole_ext/tasks/NAME/task.py` has its object, the rest of the folder what it is made
of. No room imports another. A task is read while a configuration is checked, before torch and RecBole are imported, so
its methods import what needs them when they are called.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recbole_ext.config.config import Config
    from recbole_ext.config.keys.unread_rules import Rule
    from recbole_ext.config.layers import Layer
    from recbole_ext.data.columns.task_columns import TaskColumns
    from recbole_ext.data.loaders import Loaders
    from recbole_ext.evaluation.evaluator import Scorer
    from recbole_ext.evaluation.row_metrics import RowMetrics
    from recbole_ext.model_entry import ModelEntry


@dataclass(frozen=True)
class Batches:
    """What `train_batch_size: auto` aims at.

    Attributes:
        steps: per epoch at least, where batches would otherwise be too large for the data.
        most: rows of a batch.
    """

    steps: int
    most: int


class Task(ABC):
    """One task.

    Attributes:
        name: of its folder, of the registry and of `result.json`.
        title: for people.
        unread: settings that its runs leave unread.
        columns: what its runs read, whatever the model is.
        same_value: keys of RecBole that have the value of another key in its runs.
        further_metrics: what is measured besides the metrics that a user chooses.
        criteria_names: further names that criteria of its runs may have: `valid.r2`, `kl`.
        answers: what a finished run can be asked, by the names of the methods of `Run`.
        use: what the predictions are for, a sentence for the model card.
        limits: what does not follow from its metrics, for the model card.
        fixed_order: how a model that makes its own batches is trained in the order of the rows; "" where it is not.
        batches: how `train_batch_size: auto` chooses.
        is_compared_by_name: whether two runs whose protocols differ in their name are of different protocols.
    """

    name: str
    title: str
    unread: "tuple[Rule, ...]"
    columns: "TaskColumns"
    answers: tuple[str, ...]
    use: str
    limits: str
    batches: Batches
    same_value: Mapping[str, str] = MappingProxyType({})
    further_metrics: tuple[str, ...] = ()
    criteria_names: tuple[str, ...] = ()
    fixed_order: str = ""
    is_compared_by_name: bool = False

    @abstractmethod
    def metrics(self, entry: "ModelEntry") -> Mapping[str, tuple[str, ...]]:
        """Metrics that mean something for a model, by what targets are ranked among: full, sampled, labeled."""

    @abstractmethod
    def baseline_names(self, entry: "ModelEntry", metrics: list[str]) -> tuple[str, ...]:
        """Names of the non-learned baselines that a run can be compared with.

        Args:
            entry: the model.
            metrics: of the run, as the user wrote them.
        """

    def faults(self, entry: "ModelEntry", layers: "list[Layer]", values: dict[str, Any]) -> list[str]:
        """What is wrong with a configuration for this task, a line each; read before any data.

        Args:
            entry: the model.
            layers: lowest first.
            values: those of all layers; values of a wrong type are reported elsewhere.
        """
        faults = []
        if values.get("sample_weight") == "recency" and not self.weighs_targets(entry):
            faults.append(
                f"{entry.name} does not weigh its targets; sample_weight: recency is for the sequence models of this "
                "package"
            )
        if values.get("shuffle") is False and self.has_random_batches(entry, values):
            faults.append(
                f"{entry.name} makes its batches in a new random order in each epoch; leave shuffle: False out"
                + self.fixed_order
            )
        return faults

    def has_random_batches(self, entry: "ModelEntry", values: dict[str, Any]) -> bool:
        """Whether training makes its own batches, in a random order that `shuffle` does not choose."""
        return False

    def weighs_targets(self, entry: "ModelEntry") -> bool:
        """Whether a model's training targets can count differently, see `sample_weight`."""
        return False

    @abstractmethod
    def dataset(self, config: "Config") -> Callable[..., Any]:
        """The class of data sets, which is made of a configuration, a vocabulary and a state (see `create_dataset`).

        Raises:
            UsageError: the model cannot read data sets of this form.
        """

    @abstractmethod
    def check_data(self, config: "Config", dataset: Any) -> None:
        """Refuse a data set, read and not yet split, from which nothing can be learned.

        Raises:
            DataError: what is to be learned is missing or means something else.
            UsageError: a setting does not go with the data.
        """

    @abstractmethod
    def loaders(self, config: "Config", dataset: Any, parts: list[Any]) -> "Loaders":
        """The loaders of a data set's splits: training, validation (perhaps empty) and test."""

    @abstractmethod
    def training_sample(self, config: "Config", loaders: "Loaders", count: int) -> Any:
        """An evaluation loader of a fixed sample of `count` training rows, the same for every seed."""

    @abstractmethod
    def later_loader(self, config: "Config", loaders: "Loaders", part: Any, earlier: list[Any]) -> Any:
        """The evaluation loader of interactions that came after a run.

        Args:
            config, loaders: of the run.
            part: the later interactions, as a split of its data set.
            earlier: splits that came before them.
        """

    @abstractmethod
    def row_metrics(self, config: "Config") -> "RowMetrics":
        """How the metrics of any evaluated rows follow from the values of each."""

    @abstractmethod
    def scorer(self, config: "Config", train: Any) -> "Scorer":
        """How a split is scored.

        Args:
            config: of the run.
            train: loader of its training split.
        """

    @abstractmethod
    def baselines(self, config: "Config", loaders: "Loaders") -> dict[str, Callable[..., Any]]:
        """Non-learned baselines by name, each made of the training split and the configuration."""

    @abstractmethod
    def protocol_facts(self, config: "Config", loaders: "Loaders | None") -> dict[str, Any]:
        """Fields of `Protocol` that the task decides: its `name` and `seen_items`, and what is not the default.

        Besides fields there are `split_suffix`, a text after the split, and `ordered_by_time`, of sequences; an
        `order` replaces what the configuration says of it.

        Args:
            config: of the run.
            loaders: of the run; None for the facts of the configuration alone.
        """

    @abstractmethod
    def honest_levels(self, dataset: str, protocol: Mapping[str, Any]) -> Mapping[str, float]:
        """Metric (`ndcg@10`) -> the value beyond which a test result is too good to be honest; {} where none is known.

        A level is somewhat above the best published or measured number, so that a better model does not meet it, and
        a model that sees its target does.

        Args:
            dataset: its name.
            protocol: as `result.json` holds it.
        """

    def summary_lines(self, result: Mapping[str, Any]) -> list[str]:
        """Lines under the table of results in the terminal.

        Args:
            result: as `result.json` holds it.
        """
        return []
