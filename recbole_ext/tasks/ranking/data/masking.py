"""RecBole's masks for BERT4Rec, for histories that hold the whole catalogue, are short, or escape the mask."""

import random
from typing import Any

from recbole.data.transform import MaskItemSequence

from recbole_ext.errors import DataError


class Masks(MaskItemSequence):
    """Masks items of a batch of histories.

    Args:
        config: of the run.
        training: mask the last item of each history where a batch came out without a mask.

    Differs from source: a history that holds every item gets any item as a negative, where RecBole searches for ever,
    and there is room for one mask in a short window.
    """

    mask_item_length: int

    def __init__(self, config: Any, training: bool) -> None:
        super().__init__(config)
        self.training = training
        self.mask_item_length = max(1, self.mask_item_length)

    def __call__(self, dataset: Any, interaction: Any) -> Any:
        """The batch with its masked histories, masked positions, their items and a negative item for each."""
        masked = super().__call__(dataset, interaction)
        if self.training and not (masked[self.MASK_INDEX] > 0).any():
            return self._append_mask_last(masked, dataset.num(self.ITEM_ID), masked[self.ITEM_SEQ].device)
        return masked

    def _neg_sample(self, item_set: list[int], n_items: int) -> int:
        if len(item_set) >= n_items - 1 and len({*item_set} - {0}) >= n_items - 1:
            return random.randint(1, n_items - 1)
        return super()._neg_sample(item_set, n_items)


def with_masks(loader: Any, training: bool) -> Any:
    """The loader, with `Masks` in place of RecBole's masks where its model has them.

    Raises:
        DataError: no history of the training split has two events, so that nothing can be predicted from the rest.
    """
    if isinstance(getattr(loader, "transform", None), MaskItemSequence):
        loader.transform = Masks(loader.config, training)
        if training and int(loader._dataset.inter_feat[loader.config["ITEM_LIST_LENGTH_FIELD"]].max()) < 2:
            raise DataError(
                f"{loader.config['dataset']}: {loader.config['model']} masks items of histories of two or more events, "
                "and all training histories have one; choose a model such as --model=SASRec"
            )
    return loader
