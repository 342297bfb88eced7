"""Batches of whole users, for large data: what belongs to a user is then computed once and for all of its ratings."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from recbole_ext.errors import UsageError
from recbole_ext.tasks.ratings.batches import RatingLoader


class UserLoader(RatingLoader):
    """Like RatingLoader, but users are sampled, and all ratings of a user are adjacent in one batch.

    A batch holds about `train_batch_size` ratings: users are concatenated, and each belongs to the batch that has its
    last rating.

    Args:
        config, dataset, sampler, shuffle: as for RatingLoader.

    Raises:
        UsageError: a user has more ratings than a batch holds.
    """

    def __init__(self, config: Any, dataset: Any, sampler: Any = None, shuffle: bool = True) -> None:
        super().__init__(config, dataset, sampler, shuffle)
        user = self.columns[config["USER_ID_FIELD"]]
        user = user if self.chosen is None else user[self.chosen]
        self.by_user = user.argsort(stable=True)
        self.count = torch.bincount(user)
        self.start = self.count.cumsum(0) - self.count
        if int(self.count.max()) > self.batch_size:
            raise UsageError(
                f"batches_of: users: the busiest user has {int(self.count.max())} ratings, and a batch holds "
                f"{self.batch_size}; raise --train_batch_size"
            )

    def chosen_rows(self) -> Tensor | None:
        """All rows of every user of whom any is chosen: what belongs to a user is computed from all of them."""
        rows, user = super().chosen_rows(), self.columns[self.config["USER_ID_FIELD"]]
        return None if rows is None else torch.nonzero(torch.isin(user, user[rows])).squeeze(1)

    def batch_rows(self) -> Iterator[Tensor]:
        """The rows of each batch of a pass: those of whole users."""
        users = torch.nonzero(self.count).squeeze(1)
        if self.shuffle:
            users = users[torch.randperm(len(users), generator=self.generator)]
        batch = (self.count[users].cumsum(0) - 1) // self.batch_size
        return (self._of(part) for part in users.split(torch.bincount(batch).tolist()))

    def _of(self, users: Tensor) -> Tensor:
        """(U,) users -> the rows of their ratings, user after user."""
        count = self.count[users]
        skipped = self.start[users] - (count.cumsum(0) - count)
        return self.by_user[torch.arange(int(count.sum())) + torch.repeat_interleave(skipped, count)]
