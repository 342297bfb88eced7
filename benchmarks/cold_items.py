"""Items without interactions, ranked by vectors of their titles and genres: SS4Rec with and without `item_vectors`.

    recbole-data convert ml-1m --download --output dataset
    python -m benchmarks.cold_items --data_path=dataset --output=cold --epochs=12

A tenth of the items with at least 5 rows is held out. Of each user the last row with such an item is tested, after the
rows before it with other items, of which the newest is validated; later rows, and those of other held-out items, are
left out. Users without such a row are trained on alone. Vectors are hashed bags of words (scikit-learn's
HashingVectorizer) of the columns that --text names. All items but those of the history are ranked, and the held-out
ones among themselves.

"added dropping P" drops the own vector of an item in training with probability P (`item_vectors_dropout`). --variants
names some of the models, by commas: --variants="no vectors,added,added dropping 0.5".

`content` is not learned: the cosine of an item's vector with the mean of those of the last 10 items of the history.
Intervals are 95 %, over users. Further --key=value go into the configuration of each training.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from sklearn.feature_extraction.text import HashingVectorizer

import recbole_ext as rx
from benchmarks.command import execute, further_keys, names, numbers, require_file, require_known
from benchmarks.machine import describe

LEAST_ROWS, LAST = 5, 10
VARIANTS: dict[str, dict[str, Any]] = {
    "no vectors": {},
    "added": {"item_vectors_mode": "added"},
    "added dropping 0.2": {"item_vectors_mode": "added", "item_vectors_dropout": 0.2},
    "added dropping 0.5": {"item_vectors_mode": "added", "item_vectors_dropout": 0.5},
    "projected": {"item_vectors_mode": "projected"},
    "frozen": {"item_vectors_mode": "frozen"},
    "init": {"item_vectors_mode": "init"},
}
FIXED: dict[str, Any] = {
    "benchmark_filename": ["train", "valid", "test"],
    "cold_items": False,
    "metrics": ["Hit", "NDCG"],
    "topk": [10],
    "valid_metric": "NDCG@10",
    "baselines": [],
    "show_progress": False,
}


def table(path: Path) -> pl.DataFrame:
    """An atomic file with plain names, all text."""
    read = pl.read_csv(require_file(path), separator="\t", infer_schema=False, quote_char=None)
    return read.rename({name: name.split(":")[0] for name in read.columns})


def held_out(rows: pl.DataFrame, share: float, seed: int) -> set[str]:
    """Some of the items with enough rows."""
    counts = rows.group_by("item_id").len().filter(pl.col("len") >= LEAST_ROWS).sort("item_id")
    items = counts["item_id"].to_numpy()
    return set(np.random.default_rng(seed).permutation(items)[: round(share * len(items))].tolist())


def split(rows: pl.DataFrame, cold: set[str]) -> dict[str, pl.DataFrame]:
    """Training, validation and test; see the module."""
    rows = rows.sort(pl.col("timestamp").cast(pl.Float64), maintain_order=True)
    rows = rows.with_columns(pl.col("item_id").is_in(list(cold)).alias("cold"))
    place = pl.int_range(pl.len()).over("user_id")
    rows = rows.with_columns(place.alias("place"))
    last = rows.filter("cold").group_by("user_id").agg(pl.col("place").max().alias("last"))
    rows = rows.join(last, on="user_id", how="left", maintain_order="left")
    warm = rows.filter(~pl.col("cold") & (pl.col("place") < pl.col("last").fill_null(2**62)))
    warm = warm.with_columns((pl.len() - 1 - pl.int_range(pl.len())).over("user_id").alias("from_end"))
    enough = warm.group_by("user_id").len().filter(pl.col("len") >= 3)["user_id"]
    tested = rows.filter(
        pl.col("cold") & (pl.col("place") == pl.col("last")) & pl.col("user_id").is_in(enough.implode())
    )
    valid = (pl.col("from_end") == 0) & pl.col("user_id").is_in(enough.implode())
    return {"train": warm.filter(~valid), "valid": warm.filter(valid), "test": tested}


def write(folder: Path, name: str, parts: dict[str, pl.DataFrame]) -> None:
    """Files of a data set that is cut into three."""
    folder.mkdir(parents=True, exist_ok=True)
    header = {"user_id": "user_id:token", "item_id": "item_id:token", "timestamp": "timestamp:float"}
    for part, rows in parts.items():
        rows.select(*header).rename(header).write_csv(
            folder / f"{name}.{part}.inter", separator="\t", quote_style="never"
        )


def word_vectors(items: pl.DataFrame, columns: list[str], width: int) -> np.ndarray:
    """(n, width) float32, of length 1: words of the columns, each with the name of its column before it."""
    texts = [
        " ".join(f"{name}={word}" for name in columns for word in (row[name] or "").lower().split())
        for row in items.iter_rows(named=True)
    ]
    hashed = HashingVectorizer(n_features=width, token_pattern=r"\S+", norm="l2", alternate_sign=True)
    return hashed.transform(texts).toarray().astype(np.float32)


def ranks(scores: torch.Tensor, target: torch.Tensor, among: torch.Tensor) -> torch.Tensor:
    """(n,) places from 1 of the targets among the candidates `among` (n_items,); ties count against them."""
    own = scores.gather(1, target.unsqueeze(1))
    better = (scores >= own) & among
    better.scatter_(1, target.unsqueeze(1), False)
    return better.sum(1) + 1


class Tested:
    """The test of a run: histories, targets and candidates.

    Args:
        run: finished.
        cold: ids of the items that were held out.
    """

    def __init__(self, run: Any, cold: set[str]) -> None:
        self.run, self.part = run, run.loaded.loaders.test._dataset
        self.tokens = self.part.field2id_token["item_id"]
        self.cold = torch.tensor([str(token) in cold for token in self.tokens])
        self.all = torch.arange(len(self.tokens)) > 0

    def places(self, score: Any) -> tuple[np.ndarray, np.ndarray]:
        """Places of the targets among all items that the user has not had, and among the held-out ones."""
        found: list[list[torch.Tensor]] = [[], []]
        for start in range(0, len(self.part), 256):
            rows = self.part[np.arange(start, min(start + 256, len(self.part)))]
            scores = score(rows).float()
            scores.scatter_(1, rows["item_id_list"], -torch.inf)
            for kept, among in zip(found, (self.all, self.cold), strict=True):
                kept.append(ranks(scores, rows["item_id"], among))
        whole, cold = (torch.cat(of).numpy() for of in found)
        return whole, cold

    def by_model(self, rows: Any) -> torch.Tensor:
        """Scores of the run's model (B, n_items)."""
        with torch.no_grad():
            return self.run.loaded.model.full_sort_predict(rows)

    def by_content(self, vectors: torch.Tensor) -> Any:
        """Scores by cosine with the mean of the last items' vectors (n_items, width)."""

        def score(rows: Any) -> torch.Tensor:
            items, length = rows["item_id_list"], rows["item_length"].unsqueeze(1)
            position = torch.arange(items.shape[1])
            last = (position < length) & (position >= length - LAST)
            profile = (vectors[items] * last.unsqueeze(-1)).sum(1)
            return torch.nn.functional.normalize(profile, dim=1) @ vectors.T

        return score


def line(name: str, whole: np.ndarray, cold: np.ndarray, warm: dict[str, float]) -> str:
    """One row of the table."""
    cells = []
    for places in (whole, cold):
        for values in (places <= 10, np.where(places <= 10, 1 / np.log2(places + 1), 0)):
            spread = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
            cells.append(f"{values.mean():.4f} ± {spread:.4f}")
    known = f"{warm['hit@10']:.4f} / {warm['ndcg@10']:.4f}" if warm else "-"
    return f"| {name} | {' | '.join(cells)} | {known} |"


def main() -> None:
    """Cut, train each variant, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_path", required=True)
    parser.add_argument("--dataset", default="ml-1m")
    parser.add_argument("--output", required=True, help="folder for the cut data, the vectors and the runs")
    parser.add_argument("--model", default="SS4Rec")
    parser.add_argument("--share", type=float, default=0.1, help="of the items that are held out (default: 0.1)")
    parser.add_argument("--seeds", type=numbers, default="2020", help="each holds out other items (default: 2020)")
    parser.add_argument("--text", default="movie_title,genre,release_year", help="columns of the .item file")
    parser.add_argument("--width", type=int, default=512, help="of the hashed vectors (default: 512)")
    parser.add_argument("--variants", type=names, default=",".join(VARIANTS), help=f"default: {', '.join(VARIANTS)}")
    arguments, more = parser.parse_known_args()
    require_known("--variants", arguments.variants, list(VARIANTS))
    settings = {**FIXED, **further_keys(more)}
    print(describe(), flush=True)
    for seed in arguments.seeds:
        trial(arguments, settings, seed)


def trial(arguments: argparse.Namespace, settings: dict[str, Any], seed: int) -> None:
    """One choice of held-out items, and one seed of the trainings."""
    source, root = Path(arguments.data_path) / arguments.dataset, Path(arguments.output)
    rows, items = (table(source / f"{arguments.dataset}.{kind}") for kind in ("inter", "item"))
    items = items.filter(pl.col("item_id").is_in(rows["item_id"].unique().implode()))
    cold, name = held_out(rows, arguments.share, seed), f"{arguments.dataset}-cold-{seed}"
    parts = split(rows, cold)
    write(root / name, name, parts)
    columns = arguments.text.split(",")
    hidden = int(settings.get("hidden_size", 64))
    for width in {arguments.width, hidden}:
        np.save(root / name / f"words{width}.npy", word_vectors(items, columns, width))
        (root / name / f"words{width}.ids").write_text("\n".join(items["item_id"]) + "\n", encoding="utf-8")
    counts = ", ".join(f"{part} {len(of):,}" for part, of in parts.items())
    print(f"\n{name}: {len(cold):,} of {len(items):,} items held out; rows: {counts}")
    print("| | hit@10, all | ndcg@10, all | hit@10, held out | ndcg@10, held out | validation hit@10 / ndcg@10 |")
    print("|---|--:|--:|--:|--:|--:|", flush=True)
    for number, variant in enumerate(arguments.variants):
        width = hidden if variant in ("frozen", "init") else arguments.width
        vectors = {"item_vectors": f"words{width}.npy"} if VARIANTS[variant] else {}
        own = {
            **settings,
            **VARIANTS[variant],
            **vectors,
            "seed": seed,
            "data_path": str(root),
            "runs_dir": root / "runs",
        }
        run = rx.train(arguments.model, name, **own)
        tested = Tested(run, cold)
        if not number:
            at = {str(token): place for place, token in enumerate(items["item_id"])}
            order = [at.get(str(token), -1) for token in tested.tokens]
            words = np.vstack(
                [word_vectors(items, columns, arguments.width), np.zeros((1, arguments.width), np.float32)]
            )
            print(line("content", *tested.places(tested.by_content(torch.from_numpy(words[order]))), {}), flush=True)
        print(line(variant, *tested.places(tested.by_model), run.result["valid"]), flush=True)


if __name__ == "__main__":
    execute(main)
