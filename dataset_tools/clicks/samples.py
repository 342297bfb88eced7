"""Click samples of a log: a user's event, or another item in its place, with the history before it written out.

A log of actions has no impressions, so the question "is this item the user's next one?" needs generated labels: for
each row a random bit decides between the event (label 1) and a sampled item at the same second (label 0). There is
one row per user, its last event, or one per user and window of events (`windows.py`). Rows are sorted by time: the
first 80 % are the training split, the next 10 % the validation split, the last 10 % the test split.

`uniform` samples all items uniformly, `popularity` the item of a random row, `matched` an item of the same popularity
and attribute that is as often positive as negative (`matching.py`). The AUC depends on this choice more than on the
model. Labels and samples depend on the seed alone and are stored with the data.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from dataset_tools.clicks.log import item_values, read_log
from dataset_tools.clicks.matching import fresh, matched
from dataset_tools.clicks.windows import Log, other_items, window_rows, with_other_items, written
from dataset_tools.errors import DataError, UsageError
from dataset_tools.files.dataset_files import PARTS, whole_file
from dataset_tools.files.headers import read_header
from dataset_tools.files.publish import whole_folder
from dataset_tools.files.yaml_file import dataset_yaml
from dataset_tools.sources.label_definitions import SAMPLE_NEGATIVES

Parts = tuple[dict[str, pl.DataFrame], dict[str, Any]]
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
        UsageError: unknown negatives, windows or histories without events, or an attribute that nothing is matched by.
    """

    input: Path
    output: Path
    name: str = ""
    negatives: str = "uniform"
    seed: int = 2020
    history: int = 100
    every: int | None = None
    match: str = ""
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.negatives not in SAMPLE_NEGATIVES:
            raise UsageError(f"--negatives {self.negatives}: unknown; allowed: {', '.join(SAMPLE_NEGATIVES)}.")
        if self.history < 1:
            raise UsageError(f"--history {self.history}: at least one event is needed.")
        if self.every is not None and self.every < 2:
            raise UsageError(f"--every {self.every}: a window needs two events or more.")
        if self.match and self.negatives != "matched":
            raise UsageError(f"--match {self.match}: goes with --negatives matched (got {self.negatives}).")

    @property
    def target(self) -> Path:
        """The folder of the result."""
        return self.output / (self.name or f"{whole_file(self.input).stem}-{self.negatives}")


def sample(options: SampleOptions) -> dict[str, Any]:
    """Write the samples of a converted log.

    Returns:
        Rows and clicks of each part, users and rows left out, and the options that decided them.

    Raises:
        DataError: a column is missing, or there are too few rows for three parts.
    """
    source = whole_file(options.input)
    log = read_log(source)
    if options.every is None and options.negatives != "matched":
        parts, facts = _of_users(log, options, source)
    else:
        parts, facts = _of_windows(log, options, source)
    summary = {
        "input": source.name,
        "negatives": options.negatives,
        "seed": options.seed,
        **facts,
        "parts": {name: {"rows": len(part), "clicks": int(part["label"].sum())} for name, part in parts.items()},
    }
    with whole_folder(options.target, options.overwrite, [options.input]) as folder:
        _write(folder, options.target.name, parts, source, summary)
    return summary


def left_out(summary: dict[str, Any]) -> str:
    """Who and what a sample has no rows of."""
    users = f"{summary['users_left_out']:,} users"
    if "every" not in summary:
        return f"{users} with one event left out"
    if "match" not in summary:
        return f"{users} left out"
    return (
        f"left out: {users}; of {summary['rows_of_windows']:,} rows {summary['rows_item_seen_before']:,} with an item "
        f"that the user had had, {summary['rows_without_partner']:,} without a partner"
    )


def _of_users(log: pl.DataFrame, options: SampleOptions, source: Path) -> Parts:
    """The three parts with one row per user, and how many users are left out."""
    table = draw(log, options.negatives, options.seed, options.history)
    if len(table) < 10:
        raise DataError(f"{source}: {len(table)} users have two events or more; three parts need at least 10.")
    edges = [0, *_edges(len(table)), len(table)]
    parts = {name: table[low:high] for name, low, high in zip(PARTS, edges, edges[1:], strict=False)}
    return parts, {"users_left_out": log["user_id"].n_unique() - len(table)}


def _of_windows(table: pl.DataFrame, options: SampleOptions, source: Path) -> Parts:
    """The three parts with one row per user and window, and how many rows are left out."""
    log, rng = Log.of(table), np.random.default_rng(options.seed)
    rows = window_rows(log, options.every)
    n_windows = len(rows.event)
    facts: dict[str, Any] = {"every": options.every, "history": options.history, "rows_of_windows": n_windows}
    if options.negatives == "matched":
        rows = fresh(log, rows)
    n_rows = len(rows.event)
    part = np.searchsorted(_edges(n_rows), np.arange(n_rows), side="right")
    if options.negatives == "matched":
        values = _values(log, source, options.match) if options.match else None
        rows, part, tokens = matched(log, rows, part, values, rng)
        facts |= {"match": options.match, "rows_item_seen_before": n_windows - n_rows}
        facts |= {"rows_without_partner": n_rows - len(part), "rows_of_whole_value": int((tokens < 0).sum())}
    else:
        rows = with_other_items(log, rows, options.negatives, rng)
    counts = np.bincount(part, minlength=len(PARTS))
    if len(part) < 10 or not counts.all():
        found = ", ".join(f"{n} {name}" for n, name in zip(counts, PARTS, strict=True))
        raise DataError(f"{source}: {found} rows of {n_windows:,} windows; at least 10 are needed.{_advice(options)}")
    facts["users_left_out"] = int(log.user[-1]) + 1 - len(np.unique(log.user[rows.event]))
    text = written(log, rows, options.history).select([name.partition(":")[0] for name in HEADER])
    return {name: text.filter(pl.Series(part == number)) for number, name in enumerate(PARTS)}, facts


def _edges(n: int) -> list[int]:
    return [int(n * share) for share in SHARES]


def _advice(options: SampleOptions) -> str:
    found = ["a smaller --every"] * (options.every is not None) + ["no --match"] * bool(options.match)
    return f"\nTake {' or '.join(found)}." if found else ""


def _values(log: Log, source: Path, column: str) -> pl.Series:
    """The tokens of each item of a log, by its number; none for an item that the .item file does not have."""
    known = (
        log.names.cast(pl.String)
        .to_frame("item_id")
        .join(item_values(source, column), on="item_id", how="left", maintain_order="left")
    )
    return known["value"].fill_null([])


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
    label, names = rng.integers(0, 2, len(users)), log["item_id"].unique().sort()
    columns = {"popularity": log["item_id"], "uniform": names, "own": users["item_id"]}
    number = {key: _numbers(items, names) for key, items in columns.items()}
    other = other_items(number["own"], number[negatives], len(names), rng)
    asked = np.where(label == 1, number["own"], other)
    ages = pl.col("timestamp") - pl.col("timestamp_list")
    return (
        users.with_columns(
            names[asked].alias("item_id"),
            pl.Series("label", (asked == number["own"]).astype(np.int64)),  # a log of one item has no other one
            *(_joined(name) for name in ("item_id_list", "behavior_list")),
            ages.list.eval(pl.element().cast(pl.String)).list.join(" ").alias("age_list"),
        )
        .sort(["timestamp", "user_id"])
        .select([name.partition(":")[0] for name in HEADER])
    )


def _numbers(items: pl.Series, names: pl.Series) -> np.ndarray:
    """Places (n,) int64 of items among all, which are sorted."""
    return np.asarray(names.search_sorted(items), dtype=np.int64)


def _joined(name: str) -> pl.Expr:
    return pl.col(name).list.eval(pl.element().cast(pl.String)).list.join(" ")


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
    per = "user" if summary.get("every") is None else f"user and {summary['every']} events"
    title = f"one sample per {per} of {source.name}, {summary['negatives']} negatives, seed {summary['seed']}"
    text = dataset_yaml(title, list(HEADER), tables, list(parts))
    text += "alias_of_item_id: [item_id_list]  # one numbering of items\n"
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / f"{name}.summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
