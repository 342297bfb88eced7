"""Each user's training ratings in the order of time, for what looks at some of them.

Ratings of the same second keep the order of the file; without times all do.
"""

import numpy as np
import torch
from torch import Tensor


class RatingOrder:
    """The order, and what stands at each of its places.

    Args:
        user, item: (n,) int64.
        times: (n,) int64 seconds; None where the data has none.
        deviation: (n,) float, rating minus the item's mean.
        n_users: with the padding id.
    """

    def __init__(
        self, user: np.ndarray, item: np.ndarray, times: np.ndarray | None, deviation: np.ndarray, n_users: int
    ) -> None:
        order = np.lexsort((times, user)) if times is not None else np.argsort(user, kind="stable")
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        self.tensors = {
            "start": torch.from_numpy(np.searchsorted(user[order], np.arange(n_users + 1))),
            "place": torch.from_numpy(place),
            "item": torch.from_numpy(item[order]),
            "deviation": torch.from_numpy(deviation[order].astype(np.float32)),
        }
        if times is not None:
            self.tensors["time"] = torch.from_numpy(times[order])
            self.first, self.range = int(times.min()), int(times.max()) - int(times.min()) + 2
            self.tensors["key"] = self._key(torch.from_numpy(user[order]), self.tensors["time"])

    def _key(self, user: Tensor, time: Tensor) -> Tensor:
        return user * self.range + (time - self.first + 1).clamp(0, self.range - 1)

    def to(self, device: torch.device) -> None:
        """Move what it holds."""
        if self.tensors["place"].device != device:
            self.tensors = {name: tensor.to(device) for name, tensor in self.tensors.items()}

    def bounds(self, user: Tensor) -> tuple[Tensor, Tensor]:
        """First place of each user's ratings, and the one after the last: (B,) and (B,)."""
        self.to(user.device)
        return self.tensors["start"][user], self.tensors["start"][user + 1]

    def place(self, user: Tensor, time: Tensor | None, row: Tensor | None) -> Tensor:
        """(B,) place of each training rating; of other moments, the place after all that came before or with them."""
        self.to(user.device)
        if row is not None:
            return self.tensors["place"][row]
        if time is None or "key" not in self.tensors:
            return self.tensors["start"][user + 1]
        return torch.searchsorted(self.tensors["key"], self._key(user, time), right=True)


def ranges(start: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """(B,) starts and lengths -> each range's number, and start, start + 1, ...: both (sum of lengths,)."""
    number = torch.repeat_interleave(torch.arange(len(start), device=start.device), count)
    skipped = start - (count.cumsum(0) - count)
    return number, torch.arange(len(number), device=start.device) + skipped[number]
