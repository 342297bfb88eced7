"""One click sample per user: its last event, or a sampled item in its place, with the history before it written out.

A log of actions has no impressions, so the question "is this item the user's next one?" needs generated labels: for
each user a random bit decides between the last event (label 1) and a sampled item at the same second (label 0).
Users are sorted by the time of their sample: the first 80 % are the training split, the next 10 % the validation
split, the last 10 % the test split.

`uniform` samples all items uniformly, `popularity` the item of a random row. The AUC depends on this choice more than
on the model. Labels and samples depend on the seed alone and are stored with the data.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from dataset_tools.errors import DataError, UsageError
from dataset_tools.files.dataset_files import PARTS, whole_file
from dataset_tools.files.headers import read_header
from dataset_tools.files.publish import whole_folder
from dataset_tools.files.yaml_file import dataset_yaml
from dataset_tools.sources.label_definitions import NEGATIVES

SHARES = (0.8, 0.9)
HEADER = (
    "user_id:token",
    "item_id:token",
    "timestamp:float",
    "label:float",
    "item_id_list:token_seq",
    "behavior_list:token_seq",
    "age_list:float_seq",
)


@dataclass(frozen=True)
class SampleOptions:
    """What `sample` does; the fields are its options.

    Raises:
        UsageError: unknown negatives, or no history.
    """

    input: Path
    output: Path
    name: str = ""
    negatives: str = "uniform"
    seed: int = 2020
    history: int = 100
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.negatives not in NEGATIVES:
            raise UsageError(f"--negatives {self.negatives}: unknown; allowed: {', '.join(NEGATIVES)}.")
        if self.history < 1:
            raise UsageError(f"--history {self.history}: at least one event is needed.")

    @property
    def target(self) -> Path:
        """The folder of the result."""
        return self.output / (self.name or f"{whole_file(self.input).stem}-{self.negatives}")


def sample(options: SampleOptions) -> dict[str, Any]:
    """Write the samples of a converted log.

    Returns:
        Users, rows and clicks of each part, users left out because they have a single event, and the seed.

    Raises:
        DataError: the log has no behavior column, or too few users for three parts.
    """
    source = whole_file(options.input)
    log = _read(source)
    table = draw(log, options.negatives, options.seed, options.history)
    if len(table) < 10:
        raise DataError(f"{source}: {len(table)} users have two events or more; three parts need at least 10.")
    edges = [0, *(int(len(table) * share) for share in SHARES), len(table)]
    parts = {name: table[low:high] for name, low, high in zip(PARTS, edges, edges[1:], strict=False)}
    summary = {
        "input": source.name,
        "negatives": options.negatives,
        "seed": options.seed,
        "users_left_out": log["user_id"].n_unique() - len(table),
        "parts": {name: {"rows": len(part), "clicks": int(part["label"].sum())} for name, part in parts.items()},
    }
    with whole_folder(options.target, options.overwrite, [options.input]) as folder:
        _write(folder, options.target.name, parts, source, summary)
    return summary


def draw(log: pl.DataFrame, negatives: str, seed: int, history: int) -> pl.DataFrame:
    """One row per user with two events or more, in the order of time.

    Args:
        log: `user_id`, `item_id`, `behavior`, `timestamp`, in file order.
        negatives: `uniform` or `popularity`.
        seed: of labels and samples.
        history: events before the sample at most.

    Returns:
        The columns of `HEADER`, lists as text.
    """
    ordered = log.sort(["user_id", "timestamp"], maintain_order=True)
    before = pl.all().exclude("user_id").slice(0, pl.len() - 1).tail(history).name.suffix("_list")
    last = pl.col("item_id", "timestamp").last()
    users = ordered.group_by("user_id", maintain_order=True).agg(last, before, pl.len()).filter(pl.col("len") > 1)
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, len(users))
    pool = log["item_id"] if negatives == "popularity" else log["item_id"].unique().sort()
    item, sampled = users["item_id"].to_numpy(), pool.to_numpy()[rng.integers(0, len(pool), (8, len(users)))]
    other = np.argmax(sampled != item, axis=0)  # the first of eight samples that is another item
    ages = pl.col("timestamp") - pl.col("timestamp_list")
    return (
        users.with_columns(
            pl.Series("item_id", np.where(label == 1, item, sampled[other, np.arange(len(item))])),
            pl.Series("label", label),
            *(_joined(name) for name in ("item_id_list", "behavior_list")),
            ages.list.eval(pl.element().cast(pl.String)).list.join(" ").alias("age_list"),
        )
        .sort(["timestamp", "user_id"])
        .select([name.partition(":")[0] for name in HEADER])
    )


def _joined(name: str) -> pl.Expr:
    return pl.col(name).list.eval(pl.element().cast(pl.String)).list.join(" ")


def _read(path: Path) -> pl.DataFrame:
    fields = [found.field for found in read_header(path)]
    wanted = ("user_id", "item_id", "behavior", "timestamp")
    missing = [name for name in wanted if name not in fields]
    if missing:
        raise DataError(f"{path}: there is no column {missing[0]}; convert the log without --label.")
    types = {name: pl.Int64 if name in ("user_id", "item_id", "timestamp") else pl.String for name in fields}
    try:
        table = pl.read_csv(path, separator="\t", has_header=False, skip_lines=1, quote_char=None, schema=types)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: not read as whole numbers of users, items and seconds: {error}") from None
    return table.select(wanted)


def _write(folder: Path, name: str, parts: dict[str, pl.DataFrame], source: Path, summary: dict[str, Any]) -> None:
    for part, rows in parts.items():
        with (folder / f"{name}.{part}.inter").open("wb") as file:
            file.write(("\t".join(HEADER) + "\n").encode())
            rows.write_csv(file, include_header=False, separator="\t", quote_style="never")
    tables = {}
    items = source.with_suffix(".item")
    if items.is_file():
        shutil.copyfile(items, folder / f"{name}.item")
        tables["item"] = [found.header for found in read_header(items)]
    title = f"one sample per user of {source.name}, {summary['negatives']} negatives, seed {summary['seed']}"
    text = dataset_yaml(title, list(HEADER), tables, list(parts))
    text += "alias_of_item_id: [item_id_list]  # one numbering of items\n"
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / f"{name}.summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
