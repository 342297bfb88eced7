"""The ratings that a user gave next in time to the one that is predicted: moods and sessions.

Half of MovieLens' ratings share their second with others of the same user, and what was rated in one session is rated
alike. The features are smoothed means of deviations from the items' means, the rating itself left out.
"""

import numpy as np
import torch
from torch import Tensor

REACH = 10
"""Ratings looked at on each side."""
NEAREST = (1, 3, 10)
N_FEATURES = len(NEAREST) + 2
_DRIFT_SECONDS = 30 * 86400.0


class NeighbourIndex:
    """Finds a user's training ratings before and after a moment.

    Args:
        user: (n,) int64.
        times: (n,) int64 seconds.
        deviation: (n,) float, rating minus the item's mean.
        n_users: with the padding id.
        both: off: only ratings before the moment, for data that is cut in time.
    """

    def __init__(self, user: np.ndarray, times: np.ndarray, deviation: np.ndarray, n_users: int, both: bool) -> None:
        order = np.lexsort((times, user))
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        self.first, self.both = int(times.min()), both
        self.span = int(times.max()) - self.first + 2
        count = np.bincount(user, minlength=n_users)
        seconds = np.bincount(user, times - self.first, n_users) / np.maximum(count, 1)
        self.tensors = {
            "key": torch.from_numpy(self._keys(user[order], times[order])),
            "time": torch.from_numpy(times[order]),
            "user": torch.from_numpy(user[order]),
            "deviation": torch.from_numpy(deviation[order].astype(np.float32)),
            "place": torch.from_numpy(place),
            "mean_time": torch.from_numpy(seconds + self.first),
            "known": torch.from_numpy(count > 0),
        }

    def _keys(self, user: np.ndarray, times: np.ndarray) -> np.ndarray:
        return user * self.span + np.clip(times - self.first, 0, self.span - 1)

    def __call__(self, user: Tensor, time: Tensor, row: Tensor | None) -> Tensor:
        """Features of moments: (B, N_FEATURES) float32.

        Args:
            user, time: (B,) int64.
            row: (B,) training ratings to leave out; None for moments that are none.

        Returns:
            Smoothed means over the 1, 3 and 10 nearest ratings of each side and over those of the same second, and
            how far the time is from the mean of the user's times, in (-1, 1).
        """
        if self.tensors["key"].device != user.device:
            self.tensors = {name: tensor.to(user.device) for name, tensor in self.tensors.items()}
        index, inside, rank = self._around(user, time, row)
        deviation = self.tensors["deviation"][index] * inside
        features = [_smoothed_mean(deviation, inside & (rank <= k)) for k in NEAREST]
        features.append(_smoothed_mean(deviation, inside & (self.tensors["time"][index] == time.unsqueeze(1))))
        drift = torch.tanh((time - self.tensors["mean_time"][user]) / _DRIFT_SECONDS) * self.tensors["known"][user]
        return torch.stack([*features, drift.float()], dim=1)

    def _around(self, user: Tensor, time: Tensor, row: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Places (B, 2 REACH) of the ratings around, whether each is one of the user's, and its rank (2 REACH,)."""
        steps = torch.arange(1, REACH + 1, device=user.device)
        if row is None:
            query = user * self.span + (time - self.first).clamp(0, self.span - 1)
            left, right = (torch.searchsorted(self.tensors["key"], query, right=side) for side in (False, True))
            after = (left + right) // 2 if self.both else right
            before = after - 1
        else:
            place = self.tensors["place"][row]
            before, after = place - 1, place + 1
        backwards, onwards = before.unsqueeze(1) - steps + 1, after.unsqueeze(1) + steps - 1
        index = torch.cat([backwards, onwards], dim=1)
        n = len(self.tensors["key"])
        inside = (index >= 0) & (index < n)
        index = index.clamp(0, n - 1)
        inside &= self.tensors["user"][index] == user.unsqueeze(1)
        if not self.both:
            inside[:, REACH:] = False
        return index, inside, steps.repeat(2)


def _smoothed_mean(values: Tensor, selected: Tensor) -> Tensor:
    """(B, W) -> (B,): mean over the selected ones, smoothed towards 0 as if by one more value of 0."""
    return (values * selected).sum(1) / (selected.sum(1) + 1)
