"""The loader of a split that is evaluated: rankings of all items or of sampled ones, or labelled rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from recbole.data.dataloader import NegSampleEvalDataLoader

from recbole_ext.config.config import Config
from recbole_ext.tasks.ranking.data.masking import with_masks
from recbole_ext.tasks.ranking.data.seen import Seen, seen_before
from recbole_ext.tasks.ranking.evaluation.full_ranking import FullRankingLoader
from recbole_ext.tasks.ranking.evaluation.relevance import relevant_part
from recbole_ext.tasks.ranking.evaluation.sampled_ranking import SampledRankingLoader

_PHASES = ("valid", "test")


@dataclass(frozen=True)
class _Phase:
    """The interface that RecBole's loader of labelled rows expects of a sampler."""

    phase: str


def evaluation_loader(
    config: Config, phase: str, part: Any, earlier: list[Any], parts: list[Any], without: Any = None
) -> Any:
    """The loader of a split.

    Args:
        config: of the run.
        phase: `valid` or `test`, whose `eval_args: mode` it has.
        part: the split.
        earlier: the splits whose items a user has seen before it.
        parts: all splits, by whose items popular candidates are sampled.
        without: see `SeenByUser`.

    Raises:
        DataError: all rows have the label 0.
    """
    alone, mode = config.alone(), config["eval_args"]["mode"][phase]
    if mode == "labeled":
        return with_masks(NegSampleEvalDataLoader(alone, part, _Phase(phase), shuffle=False), training=False)
    part, disliked = relevant_part(config, part, phase)
    seen = seen_before(config, part, earlier, without)
    loader = FullRankingLoader(alone, part, seen) if mode == "full" else _sampled(alone, phase, part, seen, parts)
    if disliked:
        loader.counts = {**loader.counts, "rows_with_label_0": disliked}
    return with_masks(loader, training=False)


def _sampled(config: Config, phase: str, part: Any, seen: Seen | None, parts: list[Any]) -> SampledRankingLoader:
    asked = config[f"{phase}_neg_sample_args"]
    popular = asked["distribution"] == "popularity"
    weights = _occurrences(parts) if popular else np.ones(part.item_num)
    weights[0] = 0
    seed = (config["candidate_seed"], _PHASES.index(phase))
    return SampledRankingLoader(config, part, seen, weights, asked["sample_num"], seed)


def _occurrences(parts: list[Any]) -> np.ndarray:
    """(n_items + 1,) float64: how often each item occurs in all splits, as RecBole weighs sampled candidates."""
    field, n_items = parts[0].iid_field, parts[0].item_num
    columns = [parts[0].events[field]] if hasattr(parts[0], "events") else [part.inter_feat[field] for part in parts]
    return np.bincount(torch.cat(columns).numpy(), minlength=n_items).astype(np.float64)
