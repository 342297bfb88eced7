"""RecBole's DIEN data set, which samples an item beside each one of a history, on a catalogue of one item."""

from typing import Any

from recbole_ext.errors import DataError


class NegativeHistories:
    """Mixin before RecBole's DIENDataset, which searches for ever for an item other than the only one."""

    item_num: int
    config: Any

    def _data_processing(self) -> None:
        super()._data_processing()  # type: ignore[misc]
        if self.item_num < 3:  # padding is one of them
            raise DataError(
                f"{self.config['dataset']}: there is no second item, so {self.config['model']} can sample no negative "
                "history; choose a model such as --model=DIN"
            )
