"""The three loaders of a run: training, validation, test."""

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from recbole.data.dataloader import KnowledgeBasedDataLoader
from recbole.data.utils import get_dataloader
from recbole.utils import ModelType

from recbole_ext.config.config import Config
from recbole_ext.data.columns.labels import check_labels
from recbole_ext.data.evaluation_loader import evaluation_loader
from recbole_ext.data.history import HistoryRows
from recbole_ext.data.processes import divided
from recbole_ext.data.rows.cut import told_split
from recbole_ext.data.rows.ledger import Ledger
from recbole_ext.data.rows.split_counts import count_splits, known_rows
from recbole_ext.errors import DataError, UsageError
from recbole_ext.tasks.clicks.batches import ClickLoader
from recbole_ext.tasks.clicks.data import ClickDataset
from recbole_ext.tasks.ranking.data.masking import with_masks
from recbole_ext.tasks.ranking.data.recency import newest, weigh_targets
from recbole_ext.tasks.ranking.data.samplers import NegativeEntities, training_sampler
from recbole_ext.tasks.ranking.data.windows import WindowLoader
from recbole_ext.tasks.ranking.evaluation.relevance import has_relevant_rows
from recbole_ext.tasks.ratings.data import RatingLoader, RatingSampleLoader, check_ratings, rates
from recbole_ext.tasks.ratings.user_batches import UserLoader

_SAMPLE_SEED = 2020


@dataclass(frozen=True)
class Loaders:
    """What a run reads: batches to train on, to choose by and to report on.

    Attributes:
        train, valid, test: the loaders; `valid` is None where nothing is left to choose by.
        parts: the splits themselves.
        ledger: rows that were read, taken out and split.
        known_test: the tested rows whose user and item were trained on; None where these are all, and for data sets
            in one file.
    """

    train: Any
    valid: Any
    test: Any
    parts: list[Any]
    ledger: Ledger = field(default_factory=Ledger)
    known_test: Any = None


def build_loaders(config: Config, dataset: Any) -> Loaders:
    """Split the data set as `eval_args` says and wrap each part in its loader.

    Raises:
        DataError: the training or the test part is empty, or labels are missing.
        UsageError: `topk` asks for more items than there are, or the model does not weigh its targets.
    """
    _check_cutoffs(config, dataset)
    (check_ratings if rates(config) else check_labels)(config, dataset)
    parts = dataset.build()
    for name, part in zip(("training", "test"), (parts[0], parts[2]), strict=True):
        if not len(part):
            raise DataError(f"{config.dataset}: the {name} part is empty after splitting by {told_split(config)}")
    count_splits(dataset, parts)
    weigh_targets(config, parts[0])
    train = _train_loader(config, dataset, parts[0], training_sampler(config, dataset, parts))
    valid, test = (
        evaluation_loader(config, phase, parts[place], parts[:place], parts) if len(parts[place]) else None
        for place, phase in ((1, "valid"), (2, "test"))
    )
    return Loaders(train, valid, test, parts, dataset.ledger, _known_test(config, dataset, parts))


def _known_test(config: Config, dataset: Any, parts: list[Any]) -> Any:
    """A loader of the rows of a test file whose user and item are known; the file may hold others."""
    if not config["benchmark_filename"] or not dataset.ledger.test:
        return None
    known = known_rows(dataset, parts)
    if known.all() or not known.any():
        return None
    rows = parts[2].copy(parts[2].inter_feat[torch.from_numpy(np.flatnonzero(known))])
    return evaluation_loader(config, "test", rows, parts[:2], parts) if has_relevant_rows(config, rows) else None


def _check_cutoffs(config: Config, dataset: Any) -> None:
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
        return divided(WindowLoader, config)(alone, part)
    if rates(config):
        loader = UserLoader if config["batches_of"] == "users" else RatingLoader
        return divided(loader, config)(alone, part, shuffle=config["shuffle"])
    if isinstance(part, ClickDataset):
        return divided(ClickLoader, config)(alone, part, shuffle=True)
    loader_class = divided(get_dataloader(config, "train"), config)
    if config["MODEL_TYPE"] != ModelType.KNOWLEDGE:
        return with_masks(loader_class(alone, part, sampler, shuffle=config["shuffle"]), training=True)
    graph_sampler = NegativeEntities(config, dataset)
    return divided(KnowledgeBasedDataLoader, config)(alone, part, sampler, graph_sampler, shuffle=config["shuffle"])


def _newest_targets(part: Any, share: float) -> torch.Tensor:
    return newest(part.events[part.time_field][part.inter_feat.target], share)


def newest_rows(config: Config, loader: Any, share: float) -> Any:
    """A training loader of the newest share of a sequence loader's targets; their histories stay whole."""
    part = loader._dataset
    if share == 1 and config is loader.config:
        return loader
    events = copy.copy(part.events)
    events.columns = dict(events.columns)  # the weights of targets are this part's own
    target = part.inter_feat.target[_newest_targets(part, share)]
    rows = part.copy(HistoryRows(events, target, part.inter_feat.names, part.inter_feat.width))
    rows.events = events
    weigh_targets(config, rows)
    return _train_loader(config, rows, rows, getattr(loader, "_sampler", None))


def old_window(config: Config, loaders: Loaders, share: float) -> Any:
    """An evaluation loader of each user's last training target before the newest share; None if there is none."""
    part = loaders.train._dataset
    target = _last_of_users(part, part.inter_feat.target[~_newest_targets(part, share)])
    if not len(target):
        return None
    rows = part.copy(HistoryRows(part.events, target, part.inter_feat.names, part.inter_feat.width))
    return evaluation_loader(config, "test", rows, [], loaders.parts)


def _last_of_users(part: Any, target: torch.Tensor) -> torch.Tensor:
    """The newest target of each user among some positions (n,) in the events."""
    target = target.sort().values
    user = part.events.user_start[target]
    last = torch.ones(len(target), dtype=torch.bool)
    last[:-1] = user[1:] != user[:-1]
    return target[last]


def training_sample(config: Config, loaders: Loaders) -> Any:
    """An evaluation loader of a fixed sample of the training part, the same for every seed; None where none is asked.

    `train_sample` rows, of sequences the newest training target of so many users, which is where validation is
    measured too; `valid` takes as many as validation has. What a user did beside the row is no candidate, as in
    validation.
    """
    asked = config["train_sample"]
    if not asked or loaders.valid is None:
        return None
    part, count = loaders.train._dataset, len(loaders.valid._dataset) if asked == "valid" else asked
    known = torch.arange(len(part))
    if isinstance(part.inter_feat, HistoryRows):
        known = known[torch.isin(part.inter_feat.target, _last_of_users(part, part.inter_feat.target))]
    rows = np.sort(np.random.default_rng(_SAMPLE_SEED).permutation(len(known))[:count])
    chosen = known[torch.from_numpy(rows)]
    if isinstance(part, ClickDataset):
        return ClickLoader(config.alone(), part, rows=rows)
    if rates(config):
        return RatingSampleLoader(config, part, chosen)
    rows = part.copy(part.inter_feat[chosen])
    return evaluation_loader(config, "valid", rows, loaders.parts[:2], loaders.parts, without=rows)
