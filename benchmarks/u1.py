"""The split `u1` of ml-100k, made of the rows that RecBole includes.

GroupLens' `mku.sh` takes the first 20,000 rows of `u.data` for `u1.test` and the others for `u1.base`, and RecBole's
file keeps the order of `u.data`. The files are checked against known counts of the published ones: `u1.test` has 459
users up to number 462 and 1,410 items, `u1.base` 943 users and 1,650 items.

It has no validation split, for which 10 % of the rows of `u1.base` are chosen with a seed.
"""

import shutil
from pathlib import Path

import numpy as np

from recbole_ext.errors import DataError
from recbole_ext.places import RECBOLE

NAME = "ml-100k-u1"
N_TEST = 20_000
PUBLISHED = {"test": (459, 1410), "base": (943, 1650)}


def write_u1(folder: Path, seed: int = 2020) -> Path:
    """Write the data set `ml-100k-u1` in three parts.

    Args:
        folder: under which the data set's folder is made.
        seed: of the rows for validation.

    Returns:
        The folder with `ml-100k-u1.train.inter`, `.valid.inter`, `.test.inter`, and the files of users and items.

    Raises:
        DataError: the rows are not those of the published split.
    """
    source, made = RECBOLE / "dataset_example" / "ml-100k", folder / NAME
    head, *rows = (source / "ml-100k.inter").read_text().splitlines()
    parts = {"test": rows[:N_TEST], "base": rows[N_TEST:]}
    for part, published in PUBLISHED.items():
        tokens = zip(*(row.split("\t")[:2] for row in parts[part]), strict=True)
        if (found := tuple(len(set(column)) for column in tokens)) != published:
            raise DataError(f"u1.{part}: {found} users and items, the published split has {published}")
    shuffled = np.random.default_rng(seed).permutation(len(parts["base"]))
    chosen = set(shuffled[: len(shuffled) // 10].tolist())
    for name, wanted in (("train", False), ("valid", True)):
        parts[name] = [row for k, row in enumerate(parts["base"]) if (k in chosen) is wanted]
    made.mkdir(parents=True, exist_ok=True)
    for name in ("train", "valid", "test"):
        (made / f"{NAME}.{name}.inter").write_text("\n".join([head, *parts[name], ""]))
    for kind in ("user", "item"):
        shutil.copy(source / f"ml-100k.{kind}", made / f"{NAME}.{kind}")
    return made
