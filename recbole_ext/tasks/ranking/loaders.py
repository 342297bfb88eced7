"""The loaders of rankings: training rows, windows or batches of users, and lists that are ranked."""

import copy
from typing import Any

import torch
from recbole.data.dataloader import KnowledgeBasedDataLoader
from recbole.data.utils import get_dataloader
from recbole.utils import ModelType

from recbole_ext.config.config import Config
from recbole_ext.data.history import HistoryRows
from recbole_ext.data.loaders import Loaders, known_test_rows, sampled_rows
from recbole_ext.data.processes import divided
from recbole_ext.data.rows.sampled_users import rows_of_sample, with_sampled_users
from recbole_ext.errors import UsageError
from recbole_ext.tasks.ranking.data.masking import with_masks
from recbole_ext.tasks.ranking.data.recency import newest, weigh_targets
from recbole_ext.tasks.ranking.data.samplers import NegativeEntities, training_sampler
from recbole_ext.tasks.ranking.data.windows import WindowLoader
from recbole_ext.tasks.ranking.evaluation.evaluation_loader import evaluation_loader
from recbole_ext.tasks.ranking.evaluation.relevance import has_relevant_rows


class RankingLoaders(Loaders):
    """Loaders whose training targets are ordered in time, where the model reads sequences."""

    def newest_rows(self, config: Config, share: float) -> Any:
        """See `Loaders`; the targets' histories stay whole."""
        part = self.train._dataset
        if share == 1 and config is self.train.config:
            return self.train
        events = copy.copy(part.events)
        events.columns = dict(events.columns)  # the weights of targets are this split's own
        target = part.inter_feat.target[_newest_targets(part, share)]
        rows = part.copy(HistoryRows(events, target, part.inter_feat.names, part.inter_feat.width))
        rows.events = events
        weigh_targets(config, rows)
        return _train_loader(config, rows, rows, getattr(self.train, "_sampler", None))

    def old_window(self, config: Config, share: float) -> Any:
        """See `Loaders`."""
        part = self.train._dataset
        target = _last_of_users(part, part.inter_feat.target[~_newest_targets(part, share)])
        if not len(target):
            return None
        rows = part.copy(HistoryRows(part.events, target, part.inter_feat.names, part.inter_feat.width))
        return evaluation_loader(config, "test", rows, [], self.parts)


def ranking_loaders(config: Config, dataset: Any, parts: list[Any]) -> RankingLoaders:
    """The loaders of training, validation and test.

    Raises:
        DataError: nothing is to be found in a split, or no negative can be sampled.
        UsageError: the model does not weigh its targets.
    """
    weigh_targets(config, parts[0])
    train = _train_loader(config, dataset, parts[0], training_sampler(config, dataset, parts))
    valid, test = (
        evaluation_loader(config, phase, with_sampled_users(config, parts[place]), parts[:place], parts)
        if len(parts[place])
        else None
        for place, phase in ((1, "valid"), (2, "test"))
    )
    return RankingLoaders(train, valid, test, parts, dataset.ledger, _known_test(config, dataset, parts))


def _known_test(config: Config, dataset: Any, parts: list[Any]) -> Any:
    """A loader of the tested rows whose user and item are known."""
    known, sampled = known_test_rows(config, dataset, parts), rows_of_sample(config, parts[2])
    if known is not None and sampled is not None:
        known = known[sampled[known]]
    rows = None if known is None or not len(known) else parts[2].copy(parts[2].inter_feat[known])
    if rows is None or not has_relevant_rows(config, rows):
        return None
    return evaluation_loader(config, "test", rows, parts[:2], parts)


def check_cutoffs(config: Config, dataset: Any) -> None:
    """Refuse lists that are longer than the catalogue.

    Raises:
        UsageError: `topk` asks for more items than there are.
    """
    n_items = dataset.item_num - 1 if dataset.iid_field else 0
    cuts = any(str(name).lower() != "gauc" for name in config["metrics"])
    ranking = any(mode == "full" for mode in config["eval_args"]["mode"].values())
    if ranking and cuts and max(config["topk"]) > n_items:
        raise UsageError(
            f"topk {max(config['topk'])} is more than the {n_items} items of {config.dataset}; lower --topk"
        )


def trains_on_windows(config: Config, part: Any) -> bool:
    """Whether training uses all positions of windows: a causal model, events, and `train_mode` says so.

    Rows that bring their histories along have no events, so each of them is one target.
    """
    causal = bool(getattr(config.model_class, "causal", False)) and config["train_mode"] == "all_positions"
    return causal and hasattr(part, "events")


def _train_loader(config: Config, dataset: Any, part: Any, sampler: Any) -> Any:
    alone = config.alone()
    if trains_on_windows(config, part):
        return divided(WindowLoader(alone, part), config)
    if config["MODEL_TYPE"] != ModelType.KNOWLEDGE:
        loader = get_dataloader(config, "train")(alone, part, sampler, shuffle=config["shuffle"])
        return divided(with_masks(loader, training=True), config)
    graph_sampler = NegativeEntities(config, dataset)
    return divided(KnowledgeBasedDataLoader(alone, part, sampler, graph_sampler, shuffle=config["shuffle"]), config)


def _newest_targets(part: Any, share: float) -> torch.Tensor:
    target = part.inter_feat.target
    if share == 1:  # whatever the times, and without any
        return torch.ones_like(target, dtype=torch.bool)
    return newest(part.events[part.time_field][target], share)


def _last_of_users(part: Any, target: torch.Tensor) -> torch.Tensor:
    """The newest target of each user among some positions (n,) in the events."""
    target = target.sort().values
    user = part.events.user_start[target]
    last = torch.ones(len(target), dtype=torch.bool)
    last[:-1] = user[1:] != user[:-1]
    return target[last]


def ranking_sample(config: Config, loaders: Loaders, count: int) -> Any:
    """An evaluation loader of some training rows; of sequences the newest training target of so many users.

    What a user did beside the row is not a candidate, as in validation.
    """
    part = loaders.train._dataset
    known = torch.arange(len(part))
    if isinstance(part.inter_feat, HistoryRows):
        known = known[torch.isin(part.inter_feat.target, _last_of_users(part, part.inter_feat.target))]
    rows = part.copy(part.inter_feat[sampled_rows(known, count)])
    return evaluation_loader(config, "valid", rows, loaders.parts[:2], loaders.parts, without=rows)
