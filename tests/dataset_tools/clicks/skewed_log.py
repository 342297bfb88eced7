"""A log of films with genres, ratings and ties in time, whose popularity is skewed."""

from pathlib import Path

import numpy as np
import polars as pl

GENRES = ("Action", "Action War", "Comedy", "Comedy Drama", "Drama", "")
N_ITEMS = 60


def genre(item: int) -> str:
    return GENRES[item % len(GENRES)]


def films(n_users: int = 120, seed: int = 0) -> pl.DataFrame:
    """Each user meets a film once; popular films far more often, and later films only from half of the time on."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, N_ITEMS + 1)
    rows = []
    for user in range(1, n_users + 1):
        length = int(rng.integers(3, 40))
        times = np.sort(rng.integers(0, 60, length)) // 2 + 100 * int(rng.integers(n_users))
        items = rng.choice(N_ITEMS, length, replace=False, p=weights / weights.sum()) + 1
        rows += [(user, int(i), int(rng.integers(1, 6)), int(t)) for i, t in zip(items, times, strict=True)]
    return pl.DataFrame(rows, schema=["user_id", "item_id", "rating", "timestamp"], orient="row")


def write(folder: Path, table: pl.DataFrame, items: bool = True) -> Path:
    """`<folder>/films` as a converted data set."""
    target = folder / "films"
    target.mkdir(parents=True)
    header = "\t".join(f"{name}:{'token' if name.endswith('_id') else 'float'}" for name in table.columns)
    (target / "films.inter").write_text(header + "\n" + table.write_csv(separator="\t", include_header=False))
    if items:
        lines = "".join(f"{i}\t{genre(i)}\n" for i in range(1, N_ITEMS + 1))
        (target / "films.item").write_text("item_id:token\tgenre:token_seq\n" + lines)
    return target


def parts(folder: Path) -> list[pl.DataFrame]:
    """The three splits of a written sample, lists as lists."""
    found = []
    for part in ("train", "valid", "test"):
        table = pl.read_csv(folder / f"{folder.name}.{part}.inter", separator="\t", infer_schema=False)
        table.columns = [name.partition(":")[0] for name in table.columns]
        found.append(
            table.with_columns(
                pl.col("user_id", "item_id", "timestamp", "label").cast(pl.Int64),
                pl.col("item_id_list", "age_list").str.split(" ").cast(pl.List(pl.Int64)),
                pl.col("behavior_list").str.split(" "),
            )
        )
    return found
