"""A checksum over the training rows, by which a continued run recognises its data."""

import zlib
from typing import Any

from torch import Tensor


def data_fingerprint(loader: Any) -> int:
    """A checksum over the training rows."""
    checksum, dataset = 0, loader._dataset
    events = dataset.events.columns if hasattr(dataset, "events") else {}
    columns = [(f"event {name}", column) for name, column in events.items()]
    for name, column in sorted([*columns, *dataset.inter_feat.interaction.items()], key=lambda pair: pair[0]):
        if not isinstance(column, Tensor):  # histories are slices of the events
            continue
        checksum = zlib.crc32(column.contiguous().numpy().tobytes(), zlib.crc32(name.encode(), checksum))
    return checksum
