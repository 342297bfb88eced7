"""Simulated ratings of several kinds of data, and honest predictors of their tested rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recbole_ext.tasks.ratings.audit.evidence import Evidence
from recbole_ext.tasks.ratings.metrics import Predictions


@dataclass(frozen=True)
class Kind:
    """A kind of data.

    Attributes:
        users, items, rows: sizes; pairs that are sampled again are left out first.
        scale: lowest and highest rating, and the step between ratings.
        split: `random`, `user` (each user's newest rows are tested) or `time` (the newest rows of all).
        tested: fraction of the rows.
        mean: of the scale 1 to 5, before clipping; the next four are standard deviations on it.
        of_user, of_item, taste, noise: of user effects, item effects, three factors and each rating.
        drift: standard deviation of the change of a user's mean from its first to its last rating, halved.
        repeated: fraction of rows whose pair is rated again, at another time.
    """

    users: int = 200
    items: int = 150
    rows: int = 10_000
    scale: tuple[float, float, float] = (1, 5, 1)
    split: str = "random"
    tested: float = 0.1
    mean: float = 3.6
    of_user: float = 0.45
    of_item: float = 0.45
    taste: float = 0.4
    noise: float = 0.9
    drift: float = 0.0
    repeated: float = 0.0


KINDS = {
    "random split": Kind(),
    "per user in time": Kind(split="user", drift=0.3),
    "users who change": Kind(split="user", drift=0.8),
    "global in time": Kind(split="time", drift=0.4),
    "many rows": Kind(500, 300, 40_000, split="user", drift=0.2),
    "few rows": Kind(40, 40, 900),
    "tiny": Kind(12, 12, 100, tested=0.3),
    "95 % fives": Kind(mean=5.6, noise=0.5, of_user=0.25, of_item=0.2, taste=0.1),
    "nothing to predict": Kind(taste=0.0, of_user=0.0, of_item=0.0),
    "users alone differ": Kind(taste=0.0, of_user=0.7, of_item=0.0),
    "half stars": Kind(scale=(0.5, 5, 0.5)),
    "repeated pairs": Kind(repeated=0.3),
    "a few repeated pairs": Kind(repeated=0.002, split="user"),
    "0 to 100": Kind(scale=(0, 100, 1), noise=0.5),
    "strong taste": Kind(taste=1.0, noise=0.7, split="user"),
    "one row per user": Kind(rows=8_000, split="user", tested=0.01),
}


@dataclass(frozen=True)
class Ratings:
    """(n,) columns; `tested` is bool, `expected` the rating without its noise."""

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    time: np.ndarray
    tested: np.ndarray
    expected: np.ndarray

    def evidence(self, predicted: np.ndarray, timed: bool = False, **more: object) -> Evidence:
        """Predictions of the tested rows, as the audit reads them."""
        test, past = self.tested, ~self.tested
        scale = float(self.rating[past].min()), float(self.rating[past].max())
        time = self.time if timed else None
        found = Predictions(
            self.user[test], self.item[test], self.rating[test], predicted, scale, None if time is None else time[test]
        )
        train = self.user[past], self.item[past], self.rating[past]
        return Evidence(found, train, train_time=None if time is None else time[past], **more)  # type: ignore[arg-type]


def simulated(kind: Kind, rng: np.random.Generator) -> Ratings:
    """Ratings of one kind."""
    user, item = _pairs(kind, rng)
    time = rng.integers(0, 10**7, len(user))
    rank, count = _rank_in_user(user, time)
    of_user, of_item = rng.normal(0, kind.of_user, kind.users), rng.normal(0, kind.of_item, kind.items)
    factors = [rng.normal(0, (kind.taste / 3**0.5) ** 0.5, (size, 3)) for size in (kind.users, kind.items)]
    change = rng.normal(0, kind.drift, kind.users)[user] * (2 * rank / np.maximum(count - 1, 1) - 1)
    stars = kind.mean + of_user[user] + of_item[item] + (factors[0][user] * factors[1][item]).sum(1) + change
    low, high, step = kind.scale
    expected = low + (stars - 1) * (high - low) / 4
    noisy = expected + rng.normal(0, kind.noise * (high - low) / 4, len(user))
    rating = (low + np.round((noisy - low) / step) * step).clip(low, high)
    return Ratings(user, item, rating, time, _tested(kind, rank, count, time, rng), expected.clip(low, high))


def _pairs(kind: Kind, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    activity, popularity = rng.gamma(1.0, 1.0, kind.users) + 0.1, rng.gamma(0.7, 1.0, kind.items) + 0.05
    user = rng.choice(kind.users, kind.rows, p=activity / activity.sum())
    item = rng.choice(kind.items, kind.rows, p=popularity / popularity.sum())
    kept = np.unique(user * kind.items + item, return_index=True)[1]
    kept = np.concatenate((kept, rng.choice(kept, int(kind.repeated * len(kept)))))
    return user[kept], item[kept]


def _rank_in_user(user: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) place of each row among its user's in time, and (n,) rows of its user."""
    order, count = np.lexsort((time, user)), np.bincount(user)
    rank = np.empty(len(user))
    rank[order] = np.arange(len(user)) - np.repeat(np.cumsum(count) - count, count)
    return rank, count[user]


def _tested(kind: Kind, rank: np.ndarray, count: np.ndarray, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if kind.split == "user":
        return rank >= count - np.ceil(count * kind.tested)
    score = time if kind.split == "time" else rng.permutation(len(time))
    return score >= np.quantile(score, 1 - kind.tested)


def effects(data: Ratings, rows: np.ndarray, of_user: float, of_item: float, weight: np.ndarray | None = None) -> tuple:
    """Mean, user effects and item effects of some rows, shrunken by the two strengths."""
    user, item, rating = data.user[rows], data.item[rows], data.rating[rows]
    weight = np.ones(len(rating)) if weight is None else weight[rows]
    mean, users, items = (
        np.average(rating, weights=weight),
        np.zeros(data.user.max() + 1),
        np.zeros(data.item.max() + 1),
    )
    for _ in range(8):
        total = np.bincount(item, weight * (rating - mean - users[user]), len(items))
        items = total / (np.bincount(item, weight, len(items)) + of_item + 1e-9)
        total = np.bincount(user, weight * (rating - mean - items[item]), len(users))
        users = total / (np.bincount(user, weight, len(users)) + of_user + 1e-9)
    return mean, users, items


def biased(data: Ratings, rows: np.ndarray, of_user: float = 15, of_item: float = 10, **more: np.ndarray) -> np.ndarray:
    """Predictions of the tested rows from the effects of some rows."""
    mean, users, items = effects(data, rows, of_user, of_item, **more)
    return mean + users[data.user[data.tested]] + items[data.item[data.tested]]


def factorised(data: Ratings, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Predictions of the tested rows by four factors from alternating least squares on the training rows."""
    past = ~data.tested
    mean, users, items = effects(data, past, 15, 10)
    ids = data.user[past], data.item[past]
    rest = data.rating[past] - mean - users[ids[0]] - items[ids[1]]
    factors = [rng.normal(0, 0.1, (len(effect), 4)) for effect in (users, items)]
    for sweep in range(10):
        own, other = sweep % 2, factors[1 - sweep % 2][ids[1 - sweep % 2]]
        gram, right = np.zeros((len(factors[own]), 4, 4)), np.zeros((len(factors[own]), 4))
        np.add.at(gram, ids[own], other[:, :, None] * other[:, None, :])
        np.add.at(right, ids[own], other * rest[:, None])
        factors[own] = np.linalg.solve(gram + strength * np.eye(4), right[:, :, None])[:, :, 0]
    user, item = data.user[data.tested], data.item[data.tested]
    return mean + users[user] + items[item] + (factors[0][user] * factors[1][item]).sum(1)


def honest_predictors(data: Ratings, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """Name and predictions of models that have seen the training rows alone; the last is half of what can be known."""
    past, user, item = ~data.tested, data.user[data.tested], data.item[data.tested]
    mean, usual = data.rating[past].mean(), biased(data, past)
    yield "global mean", np.full(len(user), mean)
    yield "item mean", biased(data, past, 1e9, 2)
    yield "user mean", biased(data, past, 2, 1e9)
    yield "user-item bias", usual
    yield "means, not shrunken", biased(data, past, 0, 0)
    yield "strongly shrunken", biased(data, past, 100, 60)
    yield "half of the rows", biased(data, past & ((np.cumsum(past) % 2 == 0) | (np.cumsum(past) < 3)))
    yield "recent rows", biased(data, past, 5, 5, weight=np.exp((data.time - data.time.max()) / 2e6))
    for strength in (0.5, 8.0, 40.0):
        yield f"factors, strength {strength:g}", factorised(data, strength, rng)
    noise = rng.normal(0, 0.02, data.user.max() + 1)[user] + rng.normal(0, 0.02, data.item.max() + 1)[item]
    yield "barely trained", mean + noise + 0.1 * (usual - mean)
    yield "half of what can be known", (usual + data.expected[data.tested]) / 2
