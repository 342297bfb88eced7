"""A made log without drift: users and items by a power law, ratings, and times that are uniform over 300 days."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

START = 1_000_000_000
DAY = 86400
DAYS = 300
HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"


@dataclass
class Log:
    """(rows,) int64 arrays in the order of time."""

    users: np.ndarray
    items: np.ndarray
    ratings: np.ndarray
    times: np.ndarray

    def write(self, folder: Path, order: np.ndarray | None = None, header: str = HEADER) -> Path:
        """`<folder>/<name>.inter` and a table with three genres; returns the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        rows = np.arange(len(self.users)) if order is None else order
        columns = (self.users[rows], self.items[rows], self.ratings[rows], self.times[rows])
        lines = ["\t".join(map(str, row)) for row in zip(*(column.tolist() for column in columns), strict=True)]
        (folder / f"{folder.name}.inter").write_text("\n".join([header, *lines]) + "\n")
        genres = ["Action Drama", "Drama", "Comedy"]
        items = [f"{item}\t{genres[item % 3]}" for item in np.unique(self.items).tolist()]
        (folder / f"{folder.name}.item").write_text("\n".join(["item_id:token\tgenre:token_seq", *items]) + "\n")
        return folder

    def cut(self, at: int) -> tuple["Log", "Log"]:
        """The rows before and from a time on."""
        past = self.times < at
        sides = [Log(*(column[side] for column in vars(self).values())) for side in (past, ~past)]
        return sides[0], sides[1]


def made_log(rows: int = 12_000, users: int = 300, items: int = 400, seed: int = 1) -> Log:
    """Rows in the order of time."""
    random = np.random.default_rng(seed)

    def ids(size: int) -> np.ndarray:
        chances = 1 / np.arange(10, size + 10)
        return random.choice(size, rows, p=chances / chances.sum()) + 1

    times = np.sort(random.integers(START, START + DAYS * DAY, rows))
    return Log(ids(users), ids(items), random.choice([1, 2, 3, 4, 5], rows, p=[0.05, 0.1, 0.25, 0.35, 0.25]), times)
