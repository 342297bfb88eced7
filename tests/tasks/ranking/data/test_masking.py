"""BERT4Rec's masks end for every history, and leave no batch without one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.ranking.data.masking import Masks
from tests.conftest import write_inter

RANKS: dict[str, Any] = {"topk": [2], "metrics": ["Hit"], "valid_metric": "Hit@2"}


def loaders_of(make_config: Callable[..., Config], root: Path, **given: Any) -> Any:
    config = make_config("BERT4Rec", root, **RANKS, **given)
    return build_loaders(config, create_dataset(config))


def test_negatives_are_outside_the_history_unless_it_holds_everything(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    masks = Masks(make_config("BERT4Rec", tmp_path, **RANKS), training=True)
    assert {masks._neg_sample([1, 2, 4, 0, 0], 6) for _ in range(50)} == {3, 5}
    assert {masks._neg_sample([5, 1, 2, 4, 3, 0, 0], 6) for _ in range(50)} <= {1, 2, 3, 4, 5}
    assert masks._neg_sample([1, 0, 0], 2) == 1


@pytest.mark.parametrize("length", [3, 20])
def test_every_training_batch_has_a_mask(make_config: Callable[..., Config], tmp_path: Path, length: int) -> None:
    rows = [(f"u{u}", f"i{(u + k) % 7}", k) for u in range(9) for k in range(5)]
    given = {"train_batch_size": 2, "mask_ratio": 0.05, "ft_ratio": 0.0, "MAX_ITEM_LIST_LENGTH": length}
    batches = list(loaders_of(make_config, write_inter(tmp_path, "made", rows), **given).train)
    long = [batch for batch in batches if batch["item_length"].max() > 1]
    assert len(long) > 3
    for batch in long:
        assert (batch["MASK_INDEX"] > 0).any()
        places = batch["Mask_item_id_list"] == 8
        assert torch.equal(
            batch["item_id_list"][places].sort().values, batch["Pos_item_id"][places.any(1)].max(1).values.sort().values
        )


def test_masks_of_a_large_catalogue_are_recboles(make_config: Callable[..., Config], tmp_path: Path) -> None:
    import random

    from recbole.data.transform import MaskItemSequence

    draw = np.random.default_rng(0)
    rows = [(f"u{u}", f"i{i}", k) for u in range(20) for k, i in enumerate(draw.permutation(60)[:12])]
    loaders = loaders_of(make_config, write_inter(tmp_path, "made", rows))
    part = loaders.train._dataset
    found = []
    for made in (MaskItemSequence(loaders.train.config), loaders.train.transform):
        random.seed(5)
        found.append(made(part, part[np.arange(40)]))
    assert isinstance(loaders.train.transform, Masks)
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0].columns)


def test_histories_of_one_event_are_refused(make_config: Callable[..., Config], tmp_path: Path) -> None:
    rows = [(f"u{u}", f"i{(u + k) % 5}", k) for u in range(8) for k in range(4)]
    with pytest.raises(DataError, match="BERT4Rec masks items of histories of two or more events"):
        loaders_of(make_config, write_inter(tmp_path, "made", rows))
