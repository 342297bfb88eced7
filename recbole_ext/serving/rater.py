"""A rating model that answers: ratings of pairs, as the run predicted them where they are rows of the run."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from recbole.data.interaction import Interaction

from recbole_ext.errors import DataError, UsageError
from recbole_ext.serving.given_columns import GivenTimes, given_tokens, ids_of
from recbole_ext.serving.known_rows import SPLITS, find_rows
from recbole_ext.serving.load import LoadedRun, finished_config, load_run
from recbole_ext.tasks.ratings.batches import RatingEvalLoader, RatingSampleLoader
from recbole_ext.tasks.registered import task_of

_ROWS_AT_ONCE = 16384
_SECONDS = GivenTimes()


class Rater:
    """A trained rating model that answers.

    Args:
        loaded: a run of HybridVAE, opened.
    """

    def __init__(self, loaded: LoadedRun) -> None:
        self.config, self.data, self.model = loaded.config, loaded.train, loaded.model
        every = torch.arange(len(self.data))
        of_splits = {"test": loaded.loaders.test, "valid": loaded.loaders.valid}
        of_splits["train"] = RatingSampleLoader(self.config, self.data, every)
        self.loaders = [loader for name in SPLITS if (loader := of_splits[name]) is not None]

    @property
    def names(self) -> dict[str, str]:
        """The data set's name of a column -> the name under which files have it."""
        fields = {"user_id": "USER_ID", "item_id": "ITEM_ID", "rating": "RATING", "timestamp": "TIME"}
        return {self.config[f"{field}_FIELD"]: name for name, field in fields.items()}

    def fold_in(self, history: pd.DataFrame, times: GivenTimes = _SECONDS) -> None:
        """Take ratings of a new user, who is the unknown user from now on; no weight is trained.

        Args:
            history: item_id, rating and perhaps timestamp.
            times: what the timestamps count.

        Raises:
            DataError: no rating is of a known item, one is off the scale, or a row has no time.
            UsageError: the architecture sees no other ratings.
        """
        table = self.model.table
        if self.config["architecture"] != "sets":
            raise UsageError("architecture pairwise does not use other ratings; train with --architecture=sets")
        low, high = table.scale
        off = history["rating"][(history["rating"] < low) | (history["rating"] > high)]
        if len(off):
            raise DataError(f"the history holds a rating of {off.iloc[0]:g}; the scale is {low:g} to {high:g}")
        items = self._ids(table.item, history["item_id"])
        if not (items > 0).any():
            raise DataError("the history holds no item of the training split")
        moments = times.seconds(history["timestamp"]) if "timestamp" in history else None
        kept = items > 0
        ratings = history["rating"].to_numpy(dtype=float)[kept]
        table.fold_in(items[kept], ratings, None if moments is None else moments[kept])

    def _ids(self, field: str, tokens: Any) -> np.ndarray:
        """(n,) ids; 0 for those not in the training split."""
        return ids_of(given_tokens(tokens), self.data.field2token_id[field])

    @torch.no_grad()
    def rate(self, pairs: pd.DataFrame, times: GivenTimes = _SECONDS) -> pd.DataFrame:
        """The pairs with `prediction` (clipped to the scale) and `std`, neither of them rounded.

        A pair that is a row of the run's splits gets what the run computes for that row: for a tested or validation
        row what its evaluation did, to the bit; for a training row what training sees, which leaves its own rating
        out. See `find_rows` for which row a pair is; without `timestamp`, user and item decide. Any other pair is
        predicted like a tested row: from all training ratings, at its time where it has one. An unknown user is one
        without ratings, or has the history that `fold_in` took; an unknown item is one that no one has rated.

        Args:
            pairs: user_id, item_id and perhaps timestamp.
            times: what the timestamps count.

        Raises:
            DataError: there are times, and a row has none, or one in another unit.
        """
        table = self.model.table
        columns = {table.user: self._ids(table.user, pairs["user_id"])}
        columns[table.item] = self._ids(table.item, pairs["item_id"])
        if "timestamp" in pairs and table.time in self.loaders[0].columns:
            columns[table.time] = times.seconds(pairs["timestamp"])
        keys = [tuple(loader.columns[name].numpy() for name in columns) for loader in self.loaders]
        split, place = find_rows(keys, tuple(columns.values()))
        found = np.empty((2, len(pairs)))
        for number, loader in enumerate(self.loaders):
            rows = np.flatnonzero(split == number)
            found[:, rows] = self._of_split(loader, place[rows])
        new = np.flatnonzero(split < 0)
        found[:, new] = self._of_new({name: torch.from_numpy(column[new]) for name, column in columns.items()})
        return pairs.assign(prediction=found[0], std=found[1])

    def _of_split(self, loader: RatingEvalLoader, places: np.ndarray) -> np.ndarray:
        """Prediction and std of rows of a split, from the batches of its evaluation: (2, n)."""
        wanted = torch.zeros(loader.n_rows, dtype=torch.bool)
        wanted[torch.from_numpy(places)] = True
        found = np.empty((2, loader.n_rows))
        for rows, batch in loader.batches_with(wanted):
            found[:, rows.numpy()] = self._predicted(batch)
        return found[:, places]

    def _of_new(self, columns: dict[str, torch.Tensor]) -> np.ndarray:
        """Prediction and std of pairs that are no rows of the run: (2, n)."""
        rows = Interaction(columns)
        starts = range(0, len(rows), _ROWS_AT_ONCE)
        parts = [self._predicted(rows[slice(start, start + _ROWS_AT_ONCE)]) for start in starts]
        return np.concatenate(parts, axis=1) if parts else np.empty((2, 0))

    def _predicted(self, batch: Any) -> np.ndarray:
        batch = batch.to(self.config["device"])
        return torch.stack([self.model.predict(batch), self.model.variance(batch).sqrt()]).double().cpu().numpy()

    def everything(self) -> pd.DataFrame:
        """A pair of the unknown user with each item of the training split."""
        tokens = self.data.field2id_token[self.model.table.item][1:]
        return pd.DataFrame({"user_id": "-", "item_id": tokens})


def open_rater(run: Path, data_path: str | None = None, device: str | None = None) -> Rater:
    """A run's model, ready to rate.

    Args:
        run: the directory of a finished run of HybridVAE.
        data_path: raw data, which must be the run's; None: the data that the run stored.
        device: where to compute; None: where the run did, or on the best device here if that one is not.

    Raises:
        UsageError: the run is none of a rating model, or has no checkpoint.
        DataError: the data is not what it was trained on.
    """
    config = finished_config(run, data_path, device)
    if "rate" not in task_of(config.entry).answers:
        raise UsageError(f"--run={run}: {config.model} predicts no ratings; take a run of HybridVAE")
    return Rater(load_run(run, config, raw=data_path is not None))


def together(rated: list[pd.DataFrame]) -> pd.DataFrame:
    """The mean of several models' predictions of the same pairs; `std` is that of their mixture."""
    if len(rated) == 1:
        return rated[0]
    means, stds = (np.stack([each[name].to_numpy() for each in rated]) for name in ("prediction", "std"))
    spread = np.sqrt((stds**2).mean(0) + means.var(0))
    return rated[0].assign(prediction=means.mean(0), std=spread)
