"""`metric-audit` and `rate`: files of predictions that are looked at, and files of pairs that are predicted."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import torch
from recbole.data.interaction import Interaction

from recbole_ext.data.dataset import create_dataset
from recbole_ext.data.loaders import build_loaders
from recbole_ext.data.ratings import rates
from recbole_ext.errors import DataError, UsageError, nearest
from recbole_ext.evaluation.audit_evidence import Evidence
from recbole_ext.evaluation.metric_audit import audit_lines, metric_audit
from recbole_ext.evaluation.ratings import Predictions
from recbole_ext.finished_run import best_model, finished_config
from recbole_ext.training.checkpoint import write_atomically

_ROWS_AT_ONCE = 16384
_OPTIONS = {"metric-audit": ("train", "reported", "dataset"), "rate": ("run", "pairs", "history", "output")}


def read_columns(path: Path, needed: list[str]) -> pd.DataFrame:
    """A tab- or comma-separated file with a header, `user_id` or `user_id:token`; ids stay text.

    Raises:
        DataError: the file cannot be read, or a column or a number is missing.
    """
    try:
        separator = "\t" if "\t" in path.read_text(encoding="utf-8").partition("\n")[0] else ","
        table = pl.read_csv(path, separator=separator, infer_schema=False)
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {path}: {error}") from None
    table = table.rename({name: name.partition(":")[0] for name in table.columns})
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DataError(f"{path}: the column {missing[0]!r} is missing; the header has {', '.join(table.columns)}")
    frame = pd.DataFrame({name: table[name].to_list() for name in table.columns})
    for name in ("rating", "prediction", "timestamp"):
        if name in frame:
            numbers = pd.to_numeric(frame[name], errors="coerce")
            bad = np.flatnonzero(~np.isfinite(numbers.to_numpy(dtype=float)))
            if len(bad):
                raise DataError(f"{path}:{bad[0] + 2}: {name} {frame[name][bad[0]]!r} is not a finite number")
            frame[name] = numbers
    return frame


def audit_files(predictions: Path, train: Path | None, reported: dict[str, float], dataset: str) -> dict[str, Any]:
    """`metric_audit` of a file with user_id, item_id, rating and prediction.

    Args:
        predictions: the file.
        train: file of the training rows with user_id, item_id and rating, for the checks that need them.
        reported: numbers that were printed for it.
        dataset: its name.

    Raises:
        DataError: a file is not readable.
    """
    rows = read_columns(predictions, ["user_id", "item_id", "rating", "prediction"])
    known = read_columns(train, ["user_id", "item_id", "rating"]) if train else rows[:0]
    user, item = (_numbered(known[name], rows[name]) for name in ("user_id", "item_id"))
    ratings = known["rating"] if train else rows["rating"]
    scale = (float(ratings.min()), float(ratings.max()))
    truth, predicted = (rows[name].to_numpy(dtype=float) for name in ("rating", "prediction"))
    n = len(known)
    found = Predictions(user[n:], item[n:], truth, predicted, scale)
    past = (user[:n], item[:n], known["rating"].to_numpy(dtype=float)) if train else None
    return metric_audit(Evidence(found, past, reported, dataset))


def _numbered(first: pd.Series, second: pd.Series) -> np.ndarray:
    return pd.factorize(pd.concat([first, second]).astype(str))[0]


class Rater:
    """A trained rating model that answers.

    Args:
        run: the directory of a finished run of HybridVAE.

    Raises:
        UsageError: the run is none of a rating model, or has no checkpoint.
    """

    def __init__(self, run: Path) -> None:
        self.config = finished_config(run)
        if not rates(self.config):
            raise UsageError(f"--run={run}: {self.config.model} predicts no ratings; take a run of HybridVAE")
        self.data = build_loaders(self.config, create_dataset(self.config)).train._dataset
        self.model = best_model(run, self.config, self.data)

    def learn_of(self, history: pd.DataFrame) -> None:
        """Take ratings of somebody new, who is the unknown user from now on; no weight is trained.

        Args:
            history: item_id, rating and perhaps timestamp (seconds).

        Raises:
            DataError: no rating is of a known item, or one lies off the scale.
            UsageError: the architecture sees no other ratings.
        """
        table = self.model.table
        if self.config["architecture"] != "sets":
            raise UsageError("architecture pairwise sees no other ratings; retrain it, or take architecture sets")
        low, high = table.scale
        off = history["rating"][(history["rating"] < low) | (history["rating"] > high)]
        if len(off):
            raise DataError(f"the history holds a rating of {off.iloc[0]:g}; the scale is {low:g} to {high:g}")
        items = self._ids(table.item, history["item_id"])
        if not (items > 0).any():
            raise DataError("the history holds no item of the training part, so it tells nothing")
        times = history["timestamp"].to_numpy(dtype=np.int64) if "timestamp" in history else None
        kept = items > 0
        ratings = history["rating"].to_numpy(dtype=float)[kept]
        table.learn_of(items[kept], ratings, None if times is None else times[kept])

    def _ids(self, field: str, tokens: Any) -> np.ndarray:
        """(n,) ids; 0 for what the training part does not know."""
        known = self.data.field2token_id[field]
        return np.array([known.get(str(token), 0) for token in tokens], dtype=np.int64)

    @torch.no_grad()
    def rate(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """The pairs with `prediction` (clipped to the scale) and `std`.

        An unknown user is rated for like somebody without ratings, or like the history that `learn_of` took; an
        unknown item like one that nobody has rated.

        Args:
            pairs: user_id, item_id and perhaps timestamp (seconds).
        """
        table = self.model.table
        columns = {table.user: self._ids(table.user, pairs["user_id"])}
        columns[table.item] = self._ids(table.item, pairs["item_id"])
        if "timestamp" in pairs:
            columns[table.time] = pairs["timestamp"].to_numpy(dtype=np.int64)
        rows = Interaction({name: torch.from_numpy(column) for name, column in columns.items()})
        parts = []
        for start in range(0, len(pairs), _ROWS_AT_ONCE):
            batch = rows[slice(start, start + _ROWS_AT_ONCE)].to(self.config["device"])
            parts.append(torch.stack([self.model.predict(batch), self.model.spread(batch).sqrt()]).cpu())
        prediction, std = torch.cat(parts, dim=1).double().numpy() if parts else np.zeros((2, 0))
        return pairs.assign(prediction=prediction.round(4), std=std.round(4))

    def everything(self) -> pd.DataFrame:
        """A pair of the unknown user with each item of the training part."""
        tokens = self.data.field2id_token[self.model.table.item][1:]
        return pd.DataFrame({"user_id": "-", "item_id": tokens})


def together(rated: list[pd.DataFrame]) -> pd.DataFrame:
    """The mean of several models' predictions of the same pairs; `std` is that of their mixture."""
    means, stds = (np.stack([each[name].to_numpy() for each in rated]) for name in ("prediction", "std"))
    spread = np.sqrt((stds**2).mean(0) + means.var(0))
    return rated[0].assign(prediction=means.mean(0).round(4), std=spread.round(4))


def rating_command(command: str, file: str, given: dict[str, Any]) -> int:
    """Carry out `metric-audit` or `rate`.

    Args:
        command: one of the two.
        file: of predictions, for `metric-audit`.
        given: options.

    Returns:
        0; 3 if the audit found a fault.

    Raises:
        UsageError: an option is unknown or missing.
        DataError: a file is not readable.
    """
    unknown = [name for name in given if name not in _OPTIONS[command]]
    if unknown:
        raise UsageError(f"{command}: unknown option --{unknown[0]}{nearest(unknown[0], _OPTIONS[command])}")
    if command == "rate":
        return _rate(given)
    if not file:
        raise UsageError("metric-audit needs a file: metric-audit predictions.tsv [--train=FILE] [--dataset=NAME]")
    reported = given.get("reported") or {}
    if not isinstance(reported, dict) or not all(isinstance(v, int | float) for v in reported.values()):
        raise UsageError(f'--reported must be a mapping of numbers, for instance "{{rmse: 0.9}}" (got {reported!r})')
    train = Path(given["train"]) if "train" in given else None
    audit = audit_files(Path(file), train, reported, given.get("dataset", ""))
    print("\n".join(audit_lines(audit)))
    return 3 if audit["findings"] else 0


def _rate(given: dict[str, Any]) -> int:
    if "run" not in given or not {"pairs", "history"} & set(given):
        raise UsageError("rate needs --run=RUN and --pairs=FILE, --history=FILE, or both")
    raters = [Rater(Path(name)) for name in given["run"].split(",")]
    if "history" in given:
        history = read_columns(Path(given["history"]), ["item_id", "rating"])
        for rater in raters:
            rater.learn_of(history)
    pairs = read_columns(Path(given["pairs"]), ["user_id", "item_id"]) if "pairs" in given else raters[0].everything()
    rated = together([rater.rate(pairs) for rater in raters])
    if "pairs" not in given:
        rated = rated.sort_values("prediction", ascending=False, kind="stable")
    text = rated.to_csv(sep="\t", index=False)
    if "output" not in given:
        print(text, end="")
        return 0
    write_atomically(Path(given["output"]), text.encode())
    print(f"{len(rated):,} pairs in {given['output']}")
    return 0
