"""RecBole's samplers of negative items and entities, which end also where nothing is left to sample.

RecBole samples again until a value is allowed: for ever where none is, for instance for a user who has interacted with
all items that can be sampled. Such users are refused before training, and only if the run samples for them.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
from recbole.data.dataloader import UserDataLoader
from recbole.data.utils import get_dataloader
from recbole.sampler import KGSampler, RepeatableSampler, Sampler
from torch import Tensor

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError

_PHASES = ["train", "valid", "test"]


class Bounded:
    """Mixin before a sampler of RecBole: refuses a key for which no value is allowed.

    Attributes:
        used_ids: by key, the values that must not be sampled for it.
    """

    used_ids: Any
    distribution: str
    n_values = 0
    key_name, values_name, relation, dataset_name = "user", "items", "interacted with", ""
    cure = (
        "remove these users, or choose a model that samples no negatives, such as --model=EASE, or --model=SASRec "
        "with --loss_type=CE"
    )

    @cached_property
    def values(self) -> frozenset[int]:
        """What can be sampled at all: every value but padding, by popularity those that occur."""
        return frozenset(self.prob if self.distribution == "popularity" else range(1, self.n_values))  # type: ignore

    def without_choice(self, keys: Iterable[int]) -> list[int]:
        """Those of the keys for which no value is left."""
        used, count = self.used_ids, len(self.values)
        return [key for key in keys if len(used[key]) >= count and self.values <= used[key]]

    def sample_by_key_ids(self, key_ids: Any, num: int) -> Tensor:
        """`num` allowed values per key: (len(key_ids) * num,) int64, as RecBole orders them.

        Raises:
            DataError: a key has no allowed value.
        """
        self.require_choice(np.unique(key_ids).tolist())
        return super().sample_by_key_ids(key_ids, num)  # type: ignore[misc]

    def require_choice(self, keys: Iterable[int]) -> None:
        """Refuse keys without an allowed value.

        Raises:
            DataError: with their number and the first of them.
        """
        without = self.without_choice(keys)
        if without:
            raise DataError(
                f"{self.dataset_name}: {self.key_name} {self.named(without[0])!r} and {len(without) - 1} more have "
                f"{self.relation} all {len(self.values)} {self.values_name} that can be sampled, so none is left as a "
                f"negative;\n{self.cure}"
            )

    def named(self, key: int) -> str:
        """The key as the data files have it."""
        return str(key)


class NegativeItems(Bounded, Sampler):
    """Items that a user has not interacted with, in the phase or before it."""

    def __init__(self, config: Config, parts: list[Any], alpha: float) -> None:
        self.dataset_name, self.n_values = config.dataset, parts[0].item_num
        super().__init__(_PHASES, parts, "uniform", alpha)

    def get_used_ids(self) -> dict[str, np.ndarray]:
        """By phase and user, the items of the phase and of those before it."""
        used: dict[str, np.ndarray] = {}
        last = np.array([set() for _ in range(self.user_num)])
        for phase, part in zip(self.phases, self.datasets, strict=True):
            current = np.array([set(items) for items in last])
            pairs = (part.inter_feat[field].numpy().tolist() for field in (self.uid_field, self.iid_field))
            for user, item in zip(*pairs, strict=True):
                current[user].add(item)
            last = used[phase] = current
        return used

    def named(self, key: int) -> str:
        """The user's token."""
        return str(self.datasets[0].id2token(self.uid_field, key))


class OtherItems(Bounded, RepeatableSampler):
    """Any item but the row's own."""

    def __init__(self, config: Config, dataset: Any, alpha: float) -> None:
        self.dataset_name, self.n_values = config.dataset, dataset.item_num
        super().__init__(_PHASES, dataset, "uniform", alpha)

    def require_choice(self, keys: Iterable[int]) -> None:
        """Refuse a catalogue of one item.

        Raises:
            DataError: there is no second item to sample.
        """
        if len(self.values) < 2:
            raise DataError(f"{self.dataset_name}: there is no second item, so no negative item can be sampled")


class NegativeEntities(Bounded, KGSampler):
    """Entities to which a head entity has no relation; uniform where no negative items are sampled."""

    key_name, values_name, relation = "head entity", "entities", "a relation to"
    cure = "add entities to the graph, or remove the triples of this head entity"

    def __init__(self, config: Config, dataset: Any) -> None:
        self.dataset_name, self.n_values = config.dataset, dataset.entity_num
        asked = config["train_neg_sample_args"]
        super().__init__(dataset, "popularity" if asked["distribution"] == "popularity" else "uniform", asked["alpha"])

    def get_used_ids(self) -> np.ndarray:
        """By head entity, its tail entities."""
        used = np.array([set() for _ in range(self.entity_num)])
        for head, tail in zip(self.hid_list.tolist(), self.tid_list.tolist(), strict=True):
            used[head].add(tail)
        return used

    def named(self, key: int) -> str:
        """The entity's token."""
        return str(self.dataset.id2token(self.dataset.entity_field, key))


def training_sampler(config: Config, dataset: Any, parts: list[Any]) -> Any:
    """The sampler of training negatives; None where none are sampled.

    Raises:
        DataError: a user with training rows has interacted with all items in training.
    """
    asked, train = config["train_neg_sample_args"], parts[0]
    batches_of_users = issubclass(get_dataloader(config, "train"), UserDataLoader)
    if asked["distribution"] == "none" or batches_of_users:
        return None
    alpha = asked["alpha"]
    base: Any = OtherItems(config, dataset, alpha) if config["repeatable"] else NegativeItems(config, parts, alpha)
    sampler = base.set_phase(_PHASES[0])
    sampler.set_distribution(asked["distribution"])
    sampler.require_choice(np.unique(train.inter_feat[train.uid_field].numpy()).tolist())
    return sampler
