"""Logs with a planted structure that changes, or does not, at a known moment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.conftest import write_inter

DAY = 86400
START = 1_600_000_000 // DAY * DAY
N_ITEMS = 24
Row = tuple[Any, ...]


def walks(days: int, changed: float | None, n_users: int = 60, seed: int = 0, noise: float = 0.1) -> list[Row]:
    """Each user takes one item a day: the next one on a ring, and after day `changed` the one five further."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        item = int(rng.integers(N_ITEMS))
        for day in range(days):
            step = 5 if changed is not None and day >= changed else 1
            item = int(rng.integers(N_ITEMS)) if rng.random() < noise else (item + step) % N_ITEMS
            rows.append((f"u{user}", f"i{item}", START + day * DAY + user))
    return sorted(rows, key=lambda row: row[2])


def cut(rows: list[Row], day: float) -> tuple[list[Row], list[Row]]:
    """Rows before a day and from it on; the time is the third column."""
    moment = START + int(day * DAY)
    return [row for row in rows if row[2] < moment], [row for row in rows if row[2] >= moment]


def write_file(path: Path, rows: list[Row], header: str = "user_id:token\titem_id:token\ttimestamp:float") -> Path:
    """An atomic file."""
    path.write_text("\n".join([header, *("\t".join(map(str, row)) for row in rows)]) + "\n")
    return path


def write_divided(root: Path, name: str, days: tuple[float, float], rows: list[Row], header: str = "") -> Path:
    """Files of a data set that is divided at two days, as `split` writes them; returns root."""
    write_inter(root, name, [], header)
    (root / name / f"{name}.inter").unlink()
    past, test = cut(rows, days[1])
    train, valid = cut(past, days[0])
    for part, of in (("train", train), ("valid", valid), ("test", test)):
        write_file(root / name / f"{name}.{part}.inter", of, *([header] if header else []))
    return root


SMALL: dict[str, Any] = {
    "loss_type": "CE",
    "hidden_size": 16,
    "embedding_size": 16,
    "num_layers": 1,
    "MAX_ITEM_LIST_LENGTH": 5,
    "topk": [1, 5],
    "metrics": ["Hit", "NDCG", "MRR"],
    "valid_metric": "NDCG@5",
    "epochs": 12,
    "stopping_step": 12,
    "train_batch_size": 64,
    "learning_rate": 0.01,
    "seed": 3,
    "filter_seen_items": False,
}
"""A small GRU4Rec that learns the walks."""

Measure = Callable[..., dict[str, Any]]
