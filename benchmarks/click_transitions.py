"""What counted transitions know of rows with histories (P5): is it the order, the neighborhood in time, or the taste?

    python -m benchmarks.click_transitions --sample DIR/ml-1m-matched --log DIR/ml-1m [--vectors FILE.npy]

Counts of item pairs come from all events of the log up to the last training row: a pair (a, b) that is k events apart
counts 1 / k, k = 1 to 10. A row's score is the mean over the last events e of its history, weighted by .8 per event
back, of log (counts of (e, candidate) + .1) - log (events of e + 10) - log (events of the candidate + 10). Printed is
the AUC on validation and test. With --vectors the items get vectors of the same counts, for `item_vectors`: the 32
largest singular vectors of the positive pointwise mutual information of pairs in either order.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from benchmarks.command import execute, require_file
from recbole_ext.evaluation.click_metrics import auc

REACH, DECAY, WIDTH = 10, 0.8, 32


def rows_of(folder: Path, part: str) -> pl.DataFrame:
    """`item_id`, `timestamp`, `label` and `item_id_list` of a split, all numbers."""
    table = pl.read_csv(require_file(folder / f"{folder.name}.{part}.inter"), separator="\t", infer_schema=False)
    table.columns = [name.partition(":")[0] for name in table.columns]
    numbers = [pl.col(name).cast(pl.Int64) for name in ("item_id", "timestamp", "label")]
    return table.select(*numbers, pl.col("item_id_list").str.split(" ").cast(pl.List(pl.Int64)))


def transitions(user: np.ndarray, item: np.ndarray, n_items: int) -> csr_matrix:
    """Counts of pairs (earlier, later) in the order of user and time: (n,), (n,) -> (n_items, n_items)."""
    counts = csr_matrix((n_items, n_items))
    for apart in range(1, REACH + 1):
        same = user[apart:] == user[:-apart]
        pairs = (item[:-apart][same], item[apart:][same])
        counts = counts + csr_matrix((np.full(same.sum(), 1 / apart), pairs), (n_items, n_items))
    return counts.tocsr()


def scores(rows: pl.DataFrame, counts: csr_matrix, popularity: np.ndarray, last: int) -> np.ndarray:
    """One score per row from the last events of its history."""
    found = []
    for candidate, history in zip(rows["item_id"], rows["item_id_list"], strict=True):
        events = history.to_numpy()[-last:]
        weights = DECAY ** np.arange(len(events))[::-1]
        pairs = np.log(counts[events, candidate].toarray().ravel() + 0.1)
        expected = np.log(popularity[events] + 10) + np.log(popularity[candidate] + 10)
        found.append(np.average(pairs - expected, weights=weights))
    return np.array(found)


def vectors(counts: csr_matrix, width: int = WIDTH) -> np.ndarray:
    """U sqrt(S) of the positive pointwise mutual information: (n, n) symmetric counts -> (n, width) float32."""
    pairs, sums = counts.tocoo(), np.asarray(counts.sum(0)).ravel() + 1
    information = np.log(pairs.data * counts.sum() / (sums[pairs.row] * sums[pairs.col]))
    kept = information > 0
    positive = csr_matrix((information[kept], (pairs.row[kept], pairs.col[kept])), counts.shape)
    left, strength, _ = svds(positive, width, random_state=0)
    return (left * np.sqrt(strength)).astype(np.float32)


def write_vectors(file: Path, counts: csr_matrix, popularity: np.ndarray) -> None:
    """Vectors of all items with events, of standard deviation 1, and their ids in `FILE.ids`."""
    ids = np.flatnonzero(popularity)
    found = vectors(counts)[ids]
    np.save(file, found / found.std())
    file.with_suffix(".ids").write_text("\n".join(map(str, ids)) + "\n")


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=Path, required=True, help="folder of the sampled rows")
    parser.add_argument("--log", type=Path, required=True, help="folder of the log that they were sampled from")
    parser.add_argument("--vectors", type=Path, help="write vectors of items to this .npy file")
    options = parser.parse_args()
    train, valid, test = (rows_of(options.sample, part) for part in ("train", "valid", "test"))
    file = require_file(options.log / f"{options.log.name}.inter")
    log = pl.read_csv(file, separator="\t", infer_schema_length=1000)
    log.columns = [name.partition(":")[0] for name in log.columns]
    n_items = int(log["item_id"].max()) + 1  # type: ignore[arg-type]
    log = log.filter(pl.col("timestamp") <= train["timestamp"].max()).sort("user_id", "timestamp", maintain_order=True)
    user, item = log["user_id"].to_numpy(), log["item_id"].to_numpy()
    ahead, popularity = transitions(user, item, n_items), np.bincount(item, minlength=n_items)
    if options.vectors:
        write_vectors(options.vectors, (ahead + ahead.T).tocsr(), popularity)
    touched = csr_matrix((np.ones(len(user)), (user, item)))
    together = (touched.T @ touched).tocsr()
    kinds = {
        "later, last event": (ahead, 1),
        "later, last 10": (ahead, 10),
        "earlier, last 10": (ahead.T.tocsr(), 10),
        "either, last 10": ((ahead + ahead.T).tocsr(), 10),
        "same user, last 10": (together, 10),
        "same user, last 200": (together, 200),
    }
    print(f"{'candidate is':24}{'valid':>8}{'test':>8}")
    for name, (counts, last) in kinds.items():
        aucs = [auc(rows["label"].to_numpy(), scores(rows, counts, popularity, last)) for rows in (valid, test)]
        print(f"{name:24}" + "".join(f"{value:8.4f}" for value in aucs), flush=True)


if __name__ == "__main__":
    execute(main)
