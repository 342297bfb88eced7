"""Tables of vectors that no memory of this machine holds: refused before the kernel ends the process without a word."""

from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.errors import ResourceError
from recbole_ext.host_memory import memory_total

_WIDTHS = ("embedding_size", "hidden_size", "mf_embedding_size", "mlp_embedding_size", "set_embedding_size")
"""Settings that are the length of a vector for each user or item."""
_NUMBER_BYTES = 4
_TRAINED_COPIES = 4
"""The weights, their gradients and the two averages of Adam, where training is on the CPU."""


def require_memory(config: Config, dataset: Any) -> None:
    """Refuse tables of a vector for each item, and each user, that are larger than the memory of this process.

    Args:
        config: of the run.
        dataset: the training split.

    Raises:
        ResourceError: it is; the message names rows, width and bytes.
    """
    copies = _TRAINED_COPIES if config["device"].type == "cpu" else 1
    of_users = 0 if config.entry.family == "sequential" else int(dataset.user_num)
    rows, allowed = int(dataset.item_num) + of_users, memory_total()
    what = "users and items" if of_users else "items"
    for key in _WIDTHS:
        width = config[key]
        needed = rows * width * _NUMBER_BYTES * copies if isinstance(width, int) else 0
        if needed > allowed:
            raise ResourceError(
                f"building {config.model}: vectors of {width:,} numbers ({key}) for {rows:,} {what} take "
                f"{needed / 2**30:,.1f} GiB, weights and optimizer together, and this process can have "
                f"{allowed / 2**30:,.1f} GiB; lower {key}"
            )
