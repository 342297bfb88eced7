"""What a rating model stores of its training split: users, items, ratings, times, and the side information."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.model.rating.neighbours import N_FEATURES, NeighbourIndex
from recbole_ext.model.rating.order import RatingOrder
from recbole_ext.model.rating.sets import RowSide, Side, build_side, smoothed_mean
from recbole_ext.names import part_name

SECONDS_PER_DAY = 86400
ROW = "rating_row"
SIDE = "side_"
_LONGEST_GAP = 7


def calendar(times: np.ndarray) -> np.ndarray:
    """The days that have a vector: each day that occurs, and silent days between two that are a week apart at most.

    However far two times lie apart, there are fewer days than `_LONGEST_GAP` times those that occur.

    Args:
        times: (n,) int64 seconds.

    Returns:
        (n_days,) int64 days since 1970, ascending.
    """
    days = np.unique(times // SECONDS_PER_DAY)
    gap = np.diff(days, append=days[-1:] + 1)
    count = np.where(gap <= _LONGEST_GAP, gap, 1)
    return np.repeat(days - (np.cumsum(count) - count), count) + np.arange(count.sum())


@dataclass(frozen=True)
class Pairs:
    """A batch of pairs to score.

    Attributes:
        user, item: (B,) int64.
        time: (B,) int64 seconds; None where the data has no times.
        row: (B,) place of each pair in the training split; None for pairs that are no training ratings.
    """

    user: Tensor
    item: Tensor
    time: Tensor | None
    row: Tensor | None


@dataclass(frozen=True)
class Columns:
    """Which columns of the data are used, and how.

    Attributes:
        user, item, rating, time: names of columns.
        rating_scale: lowest and highest rating; None: those of the training split.
        side_features: token columns of users and items.
        time_features: whether each day has a vector.
        time_context: `both`, `past` or `none` of the user's ratings next in time.
        by_rows: sums are made over the batch's rows, for batches of whole users.
        item_sets: whether items have sets too.
        attended: whether each user's ratings are needed in the order of time.
        shrinkage: strength, in ratings, of the smoothing of means towards the global mean. Infinity:
            it is the mean of all, so that where a pair comes twice, the one rating is in no deviation of the other.
    """

    user: str
    item: str
    rating: str
    time: str
    rating_scale: list[float] | None
    side_features: list[str]
    time_features: bool
    time_context: str
    by_rows: bool = False
    item_sets: bool = True
    attended: bool = False
    shrinkage: float = 5.0

    @classmethod
    def read(cls, config: Any) -> "Columns":
        """Those of a rating model."""
        user, item, rating, time = (config[f"{name}_FIELD"] for name in ("USER_ID", "ITEM_ID", "RATING", "TIME"))
        scale, side = config["rating_scale"], config["side_features"] or []
        days, context, item_sets = (config[name] for name in ("time_features", "time_context", "item_sets"))
        by_rows, attended = config["batches_of"] == "users", config["attention_heads"] > 0
        return cls(user, item, rating, time, scale, side, days, context, by_rows, item_sets, attended)


class RatingTable:
    """The training ratings, indexed from both sides, and the fields of users and items.

    Args:
        columns: of the data set.
        dataset: the training split.

    Attributes:
        users, items: the ratings of each user, and of each item; `items` is None without `item_sets`.
        order: each user's ratings in the order of time; None without attention.
        ratings: (n,) float64 raw.
        scale: lowest and highest rating.
        side_sizes: rows of the table of each side field.
        days: (n_days,) int64, see `calendar`.
        context_sizes: rows of the table of days, with one for all that have none; {} without times.
    """

    def __init__(self, columns: Columns, dataset: Any) -> None:
        rows = dataset.inter_feat
        self.user, self.item, self.rating_field, self.time = columns.user, columns.item, columns.rating, columns.time
        self.n_users, self.n_items = dataset.num(self.user), dataset.num(self.item)
        user, item = rows[self.user].numpy(), rows[self.item].numpy()
        self.ratings = rows[self.rating_field].numpy().astype(np.float64)
        scale = columns.rating_scale or [self.ratings.min(), self.ratings.max()]
        self.scale = (float(scale[0]), float(scale[1]))
        self.rows = user, item, rows[self.time].numpy() if self.time in rows else None
        standard = self._standard(self.ratings)
        self.item_mean = smoothed_mean(item, standard, self.n_items, columns.shrinkage)
        self.by_rows, self.attended = columns.by_rows, columns.attended
        self._see_users(user, item, standard - self.item_mean[item], self.rows[2])
        self.items = self._see_items(user, item, standard, columns.shrinkage) if columns.item_sets else None
        self._read_side(dataset, columns.side_features)
        self._read_time(columns)

    def _see_users(self, user: np.ndarray, item: np.ndarray, deviation: np.ndarray, times: np.ndarray | None) -> None:
        self.order = RatingOrder(user, item, times, deviation, self.n_users) if self.attended else None
        self.users: Side | RowSide = (
            RowSide(user, item, deviation, self.n_users)
            if self.by_rows
            else build_side(user, item, deviation, self.n_users, self.n_items)
        )

    def _see_items(self, user: np.ndarray, item: np.ndarray, standard: np.ndarray, shrinkage: float) -> Side:
        user_mean = smoothed_mean(user, standard, self.n_users, shrinkage)
        return build_side(item, user, standard - user_mean[user], self.n_items, self.n_users)

    def _standard(self, ratings: np.ndarray) -> np.ndarray:
        """(n,) raw ratings -> with mean 0 and variance 1 over the training split."""
        return (ratings - self.ratings.mean()) / max(self.ratings.std(), 1e-6)

    def _read_side(self, dataset: Any, wanted: list[str]) -> None:
        """Token ids of each field, (n_users,) or (n_users, L); likewise for items."""
        self.of_user: dict[str, Tensor] = {}
        self.of_item: dict[str, Tensor] = {}
        for kind, found in (("user", self.of_user), ("item", self.of_item)):
            feat = getattr(dataset, f"{kind}_feat")
            for name in wanted if feat is not None else []:
                if name in feat and feat[name].dtype == torch.int64:
                    found[name] = feat[name]
        columns = {**self.of_user, **self.of_item}
        self.side_sizes = {part_name(name, SIDE): int(ids.max()) + 1 for name, ids in columns.items()}

    def _read_time(self, columns: Columns) -> None:
        self.context_sizes: dict[str, int] = {}
        self.neighbours: NeighbourIndex | None = None
        self.days, self.looks_ahead = torch.empty(0, dtype=torch.int64), columns.time_context == "both"
        times = self.rows[2]
        if times is None:
            return
        if columns.time_features:
            self.days = torch.from_numpy(calendar(times))
            self.context_sizes = {"day": len(self.days) + 1}
        if columns.time_context != "none":
            self.neighbours = self._index(self.rows[0], times)

    def _index(self, user: np.ndarray, times: np.ndarray) -> NeighbourIndex:
        return NeighbourIndex(user, times, self.users.deviation.numpy(), self.n_users, self.looks_ahead)

    def fold_in(self, items: np.ndarray, ratings: np.ndarray, times: np.ndarray | None) -> None:
        """Make ratings of a new user those of user 0, the unknown one; what is known of items stays as it is.

        Args:
            items: (n,) int64 ids.
            ratings: (n,) raw.
            times: (n,) int64 seconds; None if they are not known.
        """
        user, item, known = self.rows
        users = np.concatenate([user, np.zeros(len(items), dtype=user.dtype)])
        every_item = np.concatenate([item, items])
        deviation = self._standard(np.concatenate([self.ratings, ratings])) - self.item_mean[every_item]
        every_time = None if known is None or times is None else np.concatenate([known, times])
        self._see_users(users, every_item, deviation, every_time)
        if self.neighbours is not None and every_time is not None:
            self.neighbours = self._index(users, every_time)

    @property
    def item_columns(self) -> dict[str, int]:
        """Rows of the table of each side field of items."""
        return {name: self.side_sizes[name] for name in (part_name(column, SIDE) for column in self.of_item)}

    @property
    def n_neighbour_features(self) -> int:
        """Number of features of the ratings next in time; 0 without them."""
        return N_FEATURES if self.neighbours else 0

    def read(self, interaction: Any) -> Pairs:
        """The pairs of a batch of RecBole."""
        time = interaction[self.time] if self.time in interaction else None
        row = interaction[ROW] if ROW in interaction else None
        return Pairs(interaction[self.user], interaction[self.item], time, row)

    def side_ids(self, pairs: Pairs) -> list[tuple[str, Tensor]]:
        """Field and ids of each side field, (B,) or (B, L), and of the day."""
        found = [(part_name(n, SIDE), ids.to(pairs.user.device)[pairs.user]) for n, ids in self.of_user.items()]
        found += [(part_name(n, SIDE), ids.to(pairs.user.device)[pairs.item]) for n, ids in self.of_item.items()]
        if self.context_sizes:
            found.append(("day", self._days(pairs)))
        return found

    def _days(self, pairs: Pairs) -> Tensor:
        """(B,) number of the day from 1; 0 for a day outside the calendar, which has no vector."""
        if pairs.time is None:
            return torch.zeros_like(pairs.user)
        self.days = self.days.to(pairs.time.device)
        day = pairs.time // SECONDS_PER_DAY
        place = torch.searchsorted(self.days, day).clamp(max=len(self.days) - 1)
        return torch.where(self.days[place] == day, place + 1, 0)

    def places_of_days(self, times: np.ndarray) -> Tensor:
        """The rows here of the rows of a table of days that was made of other times: (n_days + 1,), -1 for none.

        Args:
            times: (n,) int64 seconds.
        """
        own = {int(day): place for place, day in enumerate(self.days.tolist(), 1)}
        return torch.tensor([0, *(own.get(int(day), -1) for day in calendar(times))])

    def neighbour_features(self, pairs: Pairs) -> Tensor:
        """(B, N_FEATURES) of the user's ratings next in time."""
        assert self.neighbours is not None
        if pairs.time is None:
            return torch.zeros(len(pairs.user), N_FEATURES, device=pairs.user.device)
        return self.neighbours(pairs.user, pairs.time, pairs.row)
