"""Seeded random small data sets as people's own data comes: any column names, separators, clocks, sizes and gaps."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

NAMES = {
    "user": ["user_id", "customer", "uid", "reviewer id"],
    "item": ["item_id", "product", "asin", "business_id"],
    "rating": ["rating", "stars", "overall"],
    "time": ["timestamp", "when", "unixReviewTime"],
}
KEYS = {"user": "USER_ID_FIELD", "item": "ITEM_ID_FIELD", "rating": "RATING_FIELD", "time": "TIME_FIELD"}
SEPARATORS = ["\t", "\t", "\t", ",", ";", "|"]
TOKENS = ["{}", "i{}", "{}.0", "né{}", "a b {}", "00{}"]


@dataclass
class MadeData:
    """A data set on disk and what is known about it.

    Attributes:
        name: of the data set.
        root: its `--data_path`.
        columns: role -> name of the column, of the roles that the file has.
        events: (user, item, rating, time) of each row as written, in the order of the file; None where a cell is empty.
        options: what a user with this file would have to say.
        clean: no cell is missing or of a wrong type, so that every row is an interaction.
        features: names of the item file's columns.
    """

    name: str
    root: Path
    columns: dict[str, str]
    events: list[tuple[str, str, Any, Any]]
    options: list[str]
    clean: bool = True
    features: list[str] = field(default_factory=list)


def make_data(seed: int, root: Path) -> MadeData:
    """Write a data set that depends on the seed alone."""
    rng = np.random.default_rng([seed, 1])
    name = f"made{seed}"
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    columns = _columns(rng)
    events, clean = _events(rng)
    separator = str(rng.choice(SEPARATORS))
    options = [f"--{KEYS[role]}={column}" for role, column in columns.items() if column != NAMES[role][0]]
    options += [] if separator == "\t" else [f"--field_separator={separator}"]
    kinds = {"user": "token", "item": "token", "rating": "float", "time": "float"}
    order = ("user", "item", "rating", "time")
    head = [f"{columns[role]}:{kinds[role]}" for role in order if role in columns]
    rows = [
        ["" if cell is None else str(cell) for role, cell in zip(order, event, strict=True) if role in columns]
        for event in events
    ]
    _write(rng, folder / f"{name}.inter", separator, [head, *rows])
    features = _features(rng, folder / f"{name}.item", separator, columns["item"], events)
    return MadeData(name, root, columns, events, options, clean, features)


def _columns(rng: np.random.Generator) -> dict[str, str]:
    """Which roles the file has, under which names; half of the files keep RecBole's names."""
    plain = rng.random() < 0.5
    columns = {role: names[0] if plain else str(rng.choice(names)) for role, names in NAMES.items()}
    if rng.random() < 0.1:
        del columns["rating"]
    if rng.random() < 0.08:
        del columns["time"]
    return columns


def _events(rng: np.random.Generator) -> tuple[list[tuple[str, str, Any, Any]], bool]:
    n_users, n_items = int(rng.integers(1, 13)), int(rng.integers(2, 16))
    n_rows = int(rng.integers(1, 60) * rng.integers(1, 5))
    users = [str(rng.choice(TOKENS)).format(k) for k in range(n_users)]
    items = [str(rng.choice(TOKENS)).format(k) for k in range(n_items)]
    pairs = {(int(rng.integers(n_users)), int(rng.integers(n_items))) for _ in range(n_rows)}
    chosen = sorted(pairs) if rng.random() < 0.6 else [_pair(rng, n_users, n_items) for _ in range(n_rows)]
    rng.shuffle(chosen)
    scale = _scale(rng)
    clock = _clock(rng, len(chosen))
    events = [(users[u], items[i], rng.choice(scale), time) for (u, i), time in zip(chosen, clock, strict=True)]
    if rng.random() < 0.15:
        return _with_gaps(rng, events), False
    return events, True


def _pair(rng: np.random.Generator, n_users: int, n_items: int) -> tuple[int, int]:
    return int(rng.integers(n_users)), int(rng.integers(n_items))


def _scale(rng: np.random.Generator) -> list[float]:
    return [[1, 2, 3, 4, 5], [0.5, 1, 2.5, 5], [0, 1], [5], [10, 50, 100]][int(rng.integers(5))]


def _clock(rng: np.random.Generator, n: int) -> list[Any]:
    """Times of rows: seconds with or without ties, fractions, milliseconds."""
    start, kind = 1_600_000_000, int(rng.integers(6))
    if kind == 0:
        return [start + int(k) for k in rng.integers(0, 4, n)]  # mostly ties
    if kind == 1:
        return [f"{start}.{int(k):03d}" for k in rng.integers(0, 1000, n)]
    if kind == 2 and rng.random() < 0.5:
        return [(start + 60 * k) * 1000 for k in range(n)]
    return [start + int(k) for k in rng.integers(0, 10**7, n)]


def _with_gaps(rng: np.random.Generator, events: list[tuple[str, str, Any, Any]]) -> list[tuple[str, str, Any, Any]]:
    """Empty cells, or a word in place of a number, in one row."""
    row, place = int(rng.integers(len(events))), int(rng.integers(4))
    changed: list[Any] = list(events[row])
    changed[place] = None if rng.random() < 0.5 else "n/a"
    return [*events[:row], tuple(changed), *events[row + 1 :]]  # type: ignore[list-item]


def _features(rng: np.random.Generator, path: Path, separator: str, item: str, events: list[Any]) -> list[str]:
    """An item file now and then, with features for all items or for some."""
    if rng.random() < 0.5:
        return []
    items = sorted({str(event[1]) for event in events if event[1] is not None})
    kept = items if rng.random() < 0.6 else items[: max(1, len(items) // 2)]
    words = ["Action Drama", "Comedy", "", "Drama"]
    rows = [[name, words[k % 4], f"{k % 5}.5", f"c{k % 3}"] for k, name in enumerate(kept)]
    _write(rng, path, separator, [[f"{item}:token", "genres:token_seq", "price:float", "kind:token"], *rows])
    return ["genres", "price", "kind"]


def _write(rng: np.random.Generator, path: Path, separator: str, rows: list[list[str]]) -> None:
    end = "\r\n" if rng.random() < 0.2 else "\n"
    mark = "\ufeff" if rng.random() < 0.1 else ""
    path.write_text(mark + "".join(separator.join(row) + end for row in rows), encoding="utf-8", newline="")
